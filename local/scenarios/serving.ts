import { execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { inSequence, once, promote, rollback, type Scenario } from './scenario.ts';
import { type Serving, type ServingSeed, seedPascalStrategy, seedServing } from './seed.ts';

/** What can come of a rollout. Each asks for the same as `challenger-wins`, of a platform that behaves otherwise. */

const START = { method: 'POST', path: 'workloads/*/replacement' };
const WEEK_MS = 7 * 24 * 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** Longer than the platform gives a candidate by itself, so that our own deadline comes first. */
const LONG_WINDOW_MS = 30 * DAY_MS;

function serve(host: EmulatedHost, seed: ServingSeed = {}): Serving {
  seedPascalStrategy(host.mlflow);
  return seedServing(host, seed);
}

/** The candidate for version 3 does what the script says. */
const scripted =
  (script: Parameters<EmulatedHost['workload']['direct']['script']>[1]) => (host: EmulatedHost) => {
    const { artifacts } = serve(host);
    host.workload.direct.script(artifacts[3] ?? '', script);
  };

export const servingScenarios: readonly Scenario[] = [
  {
    name: 'rollout-replaces',
    about: 'with a warm-up, the old version kept for a while and a new importance: replaced, then promoted',
    play: once(
      { ...promote, rollout: { warmupDurationMinutes: 2, keepOldVersionMinutes: 10 }, importance: 'high' },
      (host) => void serve(host),
    ),
  },
  {
    name: 'draft-promotes-in-place',
    about:
      'the Workload serves version 3 as a draft already: promoted where it stands, which cannot be undone',
    play: once({ ...promote, importance: 'high' }, (host) => {
      serve(host, { candidate: 'draft', candidateServed: true });
    }),
  },
  {
    name: 'adopt-in-flight',
    about: 'a replacement by the same artifact is in progress already: taken over, none is started beside it',
    play: once(promote, (host) => {
      const { workloadId, artifacts } = serve(host);
      replaceBy(host, workloadId, artifacts[3] ?? '');
      host.clock.skip(10_000);
    }),
  },
  {
    name: 'foreign-replacement',
    about: 'somebody else is rolling out another artifact: named, left alone, nothing is promoted',
    play: once(promote, (host) => {
      const { workloadId } = serve(host);
      const env = { MODEL_VERSION: 'hotfix' };
      const { id } = host.workload.direct.createArtifact({ name: 'pascal hotfix', env, locked: true });
      host.workload.direct.script(id, 'slow');
      replaceBy(host, workloadId, id);
      host.clock.skip(10_000);
    }),
  },
  {
    name: 'candidate-crash-loops',
    about:
      "the candidate's container crashes again and again: version 2 goes on serving, people are told why",
    play: once(promote, scripted('crash-loop')),
  },
  {
    name: 'candidate-never-ready',
    about: 'the candidate never becomes ready: cancelled at the deadline, version 2 goes on serving',
    async play(host, run) {
      const { rollingWindowMs } = host.workload.timings;
      host.workload.timings.rollingWindowMs = LONG_WINDOW_MS;
      scripted('never-ready')(host);
      const document = await execute(host, promote, run);
      host.workload.timings.rollingWindowMs = rollingWindowMs;
      return [document];
    },
  },
  {
    name: 'silently-dropped',
    about: 'the platform gives the replacement up without a word: noticed, version 2 goes on serving',
    play: once(promote, scripted('silently-dropped')),
  },
  {
    name: 'registry-refuses-after-switch',
    about:
      'the Workload serves version 3, then MLflow refuses the transition: the Workload goes back to version 2',
    play: once(promote, (host) => {
      serve(host);
      const body = JSON.stringify({ error_code: 'PERMISSION_DENIED', message: 'Permission denied' });
      const effect = { kind: 'answer', status: 403, body, contentType: 'application/json' } as const;
      host.mlflow.faults.add({ path: 'model-versions/transition-stage', effect });
    }),
  },
  {
    name: 'rollback-after-success',
    about: 'promoted, then taken back: the Workload serves version 2 again, and so says the registry',
    play: inSequence((host) => void serve(host), promote, rollback),
  },
  {
    name: 'artifact-derived',
    about:
      'version 3 has no artifact: derived from the one in service, locked, noted on the version, rolled out',
    play: once(promote, (host) => void serve(host, { candidate: null })),
  },
  {
    name: 'status-mismatch',
    about:
      "version 3's artifact is a draft and the Workload serves a locked one: refused before anything starts",
    play: once(promote, (host) => void serve(host, { candidate: 'draft' })),
  },
  {
    name: 'lost-answer-on-start',
    about: 'the replacement begins but the answer to its start is lost: found by looking, started once',
    play: once(promote, (host) => {
      serve(host);
      host.workload.faults.add({ ...START, times: 1, effect: { kind: 'drop', when: 'after' } });
    }),
  },
  {
    name: 'two-executions',
    about: 'two executions for one served model: one rolls out and promotes, the other is told who is busy',
    async play(host, run) {
      serve(host);
      const { promise: rolling, resolve: begun } = Promise.withResolvers<void>();
      const { promise: secondEnded, resolve: release } = Promise.withResolvers<void>();
      host.workload.faults.add({ ...START, times: 1, effect: { kind: 'hold', until: secondEnded } });
      const first = execute(host, promote, {
        ...run,
        onEvent: (event, execution) => {
          if (event.kind === 'entered' && event.state === 'ReplaceWorkload') begun();
          run.onEvent?.(event, execution);
        },
      });
      await Promise.race([rolling, first]);
      const second = await execute(host, { ...promote, requested_by: 'npm start, second execution' }, run);
      release();
      return [await first, second];
    },
  },
  {
    name: 'aborted-mid-rollout',
    about:
      'the execution is stopped from outside while the candidate starts: the clean-up starts a rollback, version 2 goes on serving',
    async play(host, run) {
      serve(host);
      let looks = 0;
      const abortAfter = (state: string) => state === 'ReplaceWorkload' && ++looks === 3;
      const documents = [await execute(host, promote, { ...run, abortAfter })];
      for (const { name, input } of host.stepFunctions.take())
        documents.push(await execute(host, input, { ...run, name }));
      return documents;
    },
  },
  {
    name: 'regretted-a-week-later',
    about: 'promoted, and taken back after a week: artifact, runtime and registry are as they were',
    async play(host, run) {
      serve(host);
      const first = await execute(host, promote, run);
      host.clock.skip(WEEK_MS);
      return [first, await execute(host, { ...rollback, reason: 'DRIFT_SEVERE' }, run)];
    },
  },
];

/** As another client of the platform would. */
function replaceBy({ workload }: EmulatedHost, workloadId: string, artifactId: string): void {
  workload.direct.perform('POST', `workloads/${workloadId}/replacement`, { artifactId, strategy: 'rolling' });
}

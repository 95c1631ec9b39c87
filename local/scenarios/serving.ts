import { execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { inSequence, once, promote, rollback, type Scenario, sweepAndTakeUp } from './scenario.ts';
import { type Serving, type ServingSeed, seedFirstServing, seedPascalStrategy, seedServing } from './seed.ts';

/** The ways a rollout can end. Each runs the input of `challenger-wins` on a platform that behaves differently. */

/** The request that starts a replacement. */
export const START = { method: 'POST', path: 'workloads/*/replacement' };
const WEEK_MS = 7 * 24 * 3_600_000;
const DAY_MS = 24 * 3_600_000;
/** Longer than the platform's own limit for a candidate, so that our deadline is reached first. */
const LONG_WINDOW_MS = 30 * DAY_MS;

/** In the older of the API's two forms, which both generations of the platform read. */
const SCALING_TO_ZERO = {
  containerGroups: [
    {
      name: 'default',
      autoscaling: {
        enabled: true,
        policies: [{ scalingMetric: 'httpRequestsConcurrency', target: 10, minCount: 0, maxCount: 2 }],
      },
      containers: [{ name: 'model', resourceAllocation: { cpu: 1, memory: 512_000_000 } }],
    },
  ],
};

/** Seeds the model, its Workload and their artifacts. */
export function serve(host: EmulatedHost, seed: ServingSeed = {}): Serving {
  seedPascalStrategy(host.mlflow);
  return seedServing(host, seed);
}

/** Sets the script of the candidate for version 3. */
const scripted =
  (script: Parameters<EmulatedHost['workload']['direct']['script']>[1]) => (host: EmulatedHost) => {
    const { artifacts } = serve(host);
    host.workload.direct.script(artifacts[3] ?? '', script);
  };

export const servingScenarios: readonly Scenario[] = [
  {
    name: 'rollout-replaces',
    about:
      'a rollout with a warm-up, a time to keep the old version and a new importance: replaced, then promoted',
    play: once(
      { ...promote, rollout: { warmupDurationMinutes: 2, keepOldVersionMinutes: 10 }, importance: 'high' },
      (host) => void serve(host),
    ),
  },
  {
    name: 'scale-to-zero',
    about:
      "the rollout brings a runtime that scales to zero: replaced, then promoted; the endpoint's first call is a cold start",
    play: once({ ...promote, rollout: { runtime: SCALING_TO_ZERO } }, (host) => void serve(host)),
  },
  {
    name: 'draft-promotes-in-place',
    about:
      'the Workload serves the first version as a draft: promoted in the registry, then locked in place, which cannot be undone',
    play: once({ ...promote, importance: 'high' }, (host) => {
      seedPascalStrategy(host.mlflow, { firstModel: true });
      seedFirstServing(host);
    }),
  },
  {
    name: 'adopt-in-flight',
    about:
      'another client starts a replacement by the same artifact just before: adopted, no second one is started',
    async play(host, run) {
      const { workloadId, artifacts } = serve(host);
      const document = await execute(host, promote, {
        ...run,
        onEvent: (event, execution) => {
          run.onEvent?.(event, execution);
          if (event.kind !== 'exited' || event.state !== 'PreparePromotion') return;
          replaceBy(host, workloadId, artifacts[3] ?? '');
          host.clock.skip(10_000);
        },
      });
      return [document];
    },
  },
  {
    name: 'foreign-replacement',
    about:
      'another client is rolling out a different artifact: reported and left unchanged, nothing is promoted',
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
    about: "the candidate's container crashes repeatedly: version 2 keeps serving, the alert names the cause",
    play: once(promote, scripted('crash-loop')),
  },
  {
    name: 'candidate-never-ready',
    about: 'the candidate never becomes ready: cancelled at the deadline, version 2 keeps serving',
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
    about: 'the platform drops the replacement without reporting an error: detected, version 2 keeps serving',
    play: once(promote, scripted('silently-dropped')),
  },
  {
    name: 'registry-refuses-after-switch',
    about:
      'the Workload serves version 3, then MLflow rejects the stage transition: the Workload is rolled back to version 2',
    play: once(promote, (host) => {
      serve(host);
      const body = JSON.stringify({ error_code: 'PERMISSION_DENIED', message: 'Permission denied' });
      const effect = { kind: 'answer', status: 403, body, contentType: 'application/json' } as const;
      host.mlflow.faults.add({ path: 'model-versions/transition-stage', effect });
    }),
  },
  {
    name: 'rollback-after-success',
    about: 'promoted, then rolled back: the Workload serves version 2 again, and version 2 is in Production',
    play: inSequence((host) => void serve(host), promote, rollback),
  },
  {
    name: 'artifact-derived',
    about:
      'version 3 has no artifact: derived from the one in service, locked, recorded on the version, rolled out',
    play: once(promote, (host) => void serve(host, { candidate: null })),
  },
  {
    name: 'status-mismatch',
    about:
      "version 3's artifact is a draft and the Workload serves a locked one: rejected before anything starts",
    play: once(promote, (host) => void serve(host, { candidate: 'draft' })),
  },
  {
    name: 'lost-answer-on-start',
    about:
      'the replacement starts but the response is lost: found by reading the current state, started only once',
    play: once(promote, (host) => {
      serve(host);
      host.workload.faults.add({ ...START, times: 1, effect: { kind: 'drop', when: 'after' } });
    }),
  },
  {
    name: 'two-executions',
    about:
      'two executions for one served model: one rolls out and promotes, the other ends busy and names the holder',
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
      'the execution is stopped while the candidate starts: a sweep takes its change up again, version 2 keeps serving',
    async play(host, run) {
      serve(host);
      let polls = 0;
      const abortAfter = (state: string) => state === 'ReplaceWorkload' && ++polls === 3;
      const document = await execute(host, promote, { ...run, abortAfter });
      return [document, ...(await sweepAndTakeUp(host, run, document.execution))];
    },
  },
  {
    name: 'regretted-a-week-later',
    about: 'promoted, then rolled back after a week: artifact, runtime and registry are restored',
    async play(host, run) {
      serve(host);
      const first = await execute(host, promote, run);
      host.clock.skip(WEEK_MS);
      return [first, await execute(host, { ...rollback, reason: 'DRIFT_SEVERE' }, run)];
    },
  },
];

/** Starts a replacement as another client of the platform would. */
export function replaceBy({ workload }: EmulatedHost, workloadId: string, artifactId: string): void {
  workload.direct.perform('POST', `workloads/${workloadId}/replacement`, { artifactId, strategy: 'rolling' });
}

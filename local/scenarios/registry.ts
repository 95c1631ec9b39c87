import { execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { approvalScenarios } from './approval.ts';
import { releaseScenarios } from './releases.ts';
import { retrainingScenarios } from './retraining.ts';
import { inSequence, once, promote, rollback, type Scenario, sweep } from './scenario.ts';
import { LATER_DATA, MODEL, seedPascalStrategy, seedServing } from './seed.ts';
import { servingScenarios } from './serving.ts';
import { watchScenarios } from './watch.ts';

const TRANSITION = 'model-versions/transition-stage';

const seeded = ({ mlflow }: EmulatedHost) => seedPascalStrategy(mlflow);

/** The scenarios of `npm start -- --list`: those of the registry first, then those with a Workload. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'challenger-wins',
    about:
      'version 3 is better than version 2 by the policy: rolled out on the Workload, then promoted in the registry (the default)',
    play: once({ ...promote, rollout: { warmupDurationMinutes: 1 } }, (host) => {
      seedPascalStrategy(host.mlflow);
      seedServing(host);
    }),
  },
  {
    name: 'challenger-loses',
    about: 'version 3 earns less than version 2: version 2 stays in Production',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { challengerEdge: 0.21 })),
  },
  {
    name: 'in-doubt',
    about:
      'version 3 earns more than version 2, but not by more than chance explains: needs investigation, version 2 stays in Production',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { challengerEdge: 0.33 })),
  },
  {
    name: 'investigate',
    about: 'the two versions were evaluated on different data: needs investigation',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { challengerData: LATER_DATA })),
  },
  {
    name: 'first-model',
    about: 'no version is in Production yet: checked against the absolute limits only, promoted',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { firstModel: true })),
  },
  {
    name: 'already-promoted',
    about: 'the requested version is already the champion: nothing is written, no notification is sent',
    play: once({ ...promote, challenger_version: '2' }, ({ mlflow }) => seedPascalStrategy(mlflow)),
  },
  {
    name: 'no-staging-version',
    about: 'no version is in Staging: needs investigation',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { noStaging: true })),
  },
  {
    name: 'mlflow-down',
    about: 'MLflow answers every request with 503: failed, an alert is sent',
    play: once(promote, ({ mlflow }) => {
      seedPascalStrategy(mlflow);
      mlflow.faults.add({
        path: '*',
        effect: { kind: 'answer', status: 503, body: 'upstream connect error', contentType: 'text/plain' },
      });
    }),
  },
  {
    name: 'lost-answer',
    about:
      'the stage transition succeeds but its response is lost: resolved by reading the current state, promoted',
    play: once(promote, ({ mlflow }) => {
      seedPascalStrategy(mlflow);
      mlflow.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'drop', when: 'after' } });
    }),
  },
  {
    name: 'sns-down',
    about:
      'SNS rejects the alert: the promotion succeeds, the alert stays pending until the next sweep sends it',
    async play(host, run) {
      seedPascalStrategy(host.mlflow);
      host.sns.faults.add({
        path: 'Publish',
        effect: { kind: 'answer', status: 500, body: 'InternalFailure', contentType: 'text/plain' },
      });
      const document = await execute(host, promote, run);
      host.sns.faults.clear();
      const before = host.sns.published.length;
      await sweep(host, run, document.execution);
      return [{ ...document, alerts: [...document.alerts, ...host.sns.published.slice(before)] }];
    },
  },
  {
    name: 'rollback',
    about: 'version 3 is promoted, then rolled back: version 2 is in Production again',
    play: inSequence(seeded, promote, rollback),
  },
  {
    name: 'rollback-twice',
    about: 'the same rollback is requested twice: the second request is idempotent and changes nothing',
    play: inSequence(seeded, promote, rollback, rollback),
  },
  {
    name: 'contested',
    about:
      'another client moves version 1 to Production at the same moment: contested, left unchanged, an alert is sent',
    play: once(promote, ({ mlflow }) => {
      seedPascalStrategy(mlflow);
      mlflow.faults.add({
        path: TRANSITION,
        effect: {
          kind: 'then',
          run: () => mlflow.registry.transition(MODEL, '1', 'Production', { archive: true }),
        },
      });
    }),
  },
  {
    name: 'two-at-once',
    about:
      'two executions for one model: the first holds the lease and promotes, the second ends busy and names the holder',
    async play(host, run) {
      seedPascalStrategy(host.mlflow);
      const { promise: hasLease, resolve: leaseTaken } = Promise.withResolvers<void>();
      const { promise: secondEnded, resolve: release } = Promise.withResolvers<void>();
      host.mlflow.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'hold', until: secondEnded } });
      const first = execute(host, promote, {
        ...run,
        onEvent: (event, execution) => {
          if (event.kind === 'exited' && event.state === 'PreparePromotion') leaseTaken();
          run.onEvent?.(event, execution);
        },
      });
      await hasLease;
      const second = await execute(host, { ...promote, requested_by: 'npm start, second execution' }, run);
      release();
      return [await first, second];
    },
  },
  ...servingScenarios,
  ...releaseScenarios,
  ...retrainingScenarios,
  ...approvalScenarios,
  ...watchScenarios,
];

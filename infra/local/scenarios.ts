import { type ExecutionDocument, type ExecutionRun, execute } from './executions.ts';
import type { Host } from './host.ts';
import { seedPascalStrategy } from './seed.ts';

/** Named situations for `npm start -- --scenario NAME`: each ends as its name says. */
export interface Scenario {
  name: string;
  /** One line for `--list`. */
  about: string;
  /** Runs on a fresh host; answers one document for each execution, in the order in which they were started. */
  play(host: EmulatedHost, run: ExecutionRun): Promise<ExecutionDocument[]>;
}

/** A host whose MLflow is the emulator: only there can things be made to go wrong. */
export type EmulatedHost = Host & { mlflow: NonNullable<Host['mlflow']> };

const MODEL = 'PascalStrategy';
const promote = { model_name: MODEL, requested_by: 'npm start' };
const rollback = { ...promote, operation: 'rollback', reason: 'PERFORMANCE_DEGRADATION' };
const TRANSITION = 'model-versions/transition-stage';

const once =
  (input: object, prepare: (host: EmulatedHost) => void = () => {}): Scenario['play'] =>
  async (host, run) => {
    prepare(host);
    return [await execute(host, input, run)];
  };

const inTurn =
  (...inputs: object[]): Scenario['play'] =>
  async (host, run) => {
    seedPascalStrategy(host.mlflow);
    const documents: ExecutionDocument[] = [];
    for (const input of inputs) documents.push(await execute(host, input, run));
    return documents;
  };

export const scenarios: readonly Scenario[] = [
  {
    name: 'challenger-wins',
    about: 'version 3 is better than version 2 by the policy: promoted (the default)',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow)),
  },
  {
    name: 'challenger-loses',
    about: 'version 3 earns less than version 2: kept',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { challengerEdge: 0.21 })),
  },
  {
    name: 'investigate',
    about: 'the two versions were evaluated on different data: needs investigation',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { challengerDigest: 'b7d1f0c2' })),
  },
  {
    name: 'first-model',
    about: 'no version is in Production yet: floors only, promoted',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { firstModel: true })),
  },
  {
    name: 'already-promoted',
    about: 'the version asked for is the champion: nothing is written, nobody is told',
    play: once({ ...promote, challenger_version: '2' }, ({ mlflow }) => seedPascalStrategy(mlflow)),
  },
  {
    name: 'no-staging-version',
    about: 'nothing waits in Staging: needs investigation',
    play: once(promote, ({ mlflow }) => seedPascalStrategy(mlflow, { noStaging: true })),
  },
  {
    name: 'mlflow-down',
    about: 'MLflow answers 503 to everything: failed, and people are told',
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
    about: 'the transition succeeds but its answer is lost: settled by looking, promoted',
    play: once(promote, ({ mlflow }) => {
      seedPascalStrategy(mlflow);
      mlflow.faults.add({ path: TRANSITION, times: 1, effect: { kind: 'drop', when: 'after' } });
    }),
  },
  {
    name: 'sns-down',
    about: 'SNS refuses the alert: promoted all the same, the alert stays pending and a sweep sends it',
    async play(host, run) {
      seedPascalStrategy(host.mlflow);
      host.sns.faults.add({
        path: 'Publish',
        effect: { kind: 'answer', status: 500, body: 'InternalFailure', contentType: 'text/plain' },
      });
      const document = await execute(host, promote, run);
      host.sns.faults.clear();
      const before = host.sns.published.length;
      await host.functions['end-promotion']({ sweep: true });
      return [{ ...document, alerts: [...document.alerts, ...host.sns.published.slice(before)] }];
    },
  },
  {
    name: 'rollback',
    about: 'version 3 is promoted, then taken back: version 2 is in Production again',
    play: inTurn(promote, rollback),
  },
  {
    name: 'rollback-twice',
    about: 'the rollback is asked for a second time: answered, never a second step back',
    play: inTurn(promote, rollback, rollback),
  },
  {
    name: 'contested',
    about: 'somebody puts version 1 into Production at the same moment: left alone, people are told',
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
      'two executions for one model: the first has the lease and promotes, the second is told who is busy',
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
];

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionPermissions } from '../../infra/functions/permissions.ts';
import { type FunctionName, functionNames, MISSED_AFTER_MS } from '../../lambdas/domain/limits.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { callAs } from '../../local/approving.ts';
import { type ExecutionRun, execute } from '../../local/execution.ts';
import { afterWaits, type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';
import { ADA } from '../../local/scenarios/approval.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { ATTEMPT_MS, promote, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { type RecordingGateway, recordingGateway } from '../support/recording-gateway.ts';

/**
 * What each function may do, against what it does. The reviewed stack shows that the roles are made of the table of
 * permissions; here nothing is missing in that table, which would show on AWS only, and nothing is in it without a use.
 */

let gateway: RecordingGateway;
const run: ExecutionRun = { pauseMs: 0 };

beforeAll(async () => {
  gateway = await recordingGateway();
  for (const play of plays) {
    const host = await startHost({ mlflow: false, workload: false }, async ({ clock, env }) => ({
      functions: Object.fromEntries(
        await Promise.all(
          functionNames.map(async (name) => {
            const module: { handler: Handler } = await import(`../../lambdas/${name}.ts`);
            const own = gateway.environmentOf(name, {
              ...env,
              MLFLOW_REGISTRY_MODE: 'both',
              RETRAINING_STATE_MACHINE_ARN: env['STATE_MACHINE_ARN'],
            });
            return [name, afterWaits(clock, module.handler.withClock(clock, own))];
          }),
        ),
      ) as Record<FunctionName, LocalFunction>,
    }));
    if (!isEmulated(host)) throw new Error('not on emulators');
    try {
      await play(host);
    } finally {
      await host.close();
    }
  }
});
afterAll(() => gateway.close());

const scenario = (name: string) => async (host: EmulatedHost) => {
  const found = scenarios.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  await found.play(host, run);
};

/** The seeded model on its Workload, with the alias that mode `both` needs. */
function seeded(host: EmulatedHost) {
  seedPascalStrategy(host.mlflow);
  host.mlflow.registry.setAlias(MODEL, 'champion', '2');
  return seedServing(host);
}

const sweep = ({ functions }: EmulatedHost) => functions['sweep-promotions']({ sweep: true });

/** Together they take every step that touches another system. */
const plays: ((host: EmulatedHost) => Promise<unknown>)[] = [
  ...[
    'challenger-wins',
    'draft-promotes-in-place',
    'artifact-derived',
    'registry-refuses-after-switch',
    'rollback-after-success',
    'sns-down',
    'two-at-once',
    'degrades-after-release',
    'release-confirmed',
    'approval-expires',
    'investigate-let-through',
    'stopped-while-waiting',
  ].map(scenario),
  // Stopped in its rollout: the clean-up, an attempt whose own end is lost, another one, and a model moved by hand.
  async (host) => {
    seeded(host);
    let polls = 0;
    const abortAfter = (state: string) => state === 'ReplaceWorkload' && ++polls === 2;
    await execute(host, promote, { ...run, abortAfter });
    host.clock.skip(ATTEMPT_MS);
    await sweep(host);
    for (const { name } of host.stepFunctions.take()) host.stepFunctions.end(name, 'ABORTED');
    host.clock.skip(MISSED_AFTER_MS + ATTEMPT_MS);
    await sweepAndTakeUp(host, run);
    host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    host.clock.skip(2 * 3_600_000);
    await sweep(host);
  },
  // Two classifiers whose rows are looked for, and the candidates counted, for a claim; one of them registered from a logged model; then the alias of the one before.
  async (host) => {
    const { registry } = host.mlflow;
    registry.createModel('churn');
    for (const [stage, source, accuracy] of [
      ['Production', 's3://models/churn', 0.8],
      ['Staging', 'models:/m-0123456789abcdef0123456789abcdef', 0.95],
    ] as const) {
      const runId = registry.createRun({
        metrics: { accuracy },
        params: { eval_rows: '5000' },
        datasets: [{ name: 'held-out', digest: 'd1', context: 'evaluation' }],
      });
      registry.createVersion('churn', { runId, source, stage });
    }
    await execute(host, { model_name: 'churn', policy: 'refresh' }, run);
    seedPascalStrategy(host.mlflow);
    registry.setAlias(MODEL, 'previous_champion', '2');
    await execute(host, { operation: 'rollback', model_name: MODEL, target_version: '2' }, run);
  },
  // Somebody moves the old version back before the change is closed, which moves the registry again.
  async (host) => {
    seeded(host);
    const onEvent: ExecutionRun['onEvent'] = (event) => {
      if (event.kind === 'exited' && event.state === 'PromoteModel')
        host.mlflow.registry.transition(MODEL, '2', 'Production', { archive: true });
    };
    await execute(host, promote, { ...run, onEvent });
  },
  // A challenger waits; when it is forgotten, the model is retrained, and people are told from the third attempt on.
  async (host) => {
    seedPascalStrategy(host.mlflow);
    host.mlflow.registry.setModelTag(MODEL, 'promotion.drift', host.mlflow.registry.createRun({}));
    for (const hours of [0, 24 * 8, 25, 49]) {
      host.clock.skip(hours * 3_600_000);
      await host.functions['check-retraining-needed']({ model_name: MODEL });
    }
  },
  // Somebody looks what waits, and a token comes when the execution has ended.
  async (host) => {
    seedPascalStrategy(host.mlflow);
    const onApproval = async (execution: string) => {
      await callAs(host, ADA, { action: 'list' });
      await host.functions['request-approval']({ execution, request_id: 'another', task_token: 'late' });
      return undefined;
    };
    await execute(host, { ...promote, policy: 'four-eyes' }, { ...run, onApproval });
  },
  // Called directly, without a state machine.
  async (host) => {
    const { workloadId, artifacts } = seeded(host);
    await execute(host, { operation: 'adopt', model_name: MODEL }, run);
    await host.functions['promote-model']({ model_name: MODEL, new_version: '3' });
    // Of an id of its own: on this machine all calls have the same request id.
    await host.functions['model-rollback']({ model_name: MODEL, emergency: true, execution: 'by-hand' });
    const deadline = host.clock.now().toISOString();
    await host.functions['replace-workload']({
      model_name: MODEL,
      workload_id: workloadId,
      artifact_id: artifacts[2],
      deadline,
    });
  },
];

/** Calls for the report, which are sent to a server of one's own only: SageMaker keeps artifacts in S3. */
const FOR_REPORTS = ['mlflow:GetModelVersion', 'mlflow:GetRun', 'mlflow:no action'];
const reporting: readonly FunctionName[] = ['end-promotion', 'request-approval', 'sweep-promotions'];

/** What its role is given, in the words of the gateway. */
function granted(name: FunctionName): string[] {
  const {
    table,
    indexes = [],
    publish,
    executions,
    wakes,
    callers,
    retrains,
    mlflow,
    workloads,
  } = functionPermissions[name];
  return [
    ...table.map((action) => `dynamodb:${action}`),
    ...indexes.map((index) => `dynamodb:Query on ${index}`),
    ...(publish === true ? ['sns:Publish'] : []),
    ...(executions === undefined ? [] : ['states:StartExecution']),
    ...(executions === 'follows' ? ['states:ListExecutions', 'states:DescribeExecution'] : []),
    ...(wakes === undefined ? [] : ['states:SendTaskSuccess']),
    ...(wakes === 'running' ? ['states:DescribeExecution'] : []),
    ...(callers === true ? ['cloudtrail:LookupEvents'] : []),
    ...(retrains === true ? ['states:StartExecution'] : []),
    ...mlflow.map((action) => `mlflow:${action}`),
    ...(workloads === true ? ['workloads'] : []),
  ].sort();
}

describe.each(functionNames)('%s', (name) => {
  it('may do what it does', () => {
    const may = [...granted(name), ...(reporting.includes(name) ? FOR_REPORTS : [])];
    expect(gateway.actionsOf(name).filter((action) => !may.includes(action))).toEqual([]);
  });

  it('does all that it may do', () => {
    expect(granted(name).filter((action) => !gateway.actionsOf(name).includes(action))).toEqual([]);
  });

  it('touches no other items than those of its keys', () => {
    const { keys, readKeys = [] } = functionPermissions[name];
    const touched = gateway.itemsOf(name);
    expect(touched.length > 0).toBe(keys.length > 0);
    const foreign = touched.filter(
      ({ action, key }) =>
        ![...keys, ...(action === 'GetItem' ? readKeys : [])].some((prefix) => key.startsWith(prefix)),
    );
    expect(foreign).toEqual([]);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LeaseStoreUnavailable, MlflowUnavailable } from '../../lambdas/domain/errors.ts';
import type { StepFunctionName } from '../../lambdas/domain/limits.ts';
import { WorkloadApiUnavailable } from '../../lambdas/domain/serving/errors.ts';
import { notStarted, outcomeUnknown } from '../../statemachines/retry-policies.ts';
import { renderedFile } from '../../tools/render.ts';
import { play } from '../support/play.ts';
import {
  begun,
  compared,
  ended,
  platformError,
  prepared,
  promoted,
  replaced,
  rolledBack,
  rolling,
  served,
  stubFunctions,
} from '../support/stub-functions.ts';

const answers = {
  'begin-promotion': begun(),
  'compare-models': compared(),
  'prepare-promotion': prepared(),
  'replace-workload': replaced(),
  'promote-model': promoted,
  'model-rollback': rolledBack(),
  'end-promotion': ended(),
} satisfies Record<StepFunctionName, object>;

const states: [string, StepFunctionName][] = [
  ['BeginPromotion', 'begin-promotion'],
  ['CompareModels', 'compare-models'],
  ['PreparePromotion', 'prepare-promotion'],
  ['ReplaceWorkload', 'replace-workload'],
  ['PromoteModel', 'promote-model'],
  ['ModelRollback', 'model-rollback'],
  ['NotifySuccess', 'end-promotion'],
  ['NotifyOutcome', 'end-promotion'],
];

/** What brings an execution to the state; the function of the state itself is left to the test. */
const wayTo: Record<string, Parameters<typeof stubFunctions>[0]> = {
  ReplaceWorkload: { 'prepare-promotion': [served()] },
  ModelRollback: { 'begin-promotion': [begun({ operation: 'rollback' })] },
  NotifyOutcome: { 'compare-models': [compared({ decision: 'KEEP' })] },
};

const mlflow = new MlflowUnavailable('GET http://127.0.0.1:5000/: connection refused');
const table = new LeaseStoreUnavailable('UpdateItem: connection refused');
const platform = new WorkloadApiUnavailable('GET http://127.0.0.1:5001/: connection refused', {
  outcomeUnknown: false,
});

/** What each function talks to and may find away. */
const outages: Record<StepFunctionName, Error[]> = {
  'begin-promotion': [],
  'compare-models': [mlflow],
  'prepare-promotion': [mlflow, table, platform],
  'replace-workload': [table, platform],
  'promote-model': [mlflow, table],
  'model-rollback': [mlflow, table, platform],
  'end-promotion': [mlflow, table],
};

function retriesOf(functionName: StepFunctionName): { error: Error; times: number }[] {
  const away = outages[functionName];
  return [
    ...notStarted.map((name) => ({ error: platformError(name), times: 15 })),
    ...away.map((error) => ({ error, times: 4 })),
    ...outcomeUnknown.map((name) => ({ error: platformError(name), times: 2 })),
  ];
}

const cases = states.flatMap(([state, functionName]) =>
  retriesOf(functionName).map(({ error, times }) => ({
    state,
    functionName,
    error,
    times,
    name: error.name,
  })),
);

describe('each retrier', () => {
  it('has only names that are thrown here', () => {
    const { States }: { States: Record<string, { Retry?: { ErrorEquals: string[] }[] }> } = JSON.parse(
      readFileSync(renderedFile, 'utf8'),
    );
    for (const [state, { Retry = [] }] of Object.entries(States)) {
      const thrown = cases.filter((one) => one.state === state).map(({ name }) => name);
      expect(Retry.flatMap(({ ErrorEquals }) => ErrorEquals).sort()).toEqual(thrown.sort());
    }
  });

  it.each(cases)('of $state calls again after $name, $times times', async (one) => {
    const { state, functionName, error, times } = one;
    const failing = Array.from({ length: times }, () => error);
    const stubs = stubFunctions({ ...wayTo[state], [functionName]: [...failing, answers[functionName]] });
    const played = await play(stubs);

    expect(played.status).toBe('SUCCEEDED');
    expect(stubs.eventsOf(functionName)).toHaveLength(times + 1);
    expect(new Set(stubs.eventsOf(functionName).map((event) => JSON.stringify(event))).size).toBe(1);
    const retried = played.events.filter((event) => event.kind === 'retried');
    expect(retried.map(({ attempt }) => attempt)).toEqual(failing.map((_, index) => index + 1));
    expect(played.events.some((event) => event.kind === 'caught')).toBe(false);
  });

  it.each(cases)('of $state gives up on $name after $times more calls', async ({ state, error, times }) => {
    const functionName = new Map(states).get(state) ?? 'begin-promotion';
    const replies =
      functionName === 'end-promotion'
        ? [...Array.from({ length: times + 1 }, () => error), ended()]
        : [error];
    const stubs = stubFunctions({ ...wayTo[state], [functionName]: replies });
    const played = await play(stubs);

    const caught = played.events.find((event) => event.kind === 'caught');
    expect(caught).toMatchObject({ state, error: error.name });
    const failed = played.events.filter((event) => event.kind === 'failed' && event.state === state);
    expect(failed).toHaveLength(times + 1);
  });
});

describe('an error that no pause can heal', () => {
  it.each(['MlflowRefused', 'MlflowInvalidResponse', 'InvalidConfiguration', 'StaleFence', 'TypeError'])(
    'is not tried again (%s)',
    async (name) => {
      const stubs = stubFunctions({ 'promote-model': [platformError(name)] });
      await play(stubs);
      expect(stubs.eventsOf('promote-model')).toHaveLength(1);
    },
  );

  it.each(['WorkloadApiRefused', 'WorkloadApiInvalidResponse', 'WorkloadNotFound', 'MlflowUnavailable'])(
    'of the Workload API is not tried again (%s)',
    async (name) => {
      const stubs = stubFunctions({
        ...wayTo['ReplaceWorkload'],
        'replace-workload': [platformError(name)],
      });
      await play(stubs);
      expect(stubs.eventsOf('replace-workload')).toHaveLength(1);
    },
  );
});

describe('a loop', () => {
  it('has all its retries again at each step', async () => {
    const failing = [platform, platform, platform];
    const replies = [...failing, rolling(60), ...failing, rolling(60), ...failing, replaced()];
    const stubs = stubFunctions({ ...wayTo['ReplaceWorkload'], 'replace-workload': replies });
    expect((await play(stubs)).status).toBe('SUCCEEDED');
    expect(stubs.eventsOf('replace-workload')).toHaveLength(12);
  });
});

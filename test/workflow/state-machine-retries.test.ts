import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  LeaseStoreUnavailable,
  MlflowInvalidResponse,
  MlflowUnavailable,
  StateMachineUnavailable,
} from '../../lambdas/domain/errors.ts';
import { mlflowCall, type StepFunctionName, workloadCall } from '../../lambdas/domain/limits.ts';
import { WorkloadApiInvalidResponse, WorkloadApiUnavailable } from '../../lambdas/domain/serving/errors.ts';
import { notStarted, outcomeUnknown, outcomeUnknownWaiting } from '../../statemachines/retry-policies.ts';
import { renderedFile } from '../../tools/render.ts';
import { play } from '../support/play.ts';
import {
  asked,
  begun,
  closed,
  compared,
  ended,
  platformError,
  prepared,
  promoted,
  replaced,
  rolledBack,
  rolling,
  stubFunctions,
  tasks,
  wayTo,
} from '../support/stub-functions.ts';

const answers = {
  'begin-promotion': begun(),
  'compare-models': compared(),
  'request-approval': asked(),
  'prepare-promotion': prepared(),
  'replace-workload': replaced(),
  'promote-model': promoted,
  'close-promotion': closed(),
  'model-rollback': rolledBack(),
  'end-promotion': ended(),
} satisfies Record<StepFunctionName, object>;

const mlflow = [
  new MlflowUnavailable('GET http://127.0.0.1:5000/: connection refused'),
  new MlflowInvalidResponse('GET http://127.0.0.1:5000/: HTML in place of JSON'),
];
const platform = [
  new WorkloadApiUnavailable('GET http://127.0.0.1:5001/: connection refused', { outcomeUnknown: false }),
  new WorkloadApiInvalidResponse('GET http://127.0.0.1:5001/: HTML in place of JSON'),
];
const table = [new LeaseStoreUnavailable('UpdateItem: connection refused')];

/** What each function talks to, as it finds it away or answering nonsense, and how often it is then called again. */
const outages: Record<StepFunctionName, { errors: Error[]; times: number }> = {
  'begin-promotion': { errors: [], times: 0 },
  'compare-models': { errors: [...mlflow, ...table], times: 4 },
  'request-approval': { errors: [...mlflow, ...table], times: 4 },
  'prepare-promotion': { errors: [...mlflow, ...platform, ...table], times: 4 },
  'replace-workload': { errors: [...platform, ...table], times: 4 },
  'promote-model': { errors: [...mlflow, ...table], times: 4 },
  'close-promotion': { errors: [...mlflow, ...platform, ...table], times: 4 },
  'model-rollback': { errors: [...mlflow, ...platform, ...table], times: 3 },
  // What it cannot read of the two systems it says; only the table must be there.
  'end-promotion': { errors: table, times: 4 },
};

function retriesOf(functionName: StepFunctionName): { error: Error; times: number }[] {
  const { errors, times: again } = outages[functionName];
  return [
    ...notStarted.map((name) => ({ error: platformError(name), times: 15 })),
    ...errors.map((error) => ({ error, times: again })),
    ...outcomeUnknown.map((name) => ({ error: platformError(name), times: 2 })),
  ];
}

interface State {
  Type: string;
  Retry?: { ErrorEquals: string[]; IntervalSeconds: number; MaxAttempts: number }[];
  Catch?: { ErrorEquals: string[]; Next: string }[];
}
const definition: { States: Record<string, State> } = JSON.parse(readFileSync(renderedFile, 'utf8'));

/** While it waits for people, the time-out is theirs. */
const waiting = [
  ...notStarted.map((name) => ({ error: platformError(name), times: 15 })),
  ...[...table, new StateMachineUnavailable('SendTaskSuccess: away')].map((error) => ({ error, times: 4 })),
  ...outcomeUnknownWaiting.map((name) => ({ error: platformError(name), times: 2 })),
].map((one) => ({ ...one, state: 'AwaitDecision', name: one.error.name }));

const cases = tasks.flatMap(([state, functionName]) =>
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
    for (const [state, { Retry = [] }] of Object.entries(definition.States)) {
      const thrown = [...cases, ...waiting].filter((one) => one.state === state).map(({ name }) => name);
      expect(Retry.flatMap(({ ErrorEquals }) => ErrorEquals).sort()).toEqual(thrown.sort());
    }
  });

  it.each(waiting)('of $state calls again after $name, $times times', async ({ error, times }) => {
    const failing = Array.from({ length: times }, () => error);
    const wait = asked({ status: 'waiting', request_id: 'r', wait_seconds: 60 });
    const stubs = stubFunctions({
      'request-approval': [wait, ...failing, { wake: false }, asked({ status: 'approved' })],
    });
    const played = await play(stubs);
    expect(played.status).toBe('SUCCEEDED');
    const called = stubs.eventsOf('request-approval').filter((event) => 'task_token' in event);
    expect(called).toHaveLength(times + 1);
    // Each call has a token of its own.
    expect(new Set(called.map(({ task_token }) => task_token)).size).toBe(times + 1);
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
    const functionName = new Map(tasks).get(state) ?? 'begin-promotion';
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
  it.each(['MlflowRefused', 'ModelNotFound', 'InvalidConfiguration', 'StaleFence', 'TypeError'])(
    'is not tried again (%s)',
    async (name) => {
      const stubs = stubFunctions({ 'promote-model': [platformError(name)] });
      await play(stubs);
      expect(stubs.eventsOf('promote-model')).toHaveLength(1);
    },
  );

  it.each(['WorkloadApiRefused', 'WorkloadNotFound', 'MlflowUnavailable', 'MlflowInvalidResponse'])(
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
    const [away, nonsense] = platform;
    const failing = [away, nonsense, away, nonsense].filter((error) => error !== undefined);
    const replies = [...failing, rolling(60), ...failing, rolling(60), ...failing, replaced()];
    const stubs = stubFunctions({ ...wayTo['ReplaceWorkload'], 'replace-workload': replies });
    expect((await play(stubs)).status).toBe('SUCCEEDED');
    expect(stubs.eventsOf('replace-workload')).toHaveLength(15);
  });
});

describe('the time until people are told that a system is away', () => {
  /** Seconds of an invocation that finds a system away: its first call uses up all the time it has. */
  const CALL = Math.max(mlflowCall.totalMs, workloadCall.totalMs) / 1000;
  /** Seconds of the last step before it tells: what both sides show is read first, one after the other. */
  const READING = (mlflowCall.totalMs + workloadCall.totalMs) / 1000;
  const away: string[] = [...mlflow, ...platform, ...table].map(({ name }) => name);

  /** From the first call of a step until it gives up, every pause at its longest. */
  function secondsOf(state: string): number {
    const retriers = (definition.States[state]?.Retry ?? []).filter(({ ErrorEquals }) =>
      ErrorEquals.some((name) => away.includes(name)),
    );
    return retriers.reduce((total, { IntervalSeconds, MaxAttempts }) => {
      const pauses = Array.from({ length: MaxAttempts }, (_, n) => IntervalSeconds * 2 ** n + CALL);
      return pauses.reduce((sum, pause) => sum + pause, total);
    }, CALL);
  }

  /** As far as the step that tells, along the way that the error takes. */
  function secondsUntilTold(state: string): number {
    const rest = definition.States[state]?.Catch?.find(({ ErrorEquals }) => ErrorEquals[0] === 'States.ALL');
    const next = rest?.Next ?? '';
    return secondsOf(state) + (next === 'ModelRollback' ? secondsUntilTold(next) : READING);
  }

  it.each(['BeginPromotion', 'CompareModels', 'PreparePromotion'])(
    'before a rollout is three minutes at most (%s)',
    (state) => {
      expect(secondsUntilTold(state)).toBeLessThanOrEqual(180);
    },
  );

  it.each(['ReplaceWorkload', 'PromoteModel', 'ClosePromotion', 'ModelRollback'])(
    'within a rollout is five minutes at most (%s)',
    (state) => {
      expect(secondsUntilTold(state)).toBeLessThanOrEqual(300);
    },
  );

  it('is counted for every step that may find one away', () => {
    const counted = tasks.filter(([, name]) => outages[name].times > 0).map(([state]) => state);
    expect(counted.filter((state) => secondsOf(state) > CALL)).toEqual(counted);
    expect(secondsUntilTold('CompareModels')).toBe(120 + 5 * CALL + READING);
    expect(secondsUntilTold('PromoteModel')).toBe(120 + 5 * CALL + 56 + 4 * CALL + READING);
  });
});

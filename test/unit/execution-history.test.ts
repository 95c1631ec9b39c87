import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { historyReader } from '../../cli/aws/execution-history.ts';

/** Histories as `GetExecutionHistory` answers them, with its names of fields, and what the timeline is told of them. */

const START = Date.parse('2026-11-21T10:00:00Z');
const MACHINE_ROLE = 'arn:aws:iam::123456789012:role/promotion';
const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function';

type Told = Omit<HistoryEvent, 'id' | 'timestamp' | 'previousEventId'> & { at: number };

/** Numbers the events, and puts them `at` seconds after the start. */
function history(...told: Told[]): HistoryEvent[] {
  return told.map(({ at, ...event }, index) => ({
    ...event,
    id: index + 1,
    previousEventId: index,
    timestamp: new Date(START + at * 1000),
  }));
}

const started = (input: object): Told => ({
  at: 0,
  type: 'ExecutionStarted',
  executionStartedEventDetails: {
    input: JSON.stringify(input),
    inputDetails: { truncated: false },
    roleArn: MACHINE_ROLE,
  },
});
const entered = (
  at: number,
  kind: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed' | 'Fail',
  name: string,
): Told => ({
  at,
  type: `${kind}StateEntered`,
  stateEnteredEventDetails: { name, input: '{}', inputDetails: { truncated: false } },
});
const exited = (
  at: number,
  kind: 'Task' | 'Choice' | 'Wait' | 'Pass' | 'Succeed',
  name: string,
  output: object = {},
): Told => ({
  at,
  type: `${kind}StateExited`,
  stateExitedEventDetails: { name, output: JSON.stringify(output), outputDetails: { truncated: false } },
});
const scheduled = (at: number, name: string): Told => ({
  at,
  type: 'LambdaFunctionScheduled',
  lambdaFunctionScheduledEventDetails: { resource: `${FUNCTION}:${name}`, input: '{}', timeoutInSeconds: 70 },
});
const begun = (at: number): Told => ({ at, type: 'LambdaFunctionStarted' });
const succeeded = (at: number): Told => ({
  at,
  type: 'LambdaFunctionSucceeded',
  lambdaFunctionSucceededEventDetails: { output: '{}', outputDetails: { truncated: false } },
});
const failed = (at: number, error: string, message: string): Told => ({
  at,
  type: 'LambdaFunctionFailed',
  lambdaFunctionFailedEventDetails: {
    error,
    cause: JSON.stringify({
      errorType: error,
      errorMessage: message,
      trace: [`${error}: ${message}`, '    at x'],
    }),
  },
});

function read(events: HistoryEvent[]) {
  const reader = historyReader();
  const shown = events.flatMap((event) => reader.read(event));
  return { shown, end: reader.end() };
}
const ms = (seconds: number) => START + seconds * 1000;

describe('the history of an execution', () => {
  it('tells its start, every state with its output and how long it took, and its output', () => {
    const { shown, end } = read(
      history(
        started({ model_name: 'm' }),
        entered(0.1, 'Task', 'PromoteModel'),
        scheduled(0.1, 'promote-model'),
        begun(0.2),
        succeeded(1.5),
        exited(1.6, 'Task', 'PromoteModel', { promotion: { promoted: true } }),
        entered(1.6, 'Choice', 'WasPromoted?'),
        exited(1.6, 'Choice', 'WasPromoted?'),
        entered(1.7, 'Wait', 'WaitForRollout'),
        exited(9.7, 'Wait', 'WaitForRollout'),
        entered(9.7, 'Succeed', 'Done'),
        exited(9.7, 'Succeed', 'Done'),
        {
          at: 9.8,
          type: 'ExecutionSucceeded',
          executionSucceededEventDetails: { output: '{"done":true}', outputDetails: { truncated: false } },
        },
      ),
    );
    expect(shown).toEqual([
      { kind: 'started', at: ms(0), input: { model_name: 'm' }, before: null },
      { kind: 'entered', state: 'PromoteModel', type: 'Task', at: ms(0.1) },
      {
        kind: 'exited',
        state: 'PromoteModel',
        type: 'Task',
        at: ms(1.6),
        ms: 1500,
        output: { promotion: { promoted: true } },
      },
      { kind: 'entered', state: 'WasPromoted?', type: 'Choice', at: ms(1.6) },
      { kind: 'exited', state: 'WasPromoted?', type: 'Choice', at: ms(1.6), ms: 0, output: {} },
      { kind: 'entered', state: 'WaitForRollout', type: 'Wait', at: ms(1.7) },
      { kind: 'exited', state: 'WaitForRollout', type: 'Wait', at: ms(9.7), ms: 8000, output: {} },
      { kind: 'entered', state: 'Done', type: 'Succeed', at: ms(9.7) },
      { kind: 'exited', state: 'Done', type: 'Succeed', at: ms(9.7), ms: 0, output: {} },
    ]);
    expect(end).toEqual({ status: 'SUCCEEDED', output: { done: true }, error: null });
  });

  it('tells a function that is called again as a retry, counted for each error, without the stack trace', () => {
    const { shown, end } = read(
      history(
        started({}),
        entered(1, 'Task', 'CompareModels'),
        scheduled(1, 'compare-models'),
        begun(1),
        failed(2, 'MlflowUnavailable', 'GET https://mlflow: no answer'),
        scheduled(12, 'compare-models'),
        begun(12),
        {
          at: 82,
          type: 'LambdaFunctionTimedOut',
          lambdaFunctionTimedOutEventDetails: { error: 'States.Timeout' },
        },
        scheduled(202, 'compare-models'),
        begun(202),
        failed(203, 'MlflowUnavailable', 'still none'),
        scheduled(223, 'compare-models'),
        begun(223),
        succeeded(224),
        exited(224, 'Task', 'CompareModels'),
      ),
    );
    const state = 'CompareModels';
    expect(shown.slice(2)).toEqual([
      {
        kind: 'failed',
        state,
        at: ms(2),
        error: 'MlflowUnavailable',
        message: 'GET https://mlflow: no answer',
      },
      { kind: 'retried', state, at: ms(12), error: 'MlflowUnavailable', attempt: 1, pausedMs: 10_000 },
      { kind: 'failed', state, at: ms(82), error: 'States.Timeout', message: '' },
      { kind: 'retried', state, at: ms(202), error: 'States.Timeout', attempt: 1, pausedMs: 120_000 },
      { kind: 'failed', state, at: ms(203), error: 'MlflowUnavailable', message: 'still none' },
      { kind: 'retried', state, at: ms(223), error: 'MlflowUnavailable', attempt: 2, pausedMs: 20_000 },
      { kind: 'exited', state, type: 'Task', at: ms(224), ms: 223_000, output: {} },
    ]);
    expect(end).toBeNull();
  });

  it('tells a state that is left after a failure as caught, with the state that is entered next', () => {
    const { shown } = read(
      history(
        started({}),
        entered(1, 'Task', 'PromoteModel'),
        scheduled(1, 'promote-model'),
        begun(1),
        failed(2, 'StaleFence', 'a later execution has the model'),
        exited(2, 'Task', 'PromoteModel', { error: { Error: 'StaleFence' } }),
        entered(2.1, 'Task', 'NotifyOutcome'),
      ),
    );
    expect(shown.slice(2).map(({ kind }) => kind)).toEqual(['failed', 'caught', 'exited', 'entered']);
    expect(shown[3]).toEqual({
      kind: 'caught',
      state: 'PromoteModel',
      at: ms(2.1),
      error: 'StaleFence',
      next: 'NotifyOutcome',
    });
    expect(shown[4]).toMatchObject({ kind: 'exited', state: 'PromoteModel', ms: 1000 });
  });

  it('tells a catch also where no event says that the state was left', () => {
    const { shown } = read(
      history(
        started({}),
        entered(1, 'Task', 'PromoteModel'),
        failed(2, 'StaleFence', 'a later execution has the model'),
        entered(2.1, 'Task', 'NotifyOutcome'),
      ),
    );
    expect(shown.slice(2).map(({ kind }) => kind)).toEqual(['failed', 'caught', 'entered']);
  });

  it.each([
    ['LambdaFunctionScheduleFailed', 'lambdaFunctionScheduleFailedEventDetails'],
    ['LambdaFunctionStartFailed', 'lambdaFunctionStartFailedEventDetails'],
    ['LambdaFunctionTimedOut', 'lambdaFunctionTimedOutEventDetails'],
    ['TaskFailed', 'taskFailedEventDetails'],
    ['TaskTimedOut', 'taskTimedOutEventDetails'],
    ['TaskStartFailed', 'taskStartFailedEventDetails'],
    ['TaskSubmitFailed', 'taskSubmitFailedEventDetails'],
  ] as const)('tells %s as a failure, whose cause may be plain text', (type, details) => {
    const event = { at: 2, type, [details]: { error: 'Lambda.AccessDenied', cause: 'not allowed' } };
    const { shown } = read(history(started({}), entered(1, 'Task', 'PromoteModel'), event));
    expect(shown.at(-1)).toEqual({
      kind: 'failed',
      state: 'PromoteModel',
      at: ms(2),
      error: 'Lambda.AccessDenied',
      message: 'not allowed',
    });
  });

  it('ends failed in a Fail state with its error and cause', () => {
    const { shown, end } = read(
      history(started({}), entered(1, 'Fail', 'Failed'), {
        at: 1,
        type: 'ExecutionFailed',
        executionFailedEventDetails: { error: 'contested', cause: 'Somebody else moved the registry' },
      }),
    );
    const message = 'Somebody else moved the registry';
    expect(shown.at(-1)).toEqual({ kind: 'failed', state: 'Failed', at: ms(1), error: 'contested', message });
    expect(end).toEqual({ status: 'FAILED', output: null, error: { name: 'contested', message } });
  });

  it('tells an error that nothing caught once, and keeps its trace to itself', () => {
    const cause = JSON.stringify({
      errorType: 'TypeError',
      errorMessage: 'x is not a function',
      trace: ['at y'],
    });
    const { shown, end } = read(
      history(
        started({}),
        entered(1, 'Task', 'NotifyOutcome'),
        scheduled(1, 'end-promotion'),
        failed(2, 'TypeError', 'x is not a function'),
        { at: 2, type: 'ExecutionFailed', executionFailedEventDetails: { error: 'TypeError', cause } },
      ),
    );
    expect(shown.filter(({ kind }) => kind === 'failed')).toHaveLength(1);
    expect(end?.error).toEqual({ name: 'TypeError', message: 'x is not a function' });
  });

  it('tells an error of the machine itself', () => {
    const { shown } = read(
      history(started({}), entered(1, 'Choice', 'Decision?'), {
        at: 1,
        type: 'ExecutionFailed',
        executionFailedEventDetails: { error: 'States.Runtime', cause: 'Invalid path $.comparison' },
      }),
    );
    expect(shown.at(-1)).toMatchObject({ kind: 'failed', state: 'Decision?', error: 'States.Runtime' });
  });

  it('ends aborted from outside, in the middle of a wait', () => {
    const { shown, end } = read(
      history(started({}), entered(1, 'Wait', 'WaitForRollout'), {
        at: 5,
        type: 'ExecutionAborted',
        executionAbortedEventDetails: { error: 'Operator', cause: 'wrong model' },
      }),
    );
    expect(shown.at(-1)).toEqual({ kind: 'aborted', at: ms(5) });
    expect(end).toEqual({
      status: 'ABORTED',
      output: null,
      error: { name: 'Operator', message: 'wrong model' },
    });
  });

  it('ends timed out, and says so where AWS gives no cause', () => {
    const { shown, end } = read(
      history(started({}), entered(1, 'Wait', 'WaitForRollout'), { at: 5, type: 'ExecutionTimedOut' }),
    );
    expect(shown.at(-1)).toEqual({
      kind: 'failed',
      state: 'WaitForRollout',
      at: ms(5),
      error: 'States.Timeout',
      message: 'the execution exceeded its time-out',
    });
    expect(end?.status).toBe('TIMED_OUT');
  });

  it('goes on when it is redriven', () => {
    const { shown, end } = read(
      history(
        started({}),
        entered(1, 'Task', 'PromoteModel'),
        { at: 5, type: 'ExecutionAborted' },
        { at: 60, type: 'ExecutionRedriven', executionRedrivenEventDetails: { redriveCount: 1 } },
      ),
    );
    expect(shown.at(-1)).toMatchObject({ kind: 'noted' });
    expect(end).toBeNull();
  });

  it('tells nothing of events that it does not know', () => {
    const { shown } = read(
      history(
        started({}),
        { at: 1, type: 'MapRunStarted' },
        { at: 1, type: 'TaskSubmitted' },
        // Newer than the SDK.
        { at: 1, type: 'SomethingNew' as 'TaskStarted' },
      ),
    );
    expect(shown).toHaveLength(1);
  });
});

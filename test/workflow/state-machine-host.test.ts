import { afterEach, describe, expect, it, vi } from 'vitest';
import { MlflowRefused } from '../../lambdas/domain/errors.ts';
import { machineTimeoutSeconds } from '../../lambdas/domain/limits.ts';
import { type LocalEvent, localStateMachine } from '../../local/machine/state-machine.ts';
import { execution, play } from '../support/play.ts';
import {
  begun,
  busy,
  compared,
  platformError,
  rolledBack,
  rolling,
  served,
  stubFunctions,
} from '../support/stub-functions.ts';

const hang = () => new Promise<unknown>(() => {});

afterEach(() => {
  vi.useRealTimers();
});

describe('the local host calls a handler as Lambda does', () => {
  it('reports an error by its name, with the cause that Lambda would give', async () => {
    const error = new MlflowRefused('MLflow said "no"', { status: 403, errorCode: null });
    const stubs = stubFunctions({ 'compare-models': [error] });
    const played = await play(stubs);

    const state = stubs.eventsOf('end-promotion')[0]?.['state'] as {
      error: { Error: string; Cause: string };
    };
    expect(state.error.Error).toBe('MlflowRefused');
    const trace = expect.arrayContaining([expect.stringContaining('MLflow said "no"')]);
    expect(JSON.parse(state.error.Cause)).toEqual({
      errorType: 'MlflowRefused',
      errorMessage: 'MLflow said "no"',
      trace,
    });
    expect(played.events).toContainEqual(
      expect.objectContaining({ kind: 'failed', error: 'MlflowRefused', message: 'MLflow said "no"' }),
    );
  });

  it('sends only what JSON can carry', async () => {
    const answer = { ...compared(), confidence: Number.NaN, recommendation: undefined, policy: new Date(0) };
    const stubs = stubFunctions({ 'compare-models': [answer, compared()] });
    await play(stubs);
    const { comparison } = stubs.eventsOf('prepare-promotion')[0] ?? {};
    expect(comparison).toMatchObject({ confidence: null, policy: '1970-01-01T00:00:00.000Z' });
    expect(comparison).not.toHaveProperty('recommendation');
  });

  it('shares nothing between a handler and the state document', async () => {
    const stubs = stubFunctions();
    const greedy = stubs.handlers['prepare-promotion'];
    stubs.handlers['prepare-promotion'] = async (event) => {
      const answer = await greedy(structuredClone(event));
      Object.assign((event as { comparison: object }).comparison, { decision: 'KEEP' });
      return answer;
    };
    await play(stubs);
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      comparison: { decision: 'PROMOTE' },
    });
  });

  it('reports an answer above 256 KiB as States.DataLimitExceeded', async () => {
    const stubs = stubFunctions({ 'compare-models': [compared({ recommendation: 'é'.repeat(131_072) })] });
    const played = await play(stubs);
    expect(played.path.slice(-3)).toEqual(['NotifyOutcome', 'Outcome?', 'Done']);
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      error: { Error: 'States.DataLimitExceeded' },
    });
  });

  it('refuses to start without a handler for every function', () => {
    const { 'end-promotion': _left, ...handlers } = stubFunctions().handlers;
    const incomplete = handlers as ReturnType<typeof stubFunctions>['handlers'];
    expect(() => localStateMachine(incomplete)).toThrow('State NotifySuccess calls end-promotion');
  });
});

describe('the local host tells what happens', () => {
  it('in order, with the time that each state took', async () => {
    const { events } = await play(
      stubFunctions({ 'compare-models': [platformError('Lambda.Unknown'), compared()] }),
    );
    const told = events.map((event) => `${event.kind} ${event.state}`);
    expect(told.slice(0, 8)).toEqual([
      'entered BeginPromotion',
      'exited BeginPromotion',
      'entered Operation?',
      'exited Operation?',
      'entered CompareModels',
      'failed CompareModels',
      'retried CompareModels',
      'exited CompareModels',
    ]);
    const [, begin] = events;
    expect(begin).toMatchObject({ kind: 'exited', type: 'Task', ms: expect.any(Number), output: begun() });
    expect(told.at(-1)).toBe('exited Done');
  });

  it('while the execution still runs', async () => {
    const seen: string[] = [];
    const stubs = stubFunctions({
      'compare-models': [
        async () => {
          await vi.waitFor(() => expect(seen).toContain('CompareModels'));
          return compared();
        },
      ],
    });
    const onEvent = (event: LocalEvent) => void seen.push(event.state);
    const run = localStateMachine(stubs.handlers).run({}, { execution, waitSeconds: 0, onEvent });
    expect((await run.result).status).toBe('SUCCEEDED');
  });
});

describe('the local host keeps time', () => {
  it('gives up on a handler after the time-out of its task', async () => {
    vi.useFakeTimers();
    const stubs = stubFunctions({ 'promote-model': [hang] });
    const playing = play(stubs);
    await vi.advanceTimersByTimeAsync(3 * 70_000);
    const { path, events } = await playing;
    expect(events.filter((event) => event.kind === 'failed').map(({ error }) => error)).toEqual([
      'States.Timeout',
      'States.Timeout',
      'States.Timeout',
    ]);
    expect(path).toContain('ModelRollback');
  });

  it('pauses as on AWS when it is not told otherwise', async () => {
    vi.useFakeTimers();
    const waits = rolledBack({ status: 'in_progress', retry_after_seconds: 900 });
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'rollback' })],
      'model-rollback': [platformError('Lambda.Unknown'), waits, rolledBack()],
    });
    const began = Date.now();
    const run = localStateMachine(stubs.handlers).run({}, { execution });
    await vi.advanceTimersByTimeAsync(119_000);
    expect(stubs.eventsOf('model-rollback')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(901_000);
    expect((await run.result).status).toBe('SUCCEEDED');
    expect(Date.now() - began).toBe(1_020_000);
  });

  it('tells how long waits and pauses last on AWS, before the next function is called', async () => {
    const told: (string | number)[] = [];
    const stubs = stubFunctions({
      'prepare-promotion': [busy({ wait: true, retry_after_seconds: 30 }), served()],
      'replace-workload': [
        rolling(3),
        platformError('Lambda.TooManyRequestsException'),
        platformError('Lambda.TooManyRequestsException'),
        rolling(60),
        platformError('Lambda.Unknown'),
      ],
    });
    const handlers = Object.fromEntries(
      Object.entries(stubs.handlers).map(([name, call]) => [
        name,
        (event: unknown) => {
          told.push(name);
          return call(event);
        },
      ]),
    ) as typeof stubs.handlers;
    const onWait = (state: string, seconds: number) => void told.push(`${state} ${seconds}`);
    const run = localStateMachine(handlers).run({}, { execution, waitSeconds: 0, onWait });
    expect((await run.result).status).toBe('SUCCEEDED');
    expect(told).toEqual([
      ...['begin-promotion', 'compare-models', 'request-approval', 'prepare-promotion'],
      ...['WaitForLease 30', 'compare-models', 'request-approval', 'prepare-promotion'],
      ...['replace-workload', 'WaitForRollout 3'],
      ...['replace-workload', 'ReplaceWorkload 2', 'replace-workload', 'ReplaceWorkload 4'],
      ...['replace-workload', 'WaitForRollout 60', 'replace-workload'],
      ...['ReplaceWorkload 60', 'replace-workload', 'ReplaceWorkload 120', 'replace-workload'],
      ...['WaitForReplaceWorkload 60', 'model-rollback', 'end-promotion'],
    ]);
  });

  it('tells a long pause up to where its retrier ends it', async () => {
    const pauses: number[] = [];
    const stubs = stubFunctions({ 'compare-models': [platformError('Lambda.TooManyRequestsException')] });
    const onWait = (_state: string, seconds: number) => void pauses.push(seconds);
    await localStateMachine(stubs.handlers).run({}, { execution, waitSeconds: 0, onWait }).result;
    expect(pauses).toEqual([2, 4, 8, 16, 32, ...Array.from({ length: 10 }, () => 60)]);
  });

  it('ends an execution that outlasts the machine', async () => {
    vi.useFakeTimers();
    const waits = rolledBack({ status: 'in_progress', retry_after_seconds: 3600 });
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'rollback' })],
      'model-rollback': [waits],
    });
    const run = localStateMachine(stubs.handlers).run({}, { execution });
    await vi.advanceTimersByTimeAsync(machineTimeoutSeconds * 1000);
    expect(await run.result).toEqual({ status: 'TIMED_OUT', output: null, error: null });
    expect(stubs.eventsOf('end-promotion')).toEqual([]);
  });

  it('calls no handler after an abort, not even for a retry', async () => {
    const stubs = stubFunctions({ 'compare-models': [platformError('Lambda.Unknown')] });
    const run = localStateMachine(stubs.handlers).run({}, { execution });
    await vi.waitFor(() => expect(stubs.eventsOf('compare-models')).toHaveLength(1));
    run.abort();
    expect(await run.result).toEqual({ status: 'ABORTED', output: null, error: null });
    await new Promise(setImmediate);
    expect(stubs.calls.map(({ functionName }) => functionName)).toEqual([
      'begin-promotion',
      'compare-models',
    ]);
  });

  it('runs executions side by side on one machine', async () => {
    const stubs = stubFunctions();
    const machine = localStateMachine(stubs.handlers);
    const names = ['run-1', 'run-2', 'run-3'];
    const runs = names.map((name) =>
      machine.run({ model_name: name }, { execution: { ...execution, id: name, name }, waitSeconds: 0 }),
    );
    const results = await Promise.all(runs.map((run) => run.result));
    expect(results.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    expect(
      stubs
        .eventsOf('end-promotion')
        .map((event) => event['execution'])
        .sort(),
    ).toEqual(names);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { longestLeaseWaitSeconds, longestMinutes, rolloutSeconds } from '../../lambdas/domain/limits.ts';
import type { LocalEvent } from '../../local/machine/state-machine.ts';
import { leaseRound, longest, lookRound, rolloutRounds } from '../../tools/bench/longest.ts';
import { type Assumptions, billOf, costOf, prices, standingBill } from '../../tools/bench/prices.ts';
import { judge, quotas } from '../../tools/bench/quotas.ts';
import { eventsOf, stepsOf } from '../../tools/bench/tally.ts';

const at = 0;
const entered = (state: string, type: string): LocalEvent => ({ kind: 'entered', state, type, at });
const exited = (state: string, type: string): LocalEvent => ({
  kind: 'exited',
  state,
  type,
  at,
  ms: 0,
  output: null,
});
const failed = (state: string): LocalEvent => ({ kind: 'failed', state, at, error: 'E', message: '' });
const retried = (state: string): LocalEvent => ({
  kind: 'retried',
  state,
  at,
  error: 'E',
  attempt: 1,
  pausedMs: 0,
});

describe('the history that Step Functions would write', () => {
  it('has five events of a task with a function, two of a choice, and the two of the execution', () => {
    const { history, transitions } = stepsOf(
      [
        entered('A', 'Task'),
        exited('A', 'Task'),
        entered('B?', 'Choice'),
        exited('B?', 'Choice'),
        entered('Done', 'Succeed'),
        exited('Done', 'Succeed'),
      ],
      true,
    );
    expect(history).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionSucceeded',
      'TaskStateExited',
      'ChoiceStateEntered',
      'ChoiceStateExited',
      'SucceedStateEntered',
      'SucceedStateExited',
      'ExecutionSucceeded',
    ]);
    expect(transitions).toBe(3);
  });

  it('has three more for each retry, which is a transition of its own', () => {
    const events = [
      entered('A', 'Task'),
      failed('A'),
      retried('A'),
      failed('A'),
      retried('A'),
      exited('A', 'Task'),
    ];
    const { history, transitions } = stepsOf(events, true);
    expect(history.filter((event) => event === 'LambdaFunctionFailed')).toHaveLength(2);
    expect(history.filter((event) => event === 'LambdaFunctionScheduled')).toHaveLength(3);
    expect(history.filter((event) => event === 'LambdaFunctionSucceeded')).toHaveLength(1);
    expect(transitions).toBe(3);
  });

  it('has no success of a task whose error is caught, and leaves it like any other', () => {
    const caught: LocalEvent = { kind: 'caught', state: 'A', at, error: 'E', next: 'Failed' };
    const events = [
      entered('A', 'Task'),
      failed('A'),
      caught,
      exited('A', 'Task'),
      entered('Failed', 'Fail'),
      failed('Failed'),
    ];
    expect(stepsOf(events, false).history).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'LambdaFunctionScheduled',
      'LambdaFunctionStarted',
      'LambdaFunctionFailed',
      'TaskStateExited',
      'FailStateEntered',
      'ExecutionFailed',
    ]);
  });
});

describe('the longest waiting', () => {
  const definition = JSON.parse(
    readFileSync(new URL('../../statemachines/promotion.asl.json', import.meta.url), 'utf8'),
  ) as { States: Record<string, { Type: string }> };
  const typesOf = (...states: string[]) => states.map((state) => definition.States[state]?.Type);

  it('goes round the states that the definition has', () => {
    expect(leaseRound).toEqual(
      typesOf(
        ...['WaitForLease', 'Operation?', 'CompareModels', 'PinChallenger', 'Decision?'],
        ...['PreparePromotion', 'Prepared?'],
      ),
    );
    expect(lookRound).toEqual(typesOf('ReplaceWorkload', 'Rollout?', 'WaitForRollout'));
    expect(lookRound).toEqual(typesOf('ModelRollback', 'RolledBack?', 'WaitForRollback'));
  });

  it('lasts as long as the limits say', async () => {
    const { waitings } = await longest();
    const [lease, rollout, back] = waitings;
    expect(lease?.seconds).toBeGreaterThanOrEqual(longestLeaseWaitSeconds);
    expect(rollout?.seconds).toBeGreaterThan(rolloutSeconds(longestMinutes));
    expect(back?.seconds).toBeGreaterThan(longestMinutes.keepOldVersionMinutes * 60);
    for (const { rounds, events } of [rollout, back].flatMap((one) => one ?? []))
      expect(events).toBe(rounds * lookRound.flatMap(eventsOf).length);
  });

  it('is shorter for a shorter rollout', () => {
    const short = { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 };
    const sum = rolloutRounds(short).reduce((total, pause) => total + pause, 0);
    expect(sum).toBeGreaterThan(rolloutSeconds(short));
    expect(sum).toBeLessThan(rolloutSeconds(short) + 20 * 60);
  });
});

describe('a price', () => {
  const assumed: Assumptions = {
    callMs: 1000,
    memoryMb: 1024,
    emails: 3,
    logBytesPerCall: 1_000_000_000,
    logBytesPerEvent: 0,
    keyRequestsPerMessage: 2,
  };
  const usage = {
    transitions: 1000,
    historyEvents: 5,
    calls: 2,
    secretReads: 0,
    published: 1,
    table: { requests: 3, readUnits: 1, writeUnits: 2, indexWriteUnits: 2 },
  };

  it('is the amount times what one unit costs', () => {
    expect(costOf({ stateTransition: 4000 })).toBeCloseTo(0.1);
    expect(costOf({ email: 100_000, publish: 1_000_000 })).toBeCloseTo(2.5);
    expect(costOf({})).toBe(0);
  });

  it('of an execution counts transitions, gigabyte-seconds, units of table and index, emails and logs', () => {
    const bill = billOf(usage, assumed);
    expect(bill['Step Functions']).toEqual({ stateTransition: 1000 });
    expect(bill.Lambda).toEqual({ lambdaRequest: 2, lambdaCompute: 2 });
    expect(bill.DynamoDB).toEqual({ tableRead: 1, tableWrite: 4 });
    expect(bill.SNS).toEqual({ publish: 1, email: 3 });
    expect(bill.Logs).toEqual({ logs: 2 });
    expect(bill.Others).toEqual({ trace: 1, keyRequest: 2, secretRequest: 0 });
  });

  it('of a month in which nothing happens is made of what stands there and of the sweeps', () => {
    const bills = standingBill(
      { alarmMetrics: 10, customMetrics: 10, keys: 1, secrets: 1, sweepsPerMonth: 0 },
      assumed,
    );
    const sum = bills.reduce((total, { bill }) => total + costOf(bill), 0);
    expect(sum).toBeCloseTo(1 + 3 + 3 + 1 + 0.4);
  });

  it.each(Object.entries({ ...prices, ...quotas }))('or quota %s says where it was seen', (_, { source }) => {
    expect(source).toMatch(/^https:\/\/(docs\.|)(aws\.amazon\.com|repost\.aws)\//);
  });
});

describe('a verdict', () => {
  it.each([
    [49, 100, 'fits'],
    [50, 100, 'tight'],
    [100, 100, 'tight'],
    [101, 100, 'does not fit'],
  ] as const)('of %i against %i is "%s"', (need, limit, verdict) => {
    expect(judge(need, limit)).toEqual({ verdict, share: need / limit });
  });
});

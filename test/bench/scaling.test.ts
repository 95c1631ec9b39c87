import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { wireHistory } from '../../emulators/aws/step-functions-history.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { LocalEvent } from '../../local/machine/state-machine.ts';
import { type KindName, type Measured, measure, transitionsIn } from '../../tools/bench/measure.ts';
import list from '../../tools/bench/prices.json' with { type: 'json' };
import { type DocumentName, documentPath, documents, withTables } from '../../tools/bench/scaling.ts';
import { billOf, costOf, standingBills } from '../../tools/bench/tables.ts';

const none = Object.fromEntries(functionNames.map((name) => [name, 0])) as Record<FunctionName, number>;

describe('what is measured', () => {
  let measured: Measured[];
  beforeAll(async () => {
    measured = await measure();
  });

  const of = (kind: KindName) => {
    const found = measured.find((one) => one.kind === kind);
    if (found === undefined) throw new Error(`no kind ${kind}`);
    return found;
  };

  describe('the documents', () => {
    const names = Object.keys(documents) as DocumentName[];

    it.each(names)('%s shows what npm run bench -- scaling prints (else run it with --write)', (name) => {
      const text = readFileSync(documentPath(name), 'utf8').replaceAll('\r\n', '\n');
      expect(text).toBe(withTables(name, text, measured));
    });

    it.each(names)('%s is refused when it has no place for a table', (name) => {
      expect(() => withTables(name, '# Nothing', measured)).toThrow(`${name} has no place for the table`);
    });
  });

  describe('the benchmark', () => {
    it('ends each kind of execution as its title says', () => {
      expect(measured.map(({ status }) => status)).toEqual([
        ...['promoted', 'promoted', 'promoted', 'kept', 'needs_investigation', 'already_promoted'],
        ...['rolled_back', 'rolled_back', 'rolled_back', 'busy', 'promoted'],
      ]);
    });

    it('counts for a promotion in the registry only what its functions request', () => {
      const { invocations, workloadCalls, published, ...table } = of('registry-only');
      expect(invocations).toEqual({
        ...none,
        'begin-promotion': 1,
        'compare-models': 1,
        'request-approval': 1,
        'prepare-promotion': 1,
        'promote-model': 1,
        'close-promotion': 1,
        'end-promotion': 1,
      });
      expect({ workloadCalls, published }).toEqual({ workloadCalls: 0, published: 1 });
      // Lease taken and released, change opened and closed, two releases put, outcome put and marked as sent. Read by each
      // later step: is the lease still ours, and what is the change? The ledger: its end read and the number after it, the entry
      // put, the end and the outcome told of it. And whether people were asked.
      expect(table.tableRequests).toBe(8 + 3 + 5 + 1);
      expect(table.readUnits).toBe(5 + 1);
      // The outcome is put into its index and taken out once the alert is sent; the model changes its place twice.
      const ofTheItem = 8;
      // The entry of the ledger and its end are in no index.
      const ofTheLedger = 2;
      expect(table.indexWriteUnits).toBe(table.writeUnits - ofTheItem - ofTheLedger + 2 * 2);
    });

    it('counts only the writes to the index that wait for the ledger where nothing is published', () => {
      const { published, indexWriteUnits } = of('already-promoted');
      expect(published).toBe(0);
      // Two units in and two out again: an outcome of some 2 KB.
      expect(indexWriteUnits).toBe(4);
    });

    it('counts more polls for a longer rollout, and nothing else', () => {
      const [short, long] = [of('short-rollout'), of('long-rollout')];
      const polls = long.invocations['replace-workload'] - short.invocations['replace-workload'];
      expect(long.seconds - short.seconds).toBeGreaterThanOrEqual(29 * 60);
      expect(long.transitions - short.transitions).toBe(3 * polls);
      expect(long.historyEvents - short.historyEvents).toBe(9 * polls);
      expect(long.mlflowCalls).toBe(short.mlflowCalls);
    });
  });
});

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

/** The types of the events that this execution has, and the transitions that it is charged for. */
function stepsOf(events: LocalEvent[]) {
  const history = wireHistory('{}', at);
  for (const event of events) history.add(event);
  return { history: history.events.map(({ type }) => type), transitions: transitionsIn(history.events) };
}

describe('the history of an execution', () => {
  it('has five events of a task with a function, two of a choice, and the two of the execution', () => {
    const { history, transitions } = stepsOf([
      entered('A', 'Task'),
      exited('A', 'Task'),
      entered('B?', 'Choice'),
      exited('B?', 'Choice'),
      entered('Done', 'Succeed'),
      exited('Done', 'Succeed'),
    ]);
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
    const { history, transitions } = stepsOf(events);
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
    expect(stepsOf(events).history).toEqual([
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

describe('a price', () => {
  const used = {
    transitions: 1000,
    historyEvents: 5,
    invocations: { ...none, 'begin-promotion': 1, 'promote-model': 3 },
    mlflowCalls: 0,
    workloadCalls: 0,
    published: 1,
    tableRequests: 3,
    readUnits: 1,
    writeUnits: 2,
    indexWriteUnits: 2,
  };

  it('is the amount times what one unit costs', () => {
    expect(costOf({ stateTransition: 4000 })).toBeCloseTo(0.1);
    expect(costOf({ email: 100_000, publish: 1_000_000 })).toBeCloseTo(2.5);
    expect(costOf({})).toBe(0);
  });

  it('can be that of some services only', () => {
    const bill = { stateTransition: 4000, email: 100_000, publish: 1_000_000 };
    expect(costOf(bill, ['SNS'])).toBeCloseTo(2.5);
    expect(costOf(bill, ['Step Functions', 'SNS'])).toBeCloseTo(2.6);
    expect(costOf(bill, ['Lambda'])).toBe(0);
  });

  it('of an execution counts transitions, gigabyte-seconds, units of table and index, emails and logs', () => {
    expect(billOf(used)).toEqual({
      stateTransition: 1000,
      lambdaRequest: 4,
      // 500 ms with a quarter of a GB, four times.
      lambdaCompute: 0.5,
      tableRead: 1,
      tableWrite: 4,
      publish: 1,
      email: 1,
      logs: (4 * 1500 + 5 * 500) / 1e9,
      trace: 1,
      keyRequest: 2,
      // begin-promotion has no secret; promote-model has that of MLflow.
      secretRequest: 1,
    });
  });

  it('of a month in which nothing is promoted is that of the resources and of the sweeps', () => {
    const sum = (resources: Parameters<typeof standingBills>[0]) =>
      standingBills(resources).reduce((total, { bill }) => total + costOf(bill), 0);
    const idle = { sweepsPerMonth: 0, comparisonsPerMonth: 0, watchesPerMonth: 0, models: 0 };
    const resources = { alarmMetrics: 10, customMetrics: 10, keys: 1, secrets: 1, ...idle };
    expect(sum(resources)).toBeCloseTo(1 + 3 + 3 + 1 + 0.4);
    expect(sum({ ...resources, sweepsPerMonth: 1_000_000 })).toBeGreaterThan(sum(resources) + 5);
    const compared = { ...resources, comparisonsPerMonth: 1_000 };
    expect(sum({ ...compared, models: 1_000 })).toBeGreaterThan(sum(compared) + 1);
    const watched = { ...resources, watchesPerMonth: 1_000 };
    expect(sum({ ...watched, models: 1_000 })).toBeGreaterThan(sum(watched) + 1);
  });

  it.each(Object.entries(list.prices))('of %s names the page of AWS', (_, { source }) => {
    expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/[\w/-]+\/pricing\//);
  });

  it('has a date', () => {
    expect(list.lookedAt).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  });
});

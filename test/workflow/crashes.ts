import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordedRequest } from '../../emulators/faults.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import { alertDue } from '../../lambdas/domain/outcome/outcome.ts';
import { recordsOn } from '../../lambdas/domain/promotion/record.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import { decideAs } from '../../local/approving.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import {
  type LocalExecution,
  type LocalFunction,
  localStateMachine,
} from '../../local/machine/state-machine.ts';
import { ADA } from '../../local/scenarios/approval.ts';
import { promote, rollback, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { MODEL, seedFirstServing, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { type Ends, endStateOf, expectEnd } from '../support/end-state.ts';
import { type KilledFunctions, killedFunctions } from '../support/killed-functions.ts';
import { recordedOutcomes } from '../support/recorded-outcomes.ts';

/**
 * For each remote write of each function: its process is killed just after the write took effect and before the answer
 * arrives. Then the step runs again in a new process, as Lambda and the state machine would have it; or it never runs
 * again, and a sweep later starts an attempt at what was left. Either way the model ends closed and in step.
 */

const QUARTER_MS = 15 * 60_000;

/** An operation in which one function is killed. */
interface Crash {
  readonly title: string;
  readonly function: FunctionName;
  /** What is there before; every function is alive. */
  before(): Promise<void> | void;
  operate(on: EmulatedHost): Promise<unknown>;
  /** The remote writes of the function, in their order. */
  readonly writes: readonly string[];
  /** After which of them it is killed; after each by default. The others are the same in another operation. */
  readonly kills?: RegExp;
  /** Transitions that MLflow and replacements that the platform have accepted when the function has run again. */
  readonly moves: { readonly registry: number; readonly workload: number };
  /** Version in Production when the function has run again. */
  readonly version: string;
  /** How the model is left when the function has run again; in step by default. */
  readonly ends?: Ends;
  /** Versions that may be in Production when nothing but a sweep has gone on; left out where the sweep itself is killed. */
  readonly swept?: readonly string[];
  /** How the model is left where the function was killed before it wrote to the item for the first time. */
  readonly unopened?: Ends;
}

let host: EmulatedHost;
let killing: KilledFunctions;

/** Starts a host for all crashes of a file. */
function crashingHost(): void {
  emulatedHost((started) => {
    host = started;
  });
  beforeAll(async () => {
    killing = await killedFunctions(host);
  });
  afterAll(() => killing.close());
}

const run = { pauseMs: 1 } as const;
const inRegistry = () => seedPascalStrategy(host.mlflow);
const served = () => {
  inRegistry();
  seedServing(host);
};
const promoted = async () => {
  inRegistry();
  await execute(host, promote, run);
};
const servedAndPromoted = async () => {
  served();
  await execute(host, promote, run);
  host.clock.skip(QUARTER_MS);
};
const asks = (input: object) => (on: EmulatedHost) => execute(on, input, run);
const moveByHand = (version: string) =>
  host.mlflow.registry.transition(MODEL, version, 'Production', { archive: true });
/** A call without a state machine is repeated by Lambda, with the same request id. */
const repeated =
  (call: LocalFunction): LocalFunction =>
  (event) =>
    call(event).catch((error: Error) => {
      if (error.name !== 'Runtime.ExitError') throw error;
      return call(event);
    });
/** A promotion that somebody approves, at once or once they were reminded; who gets no answer asks again. */
const asksPeople = (when: 'at once' | 'reminded') => (on: EmulatedHost) => {
  const call = repeated(on.functions['decide-approval']);
  let waits = when === 'reminded' ? 1 : 0;
  const onApproval = async (execution: string) => {
    waits -= 1;
    if (waits >= 0) return undefined;
    const answer = await decideAs(
      { functions: { ...on.functions, 'decide-approval': call } },
      ADA,
      execution,
    );
    expect(answer).toBe('recorded');
    return undefined;
  };
  return execute(on, { ...promote, policy: 'four-eyes' }, { ...run, onApproval });
};
const invokes =
  (name: FunctionName, event: object) =>
  ({ functions }: EmulatedHost) =>
    repeated(functions[name])(event);
const mlflowRefuses = () => {
  const body = JSON.stringify({ error_code: 'PERMISSION_DENIED', message: 'Permission denied' });
  host.mlflow.faults.add({
    path: 'model-versions/transition-stage',
    effect: { kind: 'answer', status: 403, body, contentType: 'application/json' },
  });
};

/** The writes by which an operation begins to change what is to be live. */
const OPENS = /W2|W8/;
const FENCE = 'mlflow registered-models/set-tag';
const TAG = 'mlflow model-versions/set-tag';
const TRANSITION = 'mlflow model-versions/transition-stage';
const REPLACE = 'workload POST workloads/:id/replacement';
const LEDGER = ['table ledger', 'table ledger end', 'table in ledger'];
const SENT = ['sns Publish', 'table alert sent'];
const TOLD = ['table outcome', ...LEDGER, ...SENT];
/** Where versions were compared. */
const DECIDED = ['table outcome', ...LEDGER, 'mlflow report', ...SENT];

const crashes: readonly Crash[] = [
  {
    title: 'a promotion, in its preparation',
    function: 'prepare-promotion',
    before: inRegistry,
    operate: asks(promote),
    writes: ['table W1 take', FENCE, TAG, 'table release', 'table release', 'table W2 open'],
    moves: { registry: 1, workload: 0 },
    version: '3',
    swept: ['2'],
    unopened: 'unrecorded',
  },
  {
    title: 'a promotion that derives an artifact, in its preparation',
    function: 'prepare-promotion',
    before() {
      inRegistry();
      seedServing(host, { candidate: null });
    },
    operate: asks(promote),
    writes: [
      'table W1 take',
      'workload POST artifacts/:id/clone',
      'workload PATCH artifacts/:id',
      'workload PATCH artifacts/:id',
      TAG,
      FENCE,
      TAG,
      'table release',
      'table release',
      'table W2 open',
    ],
    kills: /artifacts|W2/,
    moves: { registry: 1, workload: 1 },
    version: '3',
    swept: ['2'],
    unopened: 'unrecorded',
  },
  {
    title: 'a promotion that is approved, where people are asked',
    function: 'request-approval',
    before: inRegistry,
    operate: asksPeople('reminded'),
    // The request, who was told of it and reminded, the token of each wait, and that it was decided.
    writes: [
      ...['table approval', 'table outcome', 'mlflow report', ...SENT, 'table approval', 'table approval'],
      ...['table outcome', 'mlflow report', ...SENT, 'table approval', 'table approval', 'table approval'],
    ],
    moves: { registry: 1, workload: 0 },
    version: '3',
  },
  {
    title: 'a promotion that is approved, where somebody decides',
    function: 'decide-approval',
    before: inRegistry,
    operate: asksPeople('at once'),
    writes: ['table decision'],
    moves: { registry: 1, workload: 0 },
    version: '3',
  },
  {
    title: 'a promotion, in its rollout',
    function: 'replace-workload',
    before: served,
    operate: asks({ ...promote, importance: 'high' }),
    writes: [REPLACE, 'workload PATCH workloads/:id'],
    moves: { registry: 1, workload: 1 },
    version: '3',
    swept: ['2'],
  },
  {
    title: 'a promotion, in the registry',
    function: 'promote-model',
    before: inRegistry,
    operate: asks(promote),
    writes: [TRANSITION],
    moves: { registry: 1, workload: 0 },
    version: '3',
    // Both sides show it.
    swept: ['3'],
  },
  {
    title: 'a promotion of a draft, in its close',
    function: 'close-promotion',
    before() {
      seedPascalStrategy(host.mlflow, { firstModel: true });
      seedFirstServing(host);
    },
    operate: asks(promote),
    writes: ['workload POST workloads/:id/promote', TAG, 'table W4 close'],
    moves: { registry: 1, workload: 0 },
    version: '1',
    swept: ['1'],
  },
  {
    title: 'a promotion, in its end',
    function: 'end-promotion',
    before: inRegistry,
    operate: asks(promote),
    writes: [...DECIDED, 'table W6 release'],
    moves: { registry: 1, workload: 0 },
    version: '3',
    swept: ['3'],
  },
  {
    title: 'a promotion that a person has contested, in its end',
    function: 'end-promotion',
    before() {
      inRegistry();
      host.mlflow.faults.add({
        path: 'model-versions/transition-stage',
        effect: { kind: 'then', run: () => moveByHand('1') },
      });
    },
    operate: asks(promote),
    writes: [...DECIDED, 'table W5 told', 'table W6 release'],
    moves: { registry: 1, workload: 0 },
    version: '1',
    ends: 'told',
    swept: ['1'],
  },
  {
    title: 'a promotion that MLflow refuses, on its way back',
    function: 'model-rollback',
    before() {
      served();
      mlflowRefuses();
    },
    operate: asks(promote),
    writes: ['table W3 turn back', REPLACE, TAG, 'table W4 close'],
    kills: /W3|replacement/,
    moves: { registry: 0, workload: 2 },
    version: '2',
    swept: ['2'],
  },
  {
    title: 'a rollback',
    function: 'model-rollback',
    before: servedAndPromoted,
    operate: asks(rollback),
    writes: ['table release', 'table W2 open', REPLACE, TAG, TRANSITION, TAG, TAG, 'table W4 close'],
    kills: /W2|replacement/,
    moves: { registry: 2, workload: 2 },
    version: '2',
    swept: ['2', '3'],
  },
  {
    title: 'an adoption',
    function: 'prepare-promotion',
    async before() {
      await promoted();
      moveByHand('1');
    },
    operate: asks({ ...promote, operation: 'adopt' }),
    writes: ['table W1 take', 'table release', 'table W8 adopt'],
    moves: { registry: 1, workload: 0 },
    version: '1',
    swept: ['1'],
    unopened: 'told',
  },
  {
    title: 'promote-model invoked directly',
    function: 'promote-model',
    before: inRegistry,
    operate: invokes('promote-model', { model_name: MODEL, new_version: '3', confidence: 0.85 }),
    writes: [
      'table W1 take',
      'table release',
      'table release',
      'table W2 open',
      TAG,
      TRANSITION,
      TAG,
      'table W4 close',
      ...TOLD,
      'table W6 release',
    ],
    moves: { registry: 1, workload: 0 },
    version: '3',
    swept: ['2', '3'],
    unopened: 'unrecorded',
  },
  {
    title: 'model-rollback invoked directly',
    function: 'model-rollback',
    before: promoted,
    operate: invokes('model-rollback', { model_name: MODEL, reason: 'TEST_FAILURE' }),
    writes: [
      'table W1 take',
      'table W2 open',
      TAG,
      TRANSITION,
      TAG,
      TAG,
      'table W4 close',
      ...TOLD,
      'table W6 release',
    ],
    kills: /W2|mlflow|W4/,
    moves: { registry: 2, workload: 0 },
    version: '2',
    swept: ['2', '3'],
  },
  {
    title: 'the clean-up of a promotion that was stopped',
    function: 'sweep-promotions',
    before: inRegistry,
    async operate(on) {
      const functions = { ...on.functions, 'sweep-promotions': repeated(on.functions['sweep-promotions']) };
      const abortAfter = (state: string) => state === 'PreparePromotion';
      await execute({ ...on, functions }, promote, { ...run, abortAfter });
    },
    writes: [...TOLD, 'table W6 bar', 'table W6 shorten'],
    moves: { registry: 0, workload: 0 },
    version: '2',
  },
  {
    title: 'a sweep that takes up a change',
    function: 'sweep-promotions',
    async before() {
      inRegistry();
      await execute(host, promote, { ...run, abortAfter: (state) => state === 'PreparePromotion' });
      host.clock.skip(QUARTER_MS);
    },
    operate: invokes('sweep-promotions', { sweep: true }),
    writes: ['table W7 attempt', 'states StartExecution', 'table sweep'],
    moves: { registry: 0, workload: 0 },
    version: '2',
  },
  {
    title: 'a sweep that finds a model out of step',
    function: 'sweep-promotions',
    async before() {
      await promoted();
      moveByHand('2');
    },
    operate: invokes('sweep-promotions', { sweep: true }),
    // Nothing was decided, and nothing was changed: no entry.
    writes: ['table outcome', ...SENT, 'table W5 told', 'table sweep'],
    moves: { registry: 1, workload: 0 },
    version: '2',
    ends: 'told',
  },
];

/** Plays an operation whose function is killed after this write; null when it has come to its end before. */
async function play(
  crash: Crash,
  killAt: number,
  then: 'again' | 'sweep',
): Promise<readonly string[] | null> {
  await empty();
  await crash.before();
  const { call, writes, died } =
    then === 'again' ? killing.killed(crash.function, killAt) : await killing.cutOff(crash.function, killAt);
  let running: LocalExecution | null = null;
  const stopping: LocalFunction = async (event) => {
    try {
      return await call(event);
    } finally {
      if (then === 'sweep' && died()) running?.abort();
    }
  };
  const functions = { ...host.functions, [crash.function]: stopping };
  const machine = localStateMachine(functions);
  const operation = crash.operate({
    ...host,
    functions,
    machine: {
      run: (input, options) => {
        running = machine.run(input, options);
        return running;
      },
    },
  });
  await operation.catch((error: Error) => {
    if (error.name !== 'Runtime.ExitError') throw error;
  });
  return died() ? null : writes;
}

async function empty(): Promise<void> {
  for (const system of [host.mlflow, host.workload, host.sns]) system.reset();
  await host.table.reset();
  host.stepFunctions.take();
}

/** Expects one outcome of each execution, and at least one alert of each that has something to tell. */
async function expectToldOnce() {
  const outcomes = await recordedOutcomes(host.table);
  const executions = outcomes.map(({ execution }) => execution);
  expect(new Set(executions).size).toBe(executions.length);
  const told = host.sns.published.map(({ attributes }) => attributes['execution']);
  expect(new Set(told)).toEqual(new Set(outcomes.filter(alertDue).map(({ execution }) => execution)));
  return outcomes;
}

const accepted = (requests: readonly RecordedRequest[], end: string) =>
  requests.filter(
    ({ method, path, status }) => method === 'POST' && path.endsWith(end) && (status ?? 500) < 300,
  ).length;

/** The numbers of the writes after which the function is killed. */
const killsIn = ({ writes, kills = /./ }: Crash): number[] =>
  writes.flatMap((write, index) => (kills.test(write) ? [index + 1] : []));

/** Every function is killed after each of its writes in a process of its own, and runs again in another. */
export function runAgain(): void {
  crashingHost();

  describe.each(crashes)('$title: $function killed after each of its writes', (crash) => {
    it('runs again, and ends closed and in step', async () => {
      // Once more without a kill: these are all its writes.
      for (const killAt of [...killsIn(crash), crash.writes.length + 1]) {
        const after = crash.writes[killAt - 1] ?? 'the last write';
        const writes = await play(crash, killAt, 'again');
        expect(writes, after).toEqual(killAt > crash.writes.length ? crash.writes : null);
        host.clock.skip(QUARTER_MS);
        for (const { status } of await sweepAndTakeUp(host, run)) expect(status, after).not.toBe('failed');
        const end = await endStateOf(host);
        expectEnd(end, crash.ends ?? 'in-step', await expectToldOnce());
        expect(end.champions, after).toEqual([crash.version]);
        await expectNothingTwice(crash);
      }
    }, 120_000);
  });

  it('has killed after each write to the item of a model', () => {
    const killed = new Set(crashes.flatMap(({ writes }) => writes.map((write) => write.match(/W\d/)?.[0])));
    const names = [...killed].filter((write) => write !== undefined).sort();
    expect(names).toEqual(['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8']);
  });
}

/** Every function that a sweep does not call dies after each of its writes, and nothing but a sweep goes on. */
export function sweepOnly(): void {
  crashingHost();
  const swept = crashes.filter((crash) => crash.swept !== undefined);

  describe.each(swept)('$title: $function dead after each of its writes', (crash) => {
    it('never runs again: one sweep and the attempt that it starts end closed and in step', async () => {
      for (const killAt of killsIn(crash)) {
        const write = crash.writes[killAt - 1];
        expect(await play(crash, killAt, 'sweep'), write).toBeNull();
        host.clock.skip(QUARTER_MS);
        await sweepAndTakeUp(host, run);
        const end = await endStateOf(host);
        expect(crash.swept, write).toContain(end.champions[0]);
        expectEnd(end, endsOf(crash, killAt), await recordedOutcomes(host.table));
      }
    }, 120_000);
  });
}

/** How the model is left when the function never runs again. */
function endsOf({ writes, ends = 'in-step', unopened = ends }: Crash, killAt: number): Ends {
  const opening = writes.findIndex((write) => OPENS.test(write)) + 1;
  return killAt < opening ? unopened : ends;
}

/** What an operation does once is done once, however often its steps ran. */
async function expectNothingTwice({ moves }: Crash) {
  const view = await readRegistry(host.registry, MODEL);
  const ids = recordsOn(view?.versions ?? []).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect({
    registry: accepted(host.mlflow.requests, 'transition-stage'),
    workload: accepted(host.workload.requests, '/replacement'),
  }).toEqual(moves);
}

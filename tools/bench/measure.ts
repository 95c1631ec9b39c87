import { type WireEvent, type WireHistory, wireHistory } from '../../emulators/aws/step-functions-history.ts';
import { clientSettings } from '../../lambdas/adapters/aws/client-settings.ts';
import { dynamodbClient, dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { type LocalFunction, localStateMachine } from '../../local/machine/state-machine.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { once, promote, type Scenario } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { type CountingTable, countingTable, noTableUse, type TableUse } from './counting-table.ts';

/** Requests of the functions of one execution to other systems; those of the local host are not counted. */
interface Use extends TableUse {
  mlflowCalls: number;
  workloadCalls: number;
  /** Messages that SNS accepted. */
  published: number;
}

/** Measurements of one execution. Only `durationsMs` depends on the machine. */
export interface Measured extends Use {
  kind: KindName;
  /** One line about the kind, for people. */
  title: string;
  /** As `npm start` prints it. */
  status: ExecutionDocument['status'];
  /** What Step Functions charges for. */
  transitions: number;
  /** Events in the history that Step Functions keeps. */
  historyEvents: number;
  /** From start to end by the local clock, which only waits advance: functions count as 0 s. */
  seconds: number;
  /** Calls of each function. */
  invocations: Record<FunctionName, number>;
  /** The largest document between two states, or payload or answer of a function, in bytes of UTF-8. */
  largestPayload: number;
  /** Milliseconds of each call of a function on this machine. */
  durationsMs: readonly number[];
}

interface Kind {
  title: string;
  play: Scenario['play'];
  /** Which execution of the scenario is measured, counted from 0. */
  execution: number;
}

const HOLDER = 'arn:aws:states:us-east-1:123456789012:execution:promotion:another';
const HELD_MINUTES = 5;

const playOf = (name: string): Scenario['play'] => {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`There is no scenario ${name}`);
  return found.play;
};

/** Another execution holds the lease of the model for the next five minutes. */
const withLeaseHeld =
  (input: object): Scenario['play'] =>
  async (host, run) => {
    seedPascalStrategy(host.mlflow);
    const store = dynamodbStore(dynamodbClient(clientSettings(host.env, 'DYNAMODB')), host.table.name);
    await store.takeLease(MODEL, HOLDER, host.clock.now(), HELD_MINUTES * 60);
    const document = await execute(host, input, run);
    await store.releaseLease(MODEL, HOLDER, host.clock.now());
    return [document];
  };

const served = (host: EmulatedHost) => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
};

const kinds = {
  'registry-only': { title: 'promoted, registry only', play: playOf('rollback'), execution: 0 },
  'short-rollout': { title: 'promoted, 1 min of warm-up', play: playOf('challenger-wins'), execution: 0 },
  'long-rollout': {
    title: 'promoted, 30 min of warm-up',
    play: once({ ...promote, rollout: { warmupDurationMinutes: 30 } }, served),
    execution: 0,
  },
  kept: { title: 'kept', play: playOf('challenger-loses'), execution: 0 },
  'needs-investigation': { title: 'needs investigation', play: playOf('investigate'), execution: 0 },
  'already-promoted': { title: 'already promoted', play: playOf('already-promoted'), execution: 0 },
  'rollout-failed': {
    title: 'rollout failed, rolled back',
    play: playOf('candidate-crash-loops'),
    execution: 0,
  },
  'registry-rollback': { title: 'rolled back, registry only', play: playOf('rollback'), execution: 1 },
  'workload-rollback': {
    title: 'rolled back, with Workload',
    play: playOf('rollback-after-success'),
    execution: 1,
  },
  busy: { title: 'busy, answered at once', play: withLeaseHeld(promote), execution: 0 },
  'busy-then-promoted': {
    title: 'busy for 5 min, then promoted',
    play: withLeaseHeld({ ...promote, wait_for_lease_minutes: 10 }),
    execution: 0,
  },
} as const satisfies Record<string, Kind>;

/** The kinds of execution that are measured. */
export type KindName = keyof typeof kinds;

/**
 * Measures every kind of execution, one after the other, each on a local host of its own: the table remembers what is live.
 * `onKind` gets the title of each first.
 */
export async function measure(onKind: (title: string) => void = () => {}): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const kind of Object.keys(kinds) as KindName[]) {
    onKind(kinds[kind].title);
    const host = await startHost();
    if (!isEmulated(host)) throw new Error('The figures need the emulators');
    const table = await countingTable(host.table.endpoint);
    // The functions read this variable on their first call.
    host.env['AWS_ENDPOINT_URL_DYNAMODB'] = table.endpoint;
    freezeClock(host);
    try {
      measured.push(await measureOne(host, table, kind));
    } finally {
      await table.close();
      await host.close();
    }
  }
  return measured;
}

/** Only waits advance the clock, so that the number of polls does not depend on the speed of this machine. */
function freezeClock({ clock }: EmulatedHost): void {
  let at = clock.now().getTime();
  clock.now = () => new Date(at);
  clock.skip = (ms) => {
    at += Math.max(0, ms);
  };
}

/** What is counted while an execution runs. */
interface Tally {
  history: WireHistory;
  calls: FunctionName[];
  durationsMs: number[];
  largestPayload: number;
  use: Use;
}

async function measureOne(host: EmulatedHost, table: CountingTable, kind: KindName): Promise<Measured> {
  const { title, play, execution } = kinds[kind];
  const tallies: Tally[] = [];
  const functions = countingFunctions(host, table, () => tallies.at(-1));
  const run: ExecutionRun = {
    pauseMs: 0,
    onEvent: (event) => {
      if (event.kind === 'started') tallies.push(newTally(event.at));
      const tally = tallies.at(-1);
      tally?.history.add(event);
      if (event.kind === 'exited') recordSize(tally, event.output);
    },
  };
  const documents = await play({ ...host, functions, machine: localStateMachine(functions) }, run);
  const [document, tally] = [documents[execution], tallies[execution]];
  const [begun, ended] = [tally?.history.events[0]?.timestamp, tally?.history.stopDate];
  if (document === undefined || tally === undefined || begun === undefined || ended == null)
    throw new Error(`${title}: the execution did not start, or did not end`);
  return {
    kind,
    title,
    status: document.status,
    transitions: transitionsIn(tally.history.events),
    historyEvents: tally.history.events.length,
    seconds: Math.round((ended - begun) * 1000) / 1000,
    invocations: perFunction((name) => tally.calls.filter((call) => call === name).length),
    ...tally.use,
    largestPayload: tally.largestPayload,
    durationsMs: tally.durationsMs,
  };
}

/**
 * The transitions that Step Functions charges for: every state that is entered, and every retry
 * (https://aws.amazon.com/step-functions/pricing/).
 */
export function transitionsIn(history: readonly WireEvent[]): number {
  const count = (end: string) => history.filter(({ type }) => type.endsWith(end)).length;
  return count('StateEntered') + count('LambdaFunctionScheduled') - count('TaskStateEntered');
}

const newTally = (at: number): Tally => ({
  history: wireHistory('{}', at),
  calls: [],
  durationsMs: [],
  largestPayload: 0,
  use: { mlflowCalls: 0, workloadCalls: 0, published: 0, ...noTableUse() },
});

function recordSize(tally: Tally | undefined, payload: unknown): void {
  if (tally === undefined) return;
  const bytes = Buffer.byteLength(JSON.stringify(payload) ?? '');
  tally.largestPayload = Math.max(tally.largestPayload, bytes);
}

function perFunction<T>(of: (name: FunctionName) => T): Record<FunctionName, T> {
  return Object.fromEntries(functionNames.map((name) => [name, of(name)])) as Record<FunctionName, T>;
}

/** The host's functions; each call is counted for the current execution. Executions never run in parallel. */
function countingFunctions(
  host: EmulatedHost,
  table: CountingTable,
  current: () => Tally | undefined,
): Record<FunctionName, LocalFunction> {
  const usedSoFar = (): Use => ({
    mlflowCalls: host.mlflow.requests.length,
    // The same server answers requests to the model, which are not counted.
    workloadCalls: host.workload.requests.filter(({ path }) => !path.startsWith('endpoints/')).length,
    published: host.sns.published.length,
    ...table.use,
  });
  return perFunction((name) => async (event) => {
    const tally = current();
    if (tally === undefined) return host.functions[name](event);
    await host.clock.whenArrived();
    recordSize(tally, event);
    tally.calls.push(name);
    const before = usedSoFar();
    const began = performance.now();
    try {
      const answer = await host.functions[name](event);
      recordSize(tally, answer);
      return answer;
    } finally {
      tally.durationsMs.push(performance.now() - began);
      tally.use = plus(tally.use, usedSoFar(), before);
    }
  });
}

function plus(sum: Use, after: Use, before: Use): Use {
  const fields = Object.keys(sum) as (keyof Use)[];
  return Object.fromEntries(
    fields.map((field) => [field, sum[field] + after[field] - before[field]]),
  ) as Record<keyof Use, number>;
}

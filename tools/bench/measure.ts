import { dynamodbClient, dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import {
  type ExecutionDocument,
  type ExecutionRun,
  execute,
  type FollowedEvent,
} from '../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';
import { type LocalEvent, type LocalFunction, localStateMachine } from '../../local/machine/state-machine.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { once, promote, type Scenario } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { type CountingTable, countingTable, noTableUse, type TableUse } from './counting-table.ts';
import { stepsOf } from './tally.ts';

/** What one execution took. Only `durationsMs` depends on the machine it is run on. */
export interface Measured {
  kind: string;
  /** As `npm start` would say it. */
  status: ExecutionDocument['status'];
  transitions: number;
  historyEvents: number;
  /** Seconds from its start to its end, by the clock that waits set forward: functions take no time on it. */
  seconds: number;
  invocations: Record<FunctionName, number>;
  /** Requests of the functions; those of whoever looks on are not counted. */
  mlflowCalls: number;
  workloadCalls: number;
  table: TableUse;
  /** Messages that SNS took. */
  published: number;
  /** The largest document between two states, or payload or answer of a function, in bytes of UTF-8. */
  largestPayload: number;
  /** Of each call of a function, on this machine. */
  durationsMs: readonly number[];
}

interface Kind {
  kind: string;
  scenario: Scenario['play'];
  /** Which of the scenario's executions it is. */
  execution: number;
}

const HOLDER = 'arn:aws:states:us-east-1:123456789012:execution:promotion:another';
const HELD_MINUTES = 5;

const played = (name: string): Scenario['play'] => {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) throw new Error(`There is no scenario ${name}`);
  return found.play;
};

/** Somebody else has the lease of the model for five minutes from now. */
const whileHeld =
  (input: object): Scenario['play'] =>
  async (host, run) => {
    seedPascalStrategy(host.mlflow);
    const store = dynamodbStore(dynamodbClient(), host.table.name);
    await store.takeLease(MODEL, HOLDER, host.clock.now(), HELD_MINUTES * 60);
    const document = await execute(host, input, run);
    await store.releaseLease(MODEL, HOLDER);
    return [document];
  };

const served = (host: EmulatedHost) => {
  seedPascalStrategy(host.mlflow);
  seedServing(host);
};

/** The name of the kind that a day's promotions are reckoned with. */
export const EVERY_DAY = 'promoted, 30 min of warm-up';
export const A_SHORT_ONE = 'promoted, 1 min of warm-up';

const kinds: readonly Kind[] = [
  { kind: 'promoted, registry only', scenario: played('rollback'), execution: 0 },
  { kind: A_SHORT_ONE, scenario: played('challenger-wins'), execution: 0 },
  {
    kind: EVERY_DAY,
    scenario: once({ ...promote, rollout: { warmupDurationMinutes: 30 } }, served),
    execution: 0,
  },
  { kind: 'kept', scenario: played('challenger-loses'), execution: 0 },
  { kind: 'needs investigation', scenario: played('investigate'), execution: 0 },
  { kind: 'already promoted', scenario: played('already-promoted'), execution: 0 },
  { kind: 'rollout failed, rolled back', scenario: played('candidate-crash-loops'), execution: 0 },
  { kind: 'rolled back, registry only', scenario: played('rollback'), execution: 1 },
  { kind: 'rolled back, with Workload', scenario: played('rollback-after-success'), execution: 1 },
  { kind: 'busy, answered at once', scenario: whileHeld(promote), execution: 0 },
  {
    kind: 'busy for 5 min, then promoted',
    scenario: whileHeld({ ...promote, wait_for_lease_minutes: 10 }),
    execution: 0,
  },
];

/** Every kind of execution, run on the local host one after the other. Tells each kind before it is run. */
export async function measure(tell: (kind: string) => void = () => {}): Promise<Measured[]> {
  const host = await startHost();
  if (!isEmulated(host)) throw new Error('The figures need the emulators');
  const table = await countingTable(host.table.endpoint);
  // The functions look for their table only when they are called first.
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = table.endpoint;
  standStill(host);
  try {
    const measured: Measured[] = [];
    for (const { kind, scenario, execution } of kinds) {
      tell(kind);
      measured.push(await measureOne(host, table, { kind, scenario, execution }));
    }
    return measured;
  } finally {
    await table.close();
    await host.close();
  }
}

/** A clock that only waits move: how often a rollout is looked at must not depend on how fast this machine is. */
function standStill({ clock }: EmulatedHost): void {
  let at = clock.now().getTime();
  clock.now = () => new Date(at);
  clock.skip = (ms) => {
    at += Math.max(0, ms);
  };
}

interface Tally {
  events: LocalEvent[];
  startedAt: number;
  endedAt: number;
  calls: FunctionName[];
  durationsMs: number[];
  largestPayload: number;
  use: Use;
}

/** Running counts of what all functions have used so far. */
interface Use {
  mlflowCalls: number;
  workloadCalls: number;
  published: number;
  table: TableUse;
}

async function measureOne(
  host: EmulatedHost,
  table: CountingTable,
  { kind, scenario, execution }: Kind,
): Promise<Measured> {
  host.mlflow.reset();
  host.workload.reset();
  host.sns.reset();
  const tallies: Tally[] = [];
  const functions = counted(host, table, () => tallies.at(-1));
  const run: ExecutionRun = {
    pauseMs: 0,
    onEvent: (event) => {
      if (event.kind === 'started') tallies.push(newTally(event.at));
      const tally = tallies.at(-1);
      if (tally === undefined || !isLocal(event)) return;
      tally.events.push(event);
      tally.endedAt = event.at;
      if (event.kind === 'exited') noteSize(tally, event.output);
    },
  };
  const documents = await scenario({ ...host, functions, machine: localStateMachine(functions) }, run);
  const [document, tally] = [documents[execution], tallies[execution]];
  if (document === undefined || tally === undefined) throw new Error(`${kind}: no such execution`);
  const { transitions, history } = stepsOf(tally.events, tally.events.at(-1)?.state === 'Done');
  return {
    kind,
    status: document.status,
    transitions,
    historyEvents: history.length,
    seconds: (tally.endedAt - tally.startedAt) / 1000,
    invocations: perFunction((name) => tally.calls.filter((call) => call === name).length),
    ...tally.use,
    largestPayload: tally.largestPayload,
    durationsMs: tally.durationsMs,
  };
}

const isLocal = (event: FollowedEvent): event is LocalEvent =>
  ['entered', 'exited', 'failed', 'retried', 'caught'].includes(event.kind);

const newTally = (at: number): Tally => ({
  events: [],
  startedAt: at,
  endedAt: at,
  calls: [],
  durationsMs: [],
  largestPayload: 0,
  use: { mlflowCalls: 0, workloadCalls: 0, published: 0, table: noTableUse() },
});

function noteSize(tally: Tally, payload: unknown): void {
  const bytes = Buffer.byteLength(JSON.stringify(payload) ?? '');
  tally.largestPayload = Math.max(tally.largestPayload, bytes);
}

function perFunction<T>(of: (name: FunctionName) => T): Record<FunctionName, T> {
  return Object.fromEntries(functionNames.map((name) => [name, of(name)])) as Record<FunctionName, T>;
}

/** The host's functions; what each call uses goes to the execution that runs: never two at a time. */
function counted(
  host: EmulatedHost,
  table: CountingTable,
  current: () => Tally | undefined,
): Record<FunctionName, LocalFunction> {
  const usedSoFar = (): Use => ({
    mlflowCalls: host.mlflow.requests.length,
    // Not the clients of the model, whose requests the same server answers.
    workloadCalls: host.workload.requests.filter(({ path }) => !path.startsWith('endpoints/')).length,
    published: host.sns.published.length,
    table: { ...table.use },
  });
  return perFunction((name) => async (event) => {
    const tally = current();
    if (tally === undefined) return host.functions[name](event);
    await host.clock.arrived();
    noteSize(tally, event);
    tally.calls.push(name);
    const before = usedSoFar();
    const began = performance.now();
    try {
      const answer = await host.functions[name](event);
      noteSize(tally, answer);
      return answer;
    } finally {
      tally.durationsMs.push(performance.now() - began);
      tally.use = plus(tally.use, usedSoFar(), before);
    }
  });
}

function plus(sum: Use, after: Use, before: Use): Use {
  const table = (field: keyof TableUse) => sum.table[field] + after.table[field] - before.table[field];
  return {
    mlflowCalls: sum.mlflowCalls + after.mlflowCalls - before.mlflowCalls,
    workloadCalls: sum.workloadCalls + after.workloadCalls - before.workloadCalls,
    published: sum.published + after.published - before.published,
    table: {
      requests: table('requests'),
      readUnits: table('readUnits'),
      writeUnits: table('writeUnits'),
      indexWriteUnits: table('indexWriteUnits'),
    },
  };
}

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { StepFunctionName } from '../../lambdas/domain/limits.ts';
import { localStateMachine } from '../../local/machine/state-machine.ts';
import { interpret, type MachineEvent, readDefinition } from '../../simulator/engine/interpreter.ts';
import type { Json } from '../../simulator/engine/json-path.ts';
import { StateError } from '../../simulator/engine/state-error.ts';
import { Random } from '../../simulator/random.ts';
import { begun, type StubFunctions, stubFunctions } from '../support/stub-functions.ts';

/** The simulator's interpreter against the one that the local host uses. */

const MACHINES = 500;
/** Answers of a function that differ from its usual ones, one after the other. */
const UNUSUAL = 12;

const asl = readFileSync(new URL('../../statemachines/promotion.asl.json', import.meta.url), 'utf8');
const definition = readDefinition(asl);

const named = (name: string) => Object.assign(new Error('as drawn'), { name });
const errors = [
  'Lambda.TooManyRequestsException',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'States.DataLimitExceeded',
  'MlflowUnavailable',
  'WorkloadApiUnavailable',
  'LeaseStoreUnavailable',
  'StaleFence',
  'NobodyKnowsThis',
].map(named);

const prepared = {
  ...{ status: 'ready', wait: false, workload_id: 'w', artifact_id: 'a', retry_after_seconds: null },
  ...{ deadline: '2026-01-01T01:00:00Z', prepared_at: '2026-01-01T00:00:00Z', fence: 7, change_id: 'run-1' },
  rollback_reason: null,
};
const going = { status: 'in_progress', retry_after_seconds: 3 };
const compared = { decision: 'PROMOTE', confidence: 1, champion_version: '2', challenger_version: '3' };

/** What each function may answer; the first leads on. */
const answers: Record<StepFunctionName, object[]> = {
  'begin-promotion': [
    begun(),
    begun({ operation: 'rollback' }),
    begun({ operation: 'resume' }),
    begun({ operation: 'adopt' }),
    begun({ operation: 'nothing known' }),
    begun({ dry_run: true }),
    begun({ valid: false }),
  ],
  'compare-models': [compared, compared, compared, { ...compared, decision: 'KEEP' }],
  'request-approval': [
    { status: 'not_needed', wait_seconds: null, request_id: null },
    { status: 'waiting', wait_seconds: 60, request_id: 'r' },
    { status: 'waiting', wait_seconds: null, request_id: 'r' },
    { status: 'approved', wait_seconds: null, request_id: 'r' },
    { status: 'rejected', wait_seconds: null, request_id: 'r' },
  ],
  'prepare-promotion': [
    prepared,
    prepared,
    { ...prepared, workload_id: null },
    { ...prepared, artifact_id: null },
    { ...prepared, status: 'busy', wait: true, retry_after_seconds: 30 },
    { ...prepared, status: 'busy' },
    { ...prepared, status: 'contested' },
  ],
  'replace-workload': [
    { status: 'completed' },
    going,
    { ...going, retry_after_seconds: null },
    { status: 'failed' },
  ],
  'promote-model': [{ promoted: true }, { promoted: true }, { promoted: false }],
  'close-promotion': [{ status: 'completed' }, going, { status: 'failed' }],
  'model-rollback': [{ status: 'completed' }, going, { status: 'failed' }],
  'end-promotion': [
    { succeeded: true, status: 'promoted', reason: 'as asked' },
    { succeeded: false, status: 'failed', reason: 'as drawn' },
  ],
};
/** What ends every machine in the end. */
const last: Partial<Record<StepFunctionName, object>> = {
  'request-approval': { status: 'rejected', wait_seconds: null, request_id: 'r' },
  'prepare-promotion': { ...prepared, status: 'contested' },
  'replace-workload': { status: 'failed' },
  'close-promotion': { status: 'failed' },
  'model-rollback': { status: 'failed' },
};

/** The same functions each time that they are made from one seed. */
function functionsOf(seed: string): StubFunctions {
  const random = new Random(seed);
  // Retries are spent only by a function that fails again and again.
  const failing = random.chance(0.7) ? random.pick(Object.keys(answers)) : null;
  const replies = Object.entries(answers).map(([name, usual]) => {
    const share = name === failing ? 1 : random.pick([0, 0, 0.1, 0.3]);
    const own = random.chance(0.5) ? errors : [random.pick(errors)];
    const drawn = () =>
      random.pick(random.chance(share) ? own : random.chance(0.5) ? usual.slice(0, 1) : usual);
    return [
      name,
      [...Array.from({ length: UNUSUAL }, drawn), last[name as StepFunctionName] ?? usual[0] ?? {}],
    ];
  });
  return stubFunctions(Object.fromEntries(replies));
}

/** Where a machine went, what it called its functions with, and how it ended. */
interface Way {
  events: string[];
  calls: unknown;
  ending: unknown;
}

/** Causes quote a stack trace, and each machine makes tokens of its own. */
const withoutCauses = (calls: StubFunctions['calls']): unknown =>
  JSON.parse(
    JSON.stringify(calls, (key, value) => (key === 'Cause' || key === 'task_token' ? undefined : value)),
  );

async function interpreted(seed: string): Promise<Way> {
  const { handlers, calls } = functionsOf(seed);
  const events: string[] = [];
  const context: Json = {
    Execution: { Id: 'run-1', Name: 'run-1', StartTime: '2026-01-01T00:00:00Z', Input: {} },
  };
  const ending = await interpret(definition, {}, context, {
    invoke: async ({ functionName, payload }) => {
      try {
        const answer = await handlers[functionName as StepFunctionName](JSON.parse(JSON.stringify(payload)));
        return JSON.parse(JSON.stringify(answer));
      } catch (error) {
        throw new StateError(error instanceof Error ? error.name : 'unknown', 'as drawn');
      }
    },
    // As where nobody decides: the time is over when the function has answered.
    park: async ({ functionName, payload }) => {
      try {
        await handlers[functionName as StepFunctionName](JSON.parse(JSON.stringify(payload('token'))));
      } catch (error) {
        throw new StateError(error instanceof Error ? error.name : 'unknown', 'as drawn');
      }
      throw new StateError('States.Timeout', 'as drawn');
    },
    wait: async () => {},
    random: () => 0,
    onEvent: (event) => events.push(...lineOf(event)),
  });
  return {
    events,
    calls: withoutCauses(calls),
    ending: ending.status === 'SUCCEEDED' ? ending.status : [ending.status, ending.error],
  };
}

function lineOf(event: MachineEvent): string[] {
  switch (event.kind) {
    case 'entered':
      return [event.state];
    case 'retried':
      return [`${event.state} again`];
    case 'caught':
      return [`${event.state} caught: ${event.next}`];
    default:
      return [];
  }
}

async function local(seed: string): Promise<Way> {
  const { handlers, calls } = functionsOf(seed);
  const events: string[] = [];
  const execution = { id: 'run-1', name: 'run-1', startTime: '2026-01-01T00:00:00Z' };
  const { status, error } = await localStateMachine(handlers).run(
    {},
    {
      execution,
      waitSeconds: 0,
      onEvent: (event) => {
        if (event.kind === 'entered') events.push(event.state);
        if (event.kind === 'retried') events.push(`${event.state} again`);
        if (event.kind === 'caught') events.push(`${event.state} caught: ${event.next}`);
      },
    },
  ).result;
  return {
    events,
    calls: withoutCauses(calls),
    ending: status === 'SUCCEEDED' ? status : [status, error?.Error],
  };
}

it('goes the same way as the interpreter of the local host, whatever the functions answer', async () => {
  const reached = new Set<string>();
  for (let number = 1; number <= MACHINES; number += 1) {
    const seed = `machine-${number}`;
    const way = await interpreted(seed);
    expect(way, seed).toEqual(await local(seed));
    for (const event of way.events) reached.add(event);
  }
  const states = Object.keys(definition.States);
  expect(states.filter((state) => !reached.has(state))).toEqual([]);
}, 120_000);

it('refuses a definition with a field that it does not interpret', () => {
  const other = asl.replace('"Type": "Task",', '"Type": "Task", "HeartbeatSeconds": 5,');
  expect(() => readDefinition(other)).toThrow('HeartbeatSeconds');
});

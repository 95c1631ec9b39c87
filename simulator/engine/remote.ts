import type { Random } from '../random.ts';
import type { CallFault, System } from './faults.ts';
import type { Invocation } from './invocation.ts';
import { StateError } from './state-error.ts';
import { never } from './time.ts';

/** One request to another system, sent once. */
export interface RemoteCall<T> {
  system: System;
  /** Method and path without ids, or the command. */
  name: string;
  writes: boolean;
  /** Milliseconds for the whole answer. */
  timeoutMs: number;
  body?: unknown;
  /** What the other system does with it. */
  execute: () => T;
  /** Where it reads before it writes: reads, and answers what runs `execute` upon that. */
  begin?: (() => <R>(execute: () => R) => R) | undefined;
}

/** An error that `execute` throws is an answer, too. */
type Answer<T> = { value: T } | { error: unknown };

/** What became of it. */
export type Sent<T> =
  | { kind: 'answered'; answer: Answer<T> }
  /** Something else answered in place of the system, or altered its answer. */
  | { kind: 'altered'; by: Altering; answer: Answer<T> | null }
  | { kind: 'refused' | 'timeout' | 'broken' };

export type Altering = Extract<
  CallFault,
  | 'throttled'
  | 'broken'
  | 'unavailable'
  | 'gateway-timeout'
  | 'html'
  | 'truncated'
  | 'hostile'
  | 'hostile-after'
>;

/** A write is where things go wrong: it gets a larger share of the faults. */
const WRITE_WEIGHT = 4;
/** Faults after which the sender knows what became of its request, or has to believe that it does. */
const ANSWERED: ReadonlySet<CallFault> = new Set([
  'refused',
  'throttled',
  'twice',
  'stalls',
  'hostile',
  'hostile-after',
]);
/** A fault may go on for as many requests as a client repeats, and a few more. */
const MAX_REPEATED = 5;
/** A request that is executed after its client has given up comes so many milliseconds later at most. */
const MAX_LATE_MS = 8_000;
/** A system that reads before it writes reads so many milliseconds earlier. */
const READ_MS = 25;
/** A process stands still for so many milliseconds at most. */
const MAX_STALL_MS = 15_000;

/** Sends one request as one process, subject to faults. Never resolves when the process ends meanwhile. */
export async function send<T>(invocation: Invocation, call: RemoteCall<T>): Promise<Sent<T>> {
  const { play } = invocation;
  const { time } = play;
  if (!invocation.alive) return never();
  const { fault: drawn, random } = faultOf(invocation, call);
  // An empty success of AWS is one: nobody could tell it from a write that was executed.
  const fault =
    drawn === 'hostile' && call.writes && call.system !== 'mlflow' && call.system !== 'workload'
      ? 'hostile-after'
      : drawn;
  if (fault === 'stalls') await invocation.pass(random.unit() * MAX_STALL_MS);
  if (fault === 'dies-before') return ended(invocation);
  if (call.writes) {
    const { system, name, body = null } = call;
    const unanswered = fault !== null && !ANSWERED.has(fault);
    play.onWrite({ by: invocation.id, number: invocation.calls, system, name, body, unanswered });
  }

  const there = latency(invocation);
  const back = latency(invocation);
  let begun = <R>(run: () => R): R => run();
  const execute = (): Answer<T> => {
    try {
      play.by = invocation;
      const value = begun(call.execute);
      play.note(invocation.id, () => `${call.name} → ${shown(value)}`);
      return { value };
    } catch (error) {
      play.note(invocation.id, () => `${call.name} → ${String(error)}`);
      return { error };
    }
  };
  const timedOut = async (): Promise<Sent<T>> => {
    await invocation.pass(call.timeoutMs);
    return { kind: 'timeout' };
  };
  // Whoever waits for the answer is woken when it arrives; what an execution does begins when it is started.
  const quiet = call.system !== 'step-functions';
  const executed = (after: number) => {
    const box: { answer: Answer<T> | null } = { answer: null };
    const { begin } = call;
    if (begin !== undefined) {
      time.after(
        after - READ_MS,
        () => {
          begun = begin();
        },
        { quiet },
      );
    }
    time.after(
      after,
      () => {
        box.answer = execute();
      },
      { quiet },
    );
    return box;
  };
  const altered = async (by: Altering, box: { answer: Answer<T> | null }) => {
    await invocation.pass(there + back);
    const { answer } = box;
    // Nobody could tell an empty success of AWS from a write that its condition has refused.
    const isRefusal = answer !== null && 'error' in answer;
    if (isRefusal && call.system !== 'mlflow' && call.system !== 'workload')
      return { kind: 'answered', answer } as const;
    return { kind: 'altered', by, answer } as const;
  };

  switch (fault) {
    case 'refused':
      await invocation.pass(1);
      return { kind: 'refused' };
    case 'hangs':
      return timedOut();
    case 'slow':
      executed(there);
      return timedOut();
    case 'late':
      executed(call.timeoutMs + random.unit() * MAX_LATE_MS);
      return timedOut();
    case 'lost':
      executed(there);
      await invocation.pass(there + back);
      return { kind: 'broken' };
    case 'dies-after':
      executed(there);
      await invocation.pass(there);
      return ended(invocation);
    case 'throttled':
    case 'broken':
    case 'unavailable':
    case 'html':
    case 'hostile':
      return altered(fault, { answer: null });
    case 'gateway-timeout':
    case 'truncated':
    case 'hostile-after':
      return altered(fault, executed(there));
    case 'twice':
      executed(there + random.unit() * 200);
      break;
    default:
  }
  const box = executed(there);
  await invocation.pass(there + back);
  if (box.answer === null) throw new Error(`${call.name} was answered before it was executed`);
  return { kind: 'answered', answer: box.answer };
}

function faultOf<T>(
  invocation: Invocation,
  { system, name, writes }: RemoteCall<T>,
): { fault: CallFault | null; random: Random } {
  const { play, id, functionName } = invocation;
  const number = invocation.calls;
  const site = { id: `${id}#${number}`, number, functionName, system, call: `${system} ${name}` };
  invocation.calls += 1;
  play.sent.push({ by: id, system, name, at: play.time.now });
  play.count(`call ${functionName} ${site.call}`);
  const outage = play.outageOf(system);
  if (outage !== null) {
    play.count(`outage ${functionName} ${site.call}: ${outage.kind}`);
    play.note(site.id, () => `OUTAGE ${outage.kind} at ${site.call}`);
    return { fault: outage.kind, random: invocation.random };
  }
  const { goesOn } = invocation;
  if (goesOn !== null && goesOn.system === system && goesOn.left > 0) {
    goesOn.left -= 1;
    play.note(site.id, () => `FAULT ${goesOn.kind} again at ${site.call}`);
    return { fault: goesOn.kind, random: invocation.random };
  }
  const fault = play.callFault(site, invocation.random, writes ? WRITE_WEIGHT : 1);
  if (fault === null) return { fault, random: invocation.random };
  const random = play.random(`${site.id}/details`);
  const left = random.chance(0.5) ? random.between(1, MAX_REPEATED) : 0;
  if (!fault.startsWith('dies') && fault !== 'stalls') {
    invocation.goesOn = { system, kind: fault, left };
    const noted = play.faults.at(-1);
    if (noted !== undefined) noted.again = left;
  }
  return { fault, random };
}

function ended<T>(invocation: Invocation): Promise<Sent<T>> {
  invocation.die(new StateError('Runtime.ExitError', 'Error: Runtime exited with error: signal: killed'));
  return never();
}

/** Milliseconds one way: some, and now and then a second. */
function latency({ random }: Invocation): number {
  const unit = random.unit();
  return Math.ceil(unit < 0.97 ? 1 + 60 * unit ** 3 : 500 * random.unit() + 60);
}

const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 400);

import { type FunctionName, MISSED_AFTER_MS, MISSED_WITHIN_MS } from '../../lambdas/domain/limits.ts';
import { systems } from '../engine/faults.ts';
import { isRecord, type Json } from '../engine/json-path.ts';
import { sidesOf } from '../invariants/sides.ts';
import type { Surroundings } from './surroundings.ts';

/** The schedule of the sweeps, without those that would find nothing. */

const MINUTE = 60_000;
/** Sweeps come so often; the one that finds nothing is not played. */
export const SWEEP_MS = 5 * MINUTE;
/** One in so many sweeps is played even if it should find nothing: the hourly comparison. */
const HOURLY = 13;

/** Calls a function by its name, under an id, with a payload. */
export type Called = (functionName: FunctionName, id: string, payload: Json) => Promise<Json>;

/** The schedule. Answers a function that stops it. */
export function sweeping(around: Surroundings, called: Called): () => void {
  let number = 0;
  let stopped = false;
  const found = new Map<string, { picture: string; times: number }>();
  const sweep = (kind: 'hourly' | 'may find something') => {
    const before = pictureOf(around);
    const known = found.get(kind);
    const times = known?.picture === before ? known.times : 0;
    // What a sweep does is decided by the picture, and by minutes that have passed when it has come to the same twice.
    if (times >= 2) return;
    const faults = around.play.faults.length;
    called('sweep-promotions', `sweep-${number}`, { sweep: true }).then(
      () => {
        const same = pictureOf(around) === before && around.play.faults.length === faults;
        found.set(kind, { picture: before, times: same ? times + 1 : 0 });
      },
      () => found.delete(kind),
    );
  };
  const next = () => {
    around.play.time.after(SWEEP_MS, () => {
      if (stopped) return;
      number += 1;
      if (number % HOURLY === 0) sweep('hourly');
      else if (mayFindSomething(around)) sweep('may find something');
      next();
    });
  };
  next();
  return () => {
    stopped = true;
  };
}

/** The executions that have no outcome, among those that sweeps look for. */
const missed = ({ table, executions, play }: Surroundings) =>
  [...executions.all.values()].filter(
    ({ status, arn, endedAt }) =>
      status !== 'RUNNING' &&
      status !== 'SUCCEEDED' &&
      play.time.now - (endedAt ?? 0) < MISSED_WITHIN_MS + SWEEP_MS &&
      !table.items.has(`outcome#${arn}`),
  );

export function mayFindSomething(around: Surroundings): boolean {
  for (const item of around.table.items.values())
    if (item['alert_pending'] !== undefined || item['change_state'] === 'open') return true;
  return missed(around).length > 0;
}

/** Milliseconds until the last lease ends; 0 where nobody has one. */
export function leaseLeftMs({ table, play, worlds }: Surroundings): number {
  const ends = worlds.map(({ model }) => table.items.get(`lease#${model}`)?.['expires_at']);
  return Math.max(0, ...ends.map((until) => Number(until ?? 0) * 1000 - play.time.now));
}

export const isHeld = (around: Surroundings) => leaseLeftMs(around) > 0;

/** It moves with every comparison. */
const CURSOR = 'sweep#cursor';

/** What a sweep may change. */
export const fingerprint = ({ table, executions, published }: Surroundings) =>
  JSON.stringify([
    [...table.items.values()].filter(({ pk }) => pk !== CURSOR),
    executions.all.size,
    published.length,
  ]);

/** Everything that decides what a sweep does; what the minutes change is in it as true or false. */
function pictureOf(around: Surroundings): string {
  const { play, executions, table, worlds } = around;
  const { now } = play.time;
  const changes = worlds.map(({ model }) => table.items.get(`lease#${model}`)?.['change']);
  const isDue = changes.map((change) => {
    const next = isRecord(change) ? change['next_at'] : null;
    return typeof next !== 'string' || Date.parse(next) <= now;
  });
  const late = missed(around).filter(({ endedAt }) => now - (endedAt ?? 0) > MISSED_AFTER_MS);
  return JSON.stringify([
    fingerprint(around),
    // Of several models a sweep compares one, and the next sweep another one.
    worlds.length > 1 ? table.items.get(CURSOR) : null,
    worlds.map(sidesOf),
    executions.running.map(({ name }) => name),
    late.map(({ name }) => name),
    [isHeld(around), isDue],
    systems.map((system) => play.outageOf(system)),
  ]);
}

import { expect, it } from 'vitest';
import { outageKinds } from '../../simulator/engine/faults.ts';
import {
  isInTime,
  type OutagePoint,
  outageOperations,
  outageSystems,
  playOutages,
  worstPoints,
} from '../../simulator/outages.ts';

/** One in so many requests; `promotion simulate --outages` plays each. */
const EVERY = 15;

it('tells people in time, whichever system goes away at whichever request', async () => {
  const points = await playOutages(EVERY);
  expect(points.filter((point) => !isInTime(point))).toEqual([]);
  const played = new Set(points.map(({ operation, system, kind }) => `${operation} ${system} ${kind}`));
  expect(played.size).toBe(outageOperations.length * outageSystems.length * outageKinds.length);
}, 300_000);

it('counts as late what nobody is told of, and what takes longer than its limit', () => {
  const point: OutagePoint = {
    operation: 'promote',
    system: 'mlflow',
    kind: 'refused',
    state: 'CompareModels',
    call: 'GET runs/get',
    number: 3,
    seconds: 180,
    bound: 180,
  };
  const never = { ...point, seconds: null };
  expect([point, { ...point, seconds: 181 }, never].map(isInTime)).toEqual([true, false, false]);
  expect(worstPoints([point, { ...point, seconds: 12 }])).toEqual([point]);
  expect(worstPoints([point, never])).toEqual([never]);
});

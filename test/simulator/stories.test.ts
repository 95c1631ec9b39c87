import { expect, it } from 'vitest';
import { play } from '../../simulator/shrink.ts';
import { simulate } from '../../simulator/simulate.ts';
import { functionCalls } from '../../simulator/story/function-calls.ts';

const STORIES = 500;

/** The requests that stories can be about. */
const known = new Set(
  Object.entries(functionCalls).flatMap(([functionName, systems]) =>
    Object.entries(systems).flatMap(([system, names]) =>
      names.map((name) => `call ${functionName} ${system} ${name}`),
    ),
  ),
);

it(
  `violates nothing in ${STORIES} stories, whatever goes wrong in them`,
  async () => {
    const report = await simulate({ seed: 'gate', stories: STORIES, maxFailures: 3, workers: 2 });
    expect(report.failures).toEqual([]);
    expect(report.faults).toBeGreaterThan(STORIES / 2);
    const made = Object.keys(report.coverage.counts).filter((name) => name.startsWith('call '));
    expect(made.filter((name) => !known.has(name))).toEqual([]);
    // Executions waited for people, and were woken, or reminded them.
    expect(report.coverage.counts).toMatchObject({
      'state AwaitDecision': expect.any(Number),
      'catch AwaitDecision[0] → RequestApproval': expect.any(Number),
    });
    // Watches came to each of their ends.
    const reached = ['rollback_started', 'kept', 'unproven'].filter(
      (status) => report.coverage.counts[`watch ${status}`],
    );
    expect(reached).toEqual(['rollback_started', 'kept', 'unproven']);
  },
  10 * 60_000,
);

it('plays a story the same way each time, whatever was played before', async () => {
  const seeds = ['again-1', 'again-2', 'again-3', 'again-4', 'again-5', 'again-6', 'again-35', 'again-45'];
  const traceOf = async (seed: string) => {
    const { finished } = await play({ seed, only: null }, { traced: true });
    // Who wrote an outcome is the one random value that stays inside the table.
    return JSON.stringify(finished.play.trace).replaceAll(
      /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
      'uuid',
    );
  };
  const first: string[] = [];
  for (const seed of seeds) first.push(await traceOf(seed));
  const second: string[] = [];
  for (const seed of seeds.toReversed()) second.unshift(await traceOf(seed));
  expect(second).toEqual(first);
});

import type { Finished, FinishedPlay } from '../story/play-story.ts';
import { approval, approvalAtRest } from './approval.ts';
import { atRest } from './at-rest.ts';
import type { Violation } from './invariant.ts';
import { said } from './said.ts';
import { sidesOf } from './sides.ts';
import { watchAtRest, watchWrites } from './watch.ts';
import { writes } from './writes.ts';

export type { Invariant, Violation } from './invariant.ts';

/** Everything that must be so, whatever went wrong: at the end, at each write, and in all that was said. */
export const invariants = [
  ...atRest,
  ...watchAtRest,
  ...approvalAtRest,
  ...writes,
  ...said,
  ...watchWrites,
  ...approval,
];

/** Everything that is not as it must be, of each model. What was written before a backup of the table replaced it is not held against it. */
export const check = ({ models }: FinishedPlay): Violation[] =>
  models.flatMap((finished, index) =>
    checkOne(finished).map(({ invariant, what }) => ({
      invariant,
      what: index === 0 ? what : `${finished.world.model}: ${what}`,
    })),
  );

function checkOne(finished: Finished): Violation[] {
  const { world } = finished;
  const sides = sidesOf(world);
  const item = world.chronicle.item();
  return (world.restoredAt === null ? invariants : atRest).flatMap(({ name, violations }) =>
    violations(finished, sides, item).map((what) => ({ invariant: name, what })),
  );
}

import * as z from 'zod';
import { describe, Keys, oneLine, positive } from './policy-fields.ts';

/** What the metric of a rule is made of, where intervals are computed without rows. */

const ROWS =
  'Metric or parameter of the run that holds the number of rows; of several, the first that the run has.';

export const Sample = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('proportion'),
    size: describe(Keys, ROWS),
  }),
  z.strictObject({
    kind: z.literal('mean'),
    size: describe(Keys, ROWS),
    deviation: describe(
      Keys,
      'Metric or parameter that holds the standard deviation of one row; of several, the first that the run has.',
    ),
  }),
]);

export type Sample = z.infer<typeof Sample>;

export const Folds = z.strictObject({
  key: describe(
    oneLine(250)
      .refine((key) => key.includes('{i}'), 'must have {i} in it')
      .default('{metric}_fold_{i}'),
    'Key of the metric on one fold; {metric} stands for the key of the metric, {i} for 0 to 199.',
  ),
  test_share: describe(
    positive.max(100).optional(),
    'Rows of a test set ÷ rows of a training set; default: that of k folds, 1 ÷ (k − 1).',
  ),
});

import * as z from 'zod';
import { describe } from '../comparison/policy-fields.ts';

const risk = z.number().min(1e-6).max(0.2);
const margin = z.number().max(0.5);

/** What a release that is shown to be worse leads to. */
export const OnWorse = z.enum(['rollback', 'alert']);

/** How a release is watched after a promotion: the field `watch` of a policy. */
export const WatchFields = z.strictObject({
  hours: describe(
    z.number().int().min(24).max(720).default(168),
    'How many hourly blocks are watched for a verdict.',
  ),
  maturity_hours: describe(
    z.number().int().min(0).max(8760).default(0),
    'Hours until the true value of a request is known: the watch waits for so much longer, and a day.',
  ),
  alpha: describe(
    risk.default(0.01),
    'Risk that a release that is not worse is rolled back, over the whole watch.',
  ),
  margin: describe(
    margin.min(0).default(0),
    'How much worse the release may be before it is rolled back, as a share of the rows.',
  ),
  keep_alpha: describe(
    risk.default(0.05),
    'Risk that a release is confirmed although it is worse by keep_margin, over the whole watch.',
  ),
  keep_margin: describe(
    margin.positive().default(0.01),
    'The release is confirmed when it is shown to be worse by less than this, as a share of the rows.',
  ),
  on_worse: describe(
    z
      .strictObject({
        rows: describe(
          OnWorse.default('rollback'),
          'When outcomes of both versions for the same requests show that the release is worse.',
        ),
        rates: describe(
          OnWorse.default('alert'),
          'When there are more server errors or slow requests than before the release: the reason may be another one.',
        ),
      })
      .prefault({}),
    'What is done: a rollback, or an alert. A metric with one value for each block never leads to a rollback.',
  ),
  better: describe(
    z.enum(['higher', 'lower']).default('lower'),
    'Which way is better, of a metric with one value for each block.',
  ),
});
export type WatchPolicy = z.infer<typeof WatchFields>;

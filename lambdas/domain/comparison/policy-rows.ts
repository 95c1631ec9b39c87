import * as z from 'zod';
import { type Role, usualColumns, usualPaths } from '../rows/usual.ts';
import { describe, Keys } from './policy-fields.ts';

const column = (role: Role, use: string) =>
  describe(Keys.optional(), `${use} Default, where there is one: ${usualColumns[role].join(', ')}.`);

/** Where the runs hold one row for each evaluated example. What is named has to be there; the usual names may be missing. */
export const RowsFields = z.strictObject({
  path: describe(
    Keys.optional(),
    `File below the run's artifacts: CSV, table JSON as log_table writes it, or Parquet; each also gzipped. Of several, the first that the run has. Default: ${usualPaths.join(', ')}, or the only table that log_table wrote.`,
  ),
  id: column('id', 'Column that names the same row in both runs.'),
  label: column('label', 'Column with the true value.'),
  prediction: column('prediction', 'Column with the predicted class or number.'),
  probability: column('probability', 'Column with the probability of the positive class, or a score.'),
  loss: column('loss', 'Column with the loss of the row; lower is better.'),
  cluster: column(
    'cluster',
    'Column of what rows are drawn by, such as a customer: rows of one are not independent.',
  ),
  slice: column('slice', 'Column of the parts that are also looked at one by one, such as a country.'),
});

import { othersFile } from '../file-limits.ts';
import { brierLoss, logLoss, lossGains } from '../paired/losses.ts';
import { maxT } from '../paired/max-t.ts';
import type { Answer, Tested } from '../paired/test-result.ts';
import type { JoinedRows, Measures } from '../rows/join.ts';
import { measureOf } from './measure.ts';
import type { Rule } from './policy.ts';
import { errorsOf, minus, numbers, predictionOf, rightOf, scoredOf } from './row-values.ts';

/** The challenger as the best of several candidates, on the rows of all of them. */

/** The rows of every other candidate, in the order of the challenger's. */
export interface OtherCandidates {
  readonly measures: readonly Measures[];
  /** SHA-256 of each file, sorted. */
  readonly files: readonly string[];
}

/** Candidates beside the challenger whose rows are read: more do not fit into the time of a comparison. */
export const MAX_OTHERS = 9;

/** True where the metric of a rule is a mean over rows that do not depend on each other, and the rows are few enough. */
export const allowsOthers = (
  rule: Pick<Rule, 'metric' | 'measure' | 'direction'>,
  rows: JoinedRows,
): boolean => rows.n <= othersFile.rows && rows.cluster === null && rowGains(rule, rows) !== null;

/** The gain of each row over the champion, positive where it is better; null where the metric is no mean over rows. */
export function rowGains(
  rule: Pick<Rule, 'metric' | 'measure' | 'direction'>,
  rows: JoinedRows,
): Float64Array | null {
  const measure = measureOf(rule);
  switch (measure) {
    case 'accuracy': {
      const [before, after] = [predictionOf(rows.champion), predictionOf(rows.challenger)];
      if (rows.label === null || before === null || after === null) return null;
      return minus(rightOf(rows.label, after), rightOf(rows.label, before));
    }
    case 'log_loss':
    case 'brier': {
      const scored = scoredOf(rows);
      return 'code' in scored ? null : lossGains(measure === 'brier' ? brierLoss : logLoss, scored);
    }
    case 'mean_absolute_error':
    case 'mean_squared_error': {
      const label = numbers(rows.label);
      const [before, after] = [numbers(rows.champion.prediction), numbers(rows.challenger.prediction)];
      if (label === null || before === null || after === null) return null;
      const power = measure === 'mean_absolute_error' ? 1 : 2;
      return minus(errorsOf(before, label, power), errorsOf(after, label, power));
    }
    case 'mean': {
      const [before, after] = [rows.champion.loss, rows.challenger.loss];
      if (before === null || after === null) return null;
      return rule.direction === 'higher' ? minus(after, before) : minus(before, after);
    }
    default:
      return null;
  }
}

/** The test of the challenger's gain as that of the best of all; null where the rows of another one do not give the metric. */
export function bestOfAll(
  rule: Pick<Rule, 'metric' | 'measure' | 'direction'>,
  rows: JoinedRows,
  { measures }: OtherCandidates,
  tested: Tested,
  seed: number,
): Answer | null {
  const gains = [rows.challenger, ...measures].map((challenger) => rowGains(rule, { ...rows, challenger }));
  const known = gains.flatMap((each) => each ?? []);
  return known.length < gains.length ? null : maxT(known, 0, tested, { seed });
}

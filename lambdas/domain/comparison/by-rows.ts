import { deLong, weightedAucGain } from '../paired/auc.ts';
import { resampledGain } from '../paired/bootstrap.ts';
import {
  type ConfusionMetric,
  cellOf,
  confusionGain,
  countCells,
  gainOfCells,
  metricOf,
} from '../paired/confusion.ts';
import { brierLoss, logLoss, lossGains } from '../paired/losses.ts';
import { mcnemar } from '../paired/mcnemar.ts';
import { type Clusters, meanGain } from '../paired/mean.ts';
import { seriesGain } from '../paired/series.ts';
import { type Answer, isRefused, type Refused, type Tested, type TestResult } from '../paired/test-result.ts';
import type { JoinedRows } from '../rows/join.ts';
import { type Measure, measureOf } from './measure.ts';
import type { Rule } from './policy.ts';
import { binary, errorsOf, meanOf, minus, numbers, predictionOf, rightOf, scoredOf } from './row-values.ts';

/** Grade A: a metric computed from the rows of both versions, and tested on the same rows. */

/** Why a metric is not tested on the rows. `no-column`: a column that it needs is not in both files. */
export type NotByRows =
  | { readonly code: 'no-measure' }
  | { readonly code: 'no-column'; readonly column: 'label' | 'prediction' | 'probability' | 'loss' }
  /** The metric needs two classes that are 0 and 1, and the labels or predictions hold another value. */
  | { readonly code: 'not-binary' }
  | ({ readonly code: 'refused' } & Refused);

/** A metric of both versions as the rows give it, and the test of its gain. Gains are turned so that positive is better. */
export interface ByRows {
  readonly measure: Measure;
  readonly champion: number;
  readonly challenger: number;
  readonly test: TestResult;
}

/** One seed for every comparison: the same rows give the same decision. */
const SEED = 20_261_121;

/**
 * Tests whether the gain of a rule's metric exceeds what is needed, on the rows; `tested.needed` is in units of the metric. With
 * `best`, by that test in place of the metric's own.
 */
export function gainByRows(
  rule: Rule,
  rows: JoinedRows,
  tested: Tested,
  best: ((seed: number) => Answer | null) | null = null,
): ByRows | NotByRows {
  const measure = measureOf(rule);
  if (measure === null) return { code: 'no-measure' };
  const found = answerFor(measure, rule, rows, tested);
  if ('code' in found) return found;
  const { champion, challenger } = found;
  const answer = best?.(SEED) ?? found.answer;
  return isRefused(answer) ? { code: 'refused', ...answer } : { measure, champion, challenger, test: answer };
}

interface Computed {
  readonly answer: Answer;
  readonly champion: number;
  readonly challenger: number;
}

function answerFor(
  measure: Measure,
  rule: Pick<Rule, 'direction'>,
  rows: JoinedRows,
  tested: Tested,
): Computed | NotByRows {
  const clusters = clustersOf(rows);
  switch (measure) {
    case 'accuracy':
      return accuracy(rows, tested, clusters);
    case 'precision':
    case 'recall':
    case 'f1':
    case 'balanced_accuracy':
    case 'mcc':
      return confusion(measure, rows, tested, clusters);
    case 'auc':
      return area(rows, tested, clusters);
    case 'log_loss':
    case 'brier':
      return probabilities(measure === 'brier' ? brierLoss : logLoss, rows, tested, clusters);
    case 'mean_absolute_error':
    case 'mean_squared_error':
    case 'root_mean_squared_error':
      return errors(measure, rows, tested, clusters);
    case 'mean':
    case 'series':
    case 'series_total':
      return values(measure, rule.direction, rows, tested, clusters);
  }
}

function accuracy(rows: JoinedRows, tested: Tested, clusters?: Clusters): Computed | NotByRows {
  const { label } = rows;
  const [old, now] = [predictionOf(rows.champion), predictionOf(rows.challenger)];
  if (label === null) return { code: 'no-column', column: 'label' };
  if (old === null || now === null) return { code: 'no-column', column: 'prediction' };
  const [before, after] = [rightOf(label, old), rightOf(label, now)];
  const means = { champion: meanOf(before), challenger: meanOf(after) };
  if (clusters !== undefined) return { ...means, answer: meanGain(minus(after, before), tested, clusters) };
  let [onlyChampion, onlyChallenger] = [0, 0];
  for (let row = 0; row < rows.n; row += 1) {
    if (before[row] === after[row]) continue;
    if (after[row] === 1) onlyChallenger += 1;
    else onlyChampion += 1;
  }
  return { ...means, answer: mcnemar({ onlyChampion, onlyChallenger, n: rows.n }, tested) };
}

function confusion(
  metric: ConfusionMetric,
  rows: JoinedRows,
  tested: Tested,
  clusters?: Clusters,
): Computed | NotByRows {
  const { label } = rows;
  const [old, now] = [predictionOf(rows.champion), predictionOf(rows.challenger)];
  if (label === null) return { code: 'no-column', column: 'label' };
  if (old === null || now === null) return { code: 'no-column', column: 'prediction' };
  const [labels, before, after] = [binary(label), binary(old), binary(now)];
  if (labels === null || before === null || after === null) return { code: 'not-binary' };
  const cellOfRow = labels.map((is, row) => cellOf(bit(is), bit(before[row]), bit(after[row])));
  const counts = countCells(cellOfRow);
  const of = (which: Uint8Array) => {
    const cells = countCells(labels.map((is, row) => cellOf(bit(is), 0, bit(which[row]))));
    const at = (label: 0 | 1, predicted: 0 | 1) => cells[cellOf(label, 0, predicted)] ?? 0;
    return metricOf({ tp: at(1, 1), fp: at(0, 1), fn: at(1, 0), tn: at(0, 0) }, metric);
  };
  const found = { champion: of(before), challenger: of(after) };
  const drawn = { seed: SEED };
  if (clusters === undefined) return { ...found, answer: confusionGain(counts, metric, tested, drawn) };
  const gain = (weights: Uint8Array) => gainOfCells(countCells(cellOfRow, weights), metric);
  return { ...found, answer: resampledGain({ rows: rows.n, clusters, gain }, tested, drawn) };
}

function area(rows: JoinedRows, tested: Tested, clusters?: Clusters): Computed | NotByRows {
  const scored = scoredOf(rows);
  if ('code' in scored) return scored;
  const gain = weightedAucGain(scored);
  const all = new Uint8Array(rows.n).fill(1);
  const none = new Float64Array(rows.n);
  // Against constant scores, whose area is one half.
  const of = (scores: Float64Array) =>
    weightedAucGain({ labels: scored.labels, champion: none, challenger: scores })(all) + 0.5;
  const found = { champion: of(scored.champion), challenger: of(scored.challenger) };
  if (clusters === undefined) return { ...found, answer: deLong(scored, tested) };
  return { ...found, answer: resampledGain({ rows: rows.n, clusters, gain }, tested, { seed: SEED }) };
}

function probabilities(
  loss: typeof logLoss,
  rows: JoinedRows,
  tested: Tested,
  clusters?: Clusters,
): Computed | NotByRows {
  const scored = scoredOf(rows);
  if ('code' in scored) return scored;
  const mean = (scores: Float64Array) =>
    meanOf(scores.map((score, row) => loss(scored.labels[row] ?? 0, score)));
  return {
    champion: mean(scored.champion),
    challenger: mean(scored.challenger),
    answer: meanGain(lossGains(loss, scored), tested, clusters),
  };
}

function errors(
  measure: 'mean_absolute_error' | 'mean_squared_error' | 'root_mean_squared_error',
  rows: JoinedRows,
  tested: Tested,
  clusters?: Clusters,
): Computed | NotByRows {
  const label = numbers(rows.label);
  const [old, now] = [numbers(rows.champion.prediction), numbers(rows.challenger.prediction)];
  if (label === null) return { code: 'no-column', column: 'label' };
  if (old === null || now === null) return { code: 'no-column', column: 'prediction' };
  const power = measure === 'mean_absolute_error' ? 1 : 2;
  const [before, after] = [errorsOf(old, label, power), errorsOf(now, label, power)];
  if (measure !== 'root_mean_squared_error')
    return {
      champion: meanOf(before),
      challenger: meanOf(after),
      answer: meanGain(minus(before, after), tested, clusters),
    };
  // The root of a mean is no mean.
  const gain = (weights: Uint8Array) => weightedRoot(before, weights) - weightedRoot(after, weights);
  const of = { rows: rows.n, gain, ...(clusters === undefined ? {} : { clusters }) };
  return {
    champion: Math.sqrt(meanOf(before)),
    challenger: Math.sqrt(meanOf(after)),
    answer: resampledGain(of, tested, { seed: SEED }),
  };
}

function weightedRoot(squares: Float64Array, weights: Uint8Array): number {
  let [sum, weight] = [0, 0];
  for (let row = 0; row < squares.length; row += 1) {
    const times = weights[row] ?? 0;
    sum += times * (squares[row] ?? 0);
    weight += times;
  }
  return Math.sqrt(sum / weight);
}

/**
 * The mean of a value of each row, such as a loss or a return. Of a `series` the rows are in the order of time; a
 * `series_total` is their sum, such as the profit of a backtest.
 */
function values(
  measure: 'mean' | 'series' | 'series_total',
  direction: Rule['direction'],
  rows: JoinedRows,
  tested: Tested,
  clusters?: Clusters,
): Computed | NotByRows {
  const [before, after] = [rows.champion.loss, rows.challenger.loss];
  if (before === null || after === null) return { code: 'no-column', column: 'loss' };
  const gains = direction === 'higher' ? minus(after, before) : minus(before, after);
  if (measure === 'series_total') {
    const { n } = rows;
    const answer = scaled(seriesGain(gains, { ...tested, needed: tested.needed / n }), n);
    return { champion: n * meanOf(before), challenger: n * meanOf(after), answer };
  }
  return {
    champion: meanOf(before),
    challenger: meanOf(after),
    answer: measure === 'series' ? seriesGain(gains, tested) : meanGain(gains, tested, clusters),
  };
}

/** The same test in units that are `times` as small. */
function scaled(answer: Answer, times: number): Answer {
  if (isRefused(answer)) return answer;
  const { estimate, interval, variance } = answer;
  return {
    ...answer,
    estimate: times * estimate,
    interval: [times * interval[0], times * interval[1]],
    variance: times ** 2 * variance,
  };
}

const bit = (value: number | undefined): 0 | 1 => (value === 1 ? 1 : 0);

function clustersOf({ cluster }: JoinedRows): Clusters | undefined {
  if (cluster === null) return undefined;
  const known = new Map<string, number>();
  const of = Uint32Array.from(cluster, (name) => {
    const number = known.get(name) ?? known.size;
    known.set(name, number);
    return number;
  });
  return { of, count: known.size };
}

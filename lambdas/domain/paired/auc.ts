import { type Answer, normalQuantile, phi, type Refused, type Tested } from './test-result.ts';

/** Below this number of rows of either label DeLong's risk is above the stated one (6.3 % for 5 % at 10 positives). */
const FEWEST_OF_A_LABEL = 20;

/** Labels (0 or 1) and the scores of both models, row by row; a higher score speaks for label 1. */
export interface Scored {
  readonly labels: Uint8Array;
  readonly champion: Float64Array;
  readonly challenger: Float64Array;
}

/**
 * The paired test of two areas under the ROC curve after DeLong, DeLong and Clarke-Pearson (Biometrics 44:837, 1988), from
 * midranks (Sun and Xu, IEEE Signal Processing Letters 21:1389, 2014). O(n log n).
 */
export function deLong({ labels, champion, challenger }: Scored, { needed, alpha }: Tested): Answer {
  const n = labels.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const refused = tooFew(positives, n - positives);
  if (refused !== null) return refused;
  const first = placements(labels, champion, positives);
  const second = placements(labels, challenger, positives);
  const estimate = second.auc - first.auc;
  let [ofPositives, ofNegatives] = [0, 0];
  for (let row = 0; row < n; row += 1) {
    const difference = (second.of[row] ?? 0) - (first.of[row] ?? 0) - estimate;
    if (labels[row] === 1) ofPositives += difference ** 2;
    else ofNegatives += difference ** 2;
  }
  const negatives = n - positives;
  const error = Math.sqrt(
    ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives,
  );
  const reach = normalQuantile(1 - alpha) * error;
  return {
    method: 'delong',
    n,
    estimate,
    interval: [estimate - reach, estimate + reach],
    level: 1 - 2 * alpha,
    p: error > 0 ? phi((needed - estimate) / error) : estimate > needed ? 0 : 1,
    variance: n * error ** 2,
    notes: error > 0 ? [] : [{ code: 'no-variance' }],
  };
}

function tooFew(positives: number, negatives: number): Refused | null {
  const fewest = FEWEST_OF_A_LABEL;
  if (positives < fewest) return { refused: 'too-few-positives', have: positives, fewest };
  if (negatives < fewest) return { refused: 'too-few-negatives', have: negatives, fewest };
  return null;
}

/** The area, and for each row the share of rows of the other label that it is ordered rightly against (ties: half). */
function placements(labels: Uint8Array, scores: Float64Array, positives: number) {
  const negatives = labels.length - positives;
  const of = new Float64Array(labels.length);
  let [auc, positivesBelow, negativesBelow] = [0, 0, 0];
  const { order, ends } = sortedByScore(scores);
  for (let from = 0; from < order.length; ) {
    let to = from;
    let positivesHere = 0;
    do positivesHere += labels[order[to] ?? 0] ?? 0;
    while (ends[to++] === 0);
    const negativesHere = to - from - positivesHere;
    for (let i = from; i < to; i += 1) {
      const row = order[i] ?? 0;
      of[row] =
        labels[row] === 1
          ? (negativesBelow + negativesHere / 2) / negatives
          : 1 - (positivesBelow + positivesHere / 2) / positives;
    }
    auc += (positivesHere * (negativesBelow + negativesHere / 2)) / positives / negatives;
    positivesBelow += positivesHere;
    negativesBelow += negativesHere;
    from = to;
  }
  return { of, auc };
}

/** The rows by ascending score; `ends` is 1 at the last row of each score. */
function sortedByScore(scores: Float64Array): { order: Uint32Array; ends: Uint8Array } {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const ends = Uint8Array.from(order, (row, i) => (scores[order[i + 1] ?? -1] === scores[row] ? 0 : 1));
  return { order, ends };
}

/**
 * The gain in area under the ROC curve as a function of row weights, for `resampledGain` (clustered rows). The scores are
 * sorted once. NaN where all weight is on one label.
 */
export function weightedAucGain({ labels, champion, challenger }: Scored): (weights: Uint8Array) => number {
  const [first, second] = [packedOrder(labels, champion), packedOrder(labels, challenger)];
  return (weights) => weightedAuc(second, weights) - weightedAuc(first, weights);
}

/** The rows by ascending score, each as 4 · row + 2 · label + (1 if it is the last of its score): one read for a row. */
function packedOrder(labels: Uint8Array, scores: Float64Array): Uint32Array {
  const { order, ends } = sortedByScore(scores);
  return order.map((row, i) => 4 * row + 2 * (labels[row] ?? 0) + (ends[i] ?? 0));
}

function weightedAuc(packed: Uint32Array, weights: Uint8Array): number {
  let [area, positives, negatives, positivesHere, negativesHere] = [0, 0, 0, 0, 0];
  for (let i = 0; i < packed.length; i += 1) {
    const entry = packed[i] ?? 0;
    const weight = weights[entry >>> 2] ?? 0;
    const ofPositive = weight * ((entry >>> 1) & 1);
    positivesHere += ofPositive;
    negativesHere += weight - ofPositive;
    if ((entry & 1) === 0) continue;
    area += positivesHere * (negatives + negativesHere / 2);
    positives += positivesHere;
    negatives += negativesHere;
    positivesHere = 0;
    negativesHere = 0;
  }
  return area / (positives * negatives);
}

/**
 * Proper losses of predicted probabilities, row by row. Their differences, champion minus challenger, go to `meanGain`: they
 * find a gain with far fewer rows than accuracy does.
 */

/** Of one row: label 0 or 1, probability of label 1 from 0 to 1. Lower is better. */
export type Loss = (label: number, probability: number) => number;

/** −ln of the probability of the label. Probabilities are kept off 0 and 1 by 2^-52, as scikit-learn does for float64. */
export const logLoss: Loss = (label, probability) =>
  -Math.log(Math.max(label === 1 ? probability : 1 - probability, Number.EPSILON));

/** The squared difference of probability and label (Brier). */
export const brierLoss: Loss = (label, probability) => (probability - label) ** 2;

/** Champion's loss minus challenger's on each row: positive where the challenger is better. */
export function lossGains(
  loss: Loss,
  rows: {
    readonly labels: ArrayLike<number>;
    readonly champion: Float64Array;
    readonly challenger: Float64Array;
  },
): Float64Array {
  return rows.champion.map((before, row) => {
    const label = rows.labels[row] ?? 0;
    return loss(label, before) - loss(label, rows.challenger[row] ?? Number.NaN);
  });
}

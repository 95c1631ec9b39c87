import chiSquareCdf from '@stdlib/stats-base-dists-chisquare-cdf';
import chiSquareDensity from '@stdlib/stats-base-dists-chisquare-pdf';

/**
 * Probability that a noncentral χ² variable is at least `x`, with `degrees` of freedom and `noncentrality` (each at least 0):
 * a Poisson mixture of central ones (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2, ch. 29), from
 * the terms within nine standard deviations. The tails of two degrees more follow from the density, so that a million rows
 * cost as many additions, and one call of each function.
 */
export function noncentralTail(x: number, degrees: number, noncentrality: number): number {
  if (x <= 0) return 1;
  const mean = noncentrality / 2;
  const reach = 9 * Math.sqrt(mean) + 30;
  const from = Math.max(0, Math.floor(mean - reach));
  const to = Math.ceil(mean + reach);
  const mode = Math.floor(mean);
  // Relative to the mode, so that nothing leaves the range of numbers.
  let weight = 1;
  for (let j = mode; j > from; j -= 1) weight *= j / mean;
  let tail = 1 - chiSquareCdf(x, degrees + 2 * from);
  let step = 2 * chiSquareDensity(x, degrees + 2 * from + 2);
  let [sum, weights] = [0, 0];
  for (let j = from; j <= to; j += 1) {
    sum += weight * tail;
    weights += weight;
    tail = Math.min(1, tail + step);
    step *= x / (degrees + 2 * j + 2);
    weight *= mean / (j + 1);
  }
  return sum / weights;
}

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { normalQuantile } from './test-result.ts';

/** Seeded draws: the same seed gives the same results on every machine. */
export interface Random {
  /** From 0 (included) to 1 (excluded), 53 bits. */
  uniform(): number;
  /** Standard normal, by inversion. */
  normal(): number;
  /** Fills an array with Poisson(1) counts: how often each unit is in one resample. */
  resample(weights: Uint8Array): void;
}

/** Draws from a 32-bit seed (xoroshiro128+). */
export function seeded(seed: number): Random {
  const generator = xoroshiro128plus(seed | 0);
  // The first numbers after the seed hardly depend on it; those 2^64 steps on do.
  generator.jump();
  const uniform = () => uniformFloat64(generator);
  return {
    uniform,
    // Half a step is added, so that 0 does not come up.
    normal: () => normalQuantile(uniform() + 2 ** -54),
    resample(weights) {
      for (let i = 0; i < weights.length; i += 2) {
        const bits = generator.next();
        weights[i] = POISSON_OF_16_BITS[bits & 0xffff] ?? 0;
        // Beyond the end of an odd length the write has no effect.
        weights[i + 1] = POISSON_OF_16_BITS[bits >>> 16] ?? 0;
      }
    },
  };
}

/** Poisson(1) by inversion for all 65,536 values of 16 random bits: two counts a draw. Its mean is 1 to 5 digits. */
const POISSON_OF_16_BITS = Uint8Array.from({ length: 65_536 }, (_, bits) => {
  const at = (bits + 0.5) / 65_536;
  let [count, mass] = [0, Math.exp(-1)];
  for (let below = mass; below < at; below += mass) {
    count += 1;
    mass /= count;
  }
  return count;
});

/**
 * A sampler of Poisson counts of a fixed mean (above 0), by inversion in a table that covers all but 1e-15 of the
 * distribution: about 18 √mean entries, searched by halving.
 */
export function poissonSampler(mean: number, { uniform }: Random): () => number {
  const reach = 9 * Math.sqrt(mean) + 25;
  const from = Math.max(0, Math.floor(mean - reach));
  const cumulated = new Float64Array(Math.ceil(mean + reach) - from + 1);
  // Relative to the mode, so that nothing overflows; divided by the sum afterwards.
  const mode = Math.min(Math.floor(mean), from + cumulated.length - 1) - from;
  cumulated[mode] = 1;
  for (let i = mode + 1; i < cumulated.length; i += 1)
    cumulated[i] = ((cumulated[i - 1] ?? 0) * mean) / (from + i);
  for (let i = mode - 1; i >= 0; i -= 1) cumulated[i] = ((cumulated[i + 1] ?? 0) * (from + i + 1)) / mean;
  for (let i = 1; i < cumulated.length; i += 1) cumulated[i] = (cumulated[i] ?? 0) + (cumulated[i - 1] ?? 0);
  const total = cumulated[cumulated.length - 1] ?? 1;
  return () => {
    const sought = uniform() * total;
    let [low, high] = [0, cumulated.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] ?? 0) > sought) high = middle;
      else low = middle + 1;
    }
    return from + low;
  };
}

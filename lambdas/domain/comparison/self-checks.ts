import binomial from '@stdlib/stats-base-dists-binomial-cdf';
import { type Clusters, meanGain } from '../paired/mean.ts';
import { isRefused, type TestResult } from '../paired/test-result.ts';

/** Checks of evidence against itself. All are pure; each answers data for a reason, and none decides. */

/** A metric as it was logged, and as the rows give it. */
interface Recomputed {
  readonly logged: number;
  readonly computed: number;
}

/** MLflow's tables hold floats with 10 decimals; what differs by more was computed from something else. */
const RECOMPUTED_TOLERANCE = 1e-6;

/** Whether both agree to 1e-6 of the larger (or of 1, where both are smaller). What is not finite agrees with nothing. */
export function agrees({ logged, computed }: Recomputed): boolean {
  const scale = Math.max(1, Math.abs(logged), Math.abs(computed));
  return Number.isFinite(scale) && Math.abs(logged - computed) <= RECOMPUTED_TOLERANCE * scale;
}

/** A Bloom filter of the training rows. */
export interface BloomFilter {
  /** Bit i is bit i mod 8, counted from the lowest, of byte ⌊i ÷ 8⌋. */
  readonly bits: Uint8Array;
  /** Bits that are set for each row; 7 for ten bits a row. */
  readonly hashes: number;
}

export interface Overlap {
  readonly rows: number;
  /** Rows that the filter knows, rightly or not. */
  readonly known: number;
  /** The share of rows that the filter knows by mistake: (share of bits set) ^ hashes. */
  readonly falsePositiveRate: number;
  /** The share of rows that were in training, mistakes taken off; 0 to 1. */
  readonly share: number;
  /** Probability of as many known rows by mistake alone. */
  readonly p: number;
  /** More rows than mistakes explain (p below one in a thousand). */
  readonly overlaps: boolean;
}

/** Risk of calling an overlap what is none. */
const OVERLAP_RISK = 0.001;

/**
 * How many evaluation rows the pipeline trained on. `digests`: SHA-256 of each row, 32 bytes each, one after the other. Bit
 * number i of a row is (h₁ + i · h₂) mod bits, with h₁ and h₂ the first two 32-bit words, little-endian, h₂ made odd
 * (Kirsch and Mitzenmacher, 2006).
 */
export function overlapOf({ bits, hashes }: BloomFilter, digests: Uint8Array): Overlap {
  const size = bits.length * 8;
  const rows = Math.floor(digests.length / 32);
  const words = new DataView(digests.buffer, digests.byteOffset, digests.byteLength);
  const isSet = (bit: number) => (((bits[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  let known = 0;
  for (let row = 0; row < rows; row += 1) {
    const first = words.getUint32(row * 32, true);
    const second = (words.getUint32(row * 32 + 4, true) | 1) >>> 0;
    let hash = 0;
    while (hash < hashes && isSet((first + hash * second) % size)) hash += 1;
    if (hash === hashes) known += 1;
  }
  const falsePositiveRate = (setBits(bits) / size) ** hashes;
  const share = rows === 0 ? 0 : (known / rows - falsePositiveRate) / (1 - falsePositiveRate);
  // P(X ≥ known) from the other tail, so that a small p keeps its digits.
  const p = known === 0 ? 1 : binomial(rows - known, rows, 1 - falsePositiveRate);
  return {
    rows,
    known,
    falsePositiveRate,
    share: Math.min(1, Math.max(0, share || 0)),
    p,
    overlaps: p < OVERLAP_RISK,
  };
}

function setBits(bits: Uint8Array): number {
  let set = 0;
  for (const byte of bits) for (let rest = byte; rest > 0; rest &= rest - 1) set += 1;
  return set;
}

/** The change on the rows of one slice, such as a country. */
export interface SliceChange {
  /** Number of the slice. */
  readonly slice: number;
  readonly test: TestResult;
  /** Worse than allowed beyond chance, corrected for the number of slices. */
  readonly worse: boolean;
}

export interface Slices {
  /** The slice with the lowest estimate; null where none has enough rows. */
  readonly worst: SliceChange | null;
  /** Slices that are shown to be worse than allowed, the worst first. */
  readonly worse: readonly SliceChange[];
  /** How many slices have too few rows, or values that are not finite. */
  readonly unjudged: number;
}

/**
 * Compares the models on each slice. `allowed`: how much worse a slice may be, at least 0, in units of the differences.
 * As any one slice may block, its risk is `alpha` ÷ the number of slices that have enough rows (`fewest`).
 */
export function compareSlices(
  differences: Float64Array,
  slices: Clusters,
  { allowed, alpha, fewest = 50 }: { allowed: number; alpha: number; fewest?: number },
): Slices {
  const sizes = new Uint32Array(slices.count);
  for (const slice of slices.of) sizes[slice] = (sizes[slice] ?? 0) + 1;
  const rows = Array.from(sizes, (size) => new Float64Array(size));
  const filled = new Uint32Array(slices.count);
  for (const [row, slice] of slices.of.entries()) {
    const at = filled[slice] ?? 0;
    const ofSlice = rows[slice];
    if (ofSlice !== undefined) ofSlice[at] = differences[row] ?? Number.NaN;
    filled[slice] = at + 1;
  }
  const large = [...sizes.keys()].filter((slice) => (sizes[slice] ?? 0) >= fewest);
  const changes = large
    .flatMap((slice): SliceChange[] => {
      const test = meanGain(rows[slice] ?? new Float64Array(), {
        needed: -allowed,
        alpha: alpha / large.length,
      });
      return isRefused(test) ? [] : [{ slice, test, worse: test.interval[1] < -allowed }];
    })
    .sort((a, b) => a.test.estimate - b.test.estimate);
  return {
    worst: changes[0] ?? null,
    worse: changes.filter(({ worse }) => worse),
    unjudged: slices.count - changes.length,
  };
}

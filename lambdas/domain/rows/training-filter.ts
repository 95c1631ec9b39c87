import { createHash } from 'node:crypto';
import binomial from '@stdlib/stats-base-dists-binomial-cdf';
import * as z from 'zod';

/**
 * The Bloom filter of training rows that a pipeline may log as `training_rows.bloom.json`: a JSON object with `version` 1,
 * `rows` (keys that were added), `bits` (of the filter, a multiple of 8; ten for each row), `hashes` (7) and `filter` (base64).
 *
 * A key is the canonical text of a row id (`canonicalId`), in UTF-8. Of its SHA-256, bytes 0 to 5 are the big-endian integer
 * `a`, bytes 6 to 11 `b`; it sets the bits `(a + i·b) mod bits` for `i` from 0 to `hashes − 1`; bit `n` is the bit of value
 * `1 << n % 8` in byte `n / 8`. With ten bits a row and 7 hashes, 0.8 % of the keys that were not added seem to be there.
 */
export const TrainingFilter = z
  .object({
    version: z.literal(1),
    rows: z.int().min(1).max(50_000_000),
    bits: z.int().min(8).multipleOf(8),
    hashes: z.int().min(1).max(20),
    filter: z.base64(),
  })
  .transform(({ filter, ...sizes }) => ({ ...sizes, filter: Buffer.from(filter, 'base64') }))
  .refine(({ bits, filter }) => filter.length * 8 === bits, 'has another size than it says');
export type TrainingFilter = z.infer<typeof TrainingFilter>;

/**
 * Fewest rows of a filter that is judged. Below, the bits of one key depend on each other, and mistakes are more than they are
 * computed to be: 1.03 times at 500 rows, 1.2 at 100, 3 at 10.
 */
export const FEWEST_TRAINING_ROWS = 1000;

/** Evaluation rows that seem to have been in training. */
export interface Overlap {
  readonly rows: number;
  /** Rows that the filter knows, rightly or not. */
  readonly known: number;
  /** The share of other rows that the filter knows by mistake: (share of its bits that are set) ^ hashes. */
  readonly mistakes: number;
  /** The share of rows that were in training, mistakes taken off; 0 to 1. */
  readonly share: number;
}

/** How many of the ids, canonical as in a table of rows, the filter knows. */
export function trainingOverlap(ids: readonly string[], filter: TrainingFilter): Overlap {
  const rows = ids.length;
  const known = ids.filter((id) => contains(filter, id)).length;
  const mistakes = (setBits(filter.filter) / filter.bits) ** filter.hashes;
  const share = rows === 0 || mistakes >= 1 ? 0 : (known / rows - mistakes) / (1 - mistakes);
  return { rows, known, mistakes, share: Math.max(0, share) };
}

/** Risk of calling an overlap what is none. */
const OVERLAP_RISK = 0.001;

/** True where more than the `allowed` share of rows was in training, beyond what mistakes of the filter explain. */
export function isBeyond({ rows, known, mistakes }: Overlap, allowed: number): boolean {
  if (known === 0) return false;
  // P(X ≥ known) from the other tail, so that a small one keeps its digits.
  return binomial(rows - known, rows, (1 - allowed) * (1 - mistakes)) < OVERLAP_RISK;
}

function contains({ bits, hashes, filter }: TrainingFilter, id: string): boolean {
  const digest = createHash('sha256').update(id).digest();
  const [a, b] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
  for (let i = 0; i < hashes; i += 1) {
    const bit = (a + i * b) % bits;
    if ((((filter[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & 1) === 0) return false;
  }
  return true;
}

function setBits(bytes: Uint8Array): number {
  let set = 0;
  for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) set += 1;
  return set;
}

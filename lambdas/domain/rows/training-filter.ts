import { createHash } from 'node:crypto';
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
 * How many of the ids seem to be among the training rows, and the share of them that would seem so by chance: of a filter
 * with `rows` keys, `(1 − e^(−hashes·rows/bits))^hashes`.
 */
export function trainingOverlap(
  ids: readonly string[],
  filter: TrainingFilter,
): { found: number; expectedShare: number } {
  const { rows, bits, hashes } = filter;
  return {
    found: ids.filter((id) => contains(filter, id)).length,
    expectedShare: (1 - Math.exp((-hashes * rows) / bits)) ** hashes,
  };
}

function contains({ bits, hashes, filter }: TrainingFilter, id: string): boolean {
  const digest = createHash('sha256').update(id).digest();
  const [a, b] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
  return Array.from({ length: hashes }, (_, i) => (a + i * b) % bits).every(
    (bit) => ((filter[Math.floor(bit / 8)] ?? 0) >> (bit % 8)) & 1,
  );
}

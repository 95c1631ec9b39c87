import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { agrees, compareSlices, overlapOf } from '../../lambdas/domain/comparison/self-checks.ts';
import { seeded } from '../../lambdas/domain/paired/random.ts';

describe('a logged metric', () => {
  it.each([
    [0.85, 0.85, true],
    [0.85, 0.8500000001, true], // MLflow's tables round to 10 decimals
    [0.85, 0.8501, false],
    [123_456.7, 123_456.71, true],
    [123_456.7, 123_457.7, false],
    [Number.NaN, Number.NaN, false],
    [0.85, Number.NaN, false],
    [Number.POSITIVE_INFINITY, 0.85, false],
  ])('of %d and rows that give %d agree: %s', (logged, computed, expected) => {
    expect(agrees({ logged, computed })).toBe(expected);
  });
});

describe('the overlap of training and evaluation', () => {
  const digest = (row: number) => createHash('sha256').update(`row ${row}`).digest();
  const digests = (from: number, to: number) =>
    new Uint8Array(Buffer.concat(Array.from({ length: to - from }, (_, i) => digest(from + i))));

  /** Of rows 0 to 999, ten bits a row, as a pipeline writes it. */
  function trained(): { bits: Uint8Array; hashes: number } {
    const bits = new Uint8Array(1250);
    for (let row = 0; row < 1000; row += 1) {
      const hash = digest(row);
      for (let i = 0; i < 7; i += 1) {
        const bit = Number(
          (BigInt(hash.readUInt32LE(0)) + BigInt(i) * (BigInt(hash.readUInt32LE(4)) | 1n)) % 10_000n,
        );
        bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
      }
    }
    return { bits, hashes: 7 };
  }

  it('reads the filter that Python writes', () => {
    // h = hashlib.sha256(b'row %d' % r).digest(); a = int.from_bytes(h[:4], 'little');
    // c = int.from_bytes(h[4:8], 'little') | 1; for i in range(7): bit = (a + i * c) % 10_000; bits[bit >> 3] |= 1 << (bit & 7)
    const { bits } = trained();
    expect(createHash('sha256').update(bits).digest('hex')).toBe(
      'cbbf951f57a1620da99b04c24baa3386700996fdb47bce1d2d46b30cfc120eb8',
    );
    // sum(all(bits[b >> 3] >> (b & 7) & 1 for b in …) for r in range(1000, 6000))
    expect(overlapOf(trained(), digests(1000, 6000)).known).toBe(46);
  });

  it('of other rows is what the filter mistakes', () => {
    const overlap = overlapOf(trained(), digests(1000, 6000));
    expect(overlap.falsePositiveRate).toBeCloseTo(0.0082, 3);
    expect(overlap).toMatchObject({ rows: 5000, overlaps: false });
    expect(overlap.share).toBeLessThan(0.005);
  });

  it('of one row in fifty is found among 5,000', () => {
    const overlap = overlapOf(trained(), digests(900, 5900));
    expect(overlap.overlaps).toBe(true);
    expect(overlap.share).toBeCloseTo(0.02, 2);
    expect(overlap.p).toBeLessThan(1e-9);
  });

  it('of all rows is whole', () => {
    expect(overlapOf(trained(), digests(0, 1000))).toMatchObject({ known: 1000, share: 1, overlaps: true });
  });

  it('of no rows, or of a filter of nothing, is none', () => {
    expect(overlapOf(trained(), new Uint8Array())).toMatchObject({ rows: 0, share: 0, overlaps: false });
    const empty = { bits: new Uint8Array(1250), hashes: 7 };
    expect(overlapOf(empty, digests(0, 100))).toMatchObject({ known: 0, share: 0, overlaps: false });
  });

  it('with a filter whose bits are all set says nothing', () => {
    const full = { bits: new Uint8Array(1250).fill(255), hashes: 7 };
    expect(overlapOf(full, digests(0, 100))).toMatchObject({ known: 100, share: 0, overlaps: false });
  });
});

describe('slices', () => {
  const { normal } = seeded(21);
  /** Slice 0 with 400 rows, 1 with 200, 2 with 10; the change of slice 1 is as given. */
  function slices(ofOne: number) {
    const of = Uint32Array.from({ length: 610 }, (_, row) => (row < 400 ? 0 : row < 600 ? 1 : 2));
    const differences = Float64Array.from(of, (slice) => (slice === 1 ? ofOne : 0.02) + 0.1 * normal());
    return compareSlices(differences, { of, count: 3 }, { allowed: 0.02, alpha: 0.05 });
  }

  it('name the worst, and those that are shown to be worse than allowed', () => {
    const found = slices(-0.1);
    expect(found.worst).toMatchObject({ slice: 1, worse: true });
    expect(found.worse.map(({ slice }) => slice)).toEqual([1]);
    expect(found.worst?.test.n).toBe(200);
    expect(found.unjudged).toBe(1);
  });

  it('are not blamed for chance: the risk is divided by their number', () => {
    const found = slices(-0.02);
    expect(found.worst?.slice).toBe(1);
    expect(found.worse).toEqual([]);
    expect(found.worst?.test.level).toBeCloseTo(1 - 0.05, 12);
  });

  it('that all have too few rows answer nothing', () => {
    const few = { of: new Uint32Array(30), count: 1 };
    expect(compareSlices(new Float64Array(30), few, { allowed: 0, alpha: 0.05 })).toEqual({
      worst: null,
      worse: [],
      unjudged: 1,
    });
  });
});

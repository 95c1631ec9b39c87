import { expect, it } from 'vitest';
import { interleaved, PROMOTED_BY } from './support/watch-interleaving.ts';

/** The pin of a watch's rollback, in random orders of everything that may go on at the same time. */

const INTERLEAVINGS = 3_000 * Number(process.env['FUZZ_RUNS'] ?? 1);
/** Enough to show what the pin is for: one in some thirty turns another version. */
const WITHOUT_PIN = 500;

it(
  'turns no version but the one that it is about, and that one once',
  async () => {
    let rolledBack = 0;
    for (let number = 1; number <= INTERLEAVINGS; number += 1) {
      const seed = `watch-${number}`;
      const { turned, started, item: last, watch } = await interleaved(seed, true);
      expect(turned, seed).toEqual(turned.length === 0 ? [] : ['3']);
      expect(started.length, seed).toBeLessThanOrEqual(2);
      // The decision is carried out: the release is not live any more, or being changed, or its rollback has been started.
      if (last.live?.change === PROMOTED_BY && last.change === null)
        expect([watch?.status, started.length > 0], seed).toEqual([
          expect.stringMatching(/^rollback_/),
          true,
        ]);
      rolledBack += turned.length;
    }
    expect(rolledBack).toBeGreaterThan(INTERLEAVINGS / 10);
  },
  15 * 60_000,
);

it(
  'would turn others without the pin',
  async () => {
    let wrong = 0;
    for (let number = 1; number <= WITHOUT_PIN; number += 1) {
      const { turned } = await interleaved(`watch-${number}`, false);
      wrong += turned.filter((version) => version !== '3').length;
    }
    expect(wrong).toBeGreaterThan(0);
  },
  15 * 60_000,
);

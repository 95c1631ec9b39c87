import { describe, expect, it } from 'vitest';
import { sizesOf } from '../../tools/bench/decisions/sizes.ts';

describe('the size of a test at 5 %, as npm run bench -- decisions measures it, with fewer simulations', () => {
  const sizes = sizesOf(300, 3);

  it.each(sizes)('$what: at most $bound', ({ bound, size: { mean, error } }) => {
    expect(mean - 2.5 * error).toBeLessThanOrEqual(bound);
  });

  it('is not far below 5 % on average: the tests do claim something', () => {
    const average = sizes.reduce((sum, { size }) => sum + size.mean, 0) / sizes.length;
    expect(average).toBeGreaterThan(0.04);
  });
});

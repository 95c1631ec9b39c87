import { describe, expect, it } from 'vitest';
import { confidenceText } from '../../lambdas/words/confidence.ts';
import { sampleComparison } from '../support/sample-outcome.ts';

describe('the confidence of a comparison', () => {
  it('is told by its basis, whatever the method says', () => {
    const none = { ...sampleComparison, basis: 'none', method: 'nothing was done' } as const;
    expect(confidenceText(none)).toBe('nothing was done');
    const sure = { ...sampleComparison, confidence: 1 };
    expect(confidenceText({ ...sure, basis: 'probability', method: 'p' })).toMatch(/^> 99\.9% = p /);
    expect(confidenceText({ ...sure, basis: 'share', method: 'p' })).toMatch(/^100\.0% = p /);
  });

  it('stands with its method where the first version stored no basis', () => {
    const { basis: _, ...stored } = sampleComparison;
    expect(confidenceText({ ...stored, method: 'as stored' })).toBe(
      '85.0% = as stored (grade E: point values only)',
    );
  });
});

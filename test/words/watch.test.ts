import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { WatchEvidence } from '../../lambdas/domain/watch/evidence.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { inWords } from '../../lambdas/words/reasons.ts';
import { standingText } from '../../lambdas/words/watch.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';

/** What people read of the watch of a release. */

const standing: WatchEvidence['series'][number] = {
  ...{ series: 'rows', decides: true, blocks: 3, before: 168, phi: 1.2 },
  ...{ worse: { ln: 5.2, needed: 4.60517 }, not_worse: null, guard: null },
  ...{ estimate: 0.0312, interval: [0.021, 0.0415], level: 0.9 },
};
const watch: WatchEvidence = {
  ...{ new: '3', old: '2', switched_at: '2026-11-21T10:00:00.000Z' },
  series: [standing, { ...standing, series: 'slow', estimate: null, interval: null, worse: null }],
};
const told = (
  status: Outcome['status'],
  found: Extract<NonNullable<Outcome['cause']>, { code: 'watch' }>['found'],
  series: 'rows' | null = null,
) =>
  alertFor(
    inWords({
      ...sampleOutcome,
      ...{ status, comparison: null, champion_before: '3', champion_after: '3', watch },
      cause: { code: 'watch', found, series },
      execution: 'watch:p1-0123456789ab:4:worse:rows',
    }),
    { prefix: 'TradAI', environment: 'test', registryName: 'models' },
  );

describe('a standing', () => {
  it('is the estimate with its interval, and how far the evidence is', () => {
    expect(standingText(standing)).toBe(
      '+3.12 points (above 0: worse), 90.0% interval +2.1 to +4.15, 3 hours, evidence 5.2 of the 4.61 needed (logarithms)',
    );
    expect(standingText({ ...standing, series: 'differences', blocks: 1, worse: null, decides: false })).toBe(
      '+0.0312 (above 0: worse), 90.0% interval +0.021 to +0.0415, 1 hour, tells only',
    );
  });
});

describe('the alert of a watch', () => {
  it.each([
    ['degraded', 'worse', 'Release Degraded'],
    ['degraded', 'guard_alarm', 'Champion Degraded'],
    ['confirmed', 'keep', 'Release Confirmed'],
    ['unproven', 'unproven', 'Release Kept, Unproven'],
    ['unverified', 'unverified', 'Release Not Verified'],
  ] as const)(
    'that is %s (%s) has its title, and the figures of what could be compared',
    (status, found, title) => {
      const { subject, text, kind } = told(status, found, found === 'worse' ? 'rows' : null);
      expect(kind).toBe(status);
      expect(subject).toBe(`[TradAI] ${title}: PascalStrategy`);
      expect(text).toContain('Outcomes of both versions: +3.12 points');
      expect(text).not.toContain('Slow requests:');
      expect(text).not.toContain('No comparison was made.');
    },
  );

  it('says to which version to go back, and never that it is good where nothing was compared', () => {
    expect(told('degraded', 'worse').text).toContain('"target_version": "2"');
    expect(told('unverified', 'unverified').text).toMatch(/nothing could be compared/);
  });
});

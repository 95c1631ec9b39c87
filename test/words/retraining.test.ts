import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { directOutcome } from '../../lambdas/domain/outcome/outcome.ts';
import type { DriftProblem, RetrainingReason } from '../../lambdas/domain/retraining/decide.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { inWords } from '../../lambdas/words/reasons.ts';
import { retrainingReason } from '../../lambdas/words/retraining.ts';
import { anyCharacter } from '../support/any-character.ts';

const text = fc.string({ unit: anyCharacter, maxLength: 400 });
const days = fc.double({ min: 0, max: 4000, noNaN: true });
const attempt = fc.integer({ min: 1, max: 99 });

const reason: fc.Arbitrary<RetrainingReason> = fc.oneof(
  fc.record({
    code: fc.constantFrom('invalid-name', 'not-allowed', 'unknown-model', 'asked', 'no-version' as const),
  }),
  fc.record({ code: fc.constant('waiting' as const), version: fc.constantFrom('7', '12') }),
  fc.record({ code: fc.constant('leased' as const), owner: text }),
  fc.record({ code: fc.constant('recent' as const), hours: days, least: days }),
  fc.record({
    code: fc.constant('under-way' as const),
    attempt,
    nextAt: fc.constant('2026-11-22T12:00:00Z'),
  }),
  fc.record({ code: fc.constantFrom('again', 'attempt', 'no-version-came' as const), attempt }),
  fc.record({ code: fc.constant('trained' as const), version: fc.constantFrom('7', null) }),
  fc.record({ code: fc.constant('drift' as const), psi: fc.option(days), n: fc.option(attempt) }),
  fc.record({ code: fc.constant('age' as const), days, interval: days }),
  fc.record({
    ...{ code: fc.constant('not-due' as const), days, interval: days },
    drift: fc.constantFrom('none', 'moderate', 'unknown', null),
  }),
);
const problem: fc.Arbitrary<DriftProblem> = fc.oneof(
  fc.record({
    code: fc.constantFrom(
      'bad-tag',
      'no-run',
      'missing',
      'too-large',
      'refused',
      'nothing-compared' as const,
    ),
  }),
  fc.record({ code: fc.constant('before-version' as const), version: fc.constant('7') }),
  fc.record({ code: fc.constant('too-few' as const), needed: attempt }),
);

describe('why a model is retrained, or not', () => {
  it('is one sentence in one line, whatever is in it', () => {
    fc.assert(
      fc.property(reason, fc.option(problem), (why, unknown) => {
        const drift =
          unknown === null ? null : { severity: 'unknown' as const, psi: null, n: 3, problem: unknown };
        const said = retrainingReason(why, drift);
        expect(said).toMatch(/^[A-Z“"\S].*[^.\s]$/);
        expect(said).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]|undefined|NaN|\[object/u);
        expect(said.length).toBeLessThan(700);
      }),
    );
  });

  it('says how many rows would do where there are too few', () => {
    const drift = {
      severity: 'unknown',
      psi: null,
      n: 12,
      problem: { code: 'too-few', needed: 785 },
    } as const;
    const notDue = { code: 'not-due', days: 3, interval: 7, drift: 'unknown' } as const;
    expect(retrainingReason(notDue, drift)).toContain('12 rows');
    expect(retrainingReason(notDue, drift)).toContain('785 would do');
  });
});

describe('the alert about trainings that brought no version', () => {
  const outcome = inWords(
    directOutcome({
      status: 'needs_investigation',
      cause: { code: 'no-new-version', attempts: 2, since: '2026-11-20T12:00:00.000Z' },
      operation: 'promote',
      execution: 'retraining:0123456789ab:3',
      model_name: 'churn',
      owner: 'risk',
      champion_before: '6',
      champion_after: '6',
      recorded_at: '2026-11-22T12:00:00.000Z',
    }),
  );
  const context = { prefix: 'TradAI', environment: 'prod', registryName: 'models' };
  const alert = alertFor(outcome, context);

  it('is found by filters as one that asks people to look', () => {
    expect(alert).toMatchObject({ kind: 'needs_investigation', model: 'churn', owner: 'risk', ledger: null });
    expect(alert.subject).toBe('[TradAI] Retraining Brings No Version: churn');
  });

  it('names the attempts and since when, and no comparison, as there was none', () => {
    expect(alert.text).toContain('2 retrainings of the model since 2026-11-20T12:00:00.000Z');
    expect(alert.text).toContain('Champion: version 6, unchanged.');
    expect(alert.text).not.toMatch(/Evidence:|challenger|comparison/i);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideRetraining,
  type RetrainingFacts,
  type RetrainingRequest,
} from '../../lambdas/domain/retraining/decide.ts';
import {
  attemptName,
  isAttempt,
  isClosedBy,
  type Need,
  nextAttempt,
} from '../../lambdas/domain/retraining/need.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);

const request = (fields: Partial<RetrainingRequest> = {}): RetrainingRequest => ({
  model: 'churn-classifier',
  manual: false,
  now: NOW,
  allowed: [],
  intervalDays: 7,
  minHours: 24,
  ...fields,
});
const facts = (fields: Partial<RetrainingFacts> = {}): RetrainingFacts => ({
  exists: true,
  newest: { version: '6', at: hoursAgo(72) },
  waiting: null,
  leasedBy: null,
  need: null,
  isAttempt: false,
  lastAttempt: null,
  drift: null,
  ...fields,
});
const SIGNIFICANT = { severity: 'significant', psi: 0.4, n: 900, problem: null } as const;
const OPEN: Need = {
  id: '0123456789ab',
  opened_at: hoursAgo(30).toISOString(),
  trigger: 'drift_detected',
  attempt: 1,
  started: true,
  next_at: hoursAgo(6).toISOString(),
  attempted_at: hoursAgo(30).toISOString(),
  asked_by: 'request-1',
  execution: null,
  after_version: '6',
  closed_at: null,
};

describe('the decision whether a model is retrained', () => {
  it.each([
    ['a name that no registry holds', { model: 'a/b' }, {}, 'invalid_model', 'invalid-name', null],
    ['a model that is not on the list', { allowed: ['other'] }, {}, 'invalid_model', 'not-allowed', null],
    [
      'a model that does not exist',
      {},
      { exists: false, newest: null },
      'invalid_model',
      'unknown-model',
      null,
    ],
    [
      'a request by hand, a minute after the last retraining',
      { manual: true },
      { newest: { version: '6', at: hoursAgo(0.02) }, waiting: '6' },
      'needs_retraining',
      'asked',
      'manual',
    ],
    [
      'a version that waits to be promoted',
      {},
      { waiting: '7', drift: SIGNIFICANT },
      'recently_trained',
      'waiting',
      null,
    ],
    [
      'a promotion that is under way',
      {},
      { leasedBy: 'arn', drift: SIGNIFICANT },
      'recently_trained',
      'leased',
      null,
    ],
    [
      'drift within the pause',
      {},
      { newest: { version: '6', at: hoursAgo(23.9) }, drift: SIGNIFICANT },
      'recently_trained',
      'recent',
      null,
    ],
    [
      'drift after the pause',
      {},
      { newest: { version: '6', at: hoursAgo(24) }, drift: SIGNIFICANT },
      'needs_retraining',
      'drift',
      'drift_detected',
    ],
    [
      'moderate drift',
      {},
      { drift: { ...SIGNIFICANT, severity: 'moderate' } },
      'no_retraining',
      'not-due',
      null,
    ],
    [
      'too few values to tell of drift',
      {},
      { drift: { severity: 'unknown', psi: null, n: 12, problem: { code: 'too-few', needed: 390 } } },
      'no_retraining',
      'not-due',
      null,
    ],
    [
      'a week without a new version',
      {},
      { newest: { version: '6', at: hoursAgo(168) } },
      'needs_retraining',
      'age',
      'scheduled',
    ],
    [
      'almost a week',
      {},
      { newest: { version: '6', at: hoursAgo(167.9) } },
      'no_retraining',
      'not-due',
      null,
    ],
    ['a model without a version', {}, { newest: null }, 'needs_retraining', 'no-version', 'scheduled'],
    [
      'a retraining that was started, within its pause',
      {},
      { need: { ...OPEN, next_at: hoursAgo(-1).toISOString() }, drift: SIGNIFICANT },
      'recently_trained',
      'under-way',
      null,
    ],
    [
      'the attempt itself, which asks again, whatever else is found',
      { manual: true },
      { need: { ...OPEN, next_at: hoursAgo(-1).toISOString() }, isAttempt: true, waiting: '7' },
      'needs_retraining',
      'attempt',
      'drift_detected',
    ],
    [
      'drift after an attempt whose version was deleted since',
      {},
      { lastAttempt: hoursAgo(23), drift: SIGNIFICANT },
      'recently_trained',
      'recent',
      null,
    ],
    [
      'a retraining that brought no version',
      {},
      { need: OPEN },
      'needs_retraining',
      'again',
      'drift_detected',
    ],
  ] as const)('%s', (_, asked, known, decision, code, trigger) => {
    expect(decideRetraining(request(asked), facts(known))).toMatchObject({
      decision,
      reason: { code },
      trigger,
    });
  });

  it('tells the hours since the newest version, and none without one', () => {
    expect(decideRetraining(request(), facts()).hours).toBe(72);
    expect(decideRetraining(request(), facts({ newest: null })).hours).toBeNull();
    // A clock that is behind MLflow's.
    expect(decideRetraining(request(), facts({ newest: { version: '6', at: hoursAgo(-2) } })).hours).toBe(0);
  });

  it('retrains nothing within the pause unless somebody asks, whatever else is found', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 23.999, noNaN: true }),
        fc.constantFrom('none', 'moderate', 'significant', 'unknown'),
        fc.option(fc.constant(OPEN)),
        (hours, severity, need) => {
          const known = facts({
            newest: { version: '6', at: hoursAgo(hours) },
            drift: { severity, psi: 1, n: 10, problem: null },
            need,
          });
          expect(decideRetraining(request(), known).decision).toBe('recently_trained');
        },
      ),
    );
  });
});

describe('a need of retraining', () => {
  const asked = {
    ...({ trigger: 'scheduled', id: 'aaaaaaaaaaaa', asked_by: 'request-1', starts: true } as const),
    ...{ newest: { version: '6' }, now: NOW },
  };

  it('is tried again after a day for each attempt so far', () => {
    const first = nextAttempt('m', null, asked);
    expect(first).toEqual({
      id: 'aaaaaaaaaaaa',
      opened_at: NOW.toISOString(),
      trigger: 'scheduled',
      attempt: 1,
      started: false,
      next_at: hoursAgo(-24).toISOString(),
      attempted_at: NOW.toISOString(),
      asked_by: 'request-1',
      execution: 'retrain-m-aaaaaaaaaaaa-1',
      after_version: '6',
      closed_at: null,
    });
    const later = hoursAgo(-25);
    const other = { id: 'bbbbbbbbbbbb', asked_by: 'request-2', starts: false, newest: { version: '9' } };
    expect(
      nextAttempt('m', { ...first, started: true }, { ...asked, ...other, trigger: 'manual', now: later }),
    ).toEqual({
      ...first,
      ...{ attempt: 2, attempted_at: later.toISOString(), asked_by: 'request-2', execution: null },
      next_at: new Date(later.getTime() + 48 * 3_600_000).toISOString(),
    });
  });

  it('is closed by a version that was registered after it was opened, and by no other', () => {
    expect(isClosedBy(OPEN, { version: '7', at: hoursAgo(29) })).toBe(true);
    expect(isClosedBy(OPEN, { version: '6', at: hoursAgo(30) })).toBe(false);
    expect(isClosedBy(OPEN, null)).toBe(false);
    // MLflow's clock is an hour behind.
    expect(isClosedBy(OPEN, { version: '7', at: hoursAgo(31) })).toBe(true);
    // The model was deleted and made anew.
    expect(isClosedBy(OPEN, { version: '1', at: hoursAgo(1) })).toBe(true);
    expect(isClosedBy({ ...OPEN, after_version: null }, { version: '1', at: hoursAgo(31) })).toBe(true);
  });

  it('knows its attempt: who asked for it, and the execution that was started for it', () => {
    const need = nextAttempt('m', null, asked);
    const arn = 'arn:aws:states:eu-west-1:123456789012:execution:retraining';
    expect(isAttempt(need, 'request-1', NOW)).toBe(true);
    expect(isAttempt(need, `${arn}:retrain-m-aaaaaaaaaaaa-1`, NOW)).toBe(true);
    expect(isAttempt(need, `${arn}:retrain-m-aaaaaaaaaaaa-2`, NOW)).toBe(false);
    expect(isAttempt({ ...need, execution: null }, 'request-2', NOW)).toBe(false);
    // Whoever asks again and again is not answered for ever by its first attempt.
    expect(isAttempt(need, 'request-1', hoursAgo(-24))).toBe(false);
  });

  it('names an execution of its own for each attempt, as Step Functions takes it', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 9999 }),
        (model, attempt) => {
          expect(attemptName(model, { ...OPEN, attempt })).toMatch(/^[A-Za-z0-9-]{1,80}$/);
        },
      ),
    );
    expect(attemptName('m', OPEN)).not.toBe(attemptName('m', { ...OPEN, attempt: 2 }));
  });
});

import { describe, expect, it } from 'vitest';
import { alertDue, isSuccessful, outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import type { RollbackFinding } from '../../lambdas/domain/promotion/rollback-finding.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';
import {
  compared,
  notPromoted,
  notReplaced,
  prepared as prepare,
  rolledBack,
  servingUndo,
} from '../support/stub-functions.ts';

const now = new Date('2026-11-21T10:00:00Z');
const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const started = begin({ input: { model_name: 'PascalStrategy' }, execution, started_at: now.toISOString() });
const comparison = compared({ recommendation: 'Promote version 3.' });
const prepared = prepare({ promotion_id: 'e1' });
const promoted = { promoted: true, new_version: '3', new_stage: 'Production', archived_version: '2' };
const rollback = rolledBack({ detail: 'Version 2 is back' });
const refusal: RollbackFinding = {
  ...{ code: 'refused', why: 'no-known-good', from: '3', to: null, held: null, until: null, hours: null },
};
const caught = {
  Error: 'MlflowUnavailable',
  Cause: '{"errorMessage":"no answer","errorType":"MlflowUnavailable","trace":["at /var/task/x.mjs"]}',
};

const outcome = (more: object, base: object = started) => outcomeOf({ ...base, ...more }, execution, now);
const asked = { ...started, operation: 'rollback' };

describe('how an execution ended', () => {
  it.each([
    ['invalid_input', 'invalid', false, { valid: false, problems: ['model_name: missing'] }],
    ['kept', 'decided', true, { comparison: { ...comparison, decision: 'KEEP' } }],
    ['needs_investigation', 'decided', true, { comparison: { ...comparison, decision: 'INVESTIGATE' } }],
    ['kept', 'dry-run', true, { comparison, dry_run: true }],
    ['busy', 'busy', true, { comparison, prepared: { ...prepared, status: 'busy', holder: 'arn:other' } }],
    [
      'kept',
      'decided',
      true,
      { comparison: { ...comparison, decision: 'KEEP' }, prepared: { ...prepared, status: 'busy' } },
    ],
    ['failed', 'error', false, { comparison, prepared: { ...prepared, status: 'busy' }, error: caught }],
    [
      'contested',
      'contested',
      false,
      { comparison, prepared: { ...prepared, status: 'contested', reason: 'changed' } },
    ],
    ['promoted', 'promoted', true, { comparison, prepared, promotion: promoted }],
    [
      'promoted',
      'promoted',
      true,
      { comparison, prepared, promotion: { ...promoted, already_promoted: true } },
    ],
    [
      'already_promoted',
      'already',
      true,
      {
        comparison,
        prepared: { ...prepared, promotion_id: null },
        promotion: { ...promoted, already_promoted: true },
      },
    ],
    ['promoted', 'promoted', true, { comparison, prepared, promotion: promoted, error: caught }],
    ['failed', 'error', false, { error: caught }],
    ['rolled_back', 'error', false, { comparison, prepared, error: caught, rollback }],
    [
      'failed',
      'error',
      false,
      { comparison, prepared, error: caught, rollback: { ...rollback, rolled_back: false } },
    ],
    ['rolled_back', 'rollout-failed', false, { comparison, prepared, serving: notReplaced, rollback }],
    ['rolled_back', 'refused', false, { comparison, prepared, promotion: notPromoted, rollback }],
    [
      'contested',
      'contested',
      false,
      {
        comparison,
        prepared,
        promotion: { promoted: false, contested: true, reason: 'x' },
        rollback: { ...rollback, rolled_back: false },
      },
    ],
    [
      'contested',
      'no-result',
      false,
      { comparison, prepared, rollback: { ...rollback, rolled_back: false, status: 'contested' } },
    ],
    ['failed', 'rollback-failed', false, { comparison, prepared, error: caught, rollback_error: caught }],
    ['failed', 'no-result', false, {}],
  ])('is %s because of %s (ended well: %s) for %j', (status, cause, well, state) => {
    const ended = outcome(state);
    expect(ended.status).toBe(status);
    expect(ended.cause.code).toBe(cause);
    expect(isSuccessful(ended)).toBe(well);
  });

  it('is a success when the rollback was asked for, also the second time', () => {
    const ended = outcome({ rollback: { ...rollback, already_rolled_back: true } }, asked);
    expect(ended).toMatchObject({ status: 'rolled_back', champion_before: '3', champion_after: '2' });
    expect(isSuccessful(ended)).toBe(true);
  });

  it('has the same champion before and after, when a rollout was undone that never came to the registry', () => {
    const undo = { ...rollback, reason: 'ROLLOUT_FAILED', champion_before: '2' };
    const same = { champion_before: '2', champion_after: '2' };
    expect(outcome({ rollback: undo }, asked)).toMatchObject({ status: 'rolled_back', ...same });
    const untouched = { ...undo, rolled_back: false };
    expect(outcome({ rollback: untouched }, asked)).toMatchObject({ status: 'failed', ...same });
    const stuck = { ...untouched, serving: servingUndo({ undone: false }) };
    expect(outcome({ rollback: stuck }, asked)).toMatchObject({ status: 'failed', ...same });
  });

  it('names no champion where the rollback found none', () => {
    const first = { ...rollback, reason: 'ROLLOUT_FAILED', champion_before: null, to_version: null };
    const none = { champion_before: null, champion_after: null };
    expect(outcome({ rollback: first }, asked)).toMatchObject({ status: 'rolled_back', ...none });
  });

  it('is a failure when the rollback that was asked for was refused, with the reason', () => {
    const ended = outcome({ rollback: { ...rollback, rolled_back: false, finding: refusal } }, asked);
    expect(ended).toMatchObject({
      status: 'failed',
      cause: { code: 'asked' },
      rollback: { finding: { why: 'no-known-good' } },
    });
  });
});

it('keeps the message of an error and drops its stack trace', () => {
  expect(outcome({ error: caught }).error).toEqual({ name: 'MlflowUnavailable', message: 'no answer' });
  expect(outcome({ error: { Error: 'X', Cause: 'bare message' } }).error).toEqual({
    name: 'X',
    message: 'bare message',
  });
});

it.each([[caught], [null], ['text'], [[1, 2]], [{ model_name: 7, comparison: 'x' }]])(
  'tells an ending for the state %j',
  (state) => {
    expect(outcomeOf(state, execution, now)).toMatchObject({ status: 'failed', execution });
  },
);

it('announces everything but a repeated request that found nothing to do', () => {
  const done = {
    comparison,
    prepared: { ...prepared, promotion_id: null },
    promotion: { ...promoted, already_promoted: true },
  };
  expect(alertDue(outcome(done))).toBe(false);
  expect(alertDue(outcome({ comparison, prepared, promotion: promoted }))).toBe(true);
});

it.each([{ Error: 'States.Timeout' }, { Error: 'States.Timeout', Cause: '' }])(
  'an error that comes without a cause, %j, is told by its name, and the rest of the document is kept',
  (error) => {
    expect(outcome({ comparison, prepared, error })).toMatchObject({
      status: 'failed',
      model_name: 'PascalStrategy',
      error: { name: 'States.Timeout', message: 'no cause was given' },
      cause: { code: 'error' },
    });
  },
);

it('keeps an answer whose finding it does not know, as another version may have written it', () => {
  const later = { ...rollback, finding: { code: 'found-later' } };
  expect(outcome({ comparison, prepared, error: caught, rollback: later })).toMatchObject({
    status: 'rolled_back',
    champion_after: '2',
    rollback: { finding: null },
  });
});

it('reads the ending of an execution whose first step failed', () => {
  const ending = { status: 'failed', succeeded: false, reason: 'X', alert: 'sent' };
  expect(readStateDocument({ ...caught, ending })).toMatchObject({
    error: { name: 'MlflowUnavailable' },
    ending,
  });
});

import { describe, expect, it } from 'vitest';
import { alertDue, isSuccessful, mayHaveChanged, outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import type { Ending } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { RollbackFinding } from '../../lambdas/domain/promotion/rollback-finding.ts';
import { CloseAnswer } from '../../lambdas/domain/release/payloads.ts';
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
const prepared = prepare({ change_id: execution });
const closing = {
  ...CloseAnswer.parse({
    status: 'completed',
    retry_after_seconds: null,
    reason: 'closed',
    finding: null,
    progress: {},
  }),
};
const promoted = { promoted: true, new_version: '3', new_stage: 'Production', archived_version: '2' };
const rollback = rolledBack({ detail: 'Version 2 is back' });
const refusal: RollbackFinding = {
  ...{ code: 'refused', why: 'no-known-good', from: '3', to: null, held: null, until: null, hours: null },
};
const caught = {
  Error: 'MlflowUnavailable',
  Cause: '{"errorMessage":"no answer","errorType":"MlflowUnavailable","trace":["at /var/task/x.mjs"]}',
};

const outcome = (more: object, base: object = started, ending: Ending | null = null) =>
  outcomeOf({ ...base, ...more }, { execution, ending }, now);

/** Both sides and the item as read at the end: version 3 is live and shown, unless it says otherwise. */
const read = (more: Partial<Ending> = {}): Ending => ({
  live: { version: '3', artifact_id: 'a3', change: execution, result: 'promoted' },
  change: null,
  champions: ['3'],
  workload: null,
  pointers: null,
  agreed: null,
  in_step: true,
  known: null,
  picture: 'p',
  unread: [],
  ...more,
});
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
    ['promoted', 'promoted', true, { comparison, prepared, promotion: promoted, closing }],
    [
      'promoted',
      'promoted',
      true,
      { comparison, prepared, promotion: { ...promoted, already_promoted: true }, closing },
    ],
    [
      'already_promoted',
      'already',
      true,
      {
        comparison,
        prepared: { ...prepared, status: 'already_promoted', change_id: null },
      },
    ],
    ['promoted', 'promoted', true, { comparison, prepared, promotion: promoted, closing, error: caught }],
    ['failed', 'error', false, { comparison, prepared, promotion: promoted, error: caught }],
    ['adopted', 'adopted', true, { prepared: { ...prepared, status: 'adopted' } }],
    ['failed', 'refused', false, { comparison, prepared: { ...prepared, status: 'refused', reason: 'x' } }],
    [
      'contested',
      'error',
      false,
      { comparison, prepared, error: { Error: 'StaleFence', Cause: 'another has it' } },
    ],
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
    const unknown = { champion_before: '2', champion_after: null };
    expect(outcome({ rollback: untouched }, asked)).toMatchObject({ status: 'failed', ...unknown });
    const stuck = { ...untouched, serving: servingUndo({ undone: false }) };
    expect(outcome({ rollback: stuck }, asked)).toMatchObject({ status: 'failed', ...unknown });
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

describe('what both sides show at the end', () => {
  const done = { comparison, prepared, promotion: promoted, closing, challenger_version: '3' };
  const open = {
    id: execution,
    kind: 'promote',
    to: '3',
    aim: '3',
    safe: '2',
    turned: false,
    attempts: 0,
    next_at: null,
  } as const;

  it('decides: promoted, if the change is closed and the sides show it', () => {
    expect(outcome(done, started, read())).toMatchObject({ status: 'promoted', champion_after: '3' });
  });

  it('is contested, if another actor has changed it since', () => {
    const moved = read({ in_step: false, champions: ['1'] });
    expect(outcome(done, started, moved)).toMatchObject({
      status: 'contested',
      cause: { code: 'moved-since' },
      champion_after: '1',
    });
  });

  it('is promoted, although an error was caught on the way, if the change is closed with it', () => {
    const completed = rolledBack({ rolled_back: false, finding: { code: 'completed', from: '2', to: '3' } });
    const state = { comparison, prepared, error: caught, rollback: completed };
    expect(outcome(state, started, read())).toMatchObject({ status: 'promoted' });
  });

  it('is not promoted, if the change is still open, whatever the last step answered', () => {
    const ending = read({
      live: { version: '2', artifact_id: 'a2', change: 'x', result: null },
      change: open,
      known: true,
    });
    expect(outcome({ comparison, prepared, promotion: promoted }, started, ending).status).toBe('failed');
  });

  it('is rolled back, if the change was closed with what was there before', () => {
    const back = read({
      live: { version: '2', artifact_id: 'a2', change: execution, result: 'rolled_back' },
      champions: ['2'],
    });
    const state = { comparison, prepared, error: caught, rollback };
    expect(outcome(state, started, back)).toMatchObject({ status: 'rolled_back', champion_after: '2' });
  });

  it('names no champion where several are named, or none could be read', () => {
    expect(outcome(done, started, read({ champions: ['1', '3'], in_step: false })).champion_after).toBeNull();
    const unread = read({ champions: null, in_step: null, unread: ['registry'] });
    expect(outcome(done, started, unread)).toMatchObject({ status: 'promoted', champion_after: '3' });
  });

  it.each([
    ['a decision to keep', false, { comparison: { ...comparison, decision: 'KEEP' } }],
    ['a dry run', false, { comparison, dry_run: true }],
    ['a busy model', false, { comparison, prepared: { ...prepared, status: 'busy' } }],
    ['an invalid input', false, { valid: false, problems: ['x'] }],
    ['a step that failed after PROMOTE', true, { comparison, error: caught }],
    ['a change', true, { comparison, prepared }],
    ['a rollback', true, { operation: 'rollback' }],
  ])('is read after %s: %s', (_, expected, more) => {
    expect(mayHaveChanged(readStateDocument({ ...started, ...more }))).toBe(expected);
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
    expect(outcomeOf(state, { execution, ending: null }, now)).toMatchObject({ status: 'failed', execution });
  },
);

it('announces everything but a repeated request that found nothing to do', () => {
  const done = {
    comparison,
    prepared: { ...prepared, status: 'already_promoted', change_id: null },
  };
  expect(alertDue(outcome(done))).toBe(false);
  expect(alertDue(outcome({ comparison, prepared, promotion: promoted, closing }))).toBe(true);
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

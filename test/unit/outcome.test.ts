import { describe, expect, it } from 'vitest';
import { alertDue, isSuccessful, mayHaveChanged, outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import { type Ending, outcomeStatuses } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { RollbackFinding } from '../../lambdas/domain/promotion/rollback-finding.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';
import { sampleChange, sampleEnding } from '../support/sample-outcome.ts';
import {
  closed,
  compared,
  notPromoted,
  notReplaced,
  prepared as prepare,
  promoted,
  rolledBack,
  servingUndo,
} from '../support/stub-functions.ts';

const now = new Date('2026-11-21T10:00:00Z');
const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const started = begin({ input: { model_name: 'PascalStrategy' }, execution, started_at: now.toISOString() });
const comparison = compared({ recommendation: 'Promote version 3.' });
const prepared = prepare({ change_id: execution });
const closing = closed();
const rollback = rolledBack({ detail: 'Version 2 is back' });
const refusal: RollbackFinding = {
  ...{ code: 'refused', why: 'no-known-good', from: '3', to: null, held: null, until: null, hours: null },
};
const caught = {
  Error: 'MlflowUnavailable',
  Cause: '{"errorMessage":"no answer","errorType":"MlflowUnavailable","trace":["at /var/task/x.mjs"]}',
};
const stale = { Error: 'StaleFence', Cause: '{"errorMessage":"held by another"}' };

/** Both sides show version 3, which this execution's change has closed with. */
const forward: Ending = {
  ...sampleEnding,
  live: { version: '3', artifact_id: null, change: execution, result: 'promoted' },
};
/** Both sides show version 2 again, to which this execution's change has gone back. */
const back: Ending = {
  ...sampleEnding,
  live: { version: '2', artifact_id: null, change: execution, result: 'rolled_back' },
  champions: ['2'],
};
/** Version 2 is live, as before. */
const before: Ending = {
  ...back,
  live: { version: '2', artifact_id: null, change: 'arn:before', result: 'promoted' },
};
const open: Ending = { ...before, change: { ...sampleChange, id: execution }, in_step: false, known: true };
const nothingRead: Ending = {
  ...{ live: null, change: null, champions: null, pointers: null, workload: null, agreed: null },
  ...{ in_step: null, known: null, picture: null, unread: ['table', 'registry', 'workload'] },
};
const movedSince = (ending: Ending): Ending => ({ ...ending, champions: ['4'], in_step: false });

const outcome = (more: object, ending: Ending | null = null, base: object = started) =>
  outcomeOf({ ...base, ...more }, { execution, ending }, now);
const asked = { ...started, operation: 'rollback' };
const attempt = { ...started, operation: 'resume', change_id: 'arn:earlier' };
const adopting = { ...started, operation: 'adopt' };

describe('how an execution ended', () => {
  const kept = { ...comparison, decision: 'KEEP' };
  const busy = { ...prepared, status: 'busy', change_id: null };
  const steps = { comparison, prepared, promotion: promoted, closing };
  const wayBack = { comparison, prepared, rollback };

  it.each<[string, string, boolean, string, object, Ending | null]>([
    [
      'invalid_input',
      'invalid',
      false,
      'an invalid input',
      { valid: false, problems: ['model_name: missing'] },
      null,
    ],
    ['kept', 'decided', true, 'KEEP', { comparison: kept }, null],
    [
      ...(['needs_investigation', 'decided', true, 'INVESTIGATE'] as const),
      { comparison: { ...comparison, decision: 'INVESTIGATE' } },
      null,
    ],
    ['kept', 'dry-run', true, 'a dry run', { comparison, dry_run: true }, null],
    [
      'busy',
      'busy',
      true,
      'the lease held by another',
      { comparison, prepared: { ...busy, holder: 'arn:other' } },
      null,
    ],
    ['kept', 'decided', true, 'KEEP after a wait for the lease', { comparison: kept, prepared: busy }, null],
    [
      'failed',
      'error',
      false,
      'an error after a wait for the lease',
      { comparison, prepared: busy, error: caught },
      before,
    ],
    ['contested', 'error', false, 'a lease lost to another', { comparison, prepared, error: stale }, before],
    [
      ...(['contested', 'contested', false, 'nothing opened, as the model had moved'] as const),
      { comparison, prepared: { ...prepared, status: 'contested', reason: 'changed' } },
      before,
    ],
    [
      ...(['failed', 'refused', false, 'nothing opened, as the platform would refuse'] as const),
      { comparison, prepared: { ...prepared, status: 'refused', reason: 'a draft' } },
      null,
    ],
    [
      ...(['kept', 'gates', true, 'a freeze that began after the comparison'] as const),
      { comparison, prepared: { ...prepared, status: 'refused', reason: 'frozen', gates: ['freeze'] } },
      null,
    ],
    [
      'already_promoted',
      'already',
      true,
      'nothing to open',
      { comparison, prepared: { ...prepared, status: 'already_promoted' } },
      { ...forward, live: { ...before.live, version: '3' } as Ending['live'] },
    ],
    [
      ...(['contested', 'moved-since', false, 'nothing to open, and moved by now'] as const),
      { comparison, prepared: { ...prepared, status: 'already_promoted' } },
      movedSince(before),
    ],

    ['promoted', 'promoted', true, 'closed forward', steps, forward],
    [
      'promoted',
      'promoted',
      true,
      'closed forward, though a later step failed',
      { ...steps, error: caught },
      forward,
    ],
    [
      'promoted',
      'promoted',
      true,
      'closed forward by a step whose answer was lost',
      { comparison, prepared, promotion: promoted, error: caught },
      forward,
    ],
    ['contested', 'moved-since', false, 'closed forward, and moved since', steps, movedSince(forward)],
    ['promoted', 'promoted', true, 'completed answers, and the table away at the end', steps, nothingRead],
    [
      'promoted',
      'promoted',
      true,
      'completed answers, without a table',
      { comparison, prepared: prepare({ change_id: null, fence: null }), promotion: promoted, closing },
      null,
    ],
    ['failed', 'error', false, 'an open change, whatever was answered', { ...steps, error: caught }, open],

    ['rolled_back', 'error', false, 'a step failed, and gone back', { ...wayBack, error: caught }, back],
    [
      'rolled_back',
      'rollout-failed',
      false,
      'the rollout failed, and gone back',
      { ...wayBack, serving: notReplaced },
      back,
    ],
    [
      'rolled_back',
      'refused',
      false,
      'promote-model refused, and gone back',
      { ...wayBack, promotion: notPromoted },
      back,
    ],
    [
      'rolled_back',
      'refused',
      false,
      'the lock failed, and gone back',
      { ...wayBack, promotion: promoted, closing: closed({ status: 'failed' }) },
      back,
    ],
    [
      'rolled_back',
      'error',
      false,
      'gone back, and the table away at the end',
      { ...wayBack, error: caught },
      nothingRead,
    ],
    [
      'contested',
      'moved-since',
      false,
      'gone back, and moved since',
      { ...wayBack, error: caught },
      movedSince(back),
    ],
    [
      ...(['promoted', 'promoted', true, 'a step failed, and the change was found complete'] as const),
      {
        ...wayBack,
        error: caught,
        rollback: rolledBack({ rolled_back: false, finding: { code: 'completed', from: '3', to: '3' } }),
      },
      forward,
    ],
    [
      ...(['promoted', 'promoted', true, 'a step failed whose first copy had closed the change'] as const),
      {
        ...wayBack,
        error: caught,
        rollback: rolledBack({ rolled_back: true, already_rolled_back: true, to_version: '3' }),
      },
      forward,
    ],
    [
      ...(['failed', 'error', false, 'the way back takes too long: it stays open'] as const),
      { ...wayBack, error: caught, rollback: rolledBack({ rolled_back: false, status: 'open' }) },
      open,
    ],
    [
      ...(['contested', 'contested', false, 'somebody moved the registry at the same time'] as const),
      {
        comparison,
        prepared,
        promotion: { promoted: false, contested: true, reason: 'x' },
        rollback: rolledBack({ rolled_back: false, status: 'open' }),
      },
      open,
    ],
    [
      ...(['contested', 'error', false, 'the way back found somebody else’s change'] as const),
      { ...wayBack, error: caught, rollback: rolledBack({ rolled_back: false, status: 'contested' }) },
      { ...open, known: false },
    ],
    [
      'failed',
      'rollback-failed',
      false,
      'the way back failed',
      { comparison, prepared, error: caught, rollback_error: caught },
      open,
    ],
    [
      'contested',
      'rollback-failed',
      false,
      'the way back lost the lease',
      { comparison, prepared, error: caught, rollback_error: stale },
      open,
    ],
    [
      'promoted',
      'promoted',
      true,
      'the way back failed after the change had been found complete',
      { comparison, prepared, error: caught, rollback_error: caught },
      forward,
    ],
    ['failed', 'error', false, 'the first step failed', { error: caught }, null],
    ['failed', 'no-result', false, 'no step left a result', {}, null],
  ])('%s because of %s (ended well: %s): %s', (status, cause, well, _, state, ending) => {
    const ended = outcome(state, ending);
    expect(ended.status).toBe(status);
    expect(ended.cause.code).toBe(cause);
    expect(isSuccessful(ended)).toBe(well);
    expect(ended.ending).toEqual(ending);
  });

  it.each<[string, string, boolean, string, object, Ending | null]>([
    ['rolled_back', 'asked', true, 'closed', { prepared, rollback }, back],
    [
      'rolled_back',
      'asked',
      true,
      'closed by an earlier copy',
      { prepared, rollback: { ...rollback, already_rolled_back: true } },
      back,
    ],
    [
      'rolled_back',
      'asked',
      true,
      'nothing to do',
      { prepared, rollback: { ...rollback, already_rolled_back: true, nothing_to_do: true } },
      before,
    ],
    [
      'contested',
      'moved-since',
      false,
      'nothing to do, and moved by now',
      { prepared, rollback: { ...rollback, already_rolled_back: true, nothing_to_do: true } },
      movedSince(before),
    ],
    ['contested', 'moved-since', false, 'closed, and moved since', { prepared, rollback }, movedSince(back)],
    [
      'failed',
      'asked',
      false,
      'refused',
      { prepared, rollback: { ...rollback, rolled_back: false, finding: refusal } },
      before,
    ],
    [
      'failed',
      'asked',
      false,
      'stays open',
      { prepared, rollback: { ...rollback, rolled_back: false, status: 'open' } },
      open,
    ],
    [
      'contested',
      'asked',
      false,
      'contested',
      { prepared, rollback: { ...rollback, rolled_back: false, status: 'contested' } },
      before,
    ],
    [
      'kept',
      'asked',
      true,
      'a dry run',
      { prepared, dry_run: true, rollback: { ...rollback, rolled_back: false, dry_run: true } },
      null,
    ],
    ['busy', 'busy', true, 'the lease held by another', { prepared: { ...prepared, status: 'busy' } }, null],
    ['failed', 'rollback-failed', false, 'an error', { prepared, rollback_error: caught }, open],
    [
      'rolled_back',
      'asked',
      true,
      'closed by a step whose answer was lost',
      { prepared, rollback_error: caught },
      back,
    ],
  ])(
    '%s because of %s (ended well: %s), a rollback that was asked for: %s',
    (status, cause, well, _, state, ending) => {
      const ended = outcome(state, ending, asked);
      expect([ended.status, ended.cause.code, isSuccessful(ended)]).toEqual([status, cause, well]);
    },
  );

  const ofEarlier = (ending: Ending): Ending => ({
    ...ending,
    live: ending.live === null ? null : { ...ending.live, change: 'arn:earlier' },
  });
  const taken = { ...prepared, change_id: 'arn:earlier' };

  it.each<[string, string, boolean, string, object, Ending | null]>([
    ['rolled_back', 'no-result', true, 'gone back', { prepared: taken, rollback }, ofEarlier(back)],
    [
      'promoted',
      'promoted',
      true,
      'found complete',
      {
        prepared: taken,
        rollback: rolledBack({ rolled_back: false, finding: { code: 'completed', from: null, to: '3' } }),
      },
      ofEarlier(forward),
    ],
    [
      'already_promoted',
      'already',
      true,
      'closed by another before',
      { prepared: taken, rollback: rolledBack({ rolled_back: false, nothing_to_do: true }) },
      ofEarlier(forward),
    ],
    [
      'failed',
      'no-result',
      false,
      'stays open',
      { prepared: taken, rollback: rolledBack({ rolled_back: false, status: 'open' }) },
      { ...open, change: { ...sampleChange, id: 'arn:earlier' } },
    ],
    [
      'contested',
      'no-result',
      false,
      'not ours',
      { prepared: taken, rollback: rolledBack({ rolled_back: false, status: 'contested' }) },
      { ...open, change: { ...sampleChange, id: 'arn:earlier' }, known: false },
    ],
  ])(
    '%s because of %s (ended well: %s), an attempt of the sweep: %s',
    (status, cause, well, _, state, ending) => {
      const ended = outcome(state, ending, attempt);
      expect([ended.status, ended.cause.code, isSuccessful(ended)]).toEqual([status, cause, well]);
    },
  );

  it('is adopted, or contested where something else shows by now', () => {
    const state = { prepared: { ...prepared, status: 'adopted', change_id: null } };
    const live = { ...back, live: { ...before.live, change: execution, result: null } as Ending['live'] };
    expect(outcome(state, live, adopting)).toMatchObject({ status: 'adopted', cause: { code: 'adopted' } });
    expect(outcome(state, nothingRead, adopting)).toMatchObject({ status: 'adopted' });
    expect(outcome(state, movedSince(live), adopting)).toMatchObject({ status: 'contested' });
    expect(isSuccessful(outcome(state, live, adopting))).toBe(true);
  });

  it('is adopted where the item says so, although the answer of the step was lost', () => {
    const lost = { error: { Error: 'States.Timeout', Cause: 'no answer' } };
    expect(outcome(lost, forward, adopting)).toMatchObject({ status: 'adopted', cause: { code: 'adopted' } });
    expect(outcome(lost, movedSince(forward), adopting)).toMatchObject({ status: 'contested' });
  });
});

describe('the champions of an outcome', () => {
  it('are the one before the change, and the one as last read', () => {
    const ended = outcome({ comparison, prepared, promotion: promoted, closing }, forward);
    expect(ended).toMatchObject({ champion_before: '2', champion_after: '3' });
    const contested = outcome({ comparison, prepared, promotion: promoted, closing }, movedSince(forward));
    expect(contested).toMatchObject({ champion_before: '2', champion_after: '4' });
    const two = { ...forward, champions: ['4', '3'], in_step: false };
    expect(outcome({ comparison, prepared, closing }, two).champion_after).toBeNull();
  });

  it('are told from the answers where nothing could be read', () => {
    const done = { comparison, prepared, promotion: promoted, closing };
    expect(outcome(done, nothingRead)).toMatchObject({ champion_before: '2', champion_after: '3' });
    expect(outcome({ prepared, rollback }, nothingRead, asked)).toMatchObject({
      ...{ champion_before: '3', champion_after: '2' },
    });
    expect(outcome({ comparison: { ...comparison, decision: 'KEEP' } })).toMatchObject({
      ...{ champion_before: '2', champion_after: '2' },
    });
    expect(outcome({ comparison, prepared, error: caught }, nothingRead).champion_after).toBeNull();
  });

  it('are told from what is recorded where the registry could not be read and the answer was lost', () => {
    const unread = { champions: null, in_step: null, picture: null, unread: ['registry' as const] };
    const lost = { prepared, rollback_error: { Error: 'States.DataLimitExceeded', Cause: 'too large' } };
    expect(outcome(lost, { ...back, ...unread }, asked)).toMatchObject({
      ...{ status: 'rolled_back', champion_after: '2' },
    });
    expect(outcome({ comparison, prepared, error: caught }, { ...forward, ...unread })).toMatchObject({
      ...{ status: 'promoted', champion_after: '3' },
    });
    const taken = { ...forward, live: { ...forward.live, change: 'arn:earlier' } as Ending['live'] };
    expect(
      outcome({ prepared, rollback: { ...rollback, from_version: null } }, taken, attempt),
    ).toMatchObject({
      ...{ status: 'promoted', challenger_version: '3' },
    });
  });

  it('of a rollback that never came to the registry are the same', () => {
    const undo = { ...rollback, champion_before: '2' };
    const same = { champion_before: '2', champion_after: '2' };
    expect(outcome({ prepared, rollback: undo }, back, asked)).toMatchObject({
      status: 'rolled_back',
      ...same,
    });
    const stuck = { ...undo, rolled_back: false, status: 'open', serving: servingUndo({ undone: false }) };
    expect(outcome({ prepared, rollback: stuck }, open, asked)).toMatchObject({ status: 'failed', ...same });
  });

  it('are none where the rollback found none', () => {
    const first = { ...rollback, champion_before: null, to_version: null };
    const none = { ...back, live: { ...back.live, version: null } as Ending['live'], champions: [] };
    const leased = { ...prepared, champion_before: null };
    expect(outcome({ prepared: leased, rollback: first }, none, asked)).toMatchObject({
      ...{ status: 'rolled_back', champion_before: null, champion_after: null },
    });
  });
});

it('names the versions that the promotion has archived and that somebody had just promoted', () => {
  const state = { comparison, prepared, promotion: { ...promoted, overwritten: ['5'] } };
  expect(outcome({ ...state, closing: closed({ overwritten: ['4'] }) }, forward).overwritten).toEqual([
    '5',
    '4',
  ]);
  expect(outcome({ comparison, prepared, promotion: promoted, closing }, forward).overwritten).toEqual([]);
  const lost = { promoted: false as const, reason: 'lost', contested: true as const, overwritten: ['6'] };
  expect(outcome({ comparison, prepared, promotion: lost }, forward).overwritten).toEqual(['6']);
});

it('names the version that an attempt goes on with, as its input names only the change', () => {
  expect(outcome({ prepared, rollback }, back, attempt).challenger_version).toBe('3');
});

describe('both sides are read at the end', () => {
  const reads = (state: object, base: object = started) =>
    mayHaveChanged(readStateDocument({ ...base, ...state }));

  it.each<[string, boolean, object, object?]>([
    ['invalid', false, { valid: false, problems: ['x'] }],
    ['KEEP', false, { comparison: { ...comparison, decision: 'KEEP' } }],
    ['a dry run', false, { comparison, dry_run: true }],
    ['busy', false, { comparison, prepared: { ...prepared, status: 'busy' } }],
    ['refused', false, { comparison, prepared: { ...prepared, status: 'refused' } }],
    ['contested', true, { comparison, prepared: { ...prepared, status: 'contested' } }],
    ['opened', true, { comparison, prepared }],
    ['Prepare failed: it may have opened the change', true, { comparison, error: caught }],
    ['comparing failed', false, { error: caught }],
    ['a rollback whose Prepare failed', true, { error: caught }, asked],
    ['an adoption', true, { prepared: { ...prepared, status: 'adopted' } }, adopting],
  ])('%s: %s', (_, read, state, base) => {
    expect(reads(state, base)).toBe(read);
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
    for (const ending of [null, nothingRead])
      expect(outcomeOf(state, { execution, ending }, now)).toMatchObject({ status: 'failed', execution });
  },
);

it('announces everything but a repeated request that found nothing to do', () => {
  const already = { comparison, prepared: { ...prepared, status: 'already_promoted' } };
  expect(alertDue(outcome(already, before))).toBe(false);
  expect(alertDue(outcome({ comparison, prepared, promotion: promoted, closing }, forward))).toBe(true);
  const again = { ...rollback, already_rolled_back: true };
  expect(alertDue(outcome({ prepared, rollback: { ...again, nothing_to_do: true } }, before, asked))).toBe(
    false,
  );
  // Somebody has moved the model between the request's look and its end.
  const moved = { ...before, in_step: false };
  expect(alertDue(outcome({ prepared, rollback: { ...again, nothing_to_do: true } }, moved, asked))).toBe(
    true,
  );
  // Closed by an earlier copy of the same step, which has told nobody.
  expect(alertDue(outcome({ prepared, rollback: again }, back, asked))).toBe(true);
});

it('ends well in every way that needs no person', () => {
  const well = (operation: 'promote' | 'rollback') =>
    outcomeStatuses.filter((status) => isSuccessful({ status, operation }));
  const always = [
    'promoted',
    'already_promoted',
    'kept',
    'needs_investigation',
    'adopted',
    'declined',
    'busy',
  ];
  expect(well('promote')).toEqual(expect.arrayContaining(always));
  expect(well('promote')).toHaveLength(always.length);
  expect(well('rollback').filter((status) => !always.includes(status))).toEqual(['rolled_back']);
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
  expect(outcome({ comparison, prepared, error: caught, rollback: later }, nothingRead)).toMatchObject({
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

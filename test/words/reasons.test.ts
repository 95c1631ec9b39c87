import { describe, expect, it } from 'vitest';
import type { DecidedOutcome, Ending, OutcomeCause } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type {
  ChangeSinceComparison,
  PromotionRefusal,
} from '../../lambdas/domain/promotion/promotion-plan.ts';
import { type RollbackFinding, RollbackRefusal } from '../../lambdas/domain/promotion/rollback-finding.ts';
import type { Look, ServingView } from '../../lambdas/domain/release/look.ts';
import type { OpeningContest } from '../../lambdas/domain/release/opening.ts';
import type { ModelItem } from '../../lambdas/domain/release/release.ts';
import {
  changedSince,
  closingReason,
  modelBusy,
  openingContested,
  prepareRefused,
  settling,
} from '../../lambdas/words/preparation.ts';
import {
  outcomeReason,
  promotionRefused,
  rollbackDetail,
  rollbackFound,
} from '../../lambdas/words/reasons.ts';
import { leaseHeld } from '../../lambdas/words/rollout.ts';
import { sampleChange, sampleComparison, sampleEnding, sampleOutcome } from '../support/sample-outcome.ts';
import { notReplaced, rolledBack, servingUndo } from '../support/stub-functions.ts';

/** Every fact that becomes a sentence in an answer or an outcome, and the sentence. */

const MODEL = 'PascalStrategy';
const until = '2026-11-22T09:00:00.000Z';

it.each<[PromotionRefusal, string]>([
  [{ code: 'no-model' }, 'Registered model "PascalStrategy" does not exist'],
  [{ code: 'no-challenger', mode: 'stages' }, 'No Staging version found'],
  [{ code: 'version-missing', version: '7' }, 'Version 7 of "PascalStrategy" does not exist'],
  [{ code: 'not-ready', version: '3', status: 'PENDING' }, 'Version 3 is PENDING, not READY'],
  [
    { code: 'other-champion', champions: ['2'], expected: '1' },
    'Version 2 is the champion, expected version 1',
  ],
  [
    { code: 'other-champion', champions: ['4', '2'], expected: null },
    'Versions 4 and 2 are champions, expected none',
  ],
  [{ code: 'no-champion', expected: '2' }, 'No version is the champion, expected version 2'],
  [
    { code: 'lost-race', version: '3' },
    'Another actor changed the registry at the same time: version 3 is not the only champion',
  ],
  [
    { code: 'change-open', holder: 'arn:other' },
    'A change of "PascalStrategy" by arn:other is open: nothing is promoted before it is closed',
  ],
  [
    { code: 'moved', champions: ['1'], live: '2' },
    'Version 1 is the champion, and version 2 is recorded as live. To settle it, start a rollback with "target_version", or adopt what is there with "operation": "adopt"',
  ],
  [
    { code: 'moved', champions: ['4', '2'], live: null },
    'Versions 4 and 2 are champions, and none is recorded as live. To settle it, start a rollback with "target_version"',
  ],
  [
    { code: 'moved', champions: [], live: '2' },
    'No version is the champion, and version 2 is recorded as live. To settle it, start a rollback with "target_version"',
  ],
  [
    { code: 'superseded', version: '3' },
    'This execution no longer promotes version 3: its change was turned back or taken over',
  ],
])('promote-model refuses %j', (refusal, sentence) => {
  expect(promotionRefused(refusal, MODEL)).toBe(sentence);
});

it.each<[ChangeSinceComparison, string]>([
  [
    { code: 'champion-changed', champions: ['4'], compared_with: null },
    'The champion changed after the comparison: now version 4, compared with none',
  ],
  [
    { code: 'decision-changed', decision: 'KEEP', recommendation: 'Keep version 2.' },
    'A second comparison decided KEEP: Keep version 2.',
  ],
  [
    { code: 'champion-changed', champions: ['9', '8', '7', '6', '5', '4', '3'], compared_with: '2' },
    'The champion changed after the comparison: now versions 9 and 8 and 7 and 6 and 5 and 2 more, compared with 2',
  ],
  [
    { code: 'evidence-changed', parts: ['metrics', 'rows'] },
    'The evidence changed after the comparison: what the versions and their runs hold, the files with rows',
  ],
])('prepare-promotion finds %j', (change, sentence) => {
  expect(changedSince(change)).toBe(sentence);
});

it('names the holder of a lease', () => {
  expect(leaseHeld({ model: MODEL, holder: 'arn:other', until })).toBe(
    `The lease for "PascalStrategy" is held by arn:other until ${until}`,
  );
  expect(modelBusy(MODEL, 'arn:other', until)).toBe(
    `Another execution is changing "PascalStrategy": arn:other holds the lease until ${until} at the latest`,
  );
});

it.each([
  [{ code: 'version-missing', version: '7' }, 'Version 7 does not exist'],
  [{ code: 'not-ready', version: '3', status: 'PENDING' }, 'Version 3 is PENDING, not READY'],
  [
    { code: 'no-table', workload: 'w1' },
    'Workload "w1" serves the model, which takes a promotion table (PROMOTION_TABLE); nothing was changed',
  ],
] as const)('prepare-promotion refuses %j', (refusal, sentence) => {
  expect(prepareRefused(refusal)).toBe(sentence);
});

it('says how long a request of the last owner can still take effect', () => {
  expect(settling(12)).toBe(
    'An earlier operation left a change open, and its last request can still take effect for 12 s',
  );
});

describe('a change that is not opened', () => {
  const serving: ServingView = {
    ...{ workload_id: 'w1', type: 'service', artifact_id: 'a2', artifact_status: 'locked' },
    ...{ importance: null, runtime: null, active: ['a2'], in_flight: null },
  };
  const hotfix = { artifact_id: 'a9', switched: false, leaving: false, state: 'warming_up' };
  const version = (number: string, stage: string, artifact: string | null) => ({
    ...{ version: number, stage, status: 'READY', runId: null },
    tags: artifact === null ? {} : { 'workload.artifact_id': artifact },
  });
  const look = (
    side: ServingView | null,
    versions = [version('3', 'Staging', 'a3'), version('2', 'Production', 'a2')],
  ): Look => ({
    registry: { model: { name: MODEL, tags: {}, aliases: {} }, versions },
    mode: 'stages',
    serving: side,
  });
  const release = {
    ...{ key: '1-x', version: '1', workload_id: 'w1', artifact_id: 'a1', draft: false, importance: null },
    ...{ change: 'arn:first', at: until, adopted_by: null, result: null },
  };
  const item: ModelItem = {
    ...{ model: MODEL, owner: null, fence: 1, expires_at: null, released_at: null },
    ...{ live: release, change: null, told: null, history: [] },
  };
  const SETTLE = 'To settle it, start a rollback with "target_version"';
  const ADOPT = ', or adopt what is there with "operation": "adopt"';
  const two = [version('3', 'Production', 'a3'), version('2', 'Production', 'a2')];

  it.each<[OpeningContest, Look, string]>([
    [
      'unrecorded',
      look({ ...serving, artifact_id: 'a9', active: ['a9'] }),
      `No release is recorded as live, and it is not clear which one is: version 2 is the champion with artifact "a2" in its tag; Workload "w1" serves artifact "a9". ${SETTLE}`,
    ],
    [
      'unrecorded',
      look({ ...serving, in_flight: hotfix }),
      `No release is recorded as live, and it is not clear which one is: version 2 is the champion with artifact "a2" in its tag; Workload "w1" serves artifact "a2", and a replacement with artifact "a9" is in progress. ${SETTLE}`,
    ],
    [
      'unrecorded',
      look(null, two),
      `No release is recorded as live, and it is not clear which one is: versions 3 and 2 are champions. ${SETTLE}`,
    ],
    [
      'unfinished',
      look(null),
      `No release is recorded as live, and an earlier promotion has no result: version 2 is the champion. ${SETTLE}${ADOPT}`,
    ],
    [
      'moved',
      look(serving),
      `Another actor changed the model: version 1 with artifact "a1" is recorded as live, but version 2 is the champion with artifact "a2" in its tag; Workload "w1" serves artifact "a2". ${SETTLE}${ADOPT}`,
    ],
    [
      'moved',
      look(null, []),
      `Another actor changed the model: version 1 with artifact "a1" is recorded as live, but no version is the champion. ${SETTLE}`,
    ],
    [
      'foreign',
      look(null, two),
      `Another actor changed the model while a change by another operation is open: versions 3 and 2 are champions. ${SETTLE}`,
    ],
    [
      'overtaken',
      look(null),
      'Another operation changed the model after this one was requested, so this one changed nothing',
    ],
    [
      'in-flight',
      look({ ...serving, in_flight: hotfix }),
      'It is not known what is served with the live version: version 2 is the champion with artifact "a2" in its tag; Workload "w1" serves artifact "a2", and a replacement with artifact "a9" is in progress. Wait until the replacement has ended, and start again',
    ],
    [
      'after-alarm',
      look(null),
      'The live version became the champion after the alarm, so the alarm cannot be about it; nothing was changed',
    ],
  ])('is %s, and says what both sides show', (why, seen, sentence) => {
    expect(openingContested(why, seen, item)).toBe(sentence);
  });

  it('shows hostile ids in visible form and cut to size', () => {
    const hostile = `a\n\u202e${'x'.repeat(5000)}`;
    const said = openingContested('moved', look({ ...serving, artifact_id: hostile, active: [] }), item);
    expect(said).toContain('artifact "a\\n\\u{202e}x');
    expect(said.length).toBeLessThan(600);
  });
});

describe('the end of a promotion', () => {
  const locking = { kind: 'waiting', finding: { code: 'promoting' } } as const;
  it.each<[Parameters<typeof closingReason>[0], string | null, string]>([
    [{ kind: 'closed' }, null, 'What was promoted is live'],
    [{ kind: 'contested', why: 'superseded' }, null, 'The change was taken over by another operation'],
    [{ kind: 'contested', why: 'superseded' }, 'arn:other', 'The change was taken over by arn:other'],
    [{ kind: 'contested', why: 'lost-race' }, null, 'Another actor changed the registry at the same time'],
    [
      { kind: 'contested', why: 'moved-on' },
      null,
      'The registry or the Workload shows something that this promotion did not put there',
    ],
    [locking, null, 'The served draft is being promoted in place; this cannot be undone'],
  ])('is %j by %s', (result, holder, sentence) => {
    expect(closingReason(result, holder)).toBe(sentence);
  });
});

describe('the detail of a rollback', () => {
  const [from, to] = ['3', '2'];
  const refused = (why: RollbackRefusal, more: object = {}): RollbackFinding => ({
    ...{ code: 'refused', why, from, to, held: null, until: null, hours: null },
    ...more,
  });
  type Why = Extract<RollbackFinding, { code: 'contested' }>['why'];
  const contested = (why: Why, champions: string[], held: string | null = null): RollbackFinding => ({
    ...{ code: 'contested', why, from, to, champions, held },
  });
  const open = (more: Partial<Extract<RollbackFinding, { code: 'open' }>> = {}): RollbackFinding => ({
    ...{ code: 'open', from, to, first_champion: false },
    ...more,
  });

  it.each<[RollbackFinding, string]>([
    [
      { code: 'would-move', from, to, workload: 'w1', artifact: 'a2' },
      'Dry run: version 2 would be the champion in place of version 3; Workload "w1" would serve artifact "a2" again',
    ],
    [
      { code: 'would-move', from, to, workload: null, artifact: null },
      'Dry run: version 2 would be the champion in place of version 3',
    ],
    [{ code: 'would-settle', to }, 'Dry run: version 2 is already live; nothing would change'],
    [{ code: 'moved', from, to }, 'Version 2 is the champion again; version 3 is marked as rolled back'],
    [{ code: 'unmoved', from, to }, 'Version 2 is the champion; version 3 is not'],
    [{ code: 'unmoved', from: null, to }, 'Version 2 is the champion'],
    [{ code: 'unmoved', from, to: null }, 'No version is the champion'],
    [{ code: 'settled', from, to }, 'Version 2 is already live; nothing more was changed'],
    [{ code: 'settled', from, to: '' }, 'What was there before is already live; nothing more was changed'],
    [
      { code: 'completed', from: '3', to: '3' },
      'Version 3 is live: its promotion was complete, so it was not undone',
    ],
    [open(), 'The way to version 2 is not complete: the change stays open and goes on by itself'],
    [open({ to: null }), 'The change is not complete: it stays open and goes on by itself'],
    [
      open({ to: '3', first_champion: true }),
      'Version 3 is the first champion, with none to go back to: its promotion stays open and goes on by itself',
    ],
    [refused('no-model'), 'Registered model "PascalStrategy" does not exist'],
    [
      refused('lease-held', { held: 'arn:other', until }),
      `The lease for "PascalStrategy" is held by arn:other until ${until}`,
    ],
    [refused('no-champion'), 'No version is the champion'],
    [refused('no-known-good'), 'No known-good version recorded; name target_version'],
    [refused('target-missing'), 'Version 2 does not exist'],
    [refused('not-ready', { held: 'PENDING' }), 'Version 2 is PENDING, not READY'],
    [refused('rolled-back'), 'Version 2 was itself rolled back; pass emergency: true to use it'],
    [
      refused('cooling', { until, hours: 24 }),
      `The last rollback was less than 24 h ago; pass emergency: true, or wait until ${until}`,
    ],
    [
      refused('artifact-gone', { held: 'a2' }),
      'Artifact "a2" of version 2 does not exist, or the owner of the token cannot see it',
    ],
    [refused('no-artifact'), 'No artifact is known for version 2: set its tag workload.artifact_id'],
    [
      refused('locked-in-place', { held: 'a2' }),
      'The artifact in service is locked, and artifact "a2" of version 2 is a draft, which cannot replace it: lock that draft first',
    ],
    [
      refused('served-is-draft', { held: 'a2' }),
      'The artifact in service is a draft, which the locked artifact "a2" of version 2 cannot replace: promote the Workload first (POST /workloads/{id}/promote)',
    ],
    [
      refused('other-type', { held: 'nim' }),
      'The artifact of version 2 is of type "nim", and the Workload of another',
    ],
    [
      refused('other-workload', { held: 'w1' }),
      'Version 2 was last served by Workload "w1", and another one serves the model now; name target_version to roll back on that one',
    ],
    [
      refused('no-table', { held: 'w1' }),
      'Workload "w1" serves the model, which takes a promotion table (PROMOTION_TABLE); nothing was changed',
    ],
    [
      contested('after-alarm', ['3']),
      'Version 3 was promoted after the alarm, so the alarm cannot be about it; nothing was changed',
    ],
    [
      contested('moved-on', []),
      'Another actor changed the model, and that was kept: no version is the champion. To settle it, start a rollback with "target_version"',
    ],
    [
      contested('moved-on', ['5', '4']),
      'Another actor changed the model, and that was kept: versions 5 and 4 are champions. To settle it, start a rollback with "target_version"',
    ],
    [
      contested('unrecorded', ['2']),
      'No release is recorded as live, and it is not clear which one is. To settle it, start a rollback with "target_version"',
    ],
    [
      contested('superseded', [], 'arn:other'),
      'Another operation changed the model (arn:other), so this one stopped',
    ],
    [contested('superseded', []), 'Another operation changed the model, so this one stopped'],
    [
      contested('lost-race', []),
      'Another actor changed the registry at the same time: version 2 is not the only champion; that change was kept',
    ],
  ])('says of %j', (finding, sentence) => {
    expect(rollbackDetail({ finding, serving: null, model_name: MODEL })).toBe(sentence);
  });

  it('has no step of its own in an alert, which has all of them', () => {
    expect(rollbackFound(contested('moved-on', ['5']), MODEL)).toBe(
      'Another actor changed the model, and that was kept: version 5 is the champion',
    );
  });

  it('has a sentence for every refusal', () => {
    for (const why of RollbackRefusal.options)
      expect(rollbackDetail({ finding: refused(why), serving: null, model_name: MODEL })).toMatch(/^[A-Z]/);
  });

  it('adds what came of the serving side, which speaks alone while it is on its way', () => {
    const serving = servingUndo({ reason: 'The rollout is being cancelled' });
    const moved = { code: 'moved', from, to } as const;
    expect(rollbackDetail({ finding: moved, serving, model_name: MODEL })).toBe(
      'Version 2 is the champion again; version 3 is marked as rolled back. Serving: The rollout is being cancelled',
    );
    const going = { code: 'serving-in-progress', from, to } as const;
    expect(rollbackDetail({ finding: going, serving, model_name: MODEL })).toBe(
      'The rollout is being cancelled',
    );
  });
});

describe('the reason of an outcome', () => {
  const { recommendation } = sampleComparison;
  const reason = (cause: OutcomeCause, more: Partial<DecidedOutcome> = {}) =>
    outcomeReason({ ...sampleOutcome, ...more, cause });
  const error = { name: 'MlflowUnavailable', message: 'no answer' };
  const stopped = (interrupted: 'nothing' | 'open' | 'unknown') =>
    ({ code: 'stopped', status: 'ABORTED', interrupted }) as const;
  const promoted = { code: 'promoted', direct: false, workload_unchanged: false } as const;
  const ending = (changes: Partial<Ending>) => ({ ending: { ...sampleEnding, ...changes } });

  it.each<[OutcomeCause, Partial<DecidedOutcome>, string]>([
    [{ code: 'invalid' }, { problems: ['a: is required', 'b: wrong'] }, 'a: is required; b: wrong'],
    [promoted, {}, recommendation],
    [promoted, { comparison: null }, 'The challenger was promoted'],
    [{ ...promoted, direct: true }, {}, 'promote-model was invoked directly'],
    [
      { ...promoted, direct: true, workload_unchanged: true },
      {},
      'promote-model was invoked directly: Workload not changed',
    ],
    [{ code: 'already', version: '3' }, {}, 'Version 3 is already the champion; nothing was changed'],
    [{ code: 'decided' }, {}, recommendation],
    [{ code: 'dry-run' }, {}, `Dry run: nothing was changed. ${recommendation}`],
    [{ code: 'gates', gates: ['freeze'], said: 'Gate freeze' }, {}, 'Gate freeze'],
    [{ code: 'refused', said: 'Version 3 is not READY' }, {}, 'Version 3 is not READY'],
    [{ code: 'contested', said: 'The evidence has changed' }, {}, 'The evidence has changed'],
    [{ code: 'busy', said: 'The model is busy' }, {}, 'The model is busy'],
    [
      { code: 'rollout-failed', failure: null },
      { serving: { ...notReplaced, workload_id: 'w1' } },
      'The candidate did not come up.',
    ],
    [{ code: 'error' }, { error }, 'MlflowUnavailable: no answer'],
    [{ code: 'rollback-failed' }, { rollback_error: error }, 'The rollback failed: no answer'],
    [stopped('nothing'), {}, 'ABORTED: The execution was aborted; it left no change open'],
    [
      { ...stopped('open'), status: 'TIMED_OUT' },
      {},
      'TIMED_OUT: The execution timed out; its change is open and goes on by itself',
    ],
    [
      { ...stopped('unknown'), status: 'FAILED' },
      {},
      'FAILED: The execution failed; it is not known whether it left a change open; an open change goes on by itself',
    ],
    [{ code: 'adopted' }, {}, 'What both sides show is now recorded as live'],
    [
      { code: 'moved-since' },
      ending({ in_step: false }),
      'The change was complete, and another actor has changed the model since',
    ],
    [
      { code: 'moved-since' },
      ending({ in_step: false, change: sampleChange }),
      'The change was complete, and another operation has opened a change since',
    ],
    [
      { code: 'out-of-step', change_open: true },
      {},
      'The registry or the Workload shows something that the open change did not put there',
    ],
    [
      { code: 'out-of-step', change_open: false },
      {},
      'The registry or the Workload shows something else than the live release',
    ],
    [{ code: 'in-step-again' }, {}, 'Both sides show the live release again'],
    [{ code: 'no-result' }, {}, 'The execution ended without a result'],
  ])('is for %j, %j', (cause, more, sentence) => {
    expect(reason(cause, more)).toBe(sentence);
  });

  it('says what a rollback came to, after what made it necessary', () => {
    const rollback = rolledBack({ detail: 'Version 2 is back' });
    expect(reason({ code: 'asked' }, { rollback })).toBe('Version 2 is back');
    expect(reason({ code: 'error' }, { rollback, error })).toBe(
      'MlflowUnavailable: no answer. Version 2 is back',
    );
    expect(reason({ code: 'rollback-failed' }, { rollback, rollback_error: error })).toBe(
      'The rollback failed: no answer',
    );
  });

  it('ends no sentence twice where a message of MLflow ends with a full stop', () => {
    const rollback = rolledBack({ detail: 'Version 2 is back' });
    const said = { name: 'MlflowRefused', message: 'It needs EDIT.' };
    expect(reason({ code: 'error' }, { rollback, error: said })).toBe(
      'MlflowRefused: It needs EDIT. Version 2 is back',
    );
  });
});

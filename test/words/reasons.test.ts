import { describe, expect, it } from 'vitest';
import type { DecidedOutcome, OutcomeCause } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type {
  ChangeSinceComparison,
  PromotionRefusal,
} from '../../lambdas/domain/promotion/promotion-plan.ts';
import type { RollbackFinding, RollbackRefusal } from '../../lambdas/domain/promotion/rollback-finding.ts';
import {
  changedSince,
  leaseHeld,
  modelBusy,
  outcomeReason,
  promotionRefused,
  rollbackDetail,
} from '../../lambdas/words/reasons.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';
import { notReplaced, rolledBack, servingUndo } from '../support/stub-functions.ts';

/** Every fact that becomes a sentence in an answer or an outcome, and the sentence. */

const MODEL = 'PascalStrategy';
const until = '2026-11-22T09:00:00.000Z';

it.each<[PromotionRefusal, string]>([
  [{ code: 'no-model' }, 'Registered model "PascalStrategy" does not exist'],
  [{ code: 'no-challenger' }, 'No Staging version found'],
  [{ code: 'version-missing', version: '7' }, 'Version 7 of "PascalStrategy" does not exist'],
  [{ code: 'not-ready', version: '3', status: 'PENDING' }, 'Version 3 is PENDING, not READY'],
  [
    { code: 'other-champion', champions: ['2'], expected: '1' },
    'Version 2 is in Production, expected version 1',
  ],
  [
    { code: 'other-champion', champions: ['4', '2'], expected: null },
    'Version 4 and 2 are in Production, expected none',
  ],
  [{ code: 'no-champion', expected: '2' }, 'No version is in Production, expected version 2'],
  [
    { code: 'lost-race', version: '3' },
    'Another actor changed the registry at the same time: version 3 is not the only champion',
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
  [{ code: 'evidence-changed' }, 'The evidence changed after the comparison'],
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

describe('the detail of a rollback', () => {
  const [from, to] = ['3', '2'];
  const refused = (why: RollbackRefusal, more: object = {}): RollbackFinding => ({
    ...{ code: 'refused', why, from, to, held: null, until: null, hours: null },
    ...more,
  });
  const contested = (why: 'after-alarm' | 'moved-on' | 'lost-race', champions: string[]) =>
    ({ code: 'contested', why, from, to, champions }) as const;

  it.each<[RollbackFinding, string]>([
    [
      { code: 'would-move', from, to, workload: 'w1', artifact: 'a2' },
      'Dry run: version 2 would be moved to Production and version 3 archived; Workload "w1" would serve artifact "a2" again',
    ],
    [
      { code: 'would-move', from, to, workload: null, artifact: null },
      'Dry run: version 2 would be moved to Production and version 3 archived',
    ],
    [{ code: 'would-settle', to }, 'Dry run: version 2 is already the champion; nothing would change'],
    [
      { code: 'moved', from, to },
      'Version 2 is back in Production; version 3 is archived and marked as rolled back',
    ],
    [{ code: 'settled', from, to }, 'Version 2 is already the champion; nothing else was changed'],
    [refused('no-model'), 'Registered model "PascalStrategy" does not exist'],
    [
      refused('lease-held', { held: 'arn:other', until }),
      `The lease for "PascalStrategy" is held by arn:other until ${until}`,
    ],
    [refused('nothing-interrupted'), 'No promotion was interrupted; pass target_version or another reason'],
    [refused('no-champion'), 'No version is in Production'],
    [refused('no-known-good'), 'No known-good version recorded; name target_version'],
    [refused('target-missing'), 'Version 2 does not exist'],
    [refused('not-ready', { held: 'PENDING' }), 'Version 2 is PENDING, not READY'],
    [refused('rolled-back'), 'Version 2 was itself rolled back; pass emergency: true to use it'],
    [
      refused('cooling', { until, hours: 24 }),
      `The last rollback was less than 24 h ago; pass emergency: true, or wait until ${until}`,
    ],
    [
      refused('first-champion', { to: null }),
      'Version 3 is the first champion: there is no earlier version to roll back to, and it stays in Production',
    ],
    [refused('nothing-to-undo'), 'Nothing to undo: version 2 is still in Production'],
    [refused('nothing-to-undo', { from: '2' }), 'Nothing to undo: version 2 was the champion before'],
    [refused('nothing-to-undo', { to: null }), 'Nothing to undo: the version never reached Production'],
    [
      contested('after-alarm', ['3']),
      'Version 3 was promoted after the alarm, so the alarm cannot be about it; nothing was changed',
    ],
    [
      contested('moved-on', []),
      'Another actor changed the registry: no version is in Production; that change was kept',
    ],
    [
      contested('moved-on', ['5', '4']),
      'Another actor changed the registry: version 5 and 4 are in Production; that change was kept',
    ],
    [
      contested('lost-race', []),
      'Another actor changed the registry at the same time: version 2 is not the only champion; that change was kept',
    ],
  ])('says of %j', (finding, sentence) => {
    expect(rollbackDetail({ finding, serving: null, model_name: MODEL })).toBe(sentence);
  });

  it('adds what came of the serving side, which speaks alone while it is on its way', () => {
    const serving = servingUndo({ reason: 'The rollout is being cancelled' });
    const moved = { code: 'moved', from, to } as const;
    expect(rollbackDetail({ finding: moved, serving, model_name: MODEL })).toBe(
      'Version 2 is back in Production; version 3 is archived and marked as rolled back. Serving: The rollout is being cancelled',
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
  const stopped = (interrupted: 'nothing' | 'being-undone' | 'undo-by-hand' | 'rollback' | 'unknown') =>
    ({ code: 'stopped', status: 'ABORTED', interrupted }) as const;

  it.each<[OutcomeCause, Partial<DecidedOutcome>, string]>([
    [{ code: 'invalid' }, { problems: ['a: is required', 'b: wrong'] }, 'a: is required; b: wrong'],
    [{ code: 'promoted', direct: false }, {}, recommendation],
    [{ code: 'promoted', direct: false }, { comparison: null }, 'The challenger was promoted'],
    [{ code: 'promoted', direct: true }, {}, 'promote-model was invoked directly'],
    [{ code: 'already', version: '3' }, {}, 'Version 3 is already the champion; nothing was changed'],
    [{ code: 'decided' }, {}, recommendation],
    [{ code: 'dry-run' }, {}, `Dry run: nothing was changed. ${recommendation}`],
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
    [stopped('nothing'), {}, 'ABORTED: The execution was aborted; no change was in progress'],
    [
      { ...stopped('being-undone'), status: 'TIMED_OUT' },
      {},
      'TIMED_OUT: The execution timed out; a separate execution is undoing its promotion',
    ],
    [
      { ...stopped('undo-by-hand'), status: 'FAILED' },
      {},
      'FAILED: The execution failed; its promotion was recorded and has no result: start an execution with "operation": "rollback" and "reason": "ROLLOUT_FAILED"',
    ],
    [
      stopped('rollback'),
      {},
      "ABORTED: The execution was aborted; a rollback was in progress: compare the served artifact with the champion, and start the rollback again when the model's lease has ended, in 130 s",
    ],
    [
      stopped('unknown'),
      {},
      'ABORTED: The execution was aborted; its input was too large for the event: check its input and its last state in Step Functions; if a promotion or a rollback was in progress, start an execution for its model with "operation": "rollback" and "reason": "ROLLOUT_FAILED"; the lease of its model expires',
    ],
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
});

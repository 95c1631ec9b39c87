import { expect, it } from 'vitest';
import { ServingFinding, ServingUndo } from '../../lambdas/domain/serving/payloads.ts';
import type { RolloutFinding } from '../../lambdas/domain/serving/rollout-finding.ts';
import { isLocked, servedLines } from '../../lambdas/words/alert/workload.ts';
import { servingReason } from '../../lambdas/words/rollout.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';
import { rolledBack } from '../support/stub-functions.ts';

/** What a rollout, and the way back from one, says: every code with its sentence. */

const stopped = { workload: 'w1', state: 'stopped' } as const;
const start = 'start it (POST /workloads/{id}/start), wait until it runs, and try again';

const rollout: [RolloutFinding, string][] = [
  [
    { code: 'settings-change', state: 'promoting' },
    'A settings change of the Workload is in progress (promoting)',
  ],
  [{ code: 'locking', artifact: 'new' }, 'Artifact "new" is being locked, as requested'],
  [{ code: 'starting', artifact: 'new' }, 'A rolling replacement with artifact "new" was started'],
  [{ code: 'start-unconfirmed' }, 'The replacement was requested; the response was lost'],
  [{ code: 'start-not-visible' }, 'The replacement was requested and is not visible yet'],
  [
    { code: 'start-refused-for-now', detail: 'Not now' },
    'The platform refused the replacement, and no other is visible yet: Not now',
  ],
  [{ code: 'start-overtaken', detail: 'Not now' }, 'Another replacement started first: Not now'],
  [{ code: 'replacing', state: 'warming_up' }, 'The replacement is in progress (warming_up)'],
  [
    { code: 'switched-by-deadline', state: 'finalizing' },
    'The replacement switched before the deadline (finalizing)',
  ],
  [
    { code: 'cancelling', state: 'deleting' },
    'The deadline has passed: the replacement is being cancelled (deleting)',
  ],
  [{ code: 'cancelled' }, 'The replacement was cancelled; the previous artifact is not confirmed yet'],
  [{ code: 'activating', running: 1, active: 2 }, '1 of 2 active protons run the artifact'],
  [{ code: 'promotion-blocked' }, 'Promotion in place waits for the replacement in progress'],
  [{ code: 'promoting' }, 'The served draft is being promoted in place; this cannot be undone'],
  [{ code: 'promotion-requested' }, 'Promotion in place was requested'],
  [{ code: 'promotion-unconfirmed' }, 'Promotion in place was requested; the response was lost'],
  [{ code: 'setting-importance', importance: 'high' }, 'The importance of the Workload is being set to high'],
  [{ code: 'looking-again' }, 'The Workload is read again before it is changed'],
  [{ code: 'settling' }, 'An earlier request may not be visible yet'],
  [
    { code: 'rollout-switched', state: 'finalizing' },
    'The other rollout has switched and is finishing (finalizing); this one starts after it',
  ],
  [
    { code: 'rollout-cancelled', state: 'initializing' },
    'The other rollout is being cancelled (initializing)',
  ],
  [
    { code: 'rollout-leaving', state: 'deleting' },
    'The platform is removing the cancelled rollout (deleting)',
  ],
  [{ code: 'serves', artifact: 'new', importance_left: null }, 'The Workload serves artifact "new"'],
  [
    { code: 'serves', artifact: 'new', importance_left: 'low' },
    'The Workload serves artifact "new"; its importance is still low, as the deadline has passed',
  ],
  [
    { code: 'artifact-not-found', artifact: 'new' },
    'Artifact "new" does not exist, or the owner of the token cannot see it (artifacts are shared separately from Workloads)',
  ],
  [
    { code: 'artifact-status-unknown', artifact: 'new', status: 'archived', served_status: null },
    'Artifacts must be draft or locked: "new" is "archived", and the served artifact is "unknown"',
  ],
  [
    { code: 'type-mismatch', artifact: 'new', type: 'nim', workload: 'w1', workload_type: 'service' },
    'Artifact "new" is of type "nim" and Workload "w1" of type "service": pass an artifact of the same type',
  ],
  [{ code: 'workload-not-running', ...stopped }, `Workload "w1" is stopped: ${start}`],
  [
    { code: 'no-active-proton', workload: 'w1', state: 'errored' },
    `Workload "w1" (errored) has no active proton: ${start}`,
  ],
  [
    { code: 'draft-onto-locked', artifact: 'new', served: 'old' },
    'Artifact "new" is a draft and the served artifact "old" is locked: lock the draft first, or pass lock_artifact: true',
  ],
  [
    { code: 'locked-onto-draft', artifact: 'new', served: null },
    'Artifact "new" is locked and the served artifact "none" is a draft: promote the Workload first (POST /workloads/{id}/promote)',
  ],
  [
    { code: 'unknown-container', artifact: 'new', group: 'gpu', container: null, has: ['default', 'side'] },
    'The runtime names container group "gpu", which artifact "new" does not have; it has "default", "side"',
  ],
  [
    { code: 'unknown-container', artifact: 'new', group: 'default', container: 'agent', has: ['model'] },
    'The runtime names container "agent" in group "default", which artifact "new" does not have; it has "model"',
  ],
  [
    { code: 'minutes-out-of-range', field: 'keepOldVersionMinutes', minutes: 0.5, most: 1440 },
    'keepOldVersionMinutes is 0.5; it must be a whole number from 0 to 1440',
  ],
  [
    { code: 'foreign-replacement', artifact: 'third', replacement: 'r3', state: 'warming_up' },
    'Another replacement is in progress (warming_up): artifact "third", replacement "r3"; it was not changed. Wait until it ends, or ask its owner to cancel it',
  ],
  ...(['start-refused', 'lock-refused', 'promote-refused'] as const).map((code): [RolloutFinding, string] => [
    { code, http_status: 422, detail: 'Not now' },
    'The platform refused the request (HTTP 422): Not now',
  ]),
  [
    { code: 'not-started', attempts: 3 },
    'The replacement was requested 3 times; no response arrived and none is visible',
  ],
  [
    { code: 'candidate-failed', state: 'errored', message: null },
    'The candidate did not become ready; the replacement is errored',
  ],
  [
    { code: 'candidate-failed', state: 'errored', message: 'No image' },
    'The candidate did not become ready; the replacement is errored: No image',
  ],
  [
    { code: 'candidate-dropped', state: null, served: 'old' },
    'The platform dropped the replacement without an error: artifact "old" is served',
  ],
  [
    { code: 'candidate-dropped', state: 'deleting', served: 'old' },
    'The replacement ended as deleting without switching',
  ],
  [
    { code: 'active-unhealthy', problem: { code: 'proton-down', proton: 'p2', state: 'errored' } },
    'The Workload serves the artifact, but its active proton "p2" is errored',
  ],
  [
    { code: 'active-unhealthy', problem: { code: 'workload-not-running', ...stopped } },
    `Workload "w1" is stopped: ${start}`,
  ],
  [
    { code: 'endpoint-changed', from: 'https://a/', to: null },
    'The endpoint of the Workload changed from "https://a/" to "none": requests to the old one fail',
  ],
  [
    { code: 'superseded', served: 'third', switched: false },
    'Another actor put artifact "third" in service after the rollout began',
  ],
  [
    { code: 'superseded', served: 'third', switched: true },
    'The artifact was put in service and then replaced by "third"',
  ],
  [
    { code: 'deadline', at: { code: 'settings-change', state: 'promoting' } },
    'A settings change of the Workload was in progress (promoting) until the deadline; nothing was started',
  ],
  [
    { code: 'deadline', at: { code: 'warm-up', minutes: 60 } },
    'A rollout with 60 min of warm-up cannot end before its deadline: nothing was started',
  ],
  [
    { code: 'deadline', at: { code: 'cancelled', artifact: 'old' } },
    'The rollout did not end before its deadline and was cancelled; artifact "old" is served',
  ],
  [
    { code: 'deadline', at: { code: 'activating', running: 1, active: 2 } },
    '1 of 2 active protons ran the artifact at the deadline',
  ],
  [
    { code: 'deadline', at: { code: 'draft' } },
    'The Workload serves the artifact, but it was still a draft at the deadline and was not locked',
  ],
  [
    { code: 'deadline', at: { code: 'rollout-switched', state: 'finalizing' } },
    'The old version of another rollout is still kept (finalizing), and the platform takes no other replacement until that one has ended',
  ],
  [
    { code: 'deadline', at: { code: 'rollout-leaving', state: 'deleting' } },
    'The platform has not removed the cancelled rollout yet (deleting)',
  ],
  [
    { code: 'cancel-unconfirmed', replacement: null },
    'The replacement was cancelled, but the previous artifact could not be confirmed: check the Workload',
  ],
  [
    { code: 'cancel-unconfirmed', replacement: { id: 'r2', state: 'deleting' } },
    'The replacement "r2" is still deleting after its cancellation: check the Workload',
  ],
  [
    { code: 'change-open', model: 'prices', holder: 'run-0' },
    'A change of "prices" by run-0 is open: nothing else changes the Workload before it is closed',
  ],
  [
    { code: 'lease-held', model: 'prices', holder: 'run-0', until: '2026-11-20T12:00:00.000Z' },
    'The lease for "prices" is held by run-0 until 2026-11-20T12:00:00.000Z',
  ],
];

const wayBack: [ServingFinding, string][] = [
  [{ code: 'serves-previous', artifact: 'old', state: null }, 'The Workload serves artifact "old"'],
  [
    { code: 'serves-previous', artifact: null, state: 'stopped' },
    'The Workload is stopped with artifact "none"',
  ],
  [{ code: 'locked-in-place' }, 'locked in place'],
];

it.each([...rollout, ...wayBack])('%j', (finding, sentence) => {
  expect(servingReason(finding)).toBe(sentence);
});

it('has a sentence for every code', () => {
  const told = new Set([...rollout, ...wayBack].map(([{ code }]) => code));
  expect(
    ServingFinding.options.map(({ shape }) => shape.code.value).filter((code) => !told.has(code)),
  ).toEqual([]);
});

it('shows hostile names in visible form, and a long list cut to size', () => {
  const artifact = 'x\n\u202eSuccess';
  expect(servingReason({ code: 'starting', artifact })).toBe(
    'A rolling replacement with artifact "x\\n\\u{202e}Success" was started',
  );
  const has = Array.from({ length: 8 }, () => 'x'.repeat(60));
  const reason = servingReason({ code: 'unknown-container', artifact, group: 'g', container: null, has });
  expect(reason).toHaveLength(reason.indexOf('it has ') + 'it has '.length + 300);
});

it.each([undefined, { code: 'no-code-any-more' }])(
  'prints the stored reason where the finding is %j',
  (finding) => {
    const reason = 'The Workload serves artifact "old", as before';
    const stored = {
      workload_id: 'w1',
      undone: true,
      action: 'replaced',
      reason,
      phase: null,
      contested: false,
    };
    const serving = ServingUndo.parse({ ...stored, began_at: '', progress: {}, finding });
    expect(serving.finding).toBeNull();
    expect(isLocked(serving)).toBe(false);
    expect(servedLines({ ...sampleOutcome, rollback: rolledBack({ serving }) })).toEqual([
      { label: 'Workload', value: `w1: ${reason}` },
    ]);
  },
);

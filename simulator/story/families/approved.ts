import type { Random } from '../../random.ts';
import type { Action, Step } from '../story.ts';
import { STARTER } from '../surroundings.ts';
import { aim, type Family, MINUTE, moveIn, promote, register, rollback, SECOND, upon } from './focus.ts';

/** Promotions that people approve, and everything that may go on while they wait. */

const ADA = 'sso:ada@example.com';
const BOB = 'sso:bob@example.com';
/** Not among the approvers. */
const EVE = 'sso:eve@example.org';

const approve = (who: string): Action => ({ kind: 'decide', who, verdict: 'approve' });
const reject = (who: string): Action => ({ kind: 'decide', who, verdict: 'reject' });
/** So many milliseconds after an execution has begun to wait. CloudTrail knows some minutes later who started it. */
const parked = (delay: number): Step['upon'] => upon('parked', delay);

/** Two versions of a model whose policy asks for approval; a Workload takes as long as three stories, and a few have one. */
const asking = (random: Random, workload: 'locked' | 'draft' | null) => ({
  ...{ versions: 2, pace: 60, approved: true },
  workload: random.chance(0.7) ? null : workload,
});

/** When the starter is known, in milliseconds after it was asked for. */
const later = (random: Random) => 7 * MINUTE + random.unit() * 20 * MINUTE;

/** Requests by which something is asked, decided or noted, and the functions that make them. */
const CALLS = [
  ...(['dynamodb Get', 'dynamodb Put', 'sns Publish', 'dynamodb Update'] as const).map(
    (call) => ['request-approval', call] as const,
  ),
  ...(['dynamodb Get', 'dynamodb Put', 'step-functions SendTaskSuccess'] as const).map(
    (call) => ['decide-approval', call] as const,
  ),
  ['prepare-promotion', 'dynamodb Get'],
  ['end-promotion', 'dynamodb Put'],
] as const;
const KINDS = ['dies-before', 'dies-after', 'lost', 'gateway-timeout', 'late', 'twice', 'hostile'] as const;

export const approved: Record<string, Family> = {
  /** Whatever is killed, or loses its answer: what was approved is promoted, and nothing else. */
  'approved after a fault': (random, { workload }) => ({
    beginning: asking(random, workload),
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: parked(later(random)), action: approve(ADA) },
      ...(random.chance(0.5) ? [{ at: 0, upon: parked(later(random)), action: approve(BOB) }] : []),
      // Who got no answer asks once more.
      { at: 60 * MINUTE, action: approve(ADA) },
    ],
    aims: Array.from({ length: random.pick([0, 1, 1, 2]) }, () => {
      const [functionName, call] = random.pick(CALLS);
      const times = random.pick([1, 1, 2, 6]);
      return aim(functionName, call, random.pick(KINDS), { after: random.below(4), times });
    }),
    faultRate: random.pick([0, 0.01, 0.03]),
  }),

  /** Two people decide within the same second, each as they like; the one who started it, and one who may not. */
  'at the same time': (random, { workload }) => {
    const at = later(random);
    const people = [ADA, BOB, STARTER, EVE, ADA];
    return {
      beginning: asking(random, workload),
      moments: [
        { at: 0, action: promote() },
        ...people.map((who) => ({
          at: 0,
          upon: parked(at + random.unit() ** 2 * 2 * SECOND),
          action: random.chance(0.75) ? approve(who) : reject(who),
        })),
      ],
      faultRate: random.pick([0, 0, 0.02]),
    };
  },

  /** Only the one who started it approves, or one who may not; then a forged bell: nothing passes. */
  'nobody who may': (random, { workload }) => ({
    beginning: asking(random, workload),
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: parked(later(random)), action: approve(random.pick([STARTER, EVE])) },
      { at: 0, upon: parked(random.unit() * 40 * MINUTE), action: { kind: 'ring' } },
      { at: 90 * MINUTE, action: random.chance(0.8) ? { kind: 'abort' } : reject(BOB) },
      { at: 100 * MINUTE, action: approve(ADA) },
    ],
    faultRate: random.pick([0, 0, 0.02]),
  }),

  /** While people think, the evidence, the model or its Workload changes. */
  'changed while it waits': (random, { workload, mode }) => {
    const byHand: Action =
      mode === 'aliases'
        ? { kind: 'alias', version: 0 }
        : { kind: 'stage', version: 0, stage: 'Production', archive: true };
    const change = random.pick<Action>([
      { kind: 'evidence', accuracy: 0.5 },
      { kind: 'evidence', accuracy: 0.93 },
      { kind: 'direct-promote', version: 1 },
      { kind: 'serve', version: null },
      { kind: 'adopt' },
      rollback(null),
      byHand,
      register,
    ]);
    const at = later(random);
    return {
      beginning: asking(random, workload),
      moments: [
        { at: 0, action: promote() },
        { at: 0, upon: parked(at + (random.unit() - 0.5) * 4 * SECOND), action: change },
        { at: 0, upon: parked(at), action: approve(ADA) },
        { at: 80 * MINUTE, action: approve(ADA) },
      ],
      faultRate: random.pick([0, 0, 0.01]),
    };
  },

  /** Two executions wait for the same model; one is approved, or both. */
  'two that wait': (random, { workload }) => ({
    beginning: asking(random, workload),
    moments: [
      { at: 0, action: promote() },
      { at: random.unit() * 3 * MINUTE, action: promote({ waitMinutes: random.pick([0, 30]) }) },
      { at: 12 * MINUTE, action: approve(ADA) },
      { at: 12 * MINUTE + random.unit() * 40 * SECOND, action: { kind: 'abort' } },
      { at: 40 * MINUTE, action: approve(BOB) },
      { at: 90 * MINUTE, action: { kind: 'abort' } },
      { at: 95 * MINUTE, action: { kind: 'abort' } },
    ],
    faultRate: random.pick([0, 0, 0.01]),
  }),

  /** It is stopped while it waits, or at the moment at which it is approved. */
  'stopped while it waits': (random, beginning) => ({
    beginning: asking(random, beginning.workload),
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: parked(later(random)), action: approve(ADA) },
      {
        at: 0,
        upon: random.chance(0.5) ? upon('move', random.unit() * SECOND) : parked(random.unit() * 25 * MINUTE),
        action: { kind: 'abort' },
      },
      { at: 60 * MINUTE, action: { kind: 'again' } },
      { at: 0, upon: upon('parked', 70 * MINUTE), action: approve(BOB) },
      { at: 150 * MINUTE, action: { kind: 'abort' } },
    ],
    aims: random.chance(0.3) ? [aim('promote-model', moveIn(beginning), 'late')] : [],
    faultRate: random.pick([0, 0, 0.02]),
  }),

  /** Nobody decides: they are reminded once, and the promotion ends. */
  'nobody decides': (random) => ({
    beginning: asking(random, null),
    moments: [
      { at: 0, action: promote() },
      ...(random.chance(0.3) ? [{ at: 73 * 60 * MINUTE, action: approve(ADA) }] : []),
    ],
    faultRate: random.pick([0, 0.01]),
  }),
};

import type { FunctionName } from '../../../lambdas/domain/limits.ts';
import type { Random } from '../../random.ts';
import type { Action } from '../story.ts';
import type { Beginning } from '../world.ts';
import {
  aim,
  type Family,
  type Focus,
  forwardMove,
  MINUTE,
  moveIn,
  promote,
  REPLACE,
  register,
  rollback,
  upon,
} from './focus.ts';

/** Who writes although it is another's turn, or later than it should. */

/** A write on the way forward, or on the way back of a promotion whose close fails. */
function move(random: Random, beginning: Beginning) {
  const isBack = random.chance(0.25);
  const [functionName, call] = isBack
    ? (['model-rollback', moveIn(beginning)] satisfies [FunctionName, string])
    : forwardMove(random, beginning);
  return {
    functionName,
    call,
    landmark: isBack ? ('turned' as const) : ('opened' as const),
    failing: isBack ? [aim('close-promotion', null, 'crashes-at-start', { times: 40 })] : [],
  };
}

const another = (random: Random): Action =>
  random.chance(0.5) ? rollback(0, 10) : promote({ waitMinutes: 10 });

/** Whoever comes next, within the seconds after a change was closed. */
const soonAfter = (random: Random) => ({
  at: 10,
  upon: upon('closed', 800 + random.unit() * 1_500),
  action: random.chance(0.3) ? rollback(0, 10) : promote({ waitMinutes: 10 }),
});

const late = (random: Random) => (random.chance(0.9) ? 'late' : 'twice');

export const writers: Record<string, Family> = {
  /** A lease that has ended: its owner neither begins a step nor writes. */
  'lease runs out': (random, beginning) => {
    const [functionName, call] = forwardMove(random, beginning);
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        {
          at: 0,
          upon: upon('opened', 0),
          action: { kind: 'end-lease', leftMs: random.chance(0.3) ? 0 : 1_000 + random.below(4_000) },
        },
        ...(random.chance(0.5) ? [{ at: random.below(60_000), action: another(random) }] : []),
      ],
      aims: [aim(functionName, call, 'stalls', { times: 40 })],
    };
  },

  /** What was aborted may still write: its lease lasts until then. */
  'aborted while it writes': (random, beginning) => {
    const { functionName, call, landmark, failing } = move(random, beginning);
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        { at: 0, upon: upon(landmark, 200 + random.unit() * 1_500), action: { kind: 'abort' } },
        { at: random.below(40_000), action: another(random) },
      ],
      aims: [...failing, aim(functionName, call, 'stalls', { times: 40 })],
    };
  },

  /** After an answer that never came, the next step waits until that copy cannot write any more. */
  'a copy runs on': (random, beginning) => {
    const { functionName, call, failing } = move(random, beginning);
    return {
      beginning: { versions: 2 },
      moments: [{ at: 0, action: promote() }],
      aims: [
        ...failing,
        aim(functionName, null, 'runs-on', { times: 2 }),
        aim(functionName, call, random.pick(['stalls', 'stalls', 'hangs'] as const), { times: 2 }),
      ],
    };
  },

  /** A close that arrives late finds another change. */
  'a close comes late': (random, { workload }) => {
    const [first, functionName, after] = random.pick<[Action, FunctionName, number]>([
      [promote({ version: 1 }), 'close-promotion', 0],
      [promote({ version: 1 }), 'close-promotion', 0],
      [{ kind: 'direct-promote', version: 1 }, 'promote-model', 2],
    ]);
    return {
      beginning: { versions: 2, workload: workload ?? 'locked', pace: 60 },
      moments: [{ at: 0, action: first }, { at: 5, action: register }, soonAfter(random)],
      aims: [aim(functionName, 'dynamodb Update', late(random), { after })],
    };
  },

  /** An adoption that arrives late finds another change. */
  'an adoption comes late': (random, { workload }) => ({
    beginning: { versions: 2, workload: workload ?? 'locked', pace: 60 },
    moments: [{ at: 0, action: { kind: 'adopt' } }, { at: 5, action: register }, soonAfter(random)],
    aims: [aim('prepare-promotion', 'dynamodb Update', late(random), { after: 1 })],
  }),

  /** An opening that arrives late finds its own change closed. */
  'an opening comes late': (random) => ({
    beginning: { versions: 2, ...(random.chance(0.8) ? { workload: null } : {}) },
    moments: [{ at: 0, action: promote({ version: 1 }) }, { at: 5, action: register }, soonAfter(random)],
    aims: [
      aim('prepare-promotion', 'dynamodb Update', late(random), { after: 1 }),
      aim('end-promotion', 'dynamodb Put', 'stalls'),
    ],
  }),

  /** Whatever becomes of the answers to a replacement, there is one; a move without an answer is read back. */
  'answers used up': (random, beginning) => {
    const { workload } = beginning;
    const replacement: Focus = {
      beginning: { versions: 2, workload: workload ?? 'draft' },
      moments: [
        { at: 0, action: promote() },
        { at: 40 * MINUTE, action: rollback(random.chance(0.5) ? null : 0) },
      ],
      aims: [
        aim(
          random.pick(['replace-workload', 'model-rollback']),
          REPLACE,
          random.pick(['lost', 'slow', 'late', 'gateway-timeout', 'truncated']),
          { times: random.pick([3, 20]) },
        ),
      ],
    };
    if (random.chance(0.5)) return replacement;
    const kind = random.pick(['unavailable', 'hangs', 'html', 'hostile', 'lost'] as const);
    return {
      beginning: { versions: 2 },
      moments: [{ at: 0, action: { kind: 'direct-promote', version: 1 } }],
      aims: [aim('promote-model', moveIn(beginning), kind, { times: 20 })],
    };
  },
};

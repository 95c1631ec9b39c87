import type { Action } from '../story.ts';
import { aim, type Family, MINUTE, promote, rollback, SECOND, upon } from './focus.ts';

/** What is left behind by whoever dies last, or while the table is away. */
export const left: Record<string, Family> = {
  /** A direct call that was cut off after its close is told as what both sides show by then. */
  'cut off after its close': (random, { mode, workload }) => {
    const byHand: Action =
      mode === 'aliases'
        ? { kind: 'alias', version: 0 }
        : { kind: 'stage', version: 0, stage: 'Production', archive: true };
    return {
      beginning: { versions: 2, pace: 60, workload },
      moments: [
        { at: 0, action: { kind: 'direct-promote', version: 1 } },
        ...(random.chance(0.8) ? [{ at: 5 * SECOND + random.below(40 * MINUTE), action: byHand }] : []),
      ],
      // The releases are put before the outcome.
      aims: [aim('promote-model', 'dynamodb Put', 'dies-before', { after: random.pick([1, 2, 2, 3]) })],
    };
  },

  /** A lease is ended though nothing else is recorded of its model, and its outcome is. */
  'dies before it releases the lease': (random) => ({
    beginning: { versions: 2, pace: 60 },
    moments: [{ at: 0, action: rollback(null) }],
    aims: [aim('end-promotion', 'dynamodb Put', 'dies-after')],
    outages: [
      {
        system: 'dynamodb',
        kind: random.pick(['refused', 'unavailable', 'hangs']),
        from: 20 * SECOND + random.below(30 * SECOND),
        until: 6 * MINUTE + random.below(90 * MINUTE),
      },
    ],
  }),

  /** An execution that ended while the table was away for longer than sweeps look back is found by its lease. */
  'the table away for hours': (random) => ({
    beginning: { versions: 2, pace: 60 },
    moments: [
      { at: 0, action: random.chance(0.7) ? promote() : rollback(0) },
      ...(random.chance(0.7)
        ? [{ at: 0, upon: upon('opened', 8 * SECOND), action: { kind: 'abort' } as const }]
        : []),
    ],
    outages: [
      {
        system: 'dynamodb',
        kind: random.pick(['refused', 'unavailable', 'hangs']),
        from: 2 * SECOND + random.below(10 * SECOND),
        until: 110 * MINUTE + random.below(60 * MINUTE),
      },
    ],
  }),
};

import type { Action } from '../story.ts';
import { aim, type Family, MINUTE, promote, register, rollback, SECOND, upon } from './focus.ts';

/** People and other operations beside a change. */

export const beside: Record<string, Family> = {
  /** What another has opened or closed since it was asked for is not opened again. */
  overtaken: (random) => ({
    beginning: { versions: 2, workload: null },
    moments: [
      { at: 0, action: promote() },
      { at: 30 * MINUTE, action: register },
      { at: 30 * MINUTE + 5, action: random.chance(0.7) ? rollback(null) : promote() },
      {
        at: 30 * MINUTE + Math.round((5 + random.unit() * 6) * SECOND),
        action: random.chance(0.8) ? { kind: 'direct-promote', version: random.below(3) } : rollback(0),
      },
    ],
    aims: [
      aim('begin-promotion', null, 'service-error', { after: 1, times: random.pick([1, 2]) }),
      aim('prepare-promotion', 'dynamodb Update', 'stalls', { after: 2 }),
    ],
  }),

  /** A change of settings is somebody's: waited for, never cancelled. */
  settings: (random, { workload }) => ({
    beginning: { versions: 2, workload: workload ?? 'locked', pace: random.pick([1, 1, 4, 0.2]) },
    moments: [
      { at: 0, action: { kind: 'settings' } },
      { at: random.below(120_000), action: random.chance(0.7) ? promote() : rollback(1) },
      ...(random.chance(0.4)
        ? [{ at: 0, upon: upon('closed', 0), action: { kind: 'settings' } as const }]
        : []),
    ],
  }),

  /** A rollback to a named version overrules what a person has done. */
  'rollback over a person': (random, { workload, mode }) => {
    const version = random.below(2);
    const byHand: Action =
      workload !== null && random.chance(0.6)
        ? { kind: 'serve', version: random.chance(0.5) ? null : version }
        : mode === 'aliases'
          ? { kind: 'alias', version }
          : { kind: 'stage', version, stage: 'Production', archive: random.chance(0.5) };
    return {
      beginning: { versions: 2, pace: 60 },
      moments: [
        { at: 0, action: promote() },
        { at: 30 * MINUTE, action: byHand },
        { at: 45 * MINUTE, action: rollback(random.chance(0.7) ? 1 : 0) },
      ],
      faultRate: random.chance(0.8) ? 0 : 0.01,
    };
  },

  /** Whom a move archives beside its own versions is named. */
  'a person beside a move': (random) => ({
    beginning: { versions: 3, mode: random.pick(['stages', 'both']) },
    moments: [
      { at: 0, action: promote() },
      {
        at: 0,
        upon: upon('move', random.unit() ** 2 * 30),
        action: { kind: 'stage', version: 0, stage: 'Production', archive: false },
      },
    ],
  }),

  /** An open change is taken up directly, before the first attempt at it. */
  'directly after an abort': (random) => ({
    beginning: { versions: 2, pace: 60 },
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: upon('move', random.unit() * 800), action: { kind: 'abort' } },
      {
        at: 0,
        upon: upon('move', 132 * SECOND + random.unit() * 120 * SECOND),
        action: random.chance(0.8)
          ? { kind: 'direct-promote', version: 1 }
          : { kind: 'direct-rollback', target: random.below(2) },
      },
    ],
  }),

  /** A replacement that was cancelled is in flight until it is gone. */
  'back in flight': (random, { workload }) => ({
    beginning: { versions: 2, workload: workload ?? 'locked', pace: random.pick([1, 0.4, 0.2, 0.2]) },
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: upon('replacement', random.unit() * 40 * SECOND), action: { kind: 'abort' } },
      {
        at: 30 * SECOND,
        action: random.chance(0.8) ? rollback(random.pick([null, 0]), 10) : promote({ waitMinutes: 10 }),
      },
    ],
  }),
};

import type { Random } from '../../random.ts';
import type { Performance } from '../outcomes.ts';
import type { Action } from '../story.ts';
import type { Watching } from '../watching.ts';
import type { Beginning } from '../world.ts';
import {
  aim,
  type Family,
  HOUR,
  MINUTE,
  moveIn,
  promote,
  register,
  rollback,
  SECOND,
  upon,
} from './focus.ts';

/** Releases that are watched, while they are replaced, rolled back, or moved by people. */

/** The schedule calls so many minutes after a story has begun: soon after its first hour is over. */
const FIRST_RUN = 8 * MINUTE;

/** A story begins some minutes before the hour is over, and its first release is judged soon after it. */
const watch = (...performs: Performance[]): Watching => ({
  start: 57,
  minute: 5,
  after: 1.2,
  performs,
  before: 'enough',
});

const START = 'step-functions StartExecution';

/** A week of hours is read where a Workload serves: that takes as long as ten stories, and a few do. */
const rarely = (random: Random, workload: Beginning['workload']) => (random.chance(0.7) ? null : workload);

/** Around the first run of the schedule: it takes less than a second as a rule. */
const aroundFirstRun = (random: Random, before: number, after: number) =>
  Math.round(FIRST_RUN - before * SECOND + random.unit() * (before + after) * SECOND);

export const watched: Record<string, Family> = {
  /** A watch decides while the next release is under way: it turns no version but its own. */
  'another release while it decides': (random, { workload }) => {
    const isAfter = random.chance(0.8);
    const another: Action = random.chance(0.7)
      ? { kind: 'direct-promote', version: 2 }
      : promote({ version: 2 });
    const call = isAfter ? START : random.pick([START, 'dynamodb Put', 'mlflow GET runs/get']);
    return {
      beginning: { versions: 2, pace: 60, workload: rarely(random, workload) },
      moments: [
        { at: 0, action: promote() },
        { at: 2 * MINUTE, action: register },
        isAfter
          ? { at: 0, upon: upon('decided', 100 + random.unit() ** 2 * 4 * SECOND), action: another }
          : { at: aroundFirstRun(random, 6, 1), action: another },
      ],
      aims: [aim('watch-releases', call, random.pick(['stalls', 'stalls', 'stalls', 'late']), { times: 6 })],
      watch: watch('worse'),
    };
  },

  /** A person is faster, or slower, than the rollback of a watch. */
  'a person beside its rollback': (random, { mode, workload }) => {
    const byHand: Action =
      mode === 'aliases'
        ? { kind: 'alias', version: 0 }
        : { kind: 'stage', version: 0, stage: 'Production', archive: true };
    const action = random.pick<Action>([
      rollback(null),
      rollback(0),
      { kind: 'direct-rollback', target: null },
      { kind: 'direct-rollback', target: 0 },
      { kind: 'adopt' },
      { kind: 'abort' },
      { kind: 'alarm' },
      byHand,
    ]);
    return {
      beginning: { versions: 2, pace: 60, workload: rarely(random, workload) },
      moments: [
        { at: 0, action: promote() },
        random.chance(0.5)
          ? { at: 0, upon: upon('decided', random.unit() ** 2 * 20 * SECOND), action }
          : { at: aroundFirstRun(random, 15, 5), action },
      ],
      faultRate: random.pick([0, 0, 0.01]),
      watch: watch('worse'),
    };
  },

  /** Whatever is killed, or loses its answer: one decision, one rollback, each finding once. */
  'killed after a write': (random) => {
    const writes = ['dynamodb Put', 'dynamodb Put', START, 'sns Publish', 'dynamodb Update'];
    const kinds = ['dies-before', 'dies-after', 'lost', 'gateway-timeout', 'late', 'twice'] as const;
    return {
      beginning: { versions: 2, pace: 60, workload: null },
      moments: [{ at: 0, action: promote() }],
      aims: Array.from({ length: random.pick([1, 1, 2, 3]) }, () =>
        aim('watch-releases', random.pick(writes), random.pick(kinds), {
          after: random.below(5),
          times: random.pick([1, 1, 2, 3]),
        }),
      ),
      watch: { ...watch(random.pick(['worse', 'worse', 'better', 'turns'])), after: 4.2 },
    };
  },

  /** Runs that overlap: what one has counted, the others do not count. */
  'runs that overlap': (random) => {
    const at = FIRST_RUN - 2 * SECOND;
    return {
      beginning: { versions: 2, pace: 60, workload: null },
      moments: [
        { at: 0, action: promote() },
        ...[0, 300, 2_000].map((later) => ({
          at: at + random.below(later + 1),
          action: { kind: 'watch' } as const,
        })),
      ],
      aims: [
        aim(
          'watch-releases',
          random.chance(0.7) ? 'dynamodb Put' : random.pick([START, 'mlflow GET runs/get']),
          'stalls',
          {
            after: random.pick([0, 0, 0, 1, 2]),
            times: random.pick([1, 2]),
          },
        ),
      ],
      watch: { ...watch(random.pick(['worse', 'better', 'turns'])), after: 2.2 },
    };
  },

  /** The next run comes when its rollback has closed, and before it has said so. */
  'a run beside the end of its rollback': (random, { workload }) => ({
    beginning: { versions: 2, pace: 60, workload: rarely(random, workload) },
    moments: [
      { at: 0, action: promote() },
      {
        at: FIRST_RUN - MINUTE,
        upon: upon('closed', random.unit() ** 2 * 5 * SECOND),
        action: { kind: 'watch' },
      },
    ],
    aims: random.chance(0.7)
      ? [
          aim('end-promotion', null, random.pick(['service-error', 'not-started', 'crashes-at-start']), {
            after: 1,
            times: random.pick([1, 2]),
          }),
        ]
      : [],
    watch: watch('worse'),
  }),

  /** A rollback that finds the model busy, or cooling down, or that fails, is made again later. */
  'a rollback that has to wait': (random, beginning) => {
    const isCooling = random.chance(0.5);
    return {
      beginning: { versions: 2, pace: 60, workload: rarely(random, beginning.workload) },
      moments: isCooling
        ? [
            { at: 0, action: promote() },
            { at: 2 * MINUTE, action: rollback(0) },
            { at: 4 * MINUTE, action: register },
            { at: 4 * MINUTE + 5, action: promote() },
          ]
        : [
            { at: 0, action: promote() },
            { at: aroundFirstRun(random, 10, 2), action: promote({ version: 0, waitMinutes: 10 }) },
          ],
      aims: isCooling
        ? []
        : [
            aim('model-rollback', moveIn(beginning), random.pick(['unavailable', 'hangs', 'dies-after']), {
              times: random.pick([2, 40]),
            }),
          ],
      watch: { ...watch('worse'), after: 2.2 },
    };
  },

  /** The release is replaced between two runs: its watch is closed, and the next one is opened. */
  'one release after the other': (random, { workload }) => ({
    beginning: { versions: 2, pace: 60, workload: rarely(random, workload) },
    moments: [
      { at: 0, action: promote() },
      ...[1, 2].flatMap((number) => {
        const at = number * HOUR - random.below(10) * MINUTE;
        return [
          { at, action: register },
          { at: at + 5, action: random.chance(0.8) ? promote() : rollback(null) },
        ];
      }),
    ],
    faultRate: random.pick([0, 0.01]),
    watch: watch(random.pick(['better', 'alike', 'worse']), random.pick(['worse', 'better']), 'worse'),
  }),

  /** The time of a watch is over: what was not shown is said so, once. */
  'nothing shown in time': (random) => ({
    beginning: { versions: 2, pace: 60, workload: random.chance(0.8) ? null : 'locked' },
    moments: [
      { at: 0, action: promote() },
      { at: 9 * 24 * HOUR, action: { kind: 'watch' } },
    ],
    aims: random.chance(0.6)
      ? [
          aim('watch-releases', random.pick(['dynamodb Put', 'sns Publish']), 'dies-after', {
            after: 1 + random.below(6),
          }),
        ]
      : [],
    watch: { ...watch(random.pick(['alike', 'unknown'])), before: random.pick(['enough', 'few']) },
  }),
};

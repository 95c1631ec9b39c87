import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { Aim, CallFault, InvocationFault } from '../engine/faults.ts';
import type { Outage } from '../engine/play.ts';
import type { Random } from '../random.ts';
import { READS } from './aims.ts';
import type { Landmark } from './chronicle.ts';
import { beginningOf } from './mixed.ts';
import type { Action, Step, Story } from './story.ts';
import type { Beginning } from './world.ts';

/**
 * Stories about one situation each, which mixed ones reach too rarely: several things have to come together within seconds.
 * Each family names the rule of the design that it is about.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A step before it has its name. */
interface Moment {
  at: number;
  upon?: Step['upon'];
  action: Action;
}

interface Focus {
  beginning?: Partial<Beginning>;
  moments: readonly Moment[];
  aims?: readonly Aim[];
  outages?: readonly Outage[];
  /** Share of the places with a fault that the story is not about. */
  faultRate?: number;
}

type Family = (random: Random, beginning: Beginning) => Focus;

const promote = (more: Partial<Extract<Action, { kind: 'promote' }>> = {}): Action => ({
  kind: 'promote',
  version: null,
  waitMinutes: 0,
  lock: null,
  adopt: false,
  rollout: null,
  ...more,
});
const rollback = (target: number | null, waitMinutes = 0): Action => ({
  kind: 'rollback',
  target,
  emergency: true,
  waitMinutes,
});
const register: Action = { kind: 'register', quality: 'better', start: 'healthy' };
const upon = (landmark: Landmark, delay: number): Step['upon'] => ({ landmark, delay: Math.round(delay) });

const aim = (
  functionName: FunctionName,
  call: string | null,
  kind: CallFault | InvocationFault,
  { after = 0, times = 1 } = {},
): Aim => ({ functionName, call, kind, after, times });

const MOVE = 'mlflow POST model-versions/transition-stage';
const REPLACE = 'workload POST workloads/*/replacement';
/** Writes that move something, and the functions that send them. */
const movesIn = ({ workload, mode }: Beginning): [FunctionName, string][] => {
  const move = mode === 'aliases' ? 'mlflow POST registered-models/alias' : MOVE;
  return [
    ['promote-model', move],
    ['promote-model', move],
    ['model-rollback', move],
    ...(workload === null ? [] : ([['replace-workload', REPLACE]] satisfies [FunctionName, string][])),
  ];
};
/** When the step that sends such a write is about to begin. */
const beforeMove = (functionName: FunctionName, random: Random): Step['upon'] =>
  upon(functionName === 'model-rollback' ? 'turned' : 'opened', random.unit() ** 2 * 3 * SECOND);
/** Makes a promotion go back, and the next one, too. */
const failing = (functionName: FunctionName): Aim[] =>
  functionName === 'model-rollback' ? [aim('close-promotion', null, 'crashes-at-start', { times: 40 })] : [];

const families: Record<string, Family> = {
  /** One bad answer is not final. */
  'one bad answer': (random) => {
    const [functionName, call] = random.pick(READS);
    const kind = random.pick(['html', 'truncated', 'hostile', 'broken'] as const);
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        { at: 40 * MINUTE, action: register },
        { at: 40 * MINUTE + 5, action: random.chance(0.5) ? promote() : rollback(null) },
      ],
      aims: [aim(functionName, call, kind, { after: random.pick([0, 0, 0, 1, 2, 5]) })],
    };
  },
  /** A lease that has ended: its owner neither begins a step nor writes. */
  'lease runs out': (random, beginning) => {
    const [functionName, call] = random.pick(movesIn(beginning));
    const other = random.chance(0.5) ? rollback(0, 10) : promote({ waitMinutes: 10 });
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        {
          at: 0,
          upon: beforeMove(functionName, random),
          action: { kind: 'end-lease', leftMs: random.chance(0.3) ? 0 : random.below(8_000) },
        },
        ...(random.chance(0.5) ? [{ at: random.below(60_000), action: other }] : []),
      ],
      aims: [...failing(functionName), aim(functionName, call, 'stalls', { times: 40 })],
    };
  },
  /** What was aborted may still write: its lease lasts until then. */
  'aborted while it writes': (random, beginning) => {
    const [functionName, call] = random.pick(movesIn(beginning));
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        { at: 0, upon: beforeMove(functionName, random), action: { kind: 'abort' } },
        {
          at: random.below(40_000),
          action: random.chance(0.5) ? rollback(0, 10) : promote({ waitMinutes: 10 }),
        },
      ],
      aims: [...failing(functionName), aim(functionName, call, 'stalls', { times: 40 })],
    };
  },
  /** After an answer that never came, the next step waits until that copy cannot write any more. */
  'a copy runs on': (random, beginning) => {
    const [functionName, call] = random.pick(movesIn(beginning));
    return {
      beginning: { versions: 2 },
      moments: [{ at: 0, action: promote() }],
      aims: [
        ...failing(functionName),
        aim(functionName, null, 'runs-on', { times: 2 }),
        aim(functionName, call, random.pick(['stalls', 'stalls', 'hangs'] as const), { times: 2 }),
      ],
    };
  },
  /** A write to the item that arrives late finds it changed. */
  'a write comes late': (random) => {
    const [functionName, after] = random.pick([
      ['prepare-promotion', 1],
      ['prepare-promotion', 1],
      ['close-promotion', 0],
      ['close-promotion', 0],
      ['model-rollback', 0],
      ['promote-model', 2],
    ] as const);
    const second = { at: 10, upon: upon('closed', random.unit() * 6 * SECOND) };
    const first = random.pick<Action>([
      promote(),
      promote(),
      promote(),
      { kind: 'direct-promote', version: 1 },
      { kind: 'adopt' },
    ]);
    return {
      beginning: { versions: 2, ...(random.chance(0.6) ? { workload: null } : {}) },
      moments: [
        { at: 0, action: first },
        { at: 5, action: register },
        { ...second, action: random.chance(0.3) ? rollback(0, 10) : promote({ waitMinutes: 10 }) },
      ],
      aims: [
        aim(functionName, 'dynamodb Update', random.chance(0.8) ? 'late' : 'twice', { after }),
        ...(random.chance(0.5) ? [aim('end-promotion', 'dynamodb Put', 'stalls')] : []),
      ],
    };
  },
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
  /** A first champion stays: there is nothing to go back to. */
  'first champion': (random) => {
    const isDraft = random.chance(0.5);
    const failure: Aim[] = isDraft
      ? [aim('close-promotion', 'workload POST workloads/*/promote', 'refused', { times: 40 })]
      : [aim('promote-model', MOVE, random.pick(['dies-after', 'truncated'] as const), { times: 40 })];
    return {
      beginning: {
        versions: 1,
        mode: isDraft ? random.pick(['stages', 'aliases', 'both']) : 'both',
        workload: isDraft ? 'draft' : random.pick(['locked', null]),
      },
      moments: [{ at: 0, action: promote({ lock: isDraft }) }],
      aims: failure,
    };
  },
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
  /** What a first attempt could not bring back is tried again. */
  'away for long': (random, beginning) => {
    const [functionName] = random.pick(movesIn(beginning));
    const isAborted = random.chance(0.7);
    return {
      beginning: { versions: 2, pace: 60 },
      moments: [
        { at: 0, action: promote() },
        ...(isAborted
          ? [{ at: 0, upon: beforeMove(functionName, random), action: { kind: 'abort' } as const }]
          : []),
      ],
      aims: random.chance(0.4)
        ? [
            aim(
              'sweep-promotions',
              'step-functions StartExecution',
              random.pick(['dies-after', 'lost'] as const),
            ),
          ]
        : [],
      outages: [
        {
          system: random.pick(['mlflow', 'mlflow', 'workload', 'dynamodb'] as const),
          kind: random.pick(['refused', 'unavailable', 'hangs'] as const),
          from: 3 * SECOND + random.below(20 * SECOND),
          until: 15 * MINUTE + random.below(80 * MINUTE),
        },
      ],
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
    beginning: { versions: 2, workload: workload ?? 'locked', pace: random.pick([1, 1, 4, 0.2]) },
    moments: [
      { at: 0, action: promote() },
      { at: 0, upon: upon('replacement', random.unit() * 60 * SECOND), action: { kind: 'abort' } },
      { at: 30 * SECOND, action: random.chance(0.6) ? rollback(0, 10) : promote({ waitMinutes: 10 }) },
    ],
  }),
  /** Whatever becomes of the answers to a replacement, there is one. */
  'answers used up': (random, { workload }) => ({
    beginning: { versions: 2, workload: workload ?? 'draft' },
    moments: [
      { at: 0, action: promote() },
      { at: 40 * MINUTE, action: rollback(random.chance(0.5) ? null : 0) },
    ],
    aims: [
      aim(
        random.pick(['replace-workload', 'model-rollback']),
        REPLACE,
        random.pick(['lost', 'slow', 'late', 'gateway-timeout', 'truncated'] as const),
        { times: random.pick([3, 20]) },
      ),
    ],
  }),
  /** Sweeps that overlap, and a clean-up that comes twice. */
  'two attempts': (random, beginning) => {
    const [functionName] = random.pick(movesIn(beginning));
    const at = 5 * MINUTE + random.below(10 * MINUTE);
    return {
      beginning: { versions: 2, pace: 60 },
      moments: [
        { at: 0, action: promote() },
        { at: 0, upon: beforeMove(functionName, random), action: { kind: 'abort' } },
        ...[0, 200, 900].map((later) => ({
          at: at + random.below(later + 1),
          action: { kind: 'sweep' } as const,
        })),
      ],
      aims: [
        aim(
          'sweep-promotions',
          'step-functions StartExecution',
          random.pick(['stalls', 'twice', 'dies-after'] as const),
        ),
      ],
      faultRate: random.pick([0, 0.01]),
    };
  },
};

/** A story of one family; every family is told as often as every other. */
export function focusedStory(seed: string, random: Random): Story {
  const [name, family] = random.pick(Object.entries(families));
  const beginning = { ...beginningOf(random), twoProtons: false };
  const { moments, aims = [], outages = [], faultRate = 0, ...focus } = family(random, beginning);
  return {
    seed,
    family: name,
    beginning: { ...beginning, ...focus.beginning },
    table: true,
    steps: moments.map((moment, index) => ({ id: `s${index}`, upon: null, ...moment })),
    outages: outages.map((each, index) => ({ id: `o${index}`, ...each })),
    faultRate,
    faultBudget: faultRate === 0 ? 0 : 3,
    aims,
  };
}

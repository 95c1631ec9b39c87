import { type FunctionName, functionNames } from '../../../lambdas/domain/limits.ts';
import { functionCalls } from '../function-calls.ts';
import {
  aim,
  type Family,
  forwardMove,
  MINUTE,
  moveIn,
  promote,
  register,
  rollback,
  SECOND,
  upon,
} from './focus.ts';

/** Systems that answer nonsense once, or nothing for long. */

const NO_STEPS_FORWARD: readonly FunctionName[] = [
  'sweep-promotions',
  'watch-releases',
  'end-promotion',
  'model-rollback',
];

/** What a step of a promotion reads of one side: the function, and the request. */
const reads = (system: 'mlflow' | 'workload'): [FunctionName, string][] =>
  functionNames
    .filter((name) => !NO_STEPS_FORWARD.includes(name))
    .flatMap((name) =>
      (functionCalls[name][system] ?? [])
        .filter((call) => /^GET .*(get|search|workloads\/\*|replacement|protons)$/.test(call))
        .map((call): [FunctionName, string] => [name, `${system} ${call}`]),
    );

const START = 'step-functions StartExecution';

export const away: Record<string, Family> = {
  /** One bad answer is not final. */
  'one bad answer': (random, { workload }) => {
    const system = workload !== null && random.chance(0.4) ? 'workload' : 'mlflow';
    const [functionName, call] = random.pick(reads(system));
    const kind = random.pick(['html', 'truncated', 'hostile'] as const);
    return {
      beginning: { versions: 2 },
      moments: [
        { at: 0, action: promote() },
        { at: 40 * MINUTE, action: register },
        { at: 40 * MINUTE + 5, action: random.chance(0.5) ? promote() : rollback(null) },
      ],
      aims: [aim(functionName, call, kind, { after: random.pick([0, 0, 0, 1, 2]) })],
    };
  },

  /** What a first attempt could not bring back is tried again. */
  'away for long': (random, beginning) => {
    const delay = random.unit() * SECOND;
    return {
      beginning: { versions: 2, pace: 60 },
      moments: [
        { at: 0, action: promote() },
        ...(random.chance(0.7)
          ? [{ at: 0, upon: upon('opened', delay), action: { kind: 'abort' } as const }]
          : []),
      ],
      aims: random.chance(0.6) ? [aim('sweep-promotions', START, random.pick(['dies-after', 'lost']))] : [],
      outages: [
        {
          system: random.pick(['mlflow', 'mlflow', beginning.workload === null ? 'mlflow' : 'workload']),
          kind: random.pick(['refused', 'unavailable', 'hangs']),
          from: 2 * SECOND + random.below(15 * SECOND),
          until: 15 * MINUTE + random.below(60 * MINUTE),
        },
      ],
    };
  },

  /** Sweeps that overlap, and die. */
  'two attempts': (random, beginning) => {
    const [functionName] = forwardMove(random, beginning);
    const at = 6 * MINUTE + random.below(10 * MINUTE);
    return {
      beginning: { versions: 2, pace: 60 },
      moments: [
        { at: 0, action: promote() },
        { at: 0, upon: upon('opened', random.unit() * SECOND), action: { kind: 'abort' } },
        ...[0, 200, 900].map((later) => ({
          at: at + random.below(later + 1),
          action: { kind: 'sweep' } as const,
        })),
      ],
      aims: [
        aim('sweep-promotions', START, random.pick(['stalls', 'twice', 'dies-after'])),
        ...(random.chance(0.5) ? [aim(functionName, null, 'crashes-at-start', { after: 1, times: 5 })] : []),
      ],
      faultRate: random.pick([0, 0.01]),
    };
  },

  /** A first champion stays: there is nothing to go back to. */
  'first champion': (random, beginning) => {
    const isDraft = random.chance(0.5);
    const kind = random.pick(['dies-after', 'truncated'] as const);
    return {
      beginning: isDraft
        ? { versions: 1, workload: 'draft' }
        : { versions: 1, mode: 'both', workload: random.pick(['locked', null]) },
      moments: [{ at: 0, action: promote({ lock: isDraft }) }],
      aims: [
        isDraft
          ? aim('close-promotion', 'workload POST workloads/*/promote', 'refused', { times: 40 })
          : aim('promote-model', moveIn({ ...beginning, mode: 'both' }), kind, { times: 40 }),
      ],
    };
  },
};

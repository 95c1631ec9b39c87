import type { FunctionName } from '../../lambdas/domain/limits.ts';
import { type Aim, callFaults, invocationFaults } from '../engine/faults.ts';
import type { Random } from '../random.ts';
import { calledFunctions, functionCalls } from './function-calls.ts';

/** Faults that stories are about, so that rare ones happen, too. */

/** Requests of one invocation, as a rule at most. */
const CALLS: Record<FunctionName, number> = {
  'begin-promotion': 0,
  'check-retraining-needed': 0,
  'compare-models': 5,
  'decide-approval': 0,
  'request-approval': 0,
  'prepare-promotion': 18,
  'replace-workload': 11,
  'promote-model': 13,
  'close-promotion': 20,
  'model-rollback': 34,
  'end-promotion': 15,
  'sweep-promotions': 26,
  'watch-releases': 0,
};

/** Every function, and every request that one makes, as often as every other. */
export function aimOf(random: Random): Aim {
  const after = random.chance(0.7) ? 0 : random.below(4);
  if (random.chance(0.3)) {
    const times = random.pick([1, 3, 16, 40]);
    return {
      functionName: random.pick(calledFunctions),
      call: null,
      kind: random.pick(invocationFaults),
      after,
      times,
    };
  }
  const times = random.pick([1, 1, 1, 2, 6, 40]);
  const kind = random.pick(callFaults);
  if (random.chance(0.3)) {
    const functionName = random.weighted(CALLS);
    return { functionName, call: random.below(CALLS[functionName]), kind, after, times };
  }
  return { ...random.pick(NAMED_CALLS), kind, after: random.chance(0.8) ? 0 : after, times };
}

/** A request of a run that watches releases. */
export function watchAimOf(random: Random): Aim {
  const requests = Object.entries(functionCalls['watch-releases']).flatMap(([system, names]) =>
    names.map((name) => `${system} ${name}`),
  );
  const writes = ['dynamodb Put', 'step-functions StartExecution', 'sns Publish'];
  return {
    functionName: 'watch-releases',
    call: random.pick(random.chance(0.6) ? writes : requests),
    kind: random.pick(callFaults),
    after: random.below(6),
    times: random.pick([1, 1, 2, 6]),
  };
}

/** Every request that a function makes. */
const NAMED_CALLS = calledFunctions.flatMap((functionName) =>
  Object.entries(functionCalls[functionName]).flatMap(([system, names]) =>
    names.map((name) => ({ functionName, call: `${system} ${name}` })),
  ),
);

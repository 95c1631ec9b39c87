import type { Execution } from '../engine/executions.ts';
import type { CallFault, FaultRecord, InvocationFault } from '../engine/faults.ts';
import type { Finished } from '../story/play-story.ts';
import type { Step } from '../story/story.ts';
import { SKEW_MS } from './invariant.ts';

/** Faults of one request that a repetition overcomes. */
const OVERCOME: ReadonlySet<CallFault | InvocationFault> = new Set<CallFault | InvocationFault>([
  'refused',
  'lost',
  'twice',
  'throttled',
  'unavailable',
  'html',
  'truncated',
  'hostile',
]);

/** Operations that did not succeed although nobody was beside them and nothing was away. */
export function unexplained(finished: Finished): string[] {
  const { world, outcomes, story } = finished;
  if (!story.table || finished.persons.length > 0 || story.steps.some(isDisturbing)) return [];
  return [...world.executions.all.values()].flatMap((execution) => {
    const recorded = outcomes.get(execution.arn);
    if (recorded === undefined || execution.endedAt === null || !isUndisturbed(execution, finished))
      return [];
    const { status, operation, cause, rollback, reason } = recorded.outcome;
    if (operation !== 'promote' && operation !== 'rollback') return [];
    // Before anything was changed.
    const finding = rollback?.finding ?? null;
    const isPinned = finding?.code === 'contested' && finding.why === 'other-champion';
    const isRefused = rollback === null ? cause?.code === 'refused' : finding?.code === 'refused' || isPinned;
    const isBad =
      status === 'contested' || status === 'failed' || (status === 'rolled_back' && operation === 'promote');
    return isBad && !isRefused ? [`${execution.name} ended ${status}: ${reason}`] : [];
  });
}

/** Minutes that an operation may wait for an old version that an earlier rollout keeps: the platform takes no other. */
const MAX_KEPT_MINUTES = 30;

/**
 * Reasons to fail: candidates that do not start, evidence or tags that change, a lease that ends early, and an old version
 * that is kept for longer than the next operation may wait.
 */
const isDisturbing = ({ action }: Step) =>
  action.kind === 'evidence' ||
  action.kind === 'forge' ||
  action.kind === 'end-lease' ||
  (action.kind === 'promote' && (action.rollout?.keepOldVersionMinutes ?? 0) >= MAX_KEPT_MINUTES) ||
  (action.kind === 'register' && action.start !== 'healthy');

/** Nobody else acts, nothing is away, and one request is disturbed at most. */
function isUndisturbed({ name, startedAt, endedAt, status }: Execution, finished: Finished): boolean {
  const { play, world, direct, story } = finished;
  if (status !== 'SUCCEEDED' && status !== 'FAILED') return false;
  const until = endedAt ?? Number.POSITIVE_INFINITY;
  const overlaps = (from: number, to: number) => from <= until && to >= startedAt;
  const beside =
    [...world.executions.all.values()].some(
      (other) => other.name !== name && overlaps(other.startedAt, lastWriteOf(other)),
    ) || direct.some((call) => overlaps(call.startedAt, call.at + SKEW_MS));
  const unanswered =
    direct.length < story.steps.filter(({ action }) => action.kind.startsWith('direct')).length;
  const away = play.plan.outages.some(({ from, until: to }) => overlaps(from, to));
  const own = play.faults.filter(({ id }) => id.startsWith(`${name}/`));
  return !beside && !unanswered && !away && own.length <= 1 && own.every(isOvercome);
}

/** A function of an execution that was stopped runs on for a while; the clocks of two functions differ. */
const lastWriteOf = ({ endedAt, status }: Execution) =>
  (endedAt ?? Number.POSITIVE_INFINITY) + (status === 'SUCCEEDED' ? SKEW_MS : 5 * 60_000);

const isOvercome = ({ kind, again, system }: FaultRecord) =>
  again === 0 && OVERCOME.has(kind) && (system === 'mlflow' || system === 'workload');

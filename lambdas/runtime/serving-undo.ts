import { Progress } from '../domain/serving/payloads.ts';
import { type ServingBefore, type ServingUndo, undoStep } from '../domain/serving/serving-rollback.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { carryOut, observe } from './rollout.ts';

const SOON = 5;
const RAREST_LOOK = 300;

/** Seconds until the next look: the rarer, the longer it lasts, as each look costs the execution some of its events. */
const later = (began: string, now: Date) =>
  Math.min(RAREST_LOOK, Math.max(SOON, Math.round((now.getTime() - Date.parse(began)) / 8000)));

/** One step of the way back on the serving side. `retryAfter` is null once it is settled, one way or the other. */
export async function undoServing(
  workloads: Workloads,
  before: ServingBefore,
  previous: ServingUndo | null,
  now: Date,
): Promise<{ serving: ServingUndo; retryAfter: number | null }> {
  const target = {
    workloadId: before.workload_id,
    artifactId: before.previous_artifact_id ?? before.artifact_id,
  };
  const progress = previous?.progress ?? Progress.parse({});
  const began_at = previous?.began_at ?? now.toISOString();
  const action = previous?.action ?? 'none';
  const seen = await observe(workloads, target);
  const step = undoStep(seen, before, { action, began_at, progress }, now);
  const answer = (more: Partial<ServingUndo> & { reason: string }): ServingUndo => ({
    workload_id: before.workload_id,
    undone: null,
    action,
    phase: seen.replacement?.status ?? null,
    contested: false,
    began_at,
    progress,
    ...more,
  });
  if (step.kind === 'settled') {
    const { undone, contested, reason } = step;
    return {
      serving: answer({ undone, contested, reason, action: undone ? action : 'left' }),
      retryAfter: null,
    };
  }
  if (step.kind === 'roll') {
    const done = await carryOut(step.step, target, progress, workloads);
    if (done.kind === 'fail')
      return { serving: answer({ undone: false, reason: done.reason, action: 'left' }), retryAfter: null };
    const serving = answer({ action: 'replaced', reason: done.reason, progress: done.progress });
    return { serving, retryAfter: done.kind === 'wait' ? later(began_at, now) : SOON };
  }
  if (step.kind === 'cancel') {
    const wait = { kind: 'cancel', progress, reason: step.reason } as const;
    await carryOut(wait, target, progress, workloads);
    return { serving: answer({ action: 'cancelled', reason: step.reason }), retryAfter: SOON };
  }
  return { serving: answer({ reason: step.reason }), retryAfter: later(began_at, now) };
}

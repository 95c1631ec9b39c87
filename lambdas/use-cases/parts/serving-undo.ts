import * as z from 'zod';
import { MAX_POLL_SECONDS, MIN_POLL_SECONDS, POLL_AGE_DIVISOR } from '../../domain/limits.ts';
import {
  type ServingBefore,
  type ServingFinding,
  type ServingUndo,
  undoStep,
} from '../../domain/rollout/serving-rollback.ts';
import { WorkloadApiRefused, WorkloadNotFound } from '../../domain/serving/errors.ts';
import { Progress } from '../../domain/serving/payloads.ts';
import type { Workloads } from '../../domain/serving/workloads.ts';
import { servingReason } from '../../words/rollout.ts';
import { cancel, executeStep, observe } from './advance-rollout.ts';

/** Seconds until the next poll; longer with age, as each poll takes some of the execution's events. */
function laterPollSeconds(began: string, now: Date): number {
  const age = (now.getTime() - Date.parse(began)) / 1000;
  const pause = Math.max(MIN_POLL_SECONDS.rollback, Math.round(age / POLL_AGE_DIVISOR));
  return Math.min(MAX_POLL_SECONDS.rollback, pause);
}

/** One step of the way back on the serving side. `retryAfter` is null once it is settled, one way or the other. */
export async function undoServing(
  workloads: Workloads,
  before: ServingBefore,
  previous: ServingUndo | null,
  now: Date,
): Promise<{ serving: ServingUndo; retryAfter: number | null }> {
  try {
    return await oneStep(workloads, before, previous, now);
  } catch (error) {
    // What the platform will not let us do must not keep the registry from going back.
    const never =
      error instanceof WorkloadNotFound ||
      (error instanceof WorkloadApiRefused && [401, 403].includes(error.status));
    if (!never) throw error;
    const finding = { code: 'no-access', error: error.name, message: error.message } as const;
    return {
      serving: {
        workload_id: before.workload_id,
        undone: false,
        action: 'left',
        finding,
        reason: servingReason(finding),
        phase: null,
        contested: false,
        began_at: previous?.began_at ?? now.toISOString(),
        progress: previous?.progress ?? Progress.parse({}),
      },
      retryAfter: null,
    };
  }
}

async function oneStep(
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
  const answer = (finding: ServingFinding, more: Partial<ServingUndo> = {}): ServingUndo => ({
    workload_id: before.workload_id,
    undone: null,
    action,
    phase: seen.replacement?.status ?? null,
    contested: false,
    began_at,
    progress,
    finding,
    reason: servingReason(finding),
    ...more,
  });
  if (step.kind === 'settled') {
    const { undone, contested } = step;
    if (undone && action === 'replaced') await restoreImportance(workloads, before, seen.workload.importance);
    return {
      serving: answer(step.finding, { undone, contested, action: undone ? action : 'left' }),
      retryAfter: null,
    };
  }
  if (step.kind === 'roll') {
    const done = await executeStep(step.step, target, progress, workloads);
    if (done.kind === 'fail')
      return { serving: answer(done.finding, { undone: false, action: 'left' }), retryAfter: null };
    const serving = answer(done.finding, {
      action: done.kind === 'complete' ? action : 'replaced',
      progress: done.progress,
    });
    return {
      serving,
      retryAfter:
        done.kind === 'wait' || done.kind === 'complete'
          ? laterPollSeconds(began_at, now)
          : MIN_POLL_SECONDS.rollback,
    };
  }
  if (step.kind === 'cancel') {
    await cancel(target, workloads);
    return { serving: answer(step.finding, { action: 'cancelled' }), retryAfter: MIN_POLL_SECONDS.rollback };
  }
  return { serving: answer(step.finding), retryAfter: laterPollSeconds(began_at, now) };
}

const Importances = z.enum(['critical', 'high', 'moderate', 'low']);

/** A rollout sets it after the switch; the way back sets it as it was. */
async function restoreImportance(
  workloads: Workloads,
  { workload_id, previous_importance }: ServingBefore,
  now: string | null,
) {
  const wanted = Importances.safeParse(previous_importance).data;
  if (wanted !== undefined && wanted !== now) await workloads.setImportance(workload_id, wanted);
}

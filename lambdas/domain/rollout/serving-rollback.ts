import * as z from 'zod';
import { CANCEL_MINUTES, longestMinutes, ROLLBACK_MINUTES } from '../limits.ts';
import { Progress } from '../serving/payloads.ts';
import type { JsonObject } from '../serving/workloads.ts';
import { quoted, visible } from '../visible-text.ts';
import { nextStep } from './plan.ts';
import { activeProtons, isLeaving, isStatus, isTerminal } from './rules.ts';
import type { Seen, Step } from './step.ts';

/** What one promotion changed on the serving side: recorded before it, restored by a rollback. */
export const ServingBefore = z.object({
  workload_id: z.string(),
  /** The artifact that the promotion puts in service. */
  artifact_id: z.string(),
  /** The artifact that was served before; null when the Workload had none. */
  previous_artifact_id: z.string().nullable(),
  /** `draft` or `locked`, as it was before. */
  previous_status: z.string().nullable(),
  previous_runtime: z.record(z.string(), z.json()).nullable(),
  previous_importance: z.string().nullable(),
});
export type ServingBefore = z.infer<typeof ServingBefore>;

/** What has been done on the serving side so far; handed from answer to answer. */
export const ServingUndo = z.object({
  workload_id: z.string(),
  /** True once the previous artifact is served (again); false when it cannot or must not be; null while open. */
  undone: z.boolean().nullable(),
  action: z.enum(['none', 'cancelled', 'replaced', 'left']),
  reason: z.string(),
  /** The API's own word for the state of the replacement; null when there is none. */
  phase: z.string().nullable(),
  contested: z.boolean(),
  /** ISO 8601; the first look. */
  began_at: z.string(),
  progress: Progress,
});
export type ServingUndo = z.infer<typeof ServingUndo>;

export type UndoStep =
  | { kind: 'settled'; undone: boolean; contested: boolean; reason: string }
  | { kind: 'wait' | 'cancel'; reason: string }
  /** One step of a rollout back to the previous artifact. */
  | { kind: 'roll'; step: Step };

const settled = (undone: boolean, reason: string, contested = false): UndoStep => ({
  kind: 'settled',
  undone,
  contested,
  reason,
});

/**
 * The one next thing that brings the previous artifact back, with its runtime. It undoes only this promotion: a
 * replacement by any other artifact, or another artifact in service, is left alone. `seen` is a look with the previous
 * artifact as the wanted one.
 */
export function undoStep(
  seen: Seen,
  before: ServingBefore,
  soFar: Pick<ServingUndo, 'action' | 'began_at' | 'progress'>,
  now: Date,
): UndoStep {
  const step = decide(seen, before, soFar, now);
  if (step.kind !== 'wait' && step.kind !== 'cancel') return step;
  // What is waited for may never come: a wait that lasts longer than the platform could need ends with an alert.
  const switched =
    seen.workload.artifactId === before.artifact_id || (seen.replacement?.switchedAt ?? null) !== null;
  const minutes =
    soFar.action === 'cancelled' && !switched
      ? CANCEL_MINUTES
      : longestMinutes.keepOldVersionMinutes + ROLLBACK_MINUTES;
  const late = now.getTime() > Date.parse(soFar.began_at) + minutes * 60_000;
  return late
    ? settled(false, `${step.reason}, and has been for more than ${minutes} minutes: look at the Workload`)
    : step;
}

function decide(
  seen: Seen,
  before: ServingBefore,
  { action, progress }: Pick<ServingUndo, 'action' | 'progress'>,
  now: Date,
): UndoStep {
  const { workload, replacement } = seen;
  const previous = before.previous_artifact_id;
  const inFlight = replacement !== null && !isTerminal(replacement) ? replacement : null;
  if (
    inFlight !== null &&
    inFlight.candidateArtifactId === before.artifact_id &&
    before.artifact_id !== previous
  ) {
    const state = visible(inFlight.status, 40);
    // Switched already: the platform keeps the old one for a while and takes no new replacement until then.
    if (inFlight.switchedAt !== null || workload.artifactId === before.artifact_id) {
      return {
        kind: 'wait',
        reason: `The rollout has switched and is being finished (${state}); the way back starts after it`,
      };
    }
    if (isLeaving(inFlight)) return { kind: 'wait', reason: `The rollout is being cancelled (${state})` };
    return { kind: 'cancel', reason: `The rollout is cancelled (${state})` };
  }
  const ours = [before.artifact_id, previous, workload.artifactId];
  if (inFlight !== null && !ours.includes(inFlight.candidateArtifactId)) {
    return settled(
      false,
      `Another replacement is in progress, to artifact ${quoted(inFlight.candidateArtifactId)}; it was left alone`,
      true,
    );
  }
  // One by the previous artifact that we did not start is its own rollout of before, whose old version is still kept.
  const notOurs =
    inFlight === null || (inFlight.candidateArtifactId === previous && progress.started_at === null);
  if (workload.artifactId === previous && before.artifact_id !== previous && notOurs) {
    const active = activeProtons(seen.protons);
    // Never touched by us: that it does not run is not this promotion's doing.
    if (active.length === 0 && action === 'none')
      return settled(
        true,
        `The Workload is ${visible(workload.status, 40)} with artifact ${quoted(previous ?? 'none')}, as before`,
      );
    const back = active.length > 0 && active.every(({ artifactId }) => artifactId === previous);
    return back
      ? settled(true, `The Workload serves artifact ${quoted(previous ?? 'none')}, as before`)
      : {
          kind: 'wait',
          reason: 'The Workload names the previous artifact; its protons do not all run it yet',
        };
  }
  if (workload.artifactId !== before.artifact_id && workload.artifactId !== previous) {
    return settled(
      false,
      `Somebody else has put artifact ${quoted(workload.artifactId ?? 'none')} in service; it was left alone`,
      true,
    );
  }
  if (previous === null)
    return settled(false, 'The Workload served nothing before that could be brought back');
  return wayBack(seen, before, previous, progress, now);
}

function wayBack(
  seen: Seen,
  before: ServingBefore,
  previous: string,
  progress: Progress,
  now: Date,
): UndoStep {
  const wasDraft = isStatus(before.previous_status ?? '', 'draft');
  if (wasDraft && isStatus(seen.servedStatus ?? '', 'locked')) return settled(false, 'locked in place');
  if (before.artifact_id === previous)
    return settled(true, `The Workload serves artifact ${quoted(previous)}, as before`);
  const began = progress.began_at === null ? now : new Date(progress.began_at);
  const runtime: JsonObject | null = before.previous_runtime;
  const step = nextStep(
    seen,
    {
      artifactId: previous,
      rollout: { strategy: 'rolling', keepOldVersionMinutes: 0, ...(runtime === null ? {} : { runtime }) },
      importance: null,
      lockArtifact: false,
      deadline: new Date(began.getTime() + ROLLBACK_MINUTES * 60_000),
      since: null,
      progress,
    },
    now,
  );
  if (step.kind === 'fail')
    return settled(false, step.reason, ['superseded', 'foreign-replacement'].includes(step.code));
  return { kind: 'roll', step };
}

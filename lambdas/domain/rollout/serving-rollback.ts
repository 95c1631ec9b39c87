import * as z from 'zod';
import { CANCEL_MINUTES, maxRolloutMinutes, ROLLBACK_MINUTES } from '../limits.ts';
import { Progress } from '../serving/payloads.ts';
import { RolloutFinding } from '../serving/rollout-finding.ts';
import type { JsonObject } from '../serving/workloads.ts';
import { nextStep } from './plan.ts';
import { activeProtons, isLeaving, isStatus, isTerminal, stateWord } from './rules.ts';
import type { ObservedState, Step } from './step.ts';

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

/** What the way back waits for: none of these is terminal. `state` is the platform's word for the replacement. */
const UndoWaiting = z.discriminatedUnion('code', [
  /** The rollout has switched and is still in progress: the platform takes no other replacement before its end. */
  z.object({ code: z.literal('rollout-switched'), state: z.string() }),
  /** The rollout has not switched, and this step cancels it. */
  z.object({ code: z.literal('rollout-cancelled'), state: z.string() }),
  /** The platform is removing the cancelled rollout. */
  z.object({ code: z.literal('rollout-leaving'), state: z.string() }),
  /** The Workload names the previous artifact, and not all of its active protons run it yet. */
  z.object({ code: z.literal('protons-behind') }),
]);

/** What one step of the way back found or did, as facts; all but those of `UndoWaiting` are terminal. */
const UndoFinding = z.discriminatedUnion('code', [
  ...UndoWaiting.options,
  /** The previous artifact is in service (again). `state` is the Workload's where it never ran; null where it runs. */
  z.object({
    code: z.literal('serves-previous'),
    artifact: z.string().nullable(),
    state: z.string().nullable(),
  }),
  /** The promotion locked the served draft, which the platform cannot undo. */
  z.object({ code: z.literal('locked-in-place') }),
  /** Contested: an artifact that is not this promotion's is in service, or a replacement by one is in progress. */
  z.object({ code: z.literal('foreign'), artifact: z.string().nullable(), in_progress: z.boolean() }),
  /** No artifact was in service before the promotion. */
  z.object({ code: z.literal('never-served') }),
  /** It has been waited for `waiting` for more minutes than the platform could need. */
  z.object({ code: z.literal('overdue'), minutes: z.number(), waiting: UndoWaiting }),
  /** The Workload does not exist, or the API lets the owner of the token neither see nor change it. */
  z.object({ code: z.literal('no-access'), error: z.string(), message: z.string() }),
]);

/** What a step of the way back came to; a code of `RolloutFinding` where it was one of the rollout back. */
export const ServingFinding = z.discriminatedUnion('code', [
  ...UndoFinding.options,
  ...RolloutFinding.options,
]);
export type ServingFinding = z.infer<typeof ServingFinding>;

/** What has been done on the serving side so far; handed from answer to answer. */
export const ServingUndo = z.object({
  workload_id: z.string(),
  /** True once the previous artifact is served (again); false when it cannot or must not be; null while open. */
  undone: z.boolean().nullable(),
  action: z.enum(['none', 'cancelled', 'replaced', 'left']),
  /** Null where it was stored before there were codes, or with one that there is no more. */
  finding: ServingFinding.nullable().catch(null),
  /** The finding as a sentence. */
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
  | { kind: 'settled'; undone: boolean; contested: boolean; finding: ServingFinding }
  | { kind: 'wait' | 'cancel'; finding: z.infer<typeof UndoWaiting> }
  /** One step of a rollout back to the previous artifact. */
  | { kind: 'roll'; step: Step };

const settled = (undone: boolean, finding: ServingFinding, contested = false): UndoStep => ({
  kind: 'settled',
  undone,
  contested,
  finding,
});

/**
 * The one next thing that brings the previous artifact back, with its runtime. It undoes only this promotion: a
 * replacement by any other artifact, or another artifact in service, is left alone. `seen` is a look with the previous
 * artifact as the wanted one.
 */
export function undoStep(
  seen: ObservedState,
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
      : maxRolloutMinutes.keepOldVersionMinutes + ROLLBACK_MINUTES;
  const late = now.getTime() > Date.parse(soFar.began_at) + minutes * 60_000;
  return late ? settled(false, { code: 'overdue', minutes, waiting: step.finding }) : step;
}

function decide(
  seen: ObservedState,
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
    const state = stateWord(inFlight.status);
    // Switched already: the platform keeps the old one for a while and takes no new replacement until then.
    if (inFlight.switchedAt !== null || workload.artifactId === before.artifact_id)
      return { kind: 'wait', finding: { code: 'rollout-switched', state } };
    if (isLeaving(inFlight)) return { kind: 'wait', finding: { code: 'rollout-leaving', state } };
    return { kind: 'cancel', finding: { code: 'rollout-cancelled', state } };
  }
  const ours = [before.artifact_id, previous, workload.artifactId];
  if (inFlight !== null && !ours.includes(inFlight.candidateArtifactId))
    return settled(
      false,
      { code: 'foreign', artifact: inFlight.candidateArtifactId, in_progress: true },
      true,
    );
  // One by the previous artifact that we did not start is its own rollout of before, whose old version is still kept.
  const notOurs =
    inFlight === null || (inFlight.candidateArtifactId === previous && progress.started_at === null);
  if (workload.artifactId === previous && before.artifact_id !== previous && notOurs) {
    const active = activeProtons(seen.protons);
    // Never touched by us: that it does not run is not this promotion's doing.
    if (active.length === 0 && action === 'none')
      return settled(true, {
        code: 'serves-previous',
        artifact: previous,
        state: stateWord(workload.status),
      });
    const back = active.length > 0 && active.every(({ artifactId }) => artifactId === previous);
    return back
      ? settled(true, { code: 'serves-previous', artifact: previous, state: null })
      : { kind: 'wait', finding: { code: 'protons-behind' } };
  }
  if (workload.artifactId !== before.artifact_id && workload.artifactId !== previous)
    return settled(false, { code: 'foreign', artifact: workload.artifactId, in_progress: false }, true);
  if (previous === null) return settled(false, { code: 'never-served' });
  return wayBack(seen, before, previous, progress, now);
}

function wayBack(
  seen: ObservedState,
  before: ServingBefore,
  previous: string,
  progress: Progress,
  now: Date,
): UndoStep {
  const wasDraft = isStatus(before.previous_status ?? '', 'draft');
  if (wasDraft && isStatus(seen.servedStatus ?? '', 'locked'))
    return settled(false, { code: 'locked-in-place' });
  if (before.artifact_id === previous)
    return settled(true, { code: 'serves-previous', artifact: previous, state: null });
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
    return settled(false, step.finding, ['superseded', 'foreign-replacement'].includes(step.finding.code));
  return { kind: 'roll', step };
}

import type { Progress } from '../serving/payloads.ts';
import type { StartReplacement } from '../serving/workloads.ts';
import { quoted } from '../visible-text.ts';
import { moveTo, refusalToStart } from './rules.ts';
import { fail, type Situation, type Step, step, unknownStatus } from './step.ts';

/** The first step towards another artifact: the replacement itself, the lock before it, or why there is none. */
export function start(s: Situation): Step {
  const { workload, artifact, wanted, progress, now } = s;
  const refusal = refusalToStart(workload, artifact, s.protons, wanted.rollout);
  if (refusal !== null) return fail(s, refusal.code, refusal.reason);
  const warmupDurationMinutes = wanted.rollout?.warmupDurationMinutes ?? 0;
  if (now.getTime() + warmupDurationMinutes * 60_000 >= wanted.deadline.getTime()) {
    return fail(
      s,
      'deadline',
      `A rollout with ${warmupDurationMinutes} min of warm-up cannot end before its deadline: nothing was started`,
    );
  }
  const served = { id: workload.artifactId, status: s.servedStatus };
  const move = moveTo(artifact, served, wanted.lockArtifact);
  if (move === 'lock') return step(s, 'lock', `Artifact ${quoted(artifact.id)} is locked, as asked`);
  if (move === 'draft-onto-locked' || move === 'locked-onto-draft') return fail(s, move, mismatch(s, move));
  if (move !== 'replace') return unknownStatus(s);
  const runtime = wanted.rollout?.runtime ?? null;
  const request: StartReplacement = {
    artifactId: artifact.id,
    strategy: 'rolling',
    config: { warmupDurationMinutes, keepOldVersionMinutes: wanted.rollout?.keepOldVersionMinutes ?? 0 },
    ...(runtime === null ? {} : { runtime }),
  };
  const asked: Progress = {
    ...progress,
    action: 'replace',
    started_at: now.toISOString(),
    attempts: progress.attempts + 1,
    missing_since: null,
  };
  return {
    kind: 'start',
    request,
    progress: asked,
    reason: `A rolling replacement by artifact ${quoted(artifact.id)} was started`,
  };
}

function mismatch(
  { workload, artifact }: Situation,
  code: 'draft-onto-locked' | 'locked-onto-draft',
): string {
  const served = quoted(workload.artifactId ?? 'none');
  return code === 'draft-onto-locked'
    ? `Artifact ${quoted(artifact.id)} is a draft and ${served}, which is served, is locked: lock it first, or pass lock_artifact: true`
    : `Artifact ${quoted(artifact.id)} is locked and ${served}, which is served, is a draft: promote the Workload first (POST /workloads/{id}/promote)`;
}

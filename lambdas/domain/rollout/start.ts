import type { Progress } from '../serving/payloads.ts';
import type { StartReplacement } from '../serving/workloads.ts';
import { moveTo, refusalToStart } from './rules.ts';
import { fail, type Situation, type Step, unknownStatus } from './step.ts';

/** The first step towards another artifact: the replacement, the lock before it, or why neither is possible. */
export function start(s: Situation): Step {
  const { workload, artifact, desired, progress, now } = s;
  const refusal = refusalToStart(workload, artifact, s.protons, desired.rollout);
  if (refusal !== null) return fail(s, refusal);
  const warmupDurationMinutes = desired.rollout?.warmupDurationMinutes ?? 0;
  if (now.getTime() + warmupDurationMinutes * 60_000 >= desired.deadline.getTime()) {
    return fail(s, { code: 'deadline', at: { code: 'warm-up', minutes: warmupDurationMinutes } });
  }
  const served = { id: workload.artifactId, status: s.servedStatus };
  const move = moveTo(artifact, served, desired.lockArtifact);
  if (move === 'lock') return { kind: 'lock', progress, finding: { code: 'locking', artifact: artifact.id } };
  if (move === 'draft-onto-locked' || move === 'locked-onto-draft')
    return fail(s, { code: move, artifact: artifact.id, served: workload.artifactId });
  if (move !== 'replace') return unknownStatus(s);
  const runtime = desired.rollout?.runtime ?? null;
  const request: StartReplacement = {
    artifactId: artifact.id,
    strategy: 'rolling',
    config: { warmupDurationMinutes, keepOldVersionMinutes: desired.rollout?.keepOldVersionMinutes ?? 0 },
    ...(runtime === null ? {} : { runtime }),
  };
  const requested: Progress = {
    ...progress,
    action: 'replace',
    started_at: now.toISOString(),
    attempts: progress.attempts + 1,
    missing_since: null,
  };
  return {
    kind: 'start',
    request,
    progress: requested,
    finding: { code: 'starting', artifact: artifact.id },
  };
}

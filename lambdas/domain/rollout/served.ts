import { VISIBILITY_GRACE_SECONDS } from '../limits.ts';
import type { Progress } from '../serving/payloads.ts';
import type { Importance } from '../serving/workloads.ts';
import { activeProtons, isStatus, isTerminal, moveTo, notRunning, stateWord } from './rules.ts';
import { fail, type Situation, type Step, secondsSince, unknownStatus, wait } from './step.ts';

/** The next step once the Workload names the desired artifact: confirm that it runs, and lock it in place. */
export function whenServed(s: Situation): Step {
  const { workload, desired, progress, late } = s;
  if (desired.change?.back === true) return whenServedAgain(s);
  if (progress.endpoint !== null && workload.endpoint !== progress.endpoint)
    return fail(s, { code: 'endpoint-changed', from: progress.endpoint, to: workload.endpoint });
  const stopped = notRunning(workload, s.protons);
  if (stopped !== null)
    return fail(s, progress.action === 'replace' ? { code: 'active-unhealthy', problem: stopped } : stopped);
  const active = activeProtons(s.protons);
  const own = active.filter(({ artifactId }) => artifactId === desired.artifactId);
  const down = own.find(({ status }) => isStatus(status, 'errored', 'terminated', 'stopped'));
  if (down !== undefined) {
    const problem = { code: 'proton-down', proton: down.id, state: stateWord(down.status) } as const;
    return fail(s, { code: 'active-unhealthy', problem });
  }
  const running = own.filter(({ status }) => isStatus(status, 'running'));
  if (running.length < active.length) {
    const activating = { code: 'activating', running: running.length, active: active.length } as const;
    return late ? fail(s, { code: 'deadline', at: activating }) : wait(s, activating);
  }
  const importance = importanceToSet(s);
  const move = moveTo(s.artifact, { id: workload.artifactId, status: null }, false);
  if (move === null) return unknownStatus(s);
  // In a change the lock comes last, after the registry.
  if (move === 'none' || desired.change !== null) {
    if (importance !== null && !late) return setImportance(s, importance);
    const importance_left = importance === null ? null : stateWord(workload.importance ?? 'none');
    const finding = { code: 'serves', artifact: desired.artifactId, importance_left } as const;
    return { kind: 'complete', progress, finding };
  }
  if (late) return fail(s, { code: 'deadline', at: { code: 'draft' } });
  // The platform refuses to promote while any replacement is in progress, even of settings only.
  if (s.replacement !== null && !isTerminal(s.replacement)) return wait(s, { code: 'promotion-blocked' });
  if (importance !== null) return setImportance(s, importance);
  if (secondsSince(progress.promoted_at, s.now) < VISIBILITY_GRACE_SECONDS)
    return wait(s, { code: 'promotion-requested' });
  const promoted: Progress = { ...progress, action: 'promote', promoted_at: s.now.toISOString() };
  return { kind: 'promote', progress: promoted, finding: { code: 'promoting' } };
}

/** On the way back: what was in service before is not judged, only whether the Workload and its active protons name it. */
function whenServedAgain(s: Situation): Step {
  const { desired, progress, late } = s;
  const active = activeProtons(s.protons);
  const own = active.filter(({ artifactId }) => artifactId === desired.artifactId);
  if (own.length < active.length) {
    const activating = { code: 'activating', running: own.length, active: active.length } as const;
    return late ? fail(s, { code: 'deadline', at: activating }) : wait(s, activating);
  }
  // A rollout sets the importance after the switch; the way back sets it as it was.
  const importance = progress.action === 'replace' && !late ? importanceToSet(s) : null;
  if (importance !== null) return setImportance(s, importance);
  const finding = { code: 'serves', artifact: desired.artifactId, importance_left: null } as const;
  return { kind: 'complete', progress, finding };
}

function importanceToSet({ desired, workload, progress }: Situation): Importance | null {
  if (desired.importance === null || progress.importance_set) return null;
  return isStatus(workload.importance ?? '', desired.importance) ? null : desired.importance;
}

function setImportance({ progress }: Situation, importance: Importance): Step {
  const set = { ...progress, importance_set: true };
  return {
    kind: 'set-importance',
    importance,
    progress: set,
    finding: { code: 'setting-importance', importance },
  };
}

import type { Progress } from '../serving/payloads.ts';
import type { Importance } from '../serving/workloads.ts';
import { quoted, visible } from '../visible-text.ts';
import { GRACE_SECONDS } from './progress.ts';
import { activeProtons, isStatus, isTerminal, moveTo, notRunning } from './rules.ts';
import { fail, type Situation, type Step, secondsSince, step, unknownStatus } from './step.ts';

/** The platform names the wanted artifact: what is left is to see it run, and to lock it where it stands. */
export function whenServed(s: Situation): Step {
  const { workload, wanted, progress, late } = s;
  if (progress.endpoint !== null && workload.endpoint !== progress.endpoint) {
    const reason = `The Workload's endpoint was ${quoted(progress.endpoint)} and is ${quoted(workload.endpoint ?? 'none')} now: its callers have lost it`;
    return fail(s, 'endpoint-changed', reason);
  }
  const stopped = notRunning(workload, s.protons);
  if (stopped !== null)
    return fail(s, progress.action === 'replace' ? 'active-unhealthy' : stopped.code, stopped.reason);
  const active = activeProtons(s.protons);
  const own = active.filter(({ artifactId }) => artifactId === wanted.artifactId);
  const down = own.find(({ status }) => isStatus(status, 'errored', 'terminated', 'stopped'));
  if (down !== undefined) {
    const reason = `The Workload serves the artifact, but its active proton ${quoted(down.id)} is ${visible(down.status, 40)}`;
    return fail(s, 'active-unhealthy', reason);
  }
  const running = own.filter(({ status }) => isStatus(status, 'running'));
  if (running.length < active.length) {
    const reason = `${running.length} of ${active.length} active protons run the artifact`;
    return late ? fail(s, 'deadline', `${reason} at the deadline`) : step(s, 'wait', reason);
  }
  const importance = importanceToSet(s);
  const move = moveTo(s.artifact, { id: workload.artifactId, status: null }, false);
  if (move === null) return unknownStatus(s);
  if (move === 'none') {
    if (importance !== null && !late) return setImportance(s, importance);
    const left =
      importance !== null
        ? `; its importance was left at ${visible(workload.importance ?? 'none', 40)}, as the deadline is over`
        : '';
    return step(s, 'complete', `The Workload serves artifact ${quoted(wanted.artifactId)}, locked${left}`);
  }
  if (late)
    return fail(
      s,
      'deadline',
      'The Workload serves the artifact, but at the deadline it was a draft still: it was not promoted',
    );
  // The platform refuses to promote while a replacement, be it of the settings only, goes on.
  if (s.replacement !== null && !isTerminal(s.replacement))
    return step(s, 'wait', 'Promotion in place waits for the replacement in progress');
  if (importance !== null) return setImportance(s, importance);
  if (secondsSince(progress.promoted_at, s.now) < GRACE_SECONDS)
    return step(s, 'wait', 'Promotion in place was asked for');
  const promoted: Progress = { ...progress, action: 'promote', promoted_at: s.now.toISOString() };
  return {
    kind: 'promote',
    progress: promoted,
    reason: 'The draft that is served is promoted in place; that cannot be undone',
  };
}

function importanceToSet({ wanted, workload, progress }: Situation): Importance | null {
  if (wanted.importance === null || progress.importance_set) return null;
  return isStatus(workload.importance ?? '', wanted.importance) ? null : wanted.importance;
}

function setImportance({ progress }: Situation, importance: Importance): Step {
  const set = { ...progress, importance_set: true };
  return {
    kind: 'set-importance',
    importance,
    progress: set,
    reason: `Its importance is set to ${importance}`,
  };
}

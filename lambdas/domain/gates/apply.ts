import type { Decided } from '../comparison/decision.ts';
import type { Evidence } from '../comparison/evidence.ts';
import type { Policy } from '../comparison/policy.ts';
import { changesSince } from './changes.ts';
import { ageCheck, checkEvidence, type OverlapRead } from './checks.ts';
import type { GateFinding } from './finding.ts';
import { blocking, type GateFacts, judgeGates } from './judge.ts';

/**
 * A decision with its gates, its checks, and what changed since the champion. A gate or check that fails turns PROMOTE into
 * INVESTIGATE (`gates-failed`); KEEP and INVESTIGATE stay. Confidence and grade are those of the rules.
 */
export function withGates(
  decided: Decided,
  {
    policy,
    evidence,
    facts,
    overlap,
  }: { policy: Policy; evidence: Evidence; facts: GateFacts; overlap: OverlapRead | null },
  now: Date,
): Decided {
  const gates = judgeGates(policy, facts, now);
  const checks = checkEvidence(policy, evidence, decided.rules, overlap, now);
  const { champion, challenger } = evidence;
  const judged: Decided = {
    ...decided,
    ...(gates.length > 0 ? { gates } : {}),
    ...(checks.length > 0 ? { checks } : {}),
    ...(champion === null ? {} : { changes: changesSince(champion, challenger, facts.modelFiles) }),
  };
  const blocked = blocking([...gates, ...checks]);
  if (decided.decision !== 'PROMOTE' || blocked.length === 0) return judged;
  const finding = { code: 'gates-failed', challenger: challenger.version.version, blocked } as const;
  return { ...judged, decision: 'INVESTIGATE', finding };
}

/**
 * Gates and checks of inputs that were judged before: every gate, and of the checks those by the clock. `blocked` where one of them
 * fails.
 */
export function judgedAgain(
  { policy, evidence, facts }: { policy: Policy; evidence: Evidence; facts: GateFacts },
  now: Date,
): { gates: readonly GateFinding[]; checks: readonly GateFinding[]; blocked: boolean } {
  const gates = judgeGates(policy, facts, now);
  const checks = ageCheck(policy, evidence, now);
  return { gates, checks, blocked: blocking([...gates, ...checks]).length > 0 };
}

import { isApprover } from './policy-approval.ts';
import { type ApprovalDecision, type ApprovalRequest, standingOf } from './request.ts';

/** Whether a person's decision on a request is recorded. */

/** What is known when somebody decides. */
export interface DecisionFacts {
  /** Null: there is no such request. */
  readonly request: ApprovalRequest | null;
  readonly decisions: readonly ApprovalDecision[];
  /** Who started the execution, by CloudTrail; null while that is not known. */
  readonly requester: string | null;
  /** Whether the execution is running. */
  readonly running: boolean;
  readonly now: Date;
}

/** A decision, as somebody makes it. `digest`: of what they saw. */
export interface OfferedDecision {
  readonly who: string;
  readonly verdict: ApprovalDecision['verdict'];
  readonly reason: string;
  readonly digest: string;
}

export type DecisionAnswer =
  | 'recorded'
  | 'not_approver'
  | 'requester'
  | 'requester_unknown'
  | 'repeat'
  | 'expired'
  | 'decided'
  | 'other_digest'
  | 'not_running';

/**
 * What becomes of a decision; only `recorded` is written. Who may not decide learns nothing else of the request. A rejection
 * by the requester counts: it only stops what they asked for.
 */
export function answerTo(
  { who, verdict, digest }: OfferedDecision,
  { request, decisions, requester, running, now }: DecisionFacts,
): DecisionAnswer {
  if (request === null) return 'not_running';
  if (!isApprover(who, request)) return 'not_approver';
  if (digest !== request.digest) return 'other_digest';
  const { status } = standingOf(request, decisions, now);
  if (decisions.some((each) => each.who === who && each.digest === request.digest)) return 'repeat';
  if (status === 'expired') return 'expired';
  if (status === 'void' || !running) return 'not_running';
  if (status !== 'waiting') return 'decided';
  if (verdict === 'approve' && request.not_requester) {
    if (requester === null) return 'requester_unknown';
    if (requester === who) return 'requester';
  }
  return 'recorded';
}

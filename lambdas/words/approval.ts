import type { DecisionAnswer } from '../domain/approval/decide.ts';
import type { ApprovalAnswer } from '../domain/approval/payloads.ts';
import { type ApprovalRecord, type ApprovalStanding, executionName } from '../domain/approval/request.ts';
import { clipped, visible } from '../domain/visible-text.ts';

/** The sentences about requests for approval, for people only. */

const MAX_WHO = 200;
const MAX_REASON = 300;

/** Where a request for approval stands. What people said is untrusted text. */
export function approvalReason(status: ApprovalAnswer['status'], standing?: ApprovalStanding): string {
  switch (status) {
    case 'not_needed':
      return 'No approval is needed';
    case 'investigate':
      return 'The evidence leaves it open, and the policy lets nobody promote that';
    case 'waiting':
      return `${standing?.missing ?? 1} more to approve`;
    case 'approved':
      return `Approved by ${(standing?.approvals ?? []).map(({ who }) => visible(who, MAX_WHO)).join(', ')}`;
    case 'rejected': {
      const rejection = standing?.rejection;
      if (rejection == null) return 'Rejected';
      return `Rejected by ${visible(rejection.who, MAX_WHO)}: ${clipped(visible(rejection.reason, MAX_REASON), MAX_REASON)}`;
    }
    case 'expired':
      return 'Nobody decided in time';
    case 'void':
      return 'The execution has ended';
  }
}

const MAX_LISTED = 8;

/** What people are asked; without a record, only that they are. */
export function approvalAsked(record: ApprovalRecord | undefined): string {
  if (record === undefined) return 'The promotion has to be approved';
  const { missing, expires_at } = record;
  return `${missing === 1 ? 'One approval is' : `${missing} approvals are`} needed until ${visible(expires_at, 40)}`;
}

/** Who decided, and why; of a request that waits, who may and how. Values are untrusted text. */
export function approvalLines({
  execution,
  digest,
  status,
  approvers,
  requester,
  decisions,
}: ApprovalRecord): { label: string; value: string }[] {
  const decided = decisions.slice(0, MAX_LISTED).map(({ verdict, who, reason, at }) => ({
    label: verdict === 'approve' ? 'Approved by' : 'Rejected by',
    value: `${visible(who, MAX_WHO)} at ${visible(at, 40)}: ${visible(reason, MAX_REASON)}`,
  }));
  const left = decisions.length - decided.length;
  const name = executionName(execution);
  return [
    ...decided,
    ...(left > 0 ? [{ label: 'More decisions', value: String(left) }] : []),
    ...(requester === null ? [] : [{ label: 'Started by', value: visible(requester, MAX_WHO) }]),
    ...(status === 'waiting'
      ? [
          ...approvers.map((list) => ({
            label: 'Approvers',
            value: visible(list.join(', '), MAX_REASON),
          })),
          // Of what this message shows, whatever is asked for when somebody reads it.
          { label: 'To approve', value: `npx promotion approve ${name} --digest ${digest} --reason "..."` },
          { label: 'To reject', value: `npx promotion reject ${name} --digest ${digest} --reason "..."` },
        ]
      : []),
  ];
}

const DECISION: Readonly<Record<DecisionAnswer, string>> = {
  recorded: 'The decision is recorded',
  not_approver: 'You are not among the approvers of this promotion',
  requester: 'You have started this promotion, so somebody else has to approve it',
  requester_unknown:
    'It is not known yet who started this promotion, as CloudTrail is some minutes late: try again in some minutes',
  repeat: 'You have decided on this already; a decision cannot be changed',
  expired: 'The request has expired',
  decided: 'Enough people have decided already',
  other_digest: 'What is to be promoted has changed since: look at it again',
  not_running: 'The execution does not wait any more',
};

/** What became of a decision. */
export const decisionText = (answer: DecisionAnswer): string => DECISION[answer];

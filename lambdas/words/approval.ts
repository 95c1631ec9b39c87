import type { ApprovalAnswer } from '../domain/approval/payloads.ts';
import type { ApprovalStanding } from '../domain/approval/request.ts';
import { clipped, visible } from '../domain/visible-text.ts';

/** The sentences in the `reason` of what `request-approval` answers, for people only. */

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

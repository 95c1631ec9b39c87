import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../canonical-json.ts';
import { isApprover, type NeededApproval } from './policy-approval.ts';

/** A request for approval, the decisions on it, and what follows from both. */

const text = z.string().nullable();

/** What a request is about: nothing in it moves with time, so that the same request is not asked twice. */
export const ApprovalSubject = z.object({
  model_name: z.string(),
  decision: z.enum(['PROMOTE', 'INVESTIGATE']),
  champion_version: text,
  challenger_version: text,
  policy: z.string(),
  /** Digest of files, metrics and policy; not of the budget. */
  inputs_digest: text,
  workload_id: text,
  artifact_id: text,
  importance: text,
  lock_artifact: z.boolean().nullable(),
  /** Settings of the rollout, as asked for. */
  rollout: z.record(z.string(), z.json()).nullable(),
});
export type ApprovalSubject = z.infer<typeof ApprovalSubject>;

/** Digest of what is approved. */
export const subjectDigest = (subject: ApprovalSubject): string =>
  createHash('sha256').update(canonicalJson(subject)).digest('hex');

/** The item `approval#<execution>#<digest>`. Times are ISO 8601. */
export const ApprovalRequest = z.object({
  execution: z.string(),
  digest: z.string(),
  subject: ApprovalSubject,
  approvers: z.array(z.array(z.string())),
  count: z.int().min(1),
  not_requester: z.boolean(),
  opened_at: z.string(),
  expires_at: z.string(),
  remind_at: text,
  reminded_at: text,
  /** Why it ended before it was decided: nobody decided in time, or the execution ended. */
  ended: z.enum(['expired', 'void']).nullable(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** The item `decision#<request>#<person>`, put once. */
export const ApprovalDecision = z.object({
  verdict: z.enum(['approve', 'reject']),
  who: z.string(),
  reason: z.string(),
  at: z.string(),
  digest: z.string(),
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

const HOUR_MS = 3_600_000;

/** The request that is opened; `until` is the end of an earlier request of the same execution, which no new one extends. */
export function openRequest(
  { execution, subject }: Pick<ApprovalRequest, 'execution' | 'subject'>,
  needed: NeededApproval,
  now: Date,
  until: Date | null = null,
): ApprovalRequest {
  const { approvers, count, not_requester, expires_after_hours, remind_after_hours } = needed;
  const later = (hours: number) => new Date(now.getTime() + hours * HOUR_MS);
  const expires = until ?? later(expires_after_hours);
  const remind = remind_after_hours === null ? null : later(remind_after_hours);
  return {
    execution,
    digest: subjectDigest(subject),
    subject,
    approvers: approvers.map((list) => [...list]),
    count,
    not_requester,
    opened_at: now.toISOString(),
    expires_at: expires.toISOString(),
    remind_at: remind === null || remind >= expires ? null : remind.toISOString(),
    reminded_at: null,
    ended: null,
  };
}

/** Where a request stands. */
export interface ApprovalStanding {
  readonly status: 'waiting' | 'approved' | 'rejected' | 'expired' | 'void';
  /** Approvals that count, the earliest first. */
  readonly approvals: readonly ApprovalDecision[];
  /** The rejection that ended it; null if none did. */
  readonly rejection: ApprovalDecision | null;
  readonly missing: number;
  /** Until the reminder or the end, at least 1; null unless waiting. */
  readonly wait_seconds: number | null;
  /** A reminder is due. */
  readonly remind: boolean;
}

/**
 * Where a request stands, of the decisions in the table alone. A decision counts if it is on this digest, of one of the
 * approvers, and from before the end; each person counts once. Time alone expires a request, whoever has noted it.
 */
export function standingOf(
  request: ApprovalRequest,
  decisions: readonly ApprovalDecision[],
  now: Date,
): ApprovalStanding {
  const counted = decisions
    .filter(
      ({ digest, who, at }) =>
        digest === request.digest &&
        isApprover(who, request) &&
        Date.parse(at) >= Date.parse(request.opened_at) &&
        Date.parse(at) < Date.parse(request.expires_at),
    )
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || (a.who < b.who ? -1 : 1));
  const first = counted.filter(({ who }, at) => counted.findIndex((each) => each.who === who) === at);
  const approvals = first.filter(({ verdict }) => verdict === 'approve');
  const rejection = first.find(({ verdict }) => verdict === 'reject') ?? null;
  const missing = Math.max(0, request.count - approvals.length);
  const ended = { approvals, rejection, missing, wait_seconds: null, remind: false };
  if (request.ended === 'void') return { ...ended, status: 'void' };
  if (rejection !== null) return { ...ended, status: 'rejected' };
  if (missing === 0) return { ...ended, status: 'approved' };
  if (request.ended === 'expired' || now.getTime() >= Date.parse(request.expires_at))
    return { ...ended, status: 'expired' };
  const reminder =
    request.remind_at === null || request.reminded_at !== null ? null : Date.parse(request.remind_at);
  const remind = reminder !== null && now.getTime() >= reminder;
  const next = reminder === null || remind ? Date.parse(request.expires_at) : reminder;
  return {
    ...ended,
    status: 'waiting',
    wait_seconds: Math.max(1, Math.ceil((next - now.getTime()) / 1000)),
    remind,
  };
}

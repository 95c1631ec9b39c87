import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../canonical-json.ts';
import type { Comparison, PrepareInput } from '../payloads.ts';
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
  /** The Workload that serves the model; null where none does. */
  workload_id: text,
  /** The artifact of the challenger; null where one is to be derived. */
  artifact_id: text,
  /** The image that a derived artifact gets; null for that of the artifact in service. */
  image_uri: text,
  importance: text,
  lock_artifact: z.boolean().nullable(),
  /** Settings of the rollout, as asked for. */
  rollout: z.record(z.string(), z.json()).nullable(),
});
export type ApprovalSubject = z.infer<typeof ApprovalSubject>;

/** What an execution asks for, and where it would go. */
export interface AskedPromotion extends Pick<PrepareInput, 'model_name' | 'rollout' | 'lock_artifact'> {
  readonly importance?: string | null | undefined;
  /** The Workload that serves the model; null where none does. */
  readonly workload_id: string | null;
  readonly artifact_id: string | null;
  readonly image_uri: string | null;
}

/** What is approved. The digest of the inputs leaves out what moves with time, such as the budget. */
export function subjectOf(
  { model_name, workload_id, artifact_id, image_uri, importance, lock_artifact, rollout }: AskedPromotion,
  { champion_version, challenger_version, policy, inputs_digest }: Comparison,
  decision: ApprovalSubject['decision'],
): ApprovalSubject {
  return {
    ...{ model_name, decision, champion_version, challenger_version, policy },
    inputs_digest: inputs_digest ?? null,
    ...{ workload_id, artifact_id, image_uri, lock_artifact },
    importance: importance ?? null,
    rollout: rollout === null ? null : JSON.parse(JSON.stringify(rollout)),
  };
}

/** The parts in which two subjects differ. */
export const differencesOf = (approved: ApprovalSubject, now: ApprovalSubject): (keyof ApprovalSubject)[] =>
  ApprovalSubject.keyof().options.filter(
    (part) => canonicalJson(approved[part]) !== canonicalJson(now[part]),
  );

/** Digest of what is approved. */
export const subjectDigest = (subject: ApprovalSubject): string =>
  createHash('sha256').update(canonicalJson(subject)).digest('hex');

/** The item `approval#<execution>#<digest>`. Times are ISO 8601. */
export const ApprovalRequest = z.object({
  execution: z.string(),
  digest: z.string(),
  subject: ApprovalSubject,
  /** When the execution started. */
  started_at: z.string(),
  /** As the caller typed it: shown, and trusted for nothing. */
  requested_by: text,
  approvers: z.array(z.array(z.string())),
  count: z.int().min(1),
  not_requester: z.boolean(),
  opened_at: z.string(),
  expires_at: z.string(),
  /** When the approvers were told of it. */
  told_at: text,
  remind_at: text,
  reminded_at: text,
  /** How it ended, once that was noted: decided, by nobody in time, or with its execution. */
  ended: z.enum(['decided', 'expired', 'void']).nullable(),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** The item `decision#<request>#<person>`, put once. */
export const ApprovalDecision = z.object({
  verdict: z.enum(['approve', 'reject']),
  who: z.string(),
  reason: z.string(),
  at: z.string(),
  digest: z.string(),
  /** Who started the execution, by CloudTrail; null where that was not asked for. */
  requester: text.default(null),
});
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

/** Names an execution among those of its state machine. */
export const executionName = (execution: string): string => execution.slice(execution.lastIndexOf(':') + 1);

/** Names a request of an execution. */
export const requestId = ({ execution, digest }: Pick<ApprovalRequest, 'execution' | 'digest'>): string =>
  `${executionName(execution)}#${digest.slice(0, 12)}`;

const HOUR_MS = 3_600_000;

/** The request that is opened; `until` is the end of an earlier request of the same execution, which no new one extends. */
export function openRequest(
  asked: Pick<ApprovalRequest, 'execution' | 'subject' | 'started_at' | 'requested_by'>,
  needed: NeededApproval,
  now: Date,
  until: Date | null = null,
): ApprovalRequest {
  const { approvers, count, not_requester, expires_after_hours, remind_after_hours } = needed;
  const later = (hours: number) => new Date(now.getTime() + hours * HOUR_MS);
  const expires = until ?? later(expires_after_hours);
  const remind = remind_after_hours === null ? null : later(remind_after_hours);
  return {
    ...asked,
    digest: subjectDigest(asked.subject),
    approvers: approvers.map((list) => [...list]),
    count,
    not_requester,
    opened_at: now.toISOString(),
    expires_at: expires.toISOString(),
    told_at: null,
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
  // What was noted stays so, whatever comes late.
  if (request.ended === 'void' || request.ended === 'expired') return { ...ended, status: request.ended };
  if (rejection !== null) return { ...ended, status: 'rejected' };
  if (missing === 0) return { ...ended, status: 'approved' };
  if (now.getTime() >= Date.parse(request.expires_at)) return { ...ended, status: 'expired' };
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

/** What an outcome and the ledger say of a request: who decided, why, and who had asked. */
export const ApprovalRecord = z.object({
  /** ARN of the execution that asks. */
  execution: z.string(),
  request_id: z.string(),
  digest: z.string(),
  status: z.enum(['waiting', 'approved', 'rejected', 'expired', 'void']),
  approvers: z.array(z.array(z.string())),
  count: z.int(),
  /** Approvals that are still missing. */
  missing: z.int(),
  opened_at: z.string(),
  expires_at: z.string(),
  /** By CloudTrail; null where it is not known. */
  requester: text,
  decisions: z.array(ApprovalDecision),
});
export type ApprovalRecord = z.infer<typeof ApprovalRecord>;

/** The record of a request as it stands. */
export function recordOfRequest(
  request: ApprovalRequest,
  decisions: readonly ApprovalDecision[],
  now: Date,
): ApprovalRecord {
  const { execution, digest, approvers, count, opened_at, expires_at } = request;
  const { status, missing } = standingOf(request, decisions, now);
  return {
    ...{ execution, request_id: requestId(request), digest, status },
    ...{ approvers, count, missing, opened_at, expires_at },
    requester: decisions.find(({ requester }) => requester !== null)?.requester ?? null,
    decisions: [...decisions],
  };
}

/** The item of an execution, with the token by which Step Functions is woken; `rev` counts its writes. */
export interface KeptApproval {
  readonly request: ApprovalRequest;
  /** Only a bell: nothing follows from it. Null while the execution does not wait. */
  readonly token: string | null;
  readonly rev: number;
}

/** Decisions on one request at most: more people than that never have to agree. */
export const MAX_DECISIONS = 50;

/** The port to requests and decisions. Every method throws `LeaseStoreUnavailable`. */
export interface ApprovalStore {
  /** The newest request of an execution; null if it has none. */
  readApproval(execution: string): Promise<KeptApproval | null>;
  /** Writes it, on condition that nobody has since `seen`; false if somebody has. */
  writeApproval(seen: KeptApproval | null, next: Pick<KeptApproval, 'request' | 'token'>): Promise<boolean>;
  /** Executions whose request waits. */
  waitingApprovals(
    from: string | null,
    limit: number,
  ): Promise<{ executions: readonly string[]; next: string | null }>;
  /** What was decided on a request, in the order in which it was recorded. */
  decisionsOn(request: Pick<ApprovalRequest, 'execution' | 'digest'>): Promise<readonly ApprovalDecision[]>;
  /** Puts a decision at a place (from 1), on condition that none is there; answers the one that is. */
  putDecision(
    request: Pick<ApprovalRequest, 'execution' | 'digest'>,
    place: number,
    decision: ApprovalDecision,
  ): Promise<ApprovalDecision>;
}

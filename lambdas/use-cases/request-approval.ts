import type { Clock } from '../adapters/clock.ts';
import type {
  ApprovalAnswer,
  AwaitDecisionInput,
  RequestApprovalInput,
} from '../domain/approval/payloads.ts';
import {
  type ApprovalFloor,
  type ApprovalPolicy,
  approvalNeeded,
  floorsFor,
} from '../domain/approval/policy-approval.ts';
import {
  type ApprovalRecord,
  type ApprovalRequest,
  type KeptApproval,
  openRequest,
  recordOfRequest,
  requestId,
  standingOf,
  subjectDigest,
  subjectOf,
} from '../domain/approval/request.ts';
import { InvalidConfiguration, LeaseStoreUnavailable } from '../domain/errors.ts';
import type { Comparison } from '../domain/payloads.ts';
import { visible } from '../domain/visible-text.ts';
import type { StoreServices } from '../runtime/store-services.ts';
import { approvalReason } from '../words/approval.ts';
import type { Place } from './parts/place-of.ts';

/** What asking for approval needs. */
export interface RequestServices extends StoreServices {
  /** What a policy asks for; null if it asks for nothing. Throws `UnknownPolicy` and `InvalidPolicy`. */
  approvalOf: (policy: string) => Promise<ApprovalPolicy | null>;
  /** What the deployment asks for, whatever a policy says. */
  floors: readonly ApprovalFloor[];
  /** Where the version would be served. Throws `ModelNotFound` and the errors of MLflow. */
  place: (input: RequestApprovalInput) => Promise<Place>;
  /** Tells the approvers, once for each request and occasion however often it is called. */
  tell: (
    occasion: 'requested' | 'reminder',
    request: ApprovalRequest,
    comparison: Comparison,
  ) => Promise<void>;
  /** Wakes an execution that waits; a token that is over does nothing. Throws `StateMachineUnavailable`. */
  wake: (token: string) => Promise<void>;
  clock: Clock;
}

/** Writes of others that one call goes on after. */
const MAX_CONFLICTS = 5;
/** Characters of what an approver has said in the state document; the table has the whole. */
const MAX_SHOWN_REASON = 300;

const NOBODY = {
  ...{ request_id: null, digest: null, approvals: [], missing: 0, wait_seconds: null, expires_at: null },
};

/**
 * Opens the request for approval of an execution, reminds once, and answers where it stands, by the decisions in the table
 * alone. Everything may be repeated. An equal request is not asked again, and another one of the same execution ends when the
 * first would have. Throws `LeaseStoreUnavailable`, and the errors of policies.
 */
export async function requestApproval(
  input: RequestApprovalInput,
  services: RequestServices,
): Promise<ApprovalAnswer> {
  const { store, approvalOf, floors, clock } = services;
  const { comparison, model_name, execution, started_at, requested_by } = input;
  const { decision } = comparison;
  const approval = await approvalOf(comparison.policy);
  const needed =
    decision === 'KEEP' ? 'investigate' : approvalNeeded(decision, approval, floorsFor(floors, model_name));
  // What is the champion already is not promoted, unless another artifact is asked for.
  if (needed === null || (comparison.same_version && input.artifact_id === null))
    return { ...NOBODY, status: 'not_needed', reason: approvalReason('not_needed') };
  if (needed === 'investigate' || decision === 'KEEP' || comparison.challenger_version === null)
    return { ...NOBODY, status: 'investigate', reason: approvalReason('investigate') };
  if (!store.keepsItems)
    throw new InvalidConfiguration('PROMOTION_TABLE is not set: it keeps who has approved');
  const subject = subjectOf({ ...input, ...(await services.place(input)) }, comparison, decision);
  const digest = subjectDigest(subject);
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const now = clock.now();
    const kept = await store.readApproval(execution);
    const isOpen = kept !== null && kept.request.digest === digest;
    const until = kept === null ? null : new Date(kept.request.expires_at);
    const request = isOpen
      ? kept.request
      : openRequest({ execution, subject, started_at, requested_by }, needed, now, until);
    if (!isOpen && !(await store.writeApproval(kept, { request, token: null }))) continue;
    const open: KeptApproval = isOpen ? kept : { request, token: null, rev: (kept?.rev ?? 0) + 1 };
    const standing = standingOf(request, await store.decisionsOn(request), now);
    const next = await settled(open, standing, { now, comparison }, services);
    // Somebody has written since: what they wrote decides what is still to be told.
    if (next !== null && !(await store.writeApproval(open, { ...open, request: next }))) continue;
    const { status, approvals, missing, wait_seconds } = standing;
    return {
      status,
      request_id: requestId(request),
      digest,
      approvals: approvals.map(({ who, reason, at }) => ({
        who,
        reason: visible(reason, MAX_SHOWN_REASON),
        at,
      })),
      missing,
      wait_seconds,
      expires_at: request.expires_at,
      reason: approvalReason(status, standing),
    };
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

const endedAs = (
  status: Exclude<ApprovalRecord['status'], 'waiting'>,
): Exclude<ApprovalRequest['ended'], null> =>
  status === 'expired' || status === 'void' ? status : 'decided';

/**
 * The request with what is noted now, after people were told; null where nothing is. Told first: after a crash in between
 * the same is told again, under the same name.
 */
async function settled(
  { request }: KeptApproval,
  { status, remind }: ReturnType<typeof standingOf>,
  { now, comparison }: { now: Date; comparison: Comparison },
  { tell }: RequestServices,
): Promise<ApprovalRequest | null> {
  if (status !== 'waiting') {
    if (request.ended !== null) return null;
    return { ...request, ended: endedAs(status) };
  }
  const noted = { ...request };
  if (request.told_at === null) {
    await tell('requested', request, comparison);
    noted.told_at = now.toISOString();
  }
  if (remind) {
    await tell('reminder', request, comparison);
    noted.reminded_at = now.toISOString();
  }
  return noted.told_at === request.told_at && noted.reminded_at === request.reminded_at ? null : noted;
}

/**
 * Notes the token by which Step Functions wakes an execution that waits, and wakes it at once where its request was decided
 * meanwhile, or there is none. Throws `LeaseStoreUnavailable` and `StateMachineUnavailable`.
 */
export async function awaitDecision(
  { execution, request_id, task_token: token }: AwaitDecisionInput,
  services: Pick<RequestServices, 'store' | 'clock' | 'wake'>,
): Promise<{ wake: boolean }> {
  const { store, clock } = services;
  const answer = async (wake: boolean) => {
    if (wake) await services.wake(token);
    return { wake };
  };
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const kept = await store.readApproval(execution);
    if (kept === null || requestId(kept.request) !== request_id) return answer(true);
    if (!(await store.writeApproval(kept, { request: kept.request, token }))) continue;
    // Read after the write: whoever decides before it finds no token, and after it wakes the execution.
    const { status } = standingOf(kept.request, await store.decisionsOn(kept.request), clock.now());
    return answer(status !== 'waiting');
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

/**
 * Ends a request that waits, as its execution has ended, and answers what was decided on it; null where nobody was asked.
 * Repeated it answers the same. Throws `LeaseStoreUnavailable`.
 */
export async function endApproval(
  execution: string,
  { store, clock }: Pick<RequestServices, 'store' | 'clock'>,
): Promise<ApprovalRecord | null> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const kept = await store.readApproval(execution);
    if (kept === null) return null;
    const { request } = kept;
    const now = clock.now();
    const decisions = await store.decisionsOn(request);
    if (request.ended !== null) return recordOfRequest(request, decisions, now);
    const { status } = standingOf(request, decisions, now);
    const ended = status === 'waiting' ? 'void' : endedAs(status);
    const next = { ...request, ended };
    if (await store.writeApproval(kept, { request: next, token: null }))
      return recordOfRequest(next, decisions, now);
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

import type { Clock } from '../adapters/clock.ts';
import type { ApprovalAnswer, RequestApprovalInput } from '../domain/approval/payloads.ts';
import {
  type ApprovalFloor,
  type ApprovalPolicy,
  approvalNeeded,
  floorsFor,
} from '../domain/approval/policy-approval.ts';
import {
  type ApprovalRequest,
  type ApprovalSubject,
  type KeptApproval,
  openRequest,
  requestId,
  standingOf,
  subjectDigest,
} from '../domain/approval/request.ts';
import { LeaseStoreUnavailable } from '../domain/errors.ts';
import type { StoreServices } from '../runtime/store-services.ts';
import { approvalReason } from '../words/approval.ts';

/** What asking for approval needs. */
export interface RequestServices extends StoreServices {
  /** What a policy asks for; null if it asks for nothing. Throws `UnknownPolicy` and `InvalidPolicy`. */
  approvalOf: (policy: string) => Promise<ApprovalPolicy | null>;
  /** What the deployment asks for, whatever a policy says. */
  floors: readonly ApprovalFloor[];
  /** Tells the approvers, once for each request and occasion however often it is called. */
  tell: (occasion: 'requested' | 'reminder', request: ApprovalRequest) => Promise<void>;
  clock: Clock;
}

/** Writes of others that one call goes on after. */
const MAX_CONFLICTS = 5;

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
  const { comparison, model_name } = input;
  const { decision } = comparison;
  const approval = await approvalOf(comparison.policy);
  const needed =
    decision === 'KEEP' ? 'investigate' : approvalNeeded(decision, approval, floorsFor(floors, model_name));
  if (needed === null) return { ...NOBODY, status: 'not_needed', reason: approvalReason('not_needed') };
  if (needed === 'investigate' || decision === 'KEEP')
    return { ...NOBODY, status: 'investigate', reason: approvalReason('investigate') };
  const subject = subjectOf(input, decision);
  const digest = subjectDigest(subject);
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const now = clock.now();
    const kept = await store.readApproval(input.execution);
    const isOpen = kept !== null && kept.request.digest === digest;
    const until = kept === null ? null : new Date(kept.request.expires_at);
    const request = isOpen
      ? kept.request
      : openRequest({ execution: input.execution, subject }, needed, now, until);
    if (!isOpen && !(await store.writeApproval(kept, { request, token: null }))) continue;
    const open: KeptApproval = isOpen ? kept : { request, token: null, rev: (kept?.rev ?? 0) + 1 };
    const standing = standingOf(request, await store.decisionsOn(request), now);
    const next = await settled(open, standing, now, services);
    // Somebody has written since: what they wrote decides what is still to be told.
    if (next !== null && !(await store.writeApproval(open, { ...open, request: next }))) continue;
    const { status, approvals, missing, wait_seconds } = standing;
    return {
      status,
      request_id: requestId(request),
      digest,
      approvals: approvals.map(({ who, reason, at }) => ({ who, reason, at })),
      missing,
      wait_seconds,
      expires_at: request.expires_at,
      reason: approvalReason(status, standing),
    };
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

/**
 * The request with what is noted now, after people were told; null where nothing is. Told first: after a crash in between
 * the same is told again, under the same name.
 */
async function settled(
  { request }: KeptApproval,
  { status, remind }: ReturnType<typeof standingOf>,
  now: Date,
  { tell }: RequestServices,
): Promise<ApprovalRequest | null> {
  if (status !== 'waiting') {
    if (request.ended !== null) return null;
    return { ...request, ended: status === 'expired' || status === 'void' ? status : 'decided' };
  }
  const noted = { ...request };
  if (request.told_at === null) {
    await tell('requested', request);
    noted.told_at = now.toISOString();
  }
  if (remind) {
    await tell('reminder', request);
    noted.reminded_at = now.toISOString();
  }
  return noted.told_at === request.told_at && noted.reminded_at === request.reminded_at ? null : noted;
}

/** What people approve. The digest of the inputs leaves out what moves with time, such as the budget. */
function subjectOf(
  {
    model_name,
    comparison,
    workload_id,
    artifact_id,
    rollout,
    importance,
    lock_artifact,
  }: RequestApprovalInput,
  decision: ApprovalSubject['decision'],
): ApprovalSubject {
  const { champion_version, challenger_version, policy, inputs_digest } = comparison;
  return {
    ...{ model_name, decision, champion_version, challenger_version, policy },
    inputs_digest: inputs_digest ?? null,
    ...{ workload_id, artifact_id, importance, lock_artifact },
    rollout: rollout === null ? null : JSON.parse(JSON.stringify(rollout)),
  };
}

/**
 * Notes the token by which Step Functions wakes an execution that waits. Answers whether it has to be woken at once: its
 * request was decided meanwhile, or there is none. Throws `LeaseStoreUnavailable`.
 */
export async function awaitDecision(
  { execution, token }: { execution: string; token: string },
  { store, clock }: Pick<RequestServices, 'store' | 'clock'>,
): Promise<{ wake: boolean }> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const kept = await store.readApproval(execution);
    if (kept === null) return { wake: true };
    if (!(await store.writeApproval(kept, { request: kept.request, token }))) continue;
    // Read after the write: whoever decides before it finds no token, and after it wakes the execution.
    const { status } = standingOf(kept.request, await store.decisionsOn(kept.request), clock.now());
    return { wake: status !== 'waiting' };
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

/** Ends a request that waits, as its execution has ended. Repeated it does nothing. Throws `LeaseStoreUnavailable`. */
export async function voidApproval(
  execution: string,
  { store }: Pick<RequestServices, 'store'>,
): Promise<void> {
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
    const kept = await store.readApproval(execution);
    if (kept === null || kept.request.ended !== null) return;
    if (await store.writeApproval(kept, { request: { ...kept.request, ended: 'void' }, token: null })) return;
  }
  throw new LeaseStoreUnavailable(`The request for approval was written ${MAX_CONFLICTS} times by others`);
}

import { approvalNeeded, floorsFor } from '../../domain/approval/policy-approval.ts';
import {
  type ApprovalStanding,
  type ApprovalSubject,
  differencesOf,
  standingOf,
  subjectOf,
} from '../../domain/approval/request.ts';
import type { Comparison } from '../../domain/payloads.ts';
import type { ModelVersion } from '../../domain/registry.ts';
import { placeOf } from './place-of.ts';
import type { Preparation } from './preparation.ts';

/** Whether people have agreed to a promotion, by the table alone. */
export type Approval =
  | { readonly kind: 'not_needed' }
  | { readonly kind: 'approved'; readonly subject: ApprovalSubject }
  /** Nobody was asked (null), or not enough have agreed; `investigate`: nobody may promote that. */
  | { readonly kind: 'missing'; readonly status: ApprovalStanding['status'] | 'investigate' | null };

/**
 * Whether the promotion of an execution may be opened. An approval counts for the same execution only, and only as far as it is
 * enough by what the policy and the deployment ask for now. Throws `LeaseStoreUnavailable` and the errors of policies.
 */
export async function approvalGiven(
  { input, services }: Pick<Preparation, 'input' | 'services'>,
  { decision, policy }: Comparison,
): Promise<Approval> {
  const { store, policies, floors = [], clock } = services;
  if (decision === 'KEEP') return { kind: 'missing', status: 'investigate' };
  const own = (await policies.load(policy)).approval ?? null;
  const needed = approvalNeeded(decision, own, floorsFor(floors, input.model_name));
  if (needed === null) return { kind: 'not_needed' };
  if (needed === 'investigate') return { kind: 'missing', status: 'investigate' };
  const request = (await store.readApproval(input.execution))?.request ?? null;
  if (request === null) return { kind: 'missing', status: null };
  const decisions = await store.decisionsOn(request);
  const { approvers, count } = needed;
  const standings = [request, { ...request, approvers, count }].map((each) =>
    standingOf(each, decisions, clock.now()),
  );
  const open = standings.find(({ status }) => status !== 'approved');
  return open === undefined
    ? { kind: 'approved', subject: request.subject }
    : { kind: 'missing', status: open.status };
}

/** In what the promotion that would be opened differs from the one that was approved; empty where it does not. */
export function changedSinceApproval(
  approved: ApprovalSubject,
  { input, item, leased }: Preparation,
  version: ModelVersion,
  comparison: Comparison,
): ReturnType<typeof differencesOf> {
  const place = placeOf(version, leased.workload_id, input.artifact_id, item);
  return differencesOf(approved, subjectOf({ ...input, ...place }, comparison, approved.decision));
}

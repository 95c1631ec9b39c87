import type { ServingFinding } from '../domain/serving/payloads.ts';
import type { LeaseHeld, RolloutFailure, RolloutFinding } from '../domain/serving/rollout-finding.ts';
import { clipped, quoted } from '../domain/visible-text.ts';

/** The sentences for the steps of a rollout and of its rollback. */

/** Another owner holds the lease; `until` is ISO 8601. */
export const leaseHeld = ({ model, holder, until }: Omit<LeaseHeld, 'code'>) =>
  `The lease for ${quoted(model)} is held by ${holder} until ${until}`;

const none = (name: string | null) => quoted(name ?? 'none');
const listed = (names: readonly string[]) => clipped(names.map(quoted).join(', '), 300);

/** One sentence: what was done or observed, and on failure what to do. */
export function rolloutReason(finding: RolloutFinding): string {
  switch (finding.code) {
    case 'settings-change':
      return `A settings change of the Workload is in progress (${finding.state})`;
    case 'locking':
      return `Artifact ${quoted(finding.artifact)} is being locked, as requested`;
    case 'starting':
      return `A rolling replacement with artifact ${quoted(finding.artifact)} was started`;
    case 'start-unconfirmed':
      return 'The replacement was requested; the response was lost';
    case 'start-not-visible':
      return 'The replacement was requested and is not visible yet';
    case 'start-refused-for-now':
      return `The platform refused the replacement, and no other is visible yet: ${finding.detail}`;
    case 'start-overtaken':
      return `Another replacement started first: ${finding.detail}`;
    case 'replacing':
      return `The replacement is in progress (${finding.state})`;
    case 'switched-by-deadline':
      return `The replacement switched before the deadline (${finding.state})`;
    case 'cancelling':
      return `The deadline has passed: the replacement is being cancelled (${finding.state})`;
    case 'cancelled':
      return 'The replacement was cancelled; the previous artifact is not confirmed yet';
    case 'activating':
      return `${finding.running} of ${finding.active} active protons run the artifact`;
    case 'promotion-blocked':
      return 'Promotion in place waits for the replacement in progress';
    case 'promoting':
      return 'The served draft is being promoted in place; this cannot be undone';
    case 'promotion-requested':
      return 'Promotion in place was requested';
    case 'promotion-unconfirmed':
      return 'Promotion in place was requested; the response was lost';
    case 'setting-importance':
      return `The importance of the Workload is being set to ${finding.importance}`;
    case 'looking-again':
      return 'The Workload is read again before it is changed';
    case 'settling':
      return 'An earlier request may not be visible yet';
    case 'rollout-switched':
      return `The other rollout has switched and is finishing (${finding.state}); this one starts after it`;
    case 'rollout-cancelled':
      return `The other rollout is being cancelled (${finding.state})`;
    case 'rollout-leaving':
      return `The platform is removing the cancelled rollout (${finding.state})`;
    case 'serves':
      return `The Workload serves artifact ${quoted(finding.artifact)}${
        finding.importance_left === null
          ? ''
          : `; its importance is still ${finding.importance_left}, as the deadline has passed`
      }`;
    default:
      return failureReason(finding);
  }
}

const START = 'start it (POST /workloads/{id}/start), wait until it runs, and try again';

function failureReason(failure: RolloutFailure): string {
  switch (failure.code) {
    case 'artifact-not-found':
      return `Artifact ${quoted(failure.artifact)} does not exist, or the owner of the token cannot see it (artifacts are shared separately from Workloads)`;
    case 'artifact-status-unknown':
      return `Artifacts must be draft or locked: ${quoted(failure.artifact)} is ${quoted(failure.status)}, and the served artifact is ${quoted(failure.served_status ?? 'unknown')}`;
    case 'type-mismatch':
      return `Artifact ${quoted(failure.artifact)} is of type ${quoted(failure.type)} and Workload ${quoted(failure.workload)} of type ${quoted(failure.workload_type)}: pass an artifact of the same type`;
    case 'workload-not-running':
      return `Workload ${quoted(failure.workload)} is ${failure.state}: ${START}`;
    case 'no-active-proton':
      return `Workload ${quoted(failure.workload)} (${failure.state}) has no active proton: ${START}`;
    case 'draft-onto-locked':
      return `Artifact ${quoted(failure.artifact)} is a draft and the served artifact ${none(failure.served)} is locked: lock the draft first, or pass lock_artifact: true`;
    case 'locked-onto-draft':
      return `Artifact ${quoted(failure.artifact)} is locked and the served artifact ${none(failure.served)} is a draft: promote the Workload first (POST /workloads/{id}/promote)`;
    case 'unknown-container': {
      const { group, container } = failure;
      const what =
        container === null
          ? `container group ${quoted(group)}`
          : `container ${quoted(container)} in group ${quoted(group)}`;
      return `The runtime names ${what}, which artifact ${quoted(failure.artifact)} does not have; it has ${listed(failure.has)}`;
    }
    case 'minutes-out-of-range':
      return `${failure.field} is ${failure.minutes}; it must be a whole number from 0 to ${failure.most}`;
    case 'foreign-replacement':
      return `Another replacement is in progress (${failure.state}): artifact ${quoted(failure.artifact)}, replacement ${quoted(failure.replacement)}; it was not changed. Wait until it ends, or ask its owner to cancel it`;
    case 'start-refused':
    case 'lock-refused':
    case 'promote-refused':
      return `The platform refused the request (HTTP ${failure.http_status}): ${failure.detail}`;
    case 'not-started':
      return `The replacement was requested ${failure.attempts} times; no response arrived and none is visible`;
    case 'candidate-failed':
      return `The candidate did not become ready; the replacement is ${failure.state}${failure.message === null ? '' : `: ${failure.message}`}`;
    case 'candidate-dropped':
      return failure.state === null
        ? `The platform dropped the replacement without an error: artifact ${none(failure.served)} is served`
        : `The replacement ended as ${failure.state} without switching`;
    case 'active-unhealthy':
      return failure.problem.code === 'proton-down'
        ? `The Workload serves the artifact, but its active proton ${quoted(failure.problem.proton)} is ${failure.problem.state}`
        : failureReason(failure.problem);
    case 'endpoint-changed':
      return `The endpoint of the Workload changed from ${quoted(failure.from)} to ${none(failure.to)}: requests to the old one fail`;
    case 'superseded':
      return failure.switched
        ? `The artifact was put in service and then replaced by ${none(failure.served)}`
        : `Another actor put artifact ${none(failure.served)} in service after the rollout began`;
    case 'deadline':
      return deadlineReason(failure.at);
    case 'cancel-unconfirmed':
      return failure.replacement === null
        ? 'The replacement was cancelled, but the previous artifact could not be confirmed: check the Workload'
        : `The replacement ${quoted(failure.replacement.id)} is still ${failure.replacement.state} after its cancellation: check the Workload`;
    case 'change-open':
      return `A change of ${quoted(failure.model)} by ${failure.holder} is open: nothing else changes the Workload before it is closed`;
    case 'lease-held':
      return leaseHeld(failure);
  }
}

function deadlineReason(at: Extract<RolloutFailure, { code: 'deadline' }>['at']): string {
  switch (at.code) {
    case 'settings-change':
      return `A settings change of the Workload was in progress (${at.state}) until the deadline; nothing was started`;
    case 'warm-up':
      return `A rollout with ${at.minutes} min of warm-up cannot end before its deadline: nothing was started`;
    case 'cancelled':
      return `The rollout did not end before its deadline and was cancelled; artifact ${none(at.artifact)} is served`;
    case 'activating':
      return `${at.running} of ${at.active} active protons ran the artifact at the deadline`;
    case 'draft':
      return 'The Workload serves the artifact, but it was still a draft at the deadline and was not locked';
    case 'rollout-switched':
      return `The old version of another rollout is still kept (${at.state}), and the platform takes no other replacement until that one has ended`;
    case 'rollout-leaving':
      return `The platform has not removed the cancelled rollout yet (${at.state})`;
  }
}

/** One sentence: what a step of the rollback did or observed. */
export function servingReason(finding: ServingFinding): string {
  switch (finding.code) {
    case 'serves-previous':
      return `The Workload ${servesPrevious(finding)}`;
    case 'locked-in-place':
      return 'locked in place';
    default:
      return rolloutReason(finding);
  }
}

/** That the artifact to go back to is in service; the subject is the Workload. */
export function servesPrevious({
  artifact,
  state,
}: Extract<ServingFinding, { code: 'serves-previous' }>): string {
  return state === null ? `serves artifact ${none(artifact)}` : `is ${state} with artifact ${none(artifact)}`;
}

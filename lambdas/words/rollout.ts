import type { ServingFinding } from '../domain/rollout/serving-rollback.ts';
import type { RolloutFailure, RolloutFinding } from '../domain/serving/rollout-finding.ts';
import { clipped, quoted } from '../domain/visible-text.ts';
import { leaseHeld } from './reasons.ts';

/** What a step of a rollout, or of the way back from one, says in one sentence. */

const none = (name: string | null) => quoted(name ?? 'none');
const listed = (names: readonly string[]) => clipped(names.map(quoted).join(', '), 300);

/** One sentence: what was done or seen, and on failure what to do. */
export function rolloutReason(finding: RolloutFinding): string {
  switch (finding.code) {
    case 'settings-change':
      return `A settings change of the Workload is in progress (${finding.state})`;
    case 'locking':
      return `Artifact ${quoted(finding.artifact)} is locked, as asked`;
    case 'starting':
      return `A rolling replacement by artifact ${quoted(finding.artifact)} was started`;
    case 'start-unconfirmed':
      return 'The replacement was asked for; its answer was lost';
    case 'start-not-visible':
      return 'The replacement was asked for and cannot be seen (yet)';
    case 'start-refused-for-now':
      return `It is not started, and no other can be seen (yet): ${finding.detail}`;
    case 'start-overtaken':
      return `A replacement was started in the meantime: ${finding.detail}`;
    case 'replacing':
      return `The replacement is in progress (${finding.state})`;
    case 'switched-by-deadline':
      return `The replacement had switched by the deadline (${finding.state})`;
    case 'cancelling':
      return `The deadline is over: the replacement is cancelled (${finding.state})`;
    case 'cancelled':
      return 'The replacement was cancelled; the old artifact is not confirmed yet';
    case 'activating':
      return `${finding.running} of ${finding.active} active protons run the artifact`;
    case 'promotion-blocked':
      return 'Promotion in place waits for the replacement in progress';
    case 'promoting':
      return 'The draft that is served is promoted in place; that cannot be undone';
    case 'promotion-requested':
      return 'Promotion in place was asked for';
    case 'promotion-unconfirmed':
      return 'Promotion in place was asked for; its answer was lost';
    case 'setting-importance':
      return `Its importance is set to ${finding.importance}`;
    case 'serves':
      return `The Workload serves artifact ${quoted(finding.artifact)}, locked${
        finding.importance_left === null
          ? ''
          : `; its importance was left at ${finding.importance_left}, as the deadline is over`
      }`;
    default:
      return failureReason(finding);
  }
}

const START = 'start it (POST /workloads/{id}/start), wait until it runs, and try again';

function failureReason(failure: RolloutFailure): string {
  switch (failure.code) {
    case 'artifact-not-found':
      return `Artifact ${quoted(failure.artifact)} does not exist, or the owner of the token cannot see it (artifacts are shared apart from Workloads)`;
    case 'artifact-status-unknown':
      return `Artifacts are draft or locked; ${quoted(failure.artifact)} is ${quoted(failure.status)} and the one that is served ${quoted(failure.served_status ?? 'unknown')}`;
    case 'type-mismatch':
      return `Artifact ${quoted(failure.artifact)} is of type ${quoted(failure.type)} and Workload ${quoted(failure.workload)} of type ${quoted(failure.workload_type)}: name an artifact of the same type`;
    case 'workload-not-running':
      return `Workload ${quoted(failure.workload)} is ${failure.state}: ${START}`;
    case 'no-active-proton':
      return `Workload ${quoted(failure.workload)} (${failure.state}) has no active proton: ${START}`;
    case 'draft-onto-locked':
      return `Artifact ${quoted(failure.artifact)} is a draft and ${none(failure.served)}, which is served, is locked: lock it first, or pass lock_artifact: true`;
    case 'locked-onto-draft':
      return `Artifact ${quoted(failure.artifact)} is locked and ${none(failure.served)}, which is served, is a draft: promote the Workload first (POST /workloads/{id}/promote)`;
    case 'unknown-container': {
      const { group, container } = failure;
      const what =
        container === null
          ? `container group ${quoted(group)}`
          : `container ${quoted(container)} in group ${quoted(group)}`;
      return `The runtime names the ${what}, which artifact ${quoted(failure.artifact)} lacks; it has ${listed(failure.has)}`;
    }
    case 'minutes-out-of-range':
      return `${failure.field} is ${failure.minutes}; it must be a whole number from 0 to ${failure.most}`;
    case 'foreign-replacement':
      return `Another replacement is in progress (${failure.state}): artifact ${quoted(failure.artifact)}, replacement ${quoted(failure.replacement)}; it was left alone. Wait until it has ended, or have it cancelled by its owner`;
    case 'start-refused':
    case 'lock-refused':
    case 'promote-refused':
      return `The platform refused (HTTP ${failure.http_status}): ${failure.detail}`;
    case 'not-started':
      return `The replacement was asked for ${failure.attempts} times, no answer came, and none can be seen`;
    case 'candidate-failed':
      return `The candidate did not come up; the replacement is ${failure.state}${failure.message === null ? '' : `: ${failure.message}`}`;
    case 'candidate-dropped':
      return failure.state === null
        ? `The platform has given the replacement up without a word: artifact ${none(failure.served)} is still served`
        : `The replacement ended as ${failure.state}, without a switch`;
    case 'active-unhealthy':
      return failure.problem.code === 'proton-down'
        ? `The Workload serves the artifact, but its active proton ${quoted(failure.problem.proton)} is ${failure.problem.state}`
        : failureReason(failure.problem);
    case 'endpoint-changed':
      return `The Workload's endpoint was ${quoted(failure.from)} and is ${none(failure.to)} now: its callers have lost it`;
    case 'superseded':
      return failure.switched
        ? `The artifact was put in service and replaced again by ${none(failure.served)}`
        : `Since the rollout began, somebody else has put artifact ${none(failure.served)} in service`;
    case 'deadline':
      return deadlineReason(failure.at);
    case 'cancel-unconfirmed':
      return failure.replacement === null
        ? 'The replacement was cancelled, but the old artifact could not be confirmed: look at the Workload'
        : `The replacement ${quoted(failure.replacement.id)} was to be cancelled and is still ${failure.replacement.state}: look at the Workload`;
    case 'lease-held':
      return leaseHeld(failure);
  }
}

function deadlineReason(at: Extract<RolloutFailure, { code: 'deadline' }>['at']): string {
  switch (at.code) {
    case 'settings-change':
      return `${rolloutReason(at)} until the deadline; nothing was started`;
    case 'warm-up':
      return `A rollout with ${at.minutes} min of warm-up cannot end before its deadline: nothing was started`;
    case 'cancelled':
      return `The rollout did not end before its deadline and was cancelled; artifact ${none(at.artifact)} is served as before`;
    case 'activating':
      return `${rolloutReason(at)} at the deadline`;
    case 'draft':
      return 'The Workload serves the artifact, but at the deadline it was a draft still: it was not promoted';
  }
}

/** One sentence: what a step of the way back did or saw. */
export function servingReason(finding: ServingFinding): string {
  switch (finding.code) {
    case 'rollout-switched':
      return `The rollout has switched and is being finished (${finding.state}); the way back starts after it`;
    case 'rollout-cancelled':
      return `The rollout is cancelled (${finding.state})`;
    case 'rollout-leaving':
      return `The rollout is being cancelled (${finding.state})`;
    case 'protons-behind':
      return 'The Workload names the previous artifact; its protons do not all run it yet';
    case 'serves-previous':
      return `The Workload ${servesPrevious(finding)}`;
    case 'locked-in-place':
      return 'locked in place';
    case 'foreign':
      return finding.in_progress
        ? `Another replacement is in progress, to artifact ${none(finding.artifact)}; it was left alone`
        : `Somebody else has put artifact ${none(finding.artifact)} in service; it was left alone`;
    case 'never-served':
      return 'The Workload served nothing before that could be brought back';
    case 'overdue':
      return `${servingReason(finding.waiting)}, and has been for more than ${finding.minutes} minutes: look at the Workload`;
    case 'no-access':
      return finding.message;
    default:
      return rolloutReason(finding);
  }
}

/** That the previous artifact is in service, to be said of the Workload. */
export function servesPrevious({
  artifact,
  state,
}: Extract<ServingFinding, { code: 'serves-previous' }>): string {
  return state === null
    ? `serves artifact ${none(artifact)}, as before`
    : `is ${state} with artifact ${none(artifact)}, as before`;
}

import type { DecidedOutcome, Interrupted, Outcome, OutcomeCause } from '../domain/outcome/outcome-schema.ts';
import type { RollbackAnswer } from '../domain/payloads.ts';
import type {
  ChangeSinceComparison,
  PrepareRefusal,
  PromotionRefusal,
} from '../domain/promotion/promotion-plan.ts';
import type { RollbackFinding } from '../domain/promotion/rollback-finding.ts';
import { champions } from '../domain/registry.ts';
import type { Look } from '../domain/release/look.ts';
import type { OpeningContest } from '../domain/release/opening.ts';
import type { ModelItem } from '../domain/release/release.ts';
import type { RolloutFinding } from '../domain/serving/rollout-finding.ts';
import { quoted } from '../domain/visible-text.ts';
import { leaseHeld, rolloutReason } from './rollout.ts';

/** The sentences in the `reason` and `detail` of answers and outcomes, for people only. */

const versionsAre = (versions: readonly string[]) =>
  `${versions.join(' and ')} ${versions.length === 1 ? 'is' : 'are'}`;

/** The registered model does not exist. */
export const modelMissing = (model: string) => `Registered model ${quoted(model)} does not exist`;

export const CONCURRENT_CHANGE = 'Another actor changed the registry at the same time';

const lostRace = (version: string) => `${CONCURRENT_CHANGE}: version ${version} is not the only champion`;

/** Why `promote-model` promotes nothing. "No Staging version found" is fixed by source document 003. */
export function promotionRefused(refusal: PromotionRefusal, model: string): string {
  switch (refusal.code) {
    case 'no-model':
      return modelMissing(model);
    case 'no-challenger':
      return 'No Staging version found';
    case 'version-missing':
      return `Version ${refusal.version} of ${quoted(model)} does not exist`;
    case 'not-ready':
      return `Version ${refusal.version} is ${refusal.status}, not READY`;
    case 'other-champion': {
      const wanted = refusal.expected === null ? 'none' : `version ${refusal.expected}`;
      return `Version ${versionsAre(refusal.champions)} in Production, expected ${wanted}`;
    }
    case 'no-champion':
      return `No version is in Production, expected version ${refusal.expected}`;
    case 'lost-race':
      return lostRace(refusal.version);
    case 'change-open':
      return `A change of ${quoted(model)} is open (${refusal.holder}): nothing is promoted until it has ended`;
    case 'moved': {
      const recorded =
        refusal.live === null ? 'no live version is recorded' : `version ${refusal.live} is recorded as live`;
      return `${inProduction(refusal.champions)}, and ${recorded}: settle which one it is first, with "promotion adopt" or a rollback to a named version`;
    }
    case 'superseded':
      return `Version ${refusal.version} is no longer being promoted by this execution: its change was turned back or taken over`;
  }
}

const inProduction = (versions: readonly string[]) =>
  versions.length === 0 ? 'No version is in Production' : `Version ${versionsAre(versions)} in Production`;

/** Why `prepare-promotion` refuses a promotion. */
export function prepareRefused(refusal: PrepareRefusal): string {
  switch (refusal.code) {
    case 'version-missing':
      return `Version ${refusal.version} does not exist`;
    case 'not-ready':
      return `Version ${refusal.version} is ${refusal.status}, not READY`;
    case 'no-table':
      return `Workload ${quoted(refusal.workload)} serves the model, and without PROMOTION_TABLE nothing protects it: nothing was changed`;
  }
}

const SETTLE =
  'settle it with a rollback to a named version ("operation": "rollback", "target_version"), or take what is in service as live with "promotion adopt"';

/** Why a change is not opened: what both sides show, and what was recorded. */
export function openingContested(why: OpeningContest, look: Look, item: ModelItem): string {
  const shown = `${inProduction(champions(look.registry, look.mode))}${servedText(look)}`;
  switch (why) {
    case 'unrecorded':
      return `No live release is recorded, and the registry and the Workload do not agree on one. ${shown}; ${SETTLE}`;
    case 'unfinished':
      return `No live release is recorded, and an earlier promotion has no result. ${shown}; ${SETTLE}`;
    case 'moved':
      return `Another actor changed the model: ${liveText(item)} is recorded as live. ${shown}; ${SETTLE}`;
    case 'foreign':
      return `A change by ${item.change?.id} is open, and another actor changed the model. ${shown}; ${SETTLE}`;
    case 'overtaken':
      return 'Another operation changed the model after this one was requested; nothing was changed. Start again if the change is still needed';
    case 'in-flight':
      return `A replacement with another artifact is in progress, so that it is not known what is served with the live version. ${shown}; wait until it has ended, and start again`;
    case 'after-alarm':
      return 'The live version came into Production after the alarm, so the alarm cannot be about it; nothing was changed';
  }
}

const liveText = ({ live }: ModelItem) =>
  live === null || live.version === null
    ? 'no version'
    : `version ${live.version}${live.artifact_id === null ? '' : ` with artifact ${quoted(live.artifact_id)}`}`;

function servedText({ serving }: Look): string {
  if (serving === null) return '';
  const flying =
    serving.in_flight === null
      ? ''
      : `, and a replacement with artifact ${quoted(serving.in_flight.artifact_id)} is in progress`;
  return `; Workload ${quoted(serving.workload_id)} serves artifact ${quoted(serving.artifact_id ?? 'none')}${flying}`;
}

/** Why `prepare-promotion` waits: a request of the last owner may not be visible on the Workload yet. */
export const settling = (seconds: number) =>
  `An earlier operation has left a change open, and its last request may become visible for another ${seconds} s`;

/** What `close-promotion` found; `holder` has the open change, where it is another's. */
export function closingReason(
  result:
    | { kind: 'closed' }
    | { kind: 'contested'; why: string }
    | { kind: 'waiting' | 'failed'; finding: RolloutFinding },
  holder: string | null,
): string {
  switch (result.kind) {
    case 'closed':
      return 'Both sides show the promoted version';
    case 'contested':
      if (result.why === 'superseded')
        return holder === null
          ? 'The change was taken over by another operation'
          : `The change was taken over by ${holder}`;
      return result.why === 'lost-race'
        ? CONCURRENT_CHANGE
        : 'The registry or the Workload shows something that this promotion did not put there';
    case 'failed':
    case 'waiting':
      return rolloutReason(result.finding);
  }
}

/** Why `prepare-promotion` answers `contested`. */
export function changedSince(change: ChangeSinceComparison): string {
  switch (change.code) {
    case 'champion-changed':
      return `The champion changed after the comparison: now version ${change.champions.join(' and ')}, compared with ${change.compared_with ?? 'none'}`;
    case 'decision-changed':
      return `A second comparison decided ${change.decision}: ${change.recommendation}`;
    case 'evidence-changed':
      return 'The evidence changed after the comparison';
  }
}

/** Why `prepare-promotion` answers `busy`; `until` is ISO 8601. */
export const modelBusy = (model: string, holder: string, until: string) =>
  `Another execution is changing ${quoted(model)}: ${holder} holds the lease until ${until} at the latest`;

/** What a rollback found and did in the registry; empty while only the serving side has progress. */
export function rollbackFound(finding: RollbackFinding, model: string): string {
  switch (finding.code) {
    case 'would-move': {
      const { workload, artifact } = finding;
      const serving =
        workload === null || artifact === null
          ? ''
          : `; Workload ${quoted(workload)} would serve artifact ${quoted(artifact)} again`;
      return `version ${finding.to} would be moved to Production and version ${finding.from} archived${serving}`;
    }
    case 'would-settle':
      return `version ${finding.to} is already the champion; nothing would change`;
    case 'serving-in-progress':
      return '';
    case 'completed':
      return `Version ${finding.to} is in Production on every side: the promotion was complete, and it was not undone`;
    case 'open':
      if (finding.first_champion)
        return `Version ${finding.from} is the first champion: there is no earlier version to go back to, and the promotion goes on by itself`;
      return finding.to === null
        ? 'The change stays open and goes on by itself'
        : `The way to version ${finding.to} stays open and goes on by itself`;
    case 'moved':
      return `Version ${finding.to} is back in Production; version ${finding.from} is archived and marked as rolled back`;
    case 'unmoved':
      return finding.to === null
        ? 'No version was promoted'
        : `Version ${finding.to} is in Production, where no other has replaced it`;
    case 'settled':
      return `Version ${finding.to} is already the champion; nothing else was changed`;
    case 'refused':
      return rollbackRefused(finding, model);
    case 'contested':
      return rollbackContested(finding);
  }
}

function rollbackRefused(
  { why, to, held, until, hours }: Extract<RollbackFinding, { code: 'refused' }>,
  model: string,
): string {
  switch (why) {
    case 'no-model':
      return modelMissing(model);
    case 'lease-held':
      return leaseHeld({ model, holder: held ?? '', until: until ?? '' });
    case 'no-champion':
      return 'No version is in Production';
    case 'no-known-good':
      return 'No known-good version recorded; name target_version';
    case 'target-missing':
      return `Version ${to} does not exist`;
    case 'not-ready':
      return `Version ${to} is ${held}, not READY`;
    case 'rolled-back':
      return `Version ${to} was itself rolled back; pass emergency: true to use it`;
    case 'cooling':
      return `The last rollback was less than ${hours} h ago; pass emergency: true, or wait until ${until}`;
    case 'artifact-gone':
      return `Artifact ${quoted(held ?? '')} of version ${to} does not exist, or the owner of the token cannot see it`;
    case 'no-artifact':
      return `No artifact is known for version ${to}: set its tag workload.artifact_id`;
    case 'locked-in-place':
      return `The served artifact is locked in place, and artifact ${quoted(held ?? '')} of version ${to} is a draft, which the platform does not put over a locked one: lock that draft first`;
    case 'other-type':
      return `The artifact of version ${to} is of type ${quoted(held ?? '')}, and the Workload is not`;
    case 'served-is-draft':
      return `The served artifact is a draft, and the platform does not replace it by the locked artifact ${quoted(held ?? '')} of version ${to}: promote the Workload first (POST /workloads/{id}/promote)`;
    case 'no-table':
      return `Workload ${quoted(held ?? '')} serves the model, and without PROMOTION_TABLE nothing protects it: nothing was changed`;
  }
}

const NAME_TARGET = 'To settle it, start a rollback with "target_version"';

function rollbackContested({
  why,
  from,
  to,
  champions: named,
  held,
}: Extract<RollbackFinding, { code: 'contested' }>): string {
  switch (why) {
    case 'after-alarm':
      return `Version ${from} was promoted after the alarm, so the alarm cannot be about it; nothing was changed`;
    case 'moved-on':
      return `Another actor changed the model: ${inProduction(named).replace(/^[VN]/, (first) => first.toLowerCase())}; that change was kept. ${NAME_TARGET}`;
    case 'unrecorded':
      return `No live release is recorded, and the registry and the Workload do not agree on one. ${NAME_TARGET}`;
    case 'superseded':
      return `Another operation changed the model${held ? ` (${held})` : ''}; nothing was changed`;
    case 'lost-race':
      return `${lostRace(to ?? '')}; that change was kept`;
  }
}

/** The `detail` of `model-rollback`'s answer: the finding, and the result on the serving side. */
export function rollbackDetail({
  finding,
  serving,
  model_name: model,
}: Pick<RollbackAnswer, 'finding' | 'serving' | 'model_name'>): string {
  if (finding === null) return '';
  if (finding.code === 'serving-in-progress') return serving?.reason ?? '';
  const dry = finding.code === 'would-move' || finding.code === 'would-settle' ? 'Dry run: ' : '';
  const found = `${dry}${rollbackFound(finding, model)}`;
  return serving === null ? found : `${found}. Serving: ${serving.reason}`;
}

const INTERRUPTED: Readonly<Record<Interrupted, string>> = {
  nothing: 'no change of its own is open',
  open: 'its change is open and goes on by itself: the sweep starts an attempt when the functions of this execution have ended',
  unknown:
    'what it had changed could not be read: "promotion status" shows it; an open change goes on by itself',
};

const STOPPED_TEXT = { ABORTED: 'was aborted', TIMED_OUT: 'timed out', FAILED: 'failed' } as const;

/** The event that decided the outcome; empty if the finding of its rollback is enough. */
export function causeText(cause: OutcomeCause, outcome: Omit<DecidedOutcome, 'cause'>): string {
  const { comparison, error, problems } = outcome;
  switch (cause.code) {
    case 'invalid':
      return problems.join('; ');
    case 'promoted':
      if (cause.direct)
        return cause.workload_unchanged
          ? 'promote-model was invoked directly: Workload not changed'
          : 'promote-model was invoked directly';
      return comparison?.recommendation ?? 'The challenger was promoted';
    case 'already':
      return `Version ${cause.version} is already the champion; nothing was changed`;
    case 'decided':
    case 'dry-run':
      return comparison?.recommendation ?? '';
    case 'refused':
    case 'contested':
    case 'busy':
      return cause.said;
    case 'rollout-failed':
      return outcome.serving?.reason ?? '';
    case 'error':
      return error === null ? '' : `${error.name}: ${error.message}`;
    case 'stopped':
      return `${cause.status}: The execution ${STOPPED_TEXT[cause.status]}; ${INTERRUPTED[cause.interrupted]}`;
    case 'rollback-failed':
      return `The rollback failed: ${outcome.rollback_error?.message}`;
    case 'asked':
      return '';
    case 'adopted':
      return 'What both sides show is now recorded as live';
    case 'moved-since':
      return 'The change was complete, and another actor has changed the model since';
    case 'out-of-step':
      return cause.change_open
        ? `A change is open, and another actor changed the model; ${SETTLE}`
        : `Another actor changed the model; ${SETTLE}`;
    case 'no-result':
      return 'The execution ended without a result';
  }
}

/** Causes that need no detail of the rollback. */
const SELF_EXPLANATORY: readonly OutcomeCause['code'][] = [
  'invalid',
  'promoted',
  'already',
  'rollback-failed',
];

/** The `reason` of an outcome. */
export function outcomeReason(outcome: DecidedOutcome): string {
  const { cause, rollback } = outcome;
  const text = causeText(cause, outcome);
  if (cause.code === 'dry-run') return `Dry run: nothing was changed. ${text}`;
  if (rollback === null || SELF_EXPLANATORY.includes(cause.code)) return text;
  // The cause of the rollback, then its result.
  const because = cause.code === 'asked' || cause.code === 'no-result' ? [] : [text];
  return [...because, rollback.detail].join('. ');
}

/** A decided outcome with its reason in words. */
export const inWords = (outcome: DecidedOutcome): Outcome => ({ ...outcome, reason: outcomeReason(outcome) });

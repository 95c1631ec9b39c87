import type { DecidedOutcome, Interrupted, Outcome, OutcomeCause } from '../domain/outcome/outcome-schema.ts';
import type { PromotionRefusal } from '../domain/promotion/promotion-plan.ts';
import type { RollbackFinding } from '../domain/promotion/rollback-finding.ts';
import type { RollbackAnswer } from '../domain/release/payloads.ts';
import { quoted, sentence, visible } from '../domain/visible-text.ts';
import { approvalAsked } from './approval.ts';
import { championIs, MAX_ID, needsTable, noChallenger, settle } from './phrases.ts';
import { noNewVersion } from './retraining.ts';
import { leaseHeld } from './rollout.ts';
import { watchFound } from './watch.ts';

/** The sentences in the `reason` and `detail` of answers and outcomes, for people only. */

/** The registered model does not exist. */
export const modelMissing = (model: string) => `Registered model ${quoted(model)} does not exist`;

export const CONCURRENT_CHANGE = 'Another actor changed the registry at the same time';

const lostRace = (version: string) => `${CONCURRENT_CHANGE}: version ${version} is not the only champion`;

/** Why `promote-model` promotes nothing. */
export function promotionRefused(refusal: PromotionRefusal, model: string): string {
  switch (refusal.code) {
    case 'no-model':
      return modelMissing(model);
    case 'no-challenger':
      return noChallenger(refusal.mode);
    case 'version-missing':
      return `Version ${refusal.version} of ${quoted(model)} does not exist`;
    case 'not-ready':
      return `Version ${refusal.version} is ${refusal.status}, not READY`;
    case 'other-champion': {
      const wanted = refusal.expected === null ? 'none' : `version ${refusal.expected}`;
      return `${sentence(championIs(refusal.champions))}, expected ${wanted}`;
    }
    case 'no-champion':
      return `No version is the champion, expected version ${refusal.expected}`;
    case 'lost-race':
      return lostRace(refusal.version);
    case 'change-open':
      return `A change of ${quoted(model)} by ${visible(refusal.holder, MAX_ID)} is open: nothing is promoted before it is closed`;
    case 'moved':
      return `${sentence(championIs(refusal.champions))}, and ${recordedText(refusal.live)}. ${settle(refusal.live !== null && refusal.champions.length === 1)}`;
    case 'superseded':
      return `This execution no longer promotes version ${refusal.version}: its change was turned back or taken over`;
    case 'needs-approval':
      return `Promotions of ${quoted(model)} have to be approved: start an execution of the state machine, which asks for approval`;
  }
}

const recordedText = (live: string | null) =>
  live === null ? 'none is recorded as live' : `version ${live} is recorded as live`;

/** What a rollback found and did in the registry; empty while only the serving side has progress. */
export function rollbackFound(finding: RollbackFinding, model: string): string {
  switch (finding.code) {
    case 'would-move': {
      const { workload, artifact } = finding;
      const serving =
        workload === null || artifact === null
          ? ''
          : `; Workload ${quoted(workload)} would serve artifact ${quoted(artifact)} again`;
      return `version ${finding.to} would be the champion in place of version ${finding.from}${serving}`;
    }
    case 'would-settle':
      return `version ${finding.to} is already live; nothing would change`;
    case 'serving-in-progress':
      return '';
    case 'completed':
      return `Version ${finding.to} is live: its promotion was complete, so it was not undone`;
    case 'open':
      if (finding.first_champion)
        return `Version ${finding.from} is the first champion, with none to go back to: its promotion stays open and goes on by itself`;
      return finding.to === null
        ? 'The change is not complete: it stays open and goes on by itself'
        : `The way to version ${finding.to} is not complete: the change stays open and goes on by itself`;
    case 'moved':
      return `Version ${finding.to} is the champion again; version ${finding.from} is marked as rolled back`;
    case 'unmoved': {
      const { from, to } = finding;
      if (to === null) return 'No version is the champion';
      return `Version ${to} is the champion${from === null || from === to ? '' : `; version ${from} is not`}`;
    }
    case 'settled':
      return `${finding.to === '' ? 'What was there before' : `Version ${finding.to}`} is already live; nothing more was changed`;
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
      return 'No version is the champion';
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
      return `The artifact in service is locked, and artifact ${quoted(held ?? '')} of version ${to} is a draft, which cannot replace it: lock that draft first`;
    case 'other-type':
      return `The artifact of version ${to} is of type ${quoted(held ?? '')}, and the Workload of another`;
    case 'other-workload':
      return `Version ${to} was last served by Workload ${quoted(held ?? '')}, and another one serves the model now; name target_version to roll back on that one`;
    case 'served-is-draft':
      return `The artifact in service is a draft, which the locked artifact ${quoted(held ?? '')} of version ${to} cannot replace: promote the Workload first (POST /workloads/{id}/promote)`;
    case 'no-table':
      return needsTable(held ?? '');
  }
}

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
      return `Another actor changed the model, and that was kept: ${championIs(named)}`;
    case 'unrecorded':
      return 'No release is recorded as live, and it is not clear which one is';
    case 'other-champion':
      return `The rollback was to be made only while version ${from} is the champion: ${championIs(named)}${held ? `, and a change is open (${visible(held, MAX_ID)})` : ''}; nothing was changed`;
    case 'superseded':
      return `Another operation changed the model${held ? ` (${visible(held, MAX_ID)})` : ''}, so this one stopped`;
    case 'lost-race':
      return `${lostRace(to ?? '')}; that change was kept`;
  }
}

/** What a rollback to a named version overrules; an alert has this among its steps. */
const SETTLED_BY_TARGET: readonly string[] = ['moved-on', 'unrecorded'];

/** The `detail` of `model-rollback`'s answer: the finding, and the result on the serving side. */
export function rollbackDetail({
  finding,
  serving,
  model_name: model,
}: Pick<RollbackAnswer, 'finding' | 'serving' | 'model_name'>): string {
  if (finding === null) return '';
  if (finding.code === 'serving-in-progress') return serving?.reason ?? '';
  const dry = finding.code === 'would-move' || finding.code === 'would-settle' ? 'Dry run: ' : '';
  const settled = finding.code === 'contested' && SETTLED_BY_TARGET.includes(finding.why);
  const found = `${dry}${rollbackFound(finding, model)}${settled ? `. ${settle(false)}` : ''}`;
  return serving === null ? found : `${found}. Serving: ${serving.reason}`;
}

const INTERRUPTED: Readonly<Record<Interrupted, string>> = {
  nothing: 'it left no change open',
  open: 'its change is open and goes on by itself',
  unknown: 'it is not known whether it left a change open; an open change goes on by itself',
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
      if (comparison?.decision === 'INVESTIGATE')
        return `People have let through what the evidence leaves open. ${comparison.recommendation}`;
      return comparison?.recommendation ?? 'The challenger was promoted';
    case 'already':
      return `Version ${cause.version} is already the champion; nothing was changed`;
    case 'decided':
    case 'dry-run':
      return comparison?.recommendation ?? '';
    case 'approval':
      return approvalAsked(outcome.approval);
    case 'gates':
    case 'not-approved':
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
      return outcome.ending?.change == null
        ? 'The change was complete, and another actor has changed the model since'
        : 'The change was complete, and another operation has opened a change since';
    case 'out-of-step':
      return cause.change_open
        ? 'The registry or the Workload shows something that the open change did not put there'
        : 'The registry or the Workload shows something else than the live release';
    case 'in-step-again':
      return 'Both sides show the live release again';
    case 'no-new-version':
      return noNewVersion(cause.attempts, cause.since);
    case 'watch':
      return watchFound(cause);
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
  return [...because, rollback.detail].map(withoutFullStop).join('. ');
}

/** A message of MLflow or of the platform may end with a full stop, our sentences in a reason do not. */
const withoutFullStop = (text: string) => (text.endsWith('.') ? text.slice(0, -1) : text);

/** A decided outcome with its reason in words. */
export const inWords = (outcome: DecidedOutcome): Outcome => ({ ...outcome, reason: outcomeReason(outcome) });

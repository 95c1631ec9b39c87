import { LAST_WRITE_SECONDS } from '../domain/limits.ts';
import type { DecidedOutcome, Interrupted, Outcome, OutcomeCause } from '../domain/outcome/outcome-schema.ts';
import type { RollbackAnswer } from '../domain/payloads.ts';
import type { ChangeSinceComparison, PromotionRefusal } from '../domain/promotion/promotion-plan.ts';
import type { RollbackFinding } from '../domain/promotion/rollback-finding.ts';
import type { LeaseHeld } from '../domain/serving/rollout-finding.ts';
import { quoted } from '../domain/visible-text.ts';

/** The sentences in the `reason` and `detail` of answers and outcomes, for people only. */

const versionsAre = (versions: readonly string[]) =>
  `${versions.join(' and ')} ${versions.length === 1 ? 'is' : 'are'}`;

/** The registered model does not exist. */
export const modelMissing = (model: string) => `Registered model ${quoted(model)} does not exist`;

/** Another owner holds the lease; `until` is ISO 8601. */
export const leaseHeld = ({ model, holder, until }: Omit<LeaseHeld, 'code'>) =>
  `The lease for ${quoted(model)} is held by ${holder} until ${until}`;

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
    case 'moved':
      return `Version ${finding.to} is back in Production; version ${finding.from} is archived and marked as rolled back`;
    case 'settled':
      return `Version ${finding.to} is already the champion; nothing else was changed`;
    case 'refused':
      return rollbackRefused(finding, model);
    case 'contested':
      return rollbackContested(finding);
  }
}

function rollbackRefused(
  { why, from, to, held, until, hours }: Extract<RollbackFinding, { code: 'refused' }>,
  model: string,
): string {
  switch (why) {
    case 'no-model':
      return modelMissing(model);
    case 'lease-held':
      return leaseHeld({ model, holder: held ?? '', until: until ?? '' });
    case 'nothing-interrupted':
      return 'No promotion was interrupted; pass target_version or another reason';
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
    case 'first-champion':
      return `Version ${from} is the first champion: there is no earlier version to roll back to, and it stays in Production`;
    case 'nothing-to-undo':
      if (to === null) return 'Nothing to undo: the version never reached Production';
      return to === from
        ? `Nothing to undo: version ${to} was the champion before`
        : `Nothing to undo: version ${to} is still in Production`;
  }
}

function rollbackContested({
  why,
  from,
  to,
  champions,
}: Extract<RollbackFinding, { code: 'contested' }>): string {
  switch (why) {
    case 'after-alarm':
      return `Version ${from} was promoted after the alarm, so the alarm cannot be about it; nothing was changed`;
    case 'moved-on': {
      const held = champions.length === 0 ? 'no version is' : `version ${versionsAre(champions)}`;
      return `Another actor changed the registry: ${held} in Production; that change was kept`;
    }
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
  nothing: 'no change was in progress',
  'being-undone': 'a separate execution is undoing its promotion',
  'undo-by-hand':
    'its promotion was recorded and has no result: start an execution with "operation": "rollback" and "reason": "ROLLOUT_FAILED"',
  rollback: `a rollback was in progress: compare the served artifact with the champion, and start the rollback again when the model's lease has ended, in ${LAST_WRITE_SECONDS.rollback} s`,
  unknown:
    'its input was too large for the event: check its input and its last state in Step Functions; if a promotion or a rollback was in progress, start an execution for its model with "operation": "rollback" and "reason": "ROLLOUT_FAILED"; the lease of its model expires',
};

const STOPPED_TEXT = { ABORTED: 'was aborted', TIMED_OUT: 'timed out', FAILED: 'failed' } as const;

/** The event that decided the outcome; empty if the finding of its rollback is enough. */
export function causeText(cause: OutcomeCause, outcome: Omit<DecidedOutcome, 'cause'>): string {
  const { comparison, error, problems } = outcome;
  switch (cause.code) {
    case 'invalid':
      return problems.join('; ');
    case 'promoted':
      if (cause.direct) return 'promote-model was invoked directly';
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

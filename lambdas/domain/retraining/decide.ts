import type { Need } from './need.ts';

/**
 * Whether a model should be retrained (source documents: `check-retraining-needed`). The rules in their order: the name, the
 * allow-list, whether it exists, a request by hand, work that is under way, the pause since the last retraining, drift, age.
 * The pause comes before drift: drift that lasts would otherwise retrain in a loop.
 */

/** Severity of drift; `unknown` where there are too few values to tell. */
export type DriftSeverity = 'none' | 'moderate' | 'significant' | 'unknown';

/** Why the severity of drift is unknown. */
export type DriftProblem =
  /** The tag names no run and no path of a file. */
  | { readonly code: 'bad-tag' | 'no-run' | 'missing' | 'too-large' | 'refused' }
  | { readonly code: 'unreadable'; readonly what: string }
  /** Measured before the newest version was registered: it is about an earlier one. */
  | { readonly code: 'before-version'; readonly version: string }
  /** No feature has the same bins in both periods. */
  | { readonly code: 'nothing-compared' }
  /** `needed` rows in each period would do. */
  | { readonly code: 'too-few'; readonly needed: number };

/** Drift as it was found; `psi` is the largest of the features, `n` the number of values of its smaller period. */
export interface DriftFound {
  readonly severity: DriftSeverity;
  readonly psi: number | null;
  readonly n: number | null;
  /** Null unless the severity is unknown. */
  readonly problem: DriftProblem | null;
}

/** What is known of a model. */
export interface RetrainingFacts {
  /** False where MLflow has no registered model of that name. */
  readonly exists: boolean;
  /** Creation of the newest version, of any stage; null without a version. */
  readonly newest: { readonly version: string; readonly at: Date } | null;
  /** The version that waits to be promoted; null if none does. */
  readonly waiting: string | null;
  /** Who works on the model; null if nobody does. */
  readonly leasedBy: string | null;
  /** The need that is open; null if none is. */
  readonly need: Need | null;
  /** The caller is the attempt at the open need, and asks again. */
  readonly isAttempt: boolean;
  /** When the last attempt at a closed need was begun; null without one. */
  readonly lastAttempt: Date | null;
  /** Null where nothing is logged from which drift could be told. */
  readonly drift: DriftFound | null;
}

/** What was asked, and the settings of the function. */
export interface RetrainingRequest {
  readonly model: string;
  /** A request by hand, which no rule holds up. */
  readonly manual: boolean;
  readonly now: Date;
  /** Models that are retrained; empty for all. */
  readonly allowed: readonly string[];
  /** Days after which a model is retrained, whatever its drift. */
  readonly intervalDays: number;
  /** Hours after a retraining in which none is started. */
  readonly minHours: number;
}

export type RetrainingTrigger = 'manual' | 'drift_detected' | 'scheduled';

/** Why, as data; the words are in `words/retraining.ts`. */
export type RetrainingReason =
  | { readonly code: 'invalid-name' | 'not-allowed' | 'unknown-model' | 'asked' | 'no-version' }
  | { readonly code: 'waiting'; readonly version: string }
  | { readonly code: 'leased'; readonly owner: string }
  | { readonly code: 'recent'; readonly hours: number; readonly least: number }
  | { readonly code: 'under-way'; readonly attempt: number; readonly nextAt: string }
  | { readonly code: 'again' | 'attempt' | 'no-version-came'; readonly attempt: number }
  | { readonly code: 'trained'; readonly version: string | null }
  | { readonly code: 'drift'; readonly psi: number | null; readonly n: number | null }
  | { readonly code: 'age'; readonly days: number; readonly interval: number }
  | {
      readonly code: 'not-due';
      readonly days: number;
      readonly interval: number;
      readonly drift: DriftSeverity | null;
    };

export interface RetrainingDecision {
  readonly decision: 'needs_retraining' | 'recently_trained' | 'no_retraining' | 'invalid_model';
  /** Null unless retraining is needed. */
  readonly trigger: RetrainingTrigger | null;
  readonly reason: RetrainingReason;
  /** Since the creation of the newest version; null without one. */
  readonly hours: number | null;
}

/** At most 250 characters, none of which is a control character; what MLflow takes as the name of a registered model. */
const NAME = /^[^\p{C}\p{Zl}\p{Zp}/:]{1,250}$/u;

/** True for what may be the name of a registered model and is on the list of those that are retrained. */
export function refusedName({
  model,
  allowed,
}: Pick<RetrainingRequest, 'model' | 'allowed'>): 'invalid-name' | 'not-allowed' | null {
  if (!NAME.test(model)) return 'invalid-name';
  return allowed.length === 0 || allowed.includes(model) ? null : 'not-allowed';
}

/** Decides by the rules above. Pure. */
export function decideRetraining(request: RetrainingRequest, facts: RetrainingFacts): RetrainingDecision {
  const { newest, need, drift, waiting, leasedBy } = facts;
  const hours = newest === null ? null : hoursSince(newest.at, request.now);
  const answer = (
    decision: RetrainingDecision['decision'],
    reason: RetrainingReason,
    trigger: RetrainingTrigger | null = null,
  ): RetrainingDecision => ({ decision, trigger, reason, hours });

  const refused = refusedName(request);
  if (refused !== null) return answer('invalid_model', { code: refused });
  if (!facts.exists) return answer('invalid_model', { code: 'unknown-model' });
  if (need !== null && facts.isAttempt)
    return answer('needs_retraining', { code: 'attempt', attempt: need.attempt }, need.trigger);
  if (request.manual) return answer('needs_retraining', { code: 'asked' }, 'manual');
  if (waiting !== null) return answer('recently_trained', { code: 'waiting', version: waiting });
  if (leasedBy !== null) return answer('recently_trained', { code: 'leased', owner: leasedBy });
  // A version can have been deleted since: an attempt counts as well.
  const pause = Math.min(
    hours ?? Number.POSITIVE_INFINITY,
    facts.lastAttempt === null ? Number.POSITIVE_INFINITY : hoursSince(facts.lastAttempt, request.now),
  );
  if (pause < request.minHours)
    return answer('recently_trained', { code: 'recent', hours: pause, least: request.minHours });
  if (need !== null) {
    if (new Date(need.next_at) > request.now)
      return answer('recently_trained', { code: 'under-way', attempt: need.attempt, nextAt: need.next_at });
    return answer('needs_retraining', { code: 'again', attempt: need.attempt + 1 }, need.trigger);
  }
  if (drift?.severity === 'significant')
    return answer('needs_retraining', { code: 'drift', psi: drift.psi, n: drift.n }, 'drift_detected');
  if (hours === null) return answer('needs_retraining', { code: 'no-version' }, 'scheduled');
  const days = hours / 24;
  if (days >= request.intervalDays)
    return answer('needs_retraining', { code: 'age', days, interval: request.intervalDays }, 'scheduled');
  return answer('no_retraining', {
    code: 'not-due',
    days,
    interval: request.intervalDays,
    drift: drift?.severity ?? null,
  });
}

/** The rules behind which drift is looked at: the others hold whatever it is. */
export const isAboutDrift = ({ reason }: RetrainingDecision): boolean =>
  ['no-version', 'age', 'not-due'].includes(reason.code);

/** What a training has come to: a version, after which the need is closed, or none. Pure. */
export function decideAfterTraining(
  now: Date,
  { newest, need }: Pick<RetrainingFacts, 'newest' | 'need'>,
): RetrainingDecision {
  const hours = newest === null ? null : hoursSince(newest.at, now);
  if (need === null)
    return {
      decision: 'recently_trained',
      trigger: null,
      reason: { code: 'trained', version: newest?.version ?? null },
      hours,
    };
  return {
    decision: 'needs_retraining',
    trigger: need.trigger,
    reason: { code: 'no-version-came', attempt: need.attempt },
    hours,
  };
}

const hoursSince = (at: Date, now: Date): number => Math.max(0, now.getTime() - at.getTime()) / 3_600_000;

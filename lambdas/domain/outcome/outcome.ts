import type { RollbackAnswer } from '../payloads.ts';
import { type PartialStateDocument, readStateDocument } from '../state-document.ts';
import type {
  DecidedOutcome,
  EndAnswer,
  Outcome,
  OutcomeCause,
  OutcomeStatus,
  ServingOutcome,
} from './outcome-schema.ts';

/** How an execution ended, decided from its final state document. */

type Verdict = { status: OutcomeStatus; cause: OutcomeCause; champion_after: string | null };

/** The outcome of an execution, whatever its state document holds. Never throws. */
export function outcomeOf(state: unknown, execution: string, now: Date): DecidedOutcome {
  const document = readStateDocument(state);
  const { comparison, prepared, rollback } = document;
  const operation = document.operation ?? 'promote';
  const unfinished = prepared?.unfinished ?? null;
  const before = unfinished
    ? unfinished.champion_before
    : (prepared?.before_state?.champion_version ?? comparison?.champion_version ?? null);
  return {
    ...verdict(document, before),
    operation,
    execution,
    model_name: document.model_name,
    champion_before: operation === 'rollback' ? (rollback?.champion_before ?? null) : before,
    challenger_version: document.challenger_version,
    // A promotion that is only completed here was decided by the execution that started it.
    confidence: unfinished ? unfinished.confidence : (comparison?.confidence ?? null),
    comparison,
    rollback,
    serving: servingOf(document),
    holder: prepared?.holder ?? null,
    error: document.error,
    rollback_error: document.rollback_error,
    problems: document.problems ?? [],
    finishes: unfinished?.execution ?? null,
    requested_by: document.requested_by,
    dry_run: document.dry_run ?? false,
    recorded_at: now.toISOString(),
  };
}

function servingOf({ serving, prepared }: PartialStateDocument): ServingOutcome | null {
  if (serving === null || !prepared?.workload_id) return null;
  const { artifact_id, status, endpoint, reason, diagnosis } = serving;
  return { workload_id: prepared.workload_id, artifact_id, status, endpoint, reason, diagnosis };
}

/** Latest event first: the last event decides the outcome. */
function verdict(document: PartialStateDocument, before: string | null): Verdict {
  const { promotion, rollback, prepared, comparison, error, rollback_error: rollbackError } = document;
  const ended = (
    status: OutcomeStatus,
    cause: OutcomeCause,
    champion_after: string | null = before,
  ): Verdict => ({ status, cause, champion_after });

  if (document.valid === false) return ended('invalid_input', { code: 'invalid' }, null);
  if (promotion?.promoted === true) {
    const version = promotion.new_version;
    return promotion.already_promoted && prepared?.promotion_id === null
      ? ended('already_promoted', { code: 'already', version }, version)
      : ended('promoted', { code: 'promoted', direct: false }, version);
  }
  if (rollbackError) return ended('failed', { code: 'rollback-failed' }, null);
  if (rollback) return afterRollback(document, rollback, ended);
  if (error) return ended('failed', { code: 'error' });
  if (comparison?.decision === 'KEEP') return ended('kept', { code: 'decided' });
  if (comparison?.decision === 'INVESTIGATE') return ended('needs_investigation', { code: 'decided' });
  if (comparison && document.dry_run) return ended('kept', { code: 'dry-run' });
  // Checked last: after a wait for the lease, `prepared` may still be `busy`, and later steps decide.
  const said = prepared?.reason ?? '';
  if (prepared?.status === 'busy') return ended('busy', { code: 'busy', said });
  if (prepared?.status === 'contested') return ended('contested', { code: 'contested', said }, null);
  return ended('failed', { code: 'no-result' });
}

function afterRollback(
  document: PartialStateDocument,
  rollback: RollbackAnswer,
  ended: (status: OutcomeStatus, cause: OutcomeCause, after?: string | null) => Verdict,
): Verdict {
  const isRequested = document.operation === 'rollback';
  const found = rollback.champion_before;
  const cause = isRequested ? { code: 'asked' as const } : causeOf(document);
  if (rollback.status === 'contested') return ended('contested', cause, null);
  // The registry may be back while the Workload still serves the new artifact: that is not a rollback.
  if (rollback.serving?.undone === false) {
    const { champion_version = null } = document.prepared?.before_state ?? {};
    const stayed = isRequested ? found : champion_version;
    return ended('failed', cause, rollback.rolled_back ? rollback.to_version : stayed);
  }
  if (rollback.rolled_back) return ended('rolled_back', cause, rollback.to_version);
  if (isRequested) return ended(rollback.dry_run ? 'kept' : 'failed', cause, found);
  const { promotion } = document;
  const contested = promotion?.promoted === false && promotion.contested === true;
  return ended(contested ? 'contested' : 'failed', cause);
}

/** What made a compensation necessary. */
function causeOf({ error, promotion, serving }: PartialStateDocument): OutcomeCause {
  if (error) return { code: 'error' };
  if (promotion?.promoted === false) {
    const { contested, reason: said } = promotion;
    return { code: contested === true ? 'contested' : 'refused', said };
  }
  if (serving?.status === 'failed') return { code: 'rollout-failed', failure: serving.failure_details };
  return { code: 'no-result' };
}

/** True when the execution succeeded, or ended in a way that needs no alarm. */
export function isSuccessful(outcome: Pick<Outcome, 'status' | 'operation'>): EndAnswer['succeeded'] {
  if (outcome.status === 'rolled_back') return outcome.operation === 'rollback';
  return ['promoted', 'already_promoted', 'kept', 'needs_investigation', 'declined', 'busy'].includes(
    outcome.status,
  );
}

/** False for a repeated request that found nothing to do: it is recorded without a notification. */
export function alertDue(outcome: Pick<Outcome, 'status' | 'rollback'>): boolean {
  return outcome.status !== 'already_promoted' && outcome.rollback?.nothing_to_do !== true;
}

/** The outcome of a direct invocation; everything unknown to it is null. */
export function directOutcome(
  known: Pick<DecidedOutcome, 'status' | 'cause' | 'operation' | 'execution' | 'model_name' | 'recorded_at'> &
    Partial<DecidedOutcome>,
): DecidedOutcome {
  return {
    champion_before: null,
    champion_after: null,
    challenger_version: null,
    confidence: null,
    comparison: null,
    rollback: null,
    serving: null,
    holder: null,
    error: null,
    rollback_error: null,
    problems: [],
    finishes: null,
    requested_by: null,
    dry_run: false,
    ...known,
  };
}

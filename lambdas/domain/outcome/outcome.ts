import type { RollbackAnswer } from '../release/payloads.ts';
import { type PartialStateDocument, readStateDocument } from '../state-document.ts';
import type {
  DecidedOutcome,
  EndAnswer,
  Ending,
  Outcome,
  OutcomeCause,
  OutcomeStatus,
  ServingOutcome,
} from './outcome-schema.ts';

/** How an execution ended, decided from its final state document. */

type Verdict = { status: OutcomeStatus; cause: OutcomeCause };

/** What decides the outcome besides the state document: the id of the change and what was read after the last write. */
interface Facts {
  readonly execution: string;
  readonly ending: Ending | null;
  /** The owner as read with the ending; absent if nothing was read then. */
  readonly owner?: string | null;
  /** What the watch that asked for a rollback has found. */
  readonly watch?: Outcome['watch'];
  /** What people decided, by the table. */
  readonly approval?: Outcome['approval'];
}

/** The outcome of an execution, whatever its state document holds. Never throws. */
export function outcomeOf(
  state: unknown,
  { execution, ending, owner, watch, approval }: Facts,
  now: Date,
): DecidedOutcome {
  const document = readStateDocument(state);
  const { comparison, prepared, rollback, promotion, closing } = document;
  const operation = document.operation ?? 'promote';
  const before = prepared?.champion_before ?? comparison?.champion_version ?? null;
  const decided = verdict(document, { execution, ending });
  return {
    ...decided,
    operation,
    execution,
    model_name: document.model_name,
    owner: owner ?? comparison?.owner ?? null,
    champion_before: operation === 'rollback' ? (rollback?.champion_before ?? before) : before,
    champion_after: championAfter(decided.status, document, ending, before),
    challenger_version: challengerIn(document, decided.status, ending),
    confidence: comparison?.confidence ?? null,
    comparison,
    rollback,
    serving: servingOf(document),
    holder: prepared?.holder ?? null,
    error: document.error,
    rollback_error: document.rollback_error,
    problems: document.problems ?? [],
    overwritten: [
      ...(promotion?.overwritten ?? []),
      ...(closing?.overwritten ?? []),
      ...(rollback?.overwritten ?? []),
    ],
    ending,
    ...(watch === undefined ? {} : { watch }),
    ...(approval === undefined ? {} : { approval }),
    requested_by: document.requested_by,
    dry_run: document.dry_run ?? false,
    recorded_at: now.toISOString(),
  };
}

/** The version that was to become champion; of an attempt the one of its change, whose answer may be lost. */
function challengerIn(
  { challenger_version: asked, operation, rollback }: PartialStateDocument,
  status: OutcomeStatus,
  ending: Ending | null,
): string | null {
  if (asked !== null || operation !== 'resume') return asked;
  return rollback?.from_version ?? (status === 'promoted' ? (ending?.live?.version ?? null) : null);
}

/** The champion as last read; where nothing was to be changed, as it was; null if unknown. */
function championAfter(
  status: OutcomeStatus,
  { promotion, rollback }: PartialStateDocument,
  ending: Ending | null,
  before: string | null,
): string | null {
  if (ending !== null && ending.champions !== null)
    return ending.champions.length === 1 ? (ending.champions[0] ?? null) : null;
  // The answer of the step that closed the change may be lost: the item has what it closed with.
  const live = ending?.live?.version ?? null;
  if (status === 'promoted') return promotion?.promoted === true ? promotion.new_version : live;
  if (status === 'rolled_back') return rollback?.to_version ?? live;
  return ['kept', 'needs_investigation', 'declined', 'busy', 'already_promoted'].includes(status)
    ? before
    : null;
}

/** True for an execution that may have changed something, so that its end has to be read from both sides. */
export function mayHaveChanged(document: PartialStateDocument): boolean {
  const { valid, prepared, comparison, approval, operation, dry_run } = document;
  if (valid === false || document.model_name === null || dry_run === true) return false;
  const isApproved = approval?.status === 'approved';
  if (approval !== null && !isApproved && approval.status !== 'not_needed') return false;
  if (prepared !== null) return prepared.status !== 'busy' && prepared.status !== 'refused';
  return operation !== 'promote' || isApproved || comparison?.decision === 'PROMOTE';
}

function servingOf({ serving, prepared }: PartialStateDocument): ServingOutcome | null {
  if (serving === null || !prepared?.workload_id) return null;
  const { artifact_id, status, endpoint, reason, diagnosis } = serving;
  return { workload_id: prepared.workload_id, artifact_id, status, endpoint, reason, diagnosis };
}

/** What was written last decides, as both sides show it; then the latest event of the document. */
function verdict(document: PartialStateDocument, { execution, ending }: Facts): Verdict {
  const { prepared, comparison, approval, error, rollback, rollback_error: rollbackError } = document;
  const ended = (status: OutcomeStatus, cause: OutcomeCause): Verdict => ({ status, cause });
  if (document.valid === false) return ended('invalid_input', { code: 'invalid' });
  if (prepared?.status === 'adopted')
    return ending?.in_step === false
      ? ended('contested', { code: 'moved-since' })
      : ended('adopted', { code: 'adopted' });
  if (isClosedBy(document, { execution, ending })) {
    if (ending?.in_step === false) return ended('contested', { code: 'moved-since' });
    // The step that recorded it may have lost its answer.
    if (document.operation === 'adopt') return ended('adopted', { code: 'adopted' });
    if (isForward(document, ending))
      return rollback?.nothing_to_do === true
        ? ended('already_promoted', { code: 'already', version: ending?.live?.version ?? null })
        : ended('promoted', PROMOTED);
    return ended('rolled_back', document.operation === 'rollback' ? { code: 'asked' } : causeOf(document));
  }
  if (prepared?.status === 'already_promoted')
    return ending?.in_step === false
      ? ended('contested', { code: 'moved-since' })
      : ended('already_promoted', { code: 'already', version: document.challenger_version });
  if (rollbackError)
    return ended(rollbackError.name === 'StaleFence' ? 'contested' : 'failed', { code: 'rollback-failed' });
  if (rollback) return afterRollback(document, rollback, ending);
  if (error) return ended(error.name === 'StaleFence' ? 'contested' : 'failed', { code: 'error' });
  if (comparison?.decision === 'KEEP') return ended('kept', { code: 'decided' });
  if (approval?.status === 'rejected' || approval?.status === 'expired' || approval?.status === 'void')
    return ended('declined', { code: 'not-approved', status: approval.status, said: approval.reason });
  // People may have let through what the evidence left open.
  if (comparison?.decision === 'INVESTIGATE' && approval?.status !== 'approved')
    return ended('needs_investigation', { code: 'decided' });
  if (comparison && document.dry_run) return ended('kept', { code: 'dry-run' });
  // Checked last: after a wait for the lease, `prepared` may still be `busy`, and later steps decide.
  const said = prepared?.reason ?? '';
  if (prepared?.status === 'busy') return ended('busy', { code: 'busy', said });
  if (prepared?.status === 'contested') return ended('contested', { code: 'contested', said });
  if (prepared?.status === 'refused')
    return prepared.gates === undefined
      ? ended('failed', { code: 'refused', said })
      : ended('kept', { code: 'gates', gates: prepared.gates, said });
  return ended('failed', { code: 'no-result' });
}

const PROMOTED = { code: 'promoted', direct: false, workload_unchanged: false } as const;

/**
 * The change of this execution is closed: the item says so; where it could not be read, or there is none, the last answer.
 */
function isClosedBy(
  { change_id, prepared, closing, promotion, rollback }: PartialStateDocument,
  { execution, ending }: Facts,
): boolean {
  const id = change_id ?? execution;
  if (ending?.live != null) return ending.live.change === id;
  if (ending?.change != null && ending.change.id === id) return false;
  const done =
    promotion?.promoted === true && closing?.status === 'completed' && prepared?.status === 'ready';
  return done || (rollback?.status === 'completed' && rollback.rolled_back);
}

/**
 * The change was closed with what was asked for, not with what was there before: the item says so; where it could not be
 * read, the last answer.
 */
function isForward({ operation, rollback, closing }: PartialStateDocument, ending: Ending | null): boolean {
  const result = ending?.live?.result ?? null;
  if (result !== null) return result === 'promoted';
  if (operation === 'rollback') return false;
  if (rollback !== null) return rollback.finding?.code === 'completed';
  return operation !== 'resume' || closing !== null;
}

function afterRollback(
  document: PartialStateDocument,
  rollback: RollbackAnswer,
  ending: Ending | null,
): Verdict {
  const isRequested = document.operation === 'rollback';
  const cause = isRequested ? { code: 'asked' as const } : causeOf(document);
  if (rollback.status === 'contested') return { status: 'contested', cause };
  if (rollback.already_rolled_back)
    return ending?.in_step === false
      ? { status: 'contested', cause: { code: 'moved-since' } }
      : { status: 'rolled_back', cause };
  if (isRequested) return { status: rollback.dry_run ? 'kept' : 'failed', cause };
  const { promotion } = document;
  const contested = promotion?.promoted === false && promotion.contested === true;
  return { status: contested ? 'contested' : 'failed', cause };
}

/** What made a compensation necessary. */
function causeOf(document: PartialStateDocument): OutcomeCause {
  const { error, promotion, serving } = document;
  if (error) return { code: 'error' };
  if (promotion?.promoted === false) {
    const { contested, reason: said } = promotion;
    return { code: contested === true ? 'contested' : 'refused', said };
  }
  if (document.closing?.status === 'failed') return { code: 'refused', said: document.closing.reason };
  if (serving?.status === 'failed') return { code: 'rollout-failed', failure: serving.failure_details };
  return { code: 'no-result' };
}

/** True when the execution succeeded, or ended in a way that needs no alarm. */
export function isSuccessful(outcome: Pick<Outcome, 'status' | 'operation'>): EndAnswer['succeeded'] {
  if (outcome.status === 'rolled_back') return outcome.operation !== 'promote';
  return [
    'promoted',
    'already_promoted',
    'adopted',
    'kept',
    'needs_investigation',
    'declined',
    'busy',
  ].includes(outcome.status);
}

/** True when the sides show something foreign to the open change, or something else than the live release. */
export const isOutOfStep = ({ live, change, in_step, known }: Ending): boolean =>
  change === null ? live !== null && in_step === false : known === false;

/**
 * False for a repeated request that found nothing to do: it is recorded without a notification, unless somebody has moved the
 * model since it looked.
 */
export function alertDue(outcome: Pick<Outcome, 'status' | 'rollback' | 'ending'>): boolean {
  if (outcome.ending !== null && isOutOfStep(outcome.ending)) return true;
  return outcome.status !== 'already_promoted' && outcome.rollback?.nothing_to_do !== true;
}

/** True when the platform does not go back: a locked artifact is served, and the one to go back to is a draft. */
export const isLockedOut = ({ rollback }: Pick<Outcome, 'rollback'>): boolean =>
  rollback?.serving?.finding?.code === 'locked-in-place';

/** The outcome of a direct invocation; everything unknown to it is null. */
export function directOutcome(
  known: Pick<DecidedOutcome, 'status' | 'cause' | 'operation' | 'execution' | 'model_name' | 'recorded_at'> &
    Partial<DecidedOutcome>,
): DecidedOutcome {
  return {
    owner: null,
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
    overwritten: [],
    ending: null,
    requested_by: null,
    dry_run: false,
    ...known,
  };
}

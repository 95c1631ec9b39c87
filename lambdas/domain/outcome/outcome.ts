import * as z from 'zod';
import { Comparison, type RollbackAnswer } from '../payloads.ts';
import { Diagnosis } from '../serving/payloads.ts';
import type { CaughtError, EndAnswer, Outcome, OutcomeStatus, ServingOutcome } from './outcome-schema.ts';

/** How an execution ended, read from the state document that the machine hands over at its end. */

/**
 * An error as a Catch stores it: `Cause` is Lambda's JSON with a stack trace, or a bare message from the machine itself,
 * which need not have one.
 */
const Caught = z
  .object({ Error: z.string(), Cause: z.unknown().optional() })
  .transform(
    ({ Error: name, Cause }): CaughtError => ({ name, message: messageOf(Cause) || 'no cause was given' }),
  );

const AwsCause = z.object({ errorMessage: z.string() });
const LONGEST_MESSAGE = 1000;

function messageOf(cause: unknown): string {
  const text = typeof cause === 'string' ? cause : cause === undefined ? '' : JSON.stringify(cause);
  let message = text;
  try {
    message = AwsCause.safeParse(JSON.parse(text)).data?.errorMessage ?? text;
  } catch {
    // Not JSON: the text is the message.
  }
  return message.slice(0, LONGEST_MESSAGE);
}

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

const Rollout = z.object({
  artifact_id: z.string(),
  status: z.enum(['in_progress', 'completed', 'failed']),
  endpoint: text,
  reason: z.string(),
  diagnosis: Diagnosis.nullable().catch(null),
});

/** The state document, read leniently: whatever went wrong, its ending must still be told. */
const StateDocument = z.object({
  valid: z.boolean().nullish(),
  problems: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? []),
  operation: z.enum(['promote', 'rollback']).catch('promote'),
  model_name: text.catch(null),
  challenger_version: text.catch(null),
  requested_by: text.catch(null),
  dry_run: flag.catch(false),
  comparison: Comparison.nullish().catch(null),
  prepared: z
    .object({
      status: z.string(),
      reason: text,
      holder: text,
      promotion_id: text,
      workload_id: text,
      unfinished: z
        .object({ execution: text, champion_before: text, confidence: z.number().nullable() })
        .nullish(),
      before_state: z.object({ champion_version: text }).nullish(),
    })
    .nullish(),
  serving: Rollout.nullish().catch(null),
  promotion: z
    .object({
      promoted: z.boolean(),
      reason: text,
      contested: flag,
      already_promoted: flag,
      new_version: text,
    })
    .nullish(),
  rollback: z.custom<RollbackAnswer>((value) => typeof value === 'object').nullish(),
  error: Caught.nullish(),
  rollback_error: Caught.nullish(),
});
type StateDocument = z.infer<typeof StateDocument>;

type Verdict = { status: OutcomeStatus; reason: string; champion_after: string | null };

/**
 * The outcome of an execution. `state` is the whole state document, or `{ Error, Cause }` when the very first step
 * crashed, or anything at all when the input was no object.
 */
export function outcomeOf(state: unknown, execution: string, now: Date): Outcome {
  const crashed = Caught.safeParse(state);
  const document =
    StateDocument.safeParse(crashed.success ? { error: state } : state).data ?? StateDocument.parse({});
  const comparison = document.comparison ?? null;
  const unfinished = document.prepared?.unfinished ?? null;
  const before = unfinished
    ? unfinished.champion_before
    : (document.prepared?.before_state?.champion_version ?? comparison?.champion_version ?? null);
  return {
    ...verdict(document, before),
    operation: document.operation,
    execution,
    model_name: document.model_name,
    champion_before:
      document.operation === 'rollback' ? (document.rollback?.champion_before ?? null) : before,
    challenger_version: document.challenger_version,
    // A promotion that is only finished here was decided by the execution that began it.
    confidence: unfinished ? unfinished.confidence : (comparison?.confidence ?? null),
    comparison,
    rollback: document.rollback ?? null,
    serving: servingOf(document),
    holder: document.prepared?.holder ?? null,
    error: document.error ?? null,
    rollback_error: document.rollback_error ?? null,
    problems: document.problems,
    finishes: unfinished?.execution ?? null,
    requested_by: document.requested_by,
    dry_run: document.dry_run,
    recorded_at: now.toISOString(),
  };
}

function servingOf({ serving, prepared }: StateDocument): ServingOutcome | null {
  return serving && prepared?.workload_id ? { workload_id: prepared.workload_id, ...serving } : null;
}

/** Latest event first: what happened last decides how the execution ended. */
function verdict(document: StateDocument, before: string | null): Verdict {
  const { promotion, rollback, prepared, comparison, error, rollback_error: rollbackError } = document;
  const ended = (status: OutcomeStatus, reason: string, champion_after: string | null = before): Verdict => ({
    status,
    reason,
    champion_after,
  });

  if (document.valid === false) return ended('invalid_input', document.problems.join('; '), null);
  if (promotion?.promoted === true) {
    const nothingToDo = promotion.already_promoted && prepared?.promotion_id === null;
    const after = promotion.new_version ?? document.challenger_version;
    return nothingToDo
      ? ended('already_promoted', `Version ${after} is the champion already; nothing was done`, after)
      : ended('promoted', comparison?.recommendation ?? 'The challenger was promoted', after);
  }
  if (rollbackError) return ended('failed', `The rollback itself failed: ${rollbackError.message}`, null);
  if (rollback) return afterRollback(document, rollback, ended);
  if (error) return ended('failed', `${error.name}: ${error.message}`);
  if (comparison?.decision === 'KEEP') return ended('kept', comparison.recommendation);
  if (comparison?.decision === 'INVESTIGATE') return ended('needs_investigation', comparison.recommendation);
  if (comparison && document.dry_run)
    return ended('kept', `Dry run: nothing was changed. ${comparison.recommendation}`);
  // Asked last: while an execution waits for the lease, `prepared` still says busy and the steps after it decide.
  if (prepared?.status === 'busy') return ended('busy', prepared.reason ?? 'The model is busy');
  if (prepared?.status === 'contested')
    return ended('contested', prepared.reason ?? 'Somebody else moved the registry', null);
  return ended('failed', 'The execution ended without a result');
}

function afterRollback(
  document: StateDocument,
  rollback: RollbackAnswer,
  ended: (status: OutcomeStatus, reason: string, after?: string | null) => Verdict,
): Verdict {
  const asked = document.operation === 'rollback';
  const found = rollback.champion_before ?? null;
  const reason = asked ? rollback.detail : [causeOf(document), rollback.detail].filter(Boolean).join('. ');
  if (rollback.status === 'contested') return ended('contested', reason, null);
  // The registry may be back while the Workload still serves the new artifact: that is not a rollback.
  if (rollback.serving?.undone === false) {
    const { champion_version = null } = document.prepared?.before_state ?? {};
    const stayed = asked ? found : champion_version;
    return ended('failed', reason, rollback.rolled_back ? rollback.to_version : stayed);
  }
  if (rollback.rolled_back) return ended('rolled_back', reason, rollback.to_version);
  if (asked) return ended(rollback.dry_run ? 'kept' : 'failed', reason, found);
  return ended(document.promotion?.contested ? 'contested' : 'failed', reason);
}

/** What made a compensation necessary. */
function causeOf({ error, promotion, serving }: StateDocument): string | null {
  if (error) return `${error.name}: ${error.message}`;
  return promotion?.reason ?? (serving?.status === 'failed' ? serving.reason : null);
}

/** True when the execution did its job, or gave an answer that needs no alarm. */
export function endedWell(outcome: Outcome): EndAnswer['succeeded'] {
  if (outcome.status === 'rolled_back') return outcome.operation === 'rollback';
  return ['promoted', 'already_promoted', 'kept', 'needs_investigation', 'declined', 'busy'].includes(
    outcome.status,
  );
}

/** A repeated request that found nothing to do is recorded and announced to nobody. */
export function alertDue(outcome: Outcome): boolean {
  return outcome.status !== 'already_promoted' && outcome.rollback?.nothing_to_do !== true;
}

/** The outcome of a direct invocation; what a direct call cannot know is null. */
export function directOutcome(
  known: Pick<Outcome, 'status' | 'operation' | 'execution' | 'model_name' | 'reason' | 'recorded_at'> &
    Partial<Outcome>,
): Outcome {
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

import * as z from 'zod';
import type { RunFacts } from '../domain/outcome/metrics.ts';
import { mayHaveChanged, outcomeOf } from '../domain/outcome/outcome.ts';
import type { EndAnswer } from '../domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../domain/state-document.ts';
import type { ReadingServices } from '../runtime/reading-services.ts';
import { inWords } from '../words/reasons.ts';
import { approvalBehind } from './parts/approval-behind.ts';
import { type CloseServices, closeExecution } from './parts/close-execution.ts';
import { ownerIn, readBothSides } from './parts/read-ending.ts';
import { isToldAlready, rememberTold } from './parts/tell-out-of-step.ts';
import { watchBehind } from './parts/watch-behind.ts';

/** `state` is the whole state document, or `{ Error, Cause }` if the first step failed; `execution` is the ARN. */
export const EndInput = z.object({ state: z.unknown(), execution: z.string() });

/** What ending an execution needs. */
export interface EndServices extends CloseServices, ReadingServices {}

/**
 * Reads both sides, records the outcome that they show, sends its alert and releases the lease. Idempotent: a repeated call
 * answers the recorded outcome and sends only an alert that is still pending. Throws `LeaseStoreUnavailable`, but only after
 * people have been told; a failed alert is answered as `pending`.
 */
export async function end(
  { state, execution }: z.infer<typeof EndInput>,
  services: EndServices,
): Promise<EndAnswer> {
  const { store, clock } = services;
  const document = readStateDocument(state);
  const read =
    document.model_name !== null && mayHaveChanged(document)
      ? await readBothSides(document.model_name, services)
      : null;
  const watch = await watchBehind(document, execution, services);
  // Without a comparison nobody was asked.
  const approval = document.comparison === null ? undefined : await approvalBehind(execution, services);
  const facts = { execution, ending: read?.ending ?? null, owner: ownerIn(read), watch, approval };
  const ended = inWords(outcomeOf(state, facts, clock.now()));
  const closed = await closeExecution(
    ended,
    services,
    factsOf(state),
    isToldAlready(ended, read?.item ?? null),
  );
  const { change_id } = document;
  // An attempt has told how the change of a direct call ended, which nobody tells again then.
  if (change_id?.startsWith('direct:') && read?.ending.live?.change === change_id)
    await store.recordOutcome({ ...ended, execution: change_id }, 'none', null);
  if (closed.model_name !== null) {
    await rememberTold(closed.model_name, closed, services);
    await store.releaseLease(closed.model_name, execution, clock.now());
  }
  return closed.answer;
}

function factsOf(state: unknown): RunFacts {
  const { started_at, serving } = readStateDocument(state);
  return {
    startedAt: started_at === null ? null : new Date(started_at),
    // If the cancellation failed too, `failure` is `cancel-unconfirmed`, and this is the original reason.
    failure: serving?.progress.cancelled_for ?? serving?.failure ?? null,
  };
}

import * as z from 'zod';
import type { RunFacts } from '../domain/outcome/metrics.ts';
import { outcomeOf } from '../domain/outcome/outcome.ts';
import type { EndAnswer } from '../domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../domain/state-document.ts';
import { inWords } from '../words/reasons.ts';
import { type CloseServices, closeExecution } from './parts/close-execution.ts';

/** `state` is the whole state document, or whatever is left of it where the very first step failed. */
export const EndInput = z.object({ state: z.unknown(), execution: z.string() });

/** Called again, it answers what was recorded first and sends only an alert that is not known to be sent. */
export async function end(
  { state, execution }: z.infer<typeof EndInput>,
  services: CloseServices,
): Promise<EndAnswer> {
  const ended = inWords(outcomeOf(state, execution, services.clock.now()));
  const closed = await closeExecution(ended, services, factsOf(state));
  if (closed.model_name !== null) await services.store.releaseLease(closed.model_name, execution);
  return closed.answer;
}

function factsOf(state: unknown): RunFacts {
  const { started_at, serving } = readStateDocument(state);
  return {
    startedAt: started_at === null ? null : new Date(started_at),
    // Where it could not be cancelled either, the failure says only that.
    failure: serving?.progress.cancelled_for ?? serving?.failure ?? null,
  };
}

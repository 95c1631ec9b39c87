import type { Clock } from '../adapters/clock.ts';
import { answerTo, type DecisionAnswer, type OfferedDecision } from '../domain/approval/decide.ts';
import { type ApprovalRequest, MAX_DECISIONS } from '../domain/approval/request.ts';
import { LeaseStoreUnavailable } from '../domain/errors.ts';
import { log, logError } from '../runtime/log.ts';
import type { StoreServices } from '../runtime/store-services.ts';

/** What deciding needs. */
export interface DecideServices extends StoreServices {
  /** Whether the execution is running. Throws `StateMachineUnavailable`. */
  isRunning: (execution: string) => Promise<boolean>;
  /** Who started the execution of a request; null while that is not known. Throws `StateMachineUnavailable`. */
  requesterOf: (request: ApprovalRequest) => Promise<string | null>;
  /** Wakes an execution that waits; a token that is over does nothing. Throws `StateMachineUnavailable`. */
  wake: (token: string) => Promise<void>;
  clock: Clock;
}

/**
 * Records a decision of a person on the request of an execution, if it may be recorded, and wakes the execution. The same
 * call repeated after a lost answer is `recorded` again. Throws `LeaseStoreUnavailable` and the errors of the services.
 */
export async function decideApproval(
  { execution, ...offered }: OfferedDecision & { execution: string },
  services: DecideServices,
): Promise<DecisionAnswer> {
  const { store, clock, isRunning, requesterOf } = services;
  const { who, verdict, reason, digest } = offered;
  // What only a decision that may be recorded needs is asked for then.
  const known = { running: true, requester: null as string | null, isAsked: false };
  for (let attempt = 0; attempt < MAX_DECISIONS; attempt += 1) {
    const kept = await store.readApproval(execution);
    const request = kept?.request ?? null;
    const decisions = request === null ? [] : await store.decisionsOn(request);
    const now = clock.now();
    const answer = answerTo(offered, { request, decisions, now, ...known });
    const own = decisions.find(
      (each) => each.who === who && each.verdict === verdict && each.reason === reason,
    );
    if (answer === 'repeat' && own !== undefined) return woken(execution, 'recorded', services);
    if (request === null || (answer !== 'recorded' && answer !== 'requester_unknown')) return answer;
    if (!known.isAsked) {
      const [running, requester] = [
        await isRunning(execution),
        request.not_requester ? await requesterOf(request) : null,
      ];
      Object.assign(known, { running, requester, isAsked: true });
      continue;
    }
    if (answer !== 'recorded') return answer;
    const { requester } = known;
    const decision = { verdict, who, reason, at: now.toISOString(), digest, requester };
    const there = await store.putDecision(request, decisions.length + 1, decision);
    if (there.who === who && there.verdict === verdict && there.reason === reason)
      return woken(execution, 'recorded', services);
  }
  throw new LeaseStoreUnavailable(`${MAX_DECISIONS} decisions of others came first`);
}

/** A bell that does not ring costs time only: the execution looks by itself when its reminder or its end comes. */
async function woken(
  execution: string,
  answer: DecisionAnswer,
  { store, wake }: DecideServices,
): Promise<DecisionAnswer> {
  const token = (await store.readApproval(execution))?.token ?? null;
  if (token !== null)
    await wake(token).catch((error: unknown) => {
      log().warn('an execution was not woken', { execution, error: logError(error) });
    });
  return answer;
}

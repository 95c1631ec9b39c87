import type { DecisionAnswer } from '../domain/approval/decide.ts';
import { personOf } from '../domain/approval/person.ts';
import { isApprover } from '../domain/approval/policy-approval.ts';
import { type ApprovalRecord, type ApprovalSubject, recordOfRequest } from '../domain/approval/request.ts';
import { callIn, type DecideCall, type DecideEvent } from '../domain/approval/url-event.ts';
import { problemsOf } from '../runtime/handler.ts';
import { log } from '../runtime/log.ts';
import { decisionText } from '../words/approval.ts';
import { type DecideServices, decideApproval } from './decide-approval.ts';

/** Requests that one call lists at most. */
const PAGE = 20;

export interface CallServices extends DecideServices {
  /** The ARN of an execution by its name. */
  executionArn: (name: string) => string;
}

/** The answer of a function URL. */
export interface UrlAnswer {
  statusCode: number;
  headers: Record<string, string>;
  /** JSON text. */
  body: string;
}

/** A request as a person sees it. */
export interface ShownRequest extends ApprovalRecord {
  subject: ApprovalSubject;
  requested_by: string | null;
}

/** Answers a person's call. Throws `LeaseStoreUnavailable` and `StateMachineUnavailable`. */
export async function answerCall(event: DecideEvent, services: CallServices): Promise<UrlAnswer> {
  const who = personOf(event.requestContext.authorizer.iam.userArn);
  if (who === null) return refused('not_approver', null);
  const call = callIn(event);
  if (!call.success) return answered(400, { answer: 'invalid', problems: problemsOf(call.error) });
  switch (call.data.action) {
    case 'list':
      return answered(200, { who, ...(await waitingFor(who, call.data.from ?? null, services)) });
    case 'show': {
      const shown = await shownTo(who, arnOf(call.data.execution, services), services);
      return shown === null ? refused('not_approver', who) : answered(200, { who, request: shown });
    }
    case 'approve':
    case 'reject':
      return decided(who, call.data, services);
  }
}

async function decided(
  who: string,
  { action: verdict, execution: named, digest, reason }: Extract<DecideCall, { reason: string }>,
  services: CallServices,
): Promise<UrlAnswer> {
  const execution = arnOf(named, services);
  const answer = await decideApproval({ execution, who, verdict, reason, digest }, services);
  log().info('decision', { execution, who, verdict, answer });
  if (answer !== 'recorded') return refused(answer, who);
  return answered(200, {
    ...{ answer, who, text: decisionText(answer) },
    request: await shownTo(who, execution, services),
  });
}

const arnOf = (execution: string, { executionArn }: CallServices) =>
  execution.startsWith('arn:') ? execution : executionArn(execution);

/** The newest request of an execution; null for who may not decide on it. */
async function shownTo(
  who: string,
  execution: string,
  { store, clock }: CallServices,
): Promise<ShownRequest | null> {
  const request = (await store.readApproval(execution))?.request ?? null;
  if (request === null || !isApprover(who, request)) return null;
  const record = recordOfRequest(request, await store.decisionsOn(request), clock.now());
  return { ...record, subject: request.subject, requested_by: request.requested_by };
}

async function waitingFor(who: string, from: string | null, services: CallServices) {
  const page = await services.store.waitingApprovals(from, PAGE);
  const shown = await Promise.all(page.executions.map((execution) => shownTo(who, execution, services)));
  const requests = shown.filter((request) => request !== null && request.status === 'waiting');
  return { requests, next: page.next };
}

const refused = (answer: DecisionAnswer, who: string | null): UrlAnswer =>
  answered(answer === 'not_approver' ? 403 : 409, { answer, who, text: decisionText(answer) });

const answered = (statusCode: number, body: object): UrlAnswer => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

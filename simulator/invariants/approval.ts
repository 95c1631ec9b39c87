import type { ApprovalDecision, ApprovalRequest } from '../../lambdas/domain/approval/request.ts';
import type { Finished } from '../story/play-story.ts';
import { STARTER } from '../story/surroundings.ts';
import { type Invariant, SKEW_MS } from './invariant.ts';

/** What must be so of promotions that people approve. */

interface Decided extends ApprovalDecision {
  execution: string;
  /** When it was put, by the time itself. */
  putAt: number;
}

/** All decisions that the table has. */
const decisionsIn = ({ world: { around } }: Finished): Decided[] =>
  [...around.table.items].flatMap(([key, { decision }]) => {
    if (!key.startsWith('decision#')) return [];
    const execution = key.split('#')[1] ?? '';
    return [{ ...JSON.parse(String(decision)), execution, putAt: around.putAt.get(key) ?? 0 }];
  });

const requestsIn = ({ world: { around } }: Finished): ApprovalRequest[] =>
  [...around.table.items].flatMap(([key, { request }]) =>
    key.startsWith('approval#') ? [JSON.parse(String(request)) as ApprovalRequest] : [],
  );

const asksForApproval = ({ story }: Finished) => story.beginning.approved === true;

export const approval: readonly Invariant[] = [
  {
    name: 'approved',
    about:
      'Nothing is opened that nobody has approved who may, before its end, or that is not what they have seen.',
    violations(finished) {
      if (!asksForApproval(finished)) return [];
      const { world } = finished;
      const decisions = decisionsIn(finished);
      const requests = new Map(requestsIn(finished).map((request) => [request.execution, request]));
      return world.chronicle.itemWrites.flatMap(({ kind, at, after: { change } }) => {
        if (kind !== 'opened' || change?.kind !== 'promote' || !change.id.startsWith('arn:')) return [];
        const request = requests.get(change.id);
        if (request === undefined) return [`${change.id} was opened, and nobody was asked`];
        const seen = decisions.filter(
          ({ execution, digest, putAt }) =>
            execution === change.id && digest === request.digest && putAt <= at,
        );
        const says = (verdict: string) => seen.filter((each) => each.verdict === verdict);
        if (says('approve').length === 0) return [`${change.id} was opened before anybody approved`];
        if (says('reject').length > 0) return [`${change.id} was opened after it was rejected`];
        const { challenger_version, artifact_id } = request.subject;
        const isOther =
          challenger_version !== change.to ||
          (artifact_id !== null && change.aim.artifact_id !== null && artifact_id !== change.aim.artifact_id);
        return isOther ? [`${change.id} was opened to ${change.aim.key}, which nobody has seen`] : [];
      });
    },
  },
  {
    name: 'who decides',
    about: 'A decision is that of an approver who has not started the execution, in time, and once.',
    violations(finished) {
      const requests = new Map(requestsIn(finished).map((request) => [request.execution, request]));
      const known = new Set<string>();
      return decisionsIn(finished).flatMap(({ who, execution, digest, verdict, putAt }) => {
        const found: string[] = [];
        const one = `${execution} ${digest} ${who}`;
        if (known.has(one)) found.push(`${who} has decided twice on ${execution}`);
        known.add(one);
        if (!who.endsWith('@example.com')) found.push(`${who} has decided on ${execution}`);
        if (verdict === 'approve' && who === STARTER) found.push(`${who} has approved what they started`);
        const ends = Date.parse(requests.get(execution)?.expires_at ?? '');
        if (putAt > ends + SKEW_MS) found.push(`${who} has decided after the end of ${execution}`);
        return found;
      });
    },
  },
];

export const approvalAtRest: readonly Invariant[] = [
  {
    name: 'no request stays',
    about: 'With its execution a request has ended, and who was asked was asked once.',
    violations(finished) {
      if (!asksForApproval(finished)) return [];
      const { world, outcomes } = finished;
      return requestsIn(finished).flatMap(({ execution, ended }) => {
        const running = [...world.executions.all.values()].some(
          ({ arn, status }) => arn === execution && status === 'RUNNING',
        );
        if (running || !outcomes.has(execution) || ended !== null) return [];
        return [`${execution} has ended, and still waits for people`];
      });
    },
  },
];

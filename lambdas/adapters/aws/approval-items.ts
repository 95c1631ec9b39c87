import { randomUUID } from 'node:crypto';
import { PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import {
  ApprovalDecision,
  ApprovalRequest,
  type ApprovalStore,
  type KeptApproval,
  MAX_DECISIONS,
} from '../../domain/approval/request.ts';
import { type Documents, itemAt, unlessConditionFails } from './documents.ts';
import { APPROVAL_KEY, DECISION_KEY, MODELS_INDEX } from './table-indexes.ts';

/**
 * The items of requests for approval, one for each execution, and of decisions on them, which only the function that knows
 * who calls may write. A decision has a number in its key, as a ledger's entry has: the table has no sort key to list by.
 */

/** What waits is found by the index of models, as a state of its own. */
const WAITING = 'approval';

const approvalKey = (execution: string) => ({ pk: `${APPROVAL_KEY}${execution}` });
const decisionKey = (
  { execution, digest }: Pick<ApprovalRequest, 'execution' | 'digest'>,
  place: number,
) => ({
  pk: `${DECISION_KEY}${execution}#${digest}#${place}`,
});

/** The part of the store that is about approvals. */
export function approvalItems(db: Documents, table: string): ApprovalStore {
  const decisionAt = async (of: Pick<ApprovalRequest, 'execution' | 'digest'>, place: number) => {
    const item = await itemAt(db, table, decisionKey(of, place));
    return item === undefined ? null : ApprovalDecision.parse(JSON.parse(String(item['decision'])));
  };

  return {
    async readApproval(execution) {
      const item = await itemAt(db, table, approvalKey(execution));
      return item === undefined ? null : keptIn(item);
    },

    async writeApproval(seen, { request, token }) {
      const written_by = randomUUID();
      const key = approvalKey(request.execution);
      const put = new PutCommand({
        TableName: table,
        Item: {
          ...key,
          written_by,
          rev: (seen?.rev ?? 0) + 1,
          request: JSON.stringify(request),
          ...(token === null ? {} : { token }),
          ...(request.ended === null ? { change_state: WAITING } : {}),
        },
        ...(seen === null
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : { ConditionExpression: 'rev = :seen', ExpressionAttributeValues: { ':seen': seen.rev } }),
      });
      if (await unlessConditionFails(db.send(put))) return true;
      // The SDK repeats a write after a lost response, and finds what the first attempt wrote.
      return (await itemAt(db, table, key))?.['written_by'] === written_by;
    },

    async waitingApprovals(from, limit) {
      const { Items = [], LastEvaluatedKey } = await db.send(
        new QueryCommand({
          TableName: table,
          IndexName: MODELS_INDEX,
          KeyConditionExpression: 'change_state = :waiting',
          ExpressionAttributeValues: { ':waiting': WAITING },
          Limit: limit,
          ...(from === null ? {} : { ExclusiveStartKey: { ...approvalKey(from), change_state: WAITING } }),
        }),
      );
      const executions = Items.flatMap(({ pk }) =>
        typeof pk === 'string' && pk.startsWith(APPROVAL_KEY) ? [pk.slice(APPROVAL_KEY.length)] : [],
      );
      return { executions, next: LastEvaluatedKey === undefined ? null : (executions.at(-1) ?? null) };
    },

    async decisionsOn(request) {
      const found: ApprovalDecision[] = [];
      for (let place = 1; place <= MAX_DECISIONS; place += 1) {
        const decision = await decisionAt(request, place);
        if (decision === null) break;
        found.push(decision);
      }
      return found;
    },

    async putDecision(request, place, decision) {
      const put = new PutCommand({
        TableName: table,
        Item: { ...decisionKey(request, place), decision: JSON.stringify(decision) },
        ConditionExpression: 'attribute_not_exists(pk)',
      });
      if (await unlessConditionFails(db.send(put))) return decision;
      const there = await decisionAt(request, place);
      // It is there, as the condition failed.
      if (there === null) throw new Error(`decision ${place} was not read`);
      return there;
    },
  };
}

function keptIn({ request, token, rev }: Record<string, unknown>): KeptApproval {
  return {
    request: ApprovalRequest.parse(JSON.parse(String(request))),
    token: typeof token === 'string' ? token : null,
    rev: Number(rev),
  };
}

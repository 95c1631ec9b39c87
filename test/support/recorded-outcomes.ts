import { DynamoDBDocumentClient, GetCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { expect } from 'vitest';
import type { LocalTable } from '../../emulators/aws/dynamodb.ts';
import type { PublishedMessage } from '../../emulators/aws/sns.ts';
import { type LedgerHead, parseHead } from '../../lambdas/domain/ledger/entry.ts';
import { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { notifyServices } from '../../lambdas/runtime/notify-services.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import type { AlertKind } from '../../lambdas/words/alert/kinds.ts';
import type { RunPage } from '../../lambdas/words/alert/wording.ts';
import type { ExecutionDocument } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { dynamodbClient } from './clients.ts';

/** The outcomes that the table has, in no order. */
export async function recordedOutcomes(table: LocalTable): Promise<Outcome[]> {
  const client = DynamoDBDocumentClient.from(dynamodbClient(table));
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table.name }));
  client.destroy();
  return Items.filter(({ pk }) => String(pk).startsWith('outcome#')).map(({ outcome }) => parsed(outcome));
}

/** The run that an alert names; null where it names none. */
const runIn = ({ run, report }: Readonly<Record<string, string | undefined>>): RunPage | null =>
  run === undefined ? null : { url: run, report: report ?? null };

/** How this execution ended. Throws where nothing is recorded of it. */
export async function recordedOutcome(table: LocalTable, execution: string | undefined): Promise<Outcome> {
  const client = DynamoDBDocumentClient.from(dynamodbClient(table));
  const Key = { pk: `outcome#${execution}` };
  const { Item } = await client.send(new GetCommand({ TableName: table.name, Key, ConsistentRead: true }));
  client.destroy();
  if (Item === undefined) throw new Error(`no outcome of ${execution}`);
  return parsed(Item['outcome']);
}

const parsed = (outcome: unknown) => Outcome.parse(JSON.parse(String(outcome)));

/** The alerts of a host, and the outcomes that they tell of. */
export type SentAlerts = Pick<EmulatedHost, 'env'> & {
  published: readonly PublishedMessage[];
  outcomes: readonly Outcome[];
};

/** Expects alerts of these kinds, in this order, each of which says what is recorded of its execution. */
export function expectAlerts({ published, outcomes, env }: SentAlerts, kinds: readonly AlertKind[]): void {
  expect(published.map(({ attributes }) => attributes['kind'])).toEqual(kinds);
  for (const { attributes, subject, message } of published) {
    const outcome = outcomes.find(({ execution }) => execution === attributes['execution']);
    if (outcome === undefined) throw new Error(`no outcome of ${attributes['execution']}`);
    const { text, ...alert } = alertFor(outcome, notifyServices(env).alertContext, {
      ledger: headIn(attributes['ledger']),
      run: runIn(attributes),
    });
    expect([subject, message.email]).toEqual([alert.subject, text]);
  }
}

/** The head of the ledger that an alert names; null where it names none. `test/unit/append-entry.test.ts` compares it. */
export const headIn = (named: string | null | undefined): LedgerHead | null => parseHead(named ?? '');

/** How this execution ended. Throws where nothing is recorded of it. */
export function outcomeOf(
  outcomes: readonly Outcome[],
  document: Pick<ExecutionDocument, 'execution'> | undefined,
): Outcome {
  const found = outcomes.find(({ execution }) => execution === document?.execution);
  if (found === undefined) throw new Error(`no outcome of ${document?.execution}`);
  return found;
}

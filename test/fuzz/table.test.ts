import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import type { Value } from '../../emulators/aws/expressions.ts';
import { MemoryTable, type TableRequest } from '../../emulators/aws/memory-table.ts';
import { dynamodbClient } from '../support/clients.ts';
import { fuzz } from './support/targets.ts';

let table: LocalTable;
let client: DynamoDBClient;
let db: DynamoDBDocumentClient;
beforeAll(async () => {
  table = await startLocalTable();
  client = dynamodbClient(table);
  db = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
});
afterAll(async () => {
  client.destroy();
  await table.close();
});

const attribute = fc.constantFrom(
  'told',
  'fence',
  'history',
  'change',
  '#owner',
  '#live',
  'toString',
  '#class',
);
const path = fc.oneof(
  attribute,
  fc
    .tuple(attribute, fc.constantFrom('.id', '.aim', '.aim.#key', '[0]', '[1].id'))
    .map((parts) => parts.join('')),
);
const operand = fc.oneof(path, fc.constantFrom(':a', ':b', ':n'));
const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2 },
    path.map((of) => `attribute_exists(${of})`),
    path.map((of) => `attribute_not_exists(${of})`),
    fc
      .tuple(path, fc.constantFrom('=', '<>', '<', '<=', '>', '>='), fc.constantFrom(':a', ':b', ':n'))
      .map((parts) => parts.join(' ')),
    fc
      .tuple(tie('any'), fc.constantFrom('AND', 'OR'), tie('any'))
      .map(([left, by, right]) => `(${left}) ${by} ${right}`),
    tie('any').map((inner) => `NOT (${inner})`),
  ),
})).any;
const update = fc.oneof(
  fc.tuple(path, operand).map(([to, from]) => `SET ${to} = ${from}`),
  fc.tuple(path, path).map(([to, from]) => `SET ${to} = ${from} + :n`),
  fc.tuple(path, path).map(([to, from]) => `SET ${to} = if_not_exists(${from}, :a)`),
  fc.tuple(path, path).map(([to, from]) => `SET ${to} = list_append(${from}, :b)`),
  path.map((of) => `REMOVE ${of}`),
  attribute.map((of) => `ADD ${of} :n`),
  fc.tuple(attribute, attribute).map(([to, of]) => `SET ${to} = :a REMOVE ${of}`),
);
const plain: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom('x', 'y', 0, 1, 7, true, null),
  fc.constantFrom<Value>([], ['x'], [{ id: 'x' }], { id: 'x', aim: { key: 'y' } }, { id: 7 }),
);
const NAMES = { '#owner': 'owner', '#live': 'live', '#key': 'key', '#class': 'constructor' };
const tableStep = fc.record({
  item: fc.dictionary(fc.constantFrom('told', 'fence', 'history', 'change', 'owner', 'live'), plain),
  update,
  condition: fc.option(condition, { nil: undefined }),
  values: fc.record({ ':a': plain, ':b': plain, ':n': fc.constantFrom<Value>(1, 2, 'x') }),
});

let count = 0;
fuzz(
  'the table in memory and dynalite',
  'answer the same to any update and condition of the kinds that are used',
  tableStep,
  async ({ item, update: UpdateExpression, condition: ConditionExpression, values }) => {
    count += 1;
    const Key = { pk: `fuzz-${count}` };
    const used = `${UpdateExpression} ${ConditionExpression ?? ''}`;
    const only = <T>(all: Record<string, T>) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => new RegExp(`${name}\\b`).test(used)));
    const [names, given] = [only(NAMES), only(values)];
    const request: TableRequest = {
      Key,
      UpdateExpression,
      ...(ConditionExpression === undefined ? {} : { ConditionExpression }),
      ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
      ...(Object.keys(given).length === 0 ? {} : { ExpressionAttributeValues: given }),
      ReturnValues: 'ALL_NEW',
    };
    const memory = new MemoryTable();
    memory.execute('PutCommand', { Item: { ...item, ...Key } });
    await db.send(new PutCommand({ TableName: table.name, Item: { ...item, ...Key } }));
    const theirs = await db
      .send(
        new UpdateCommand({ TableName: table.name, ...request } as ConstructorParameters<
          typeof UpdateCommand
        >[0]),
      )
      .then(({ Attributes }) => Attributes, failure);
    const ours = (() => {
      try {
        return memory.execute('UpdateCommand', request)['Attributes'];
      } catch (error) {
        return failure(error);
      }
    })();
    // DynamoDB looks at the whole request first; one that it refuses changes nothing, whatever its condition.
    if (theirs === 'invalid') expect(typeof ours).toBe('string');
    else expect(ours).toEqual(theirs);
    const { Item } = await db.send(new GetCommand({ TableName: table.name, Key }));
    expect(memory.execute('GetCommand', { Key })['Item']).toEqual(Item);
  },
);

function failure(error: unknown): string {
  if (error instanceof ConditionalCheckFailedException) return 'condition failed';
  if (error instanceof Error && error.name === 'ValidationException') return 'invalid';
  throw error;
}

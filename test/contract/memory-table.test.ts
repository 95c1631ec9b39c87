import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { MemoryTable, type TableRequest } from '../../emulators/aws/memory-table.ts';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import { dynamodbClient } from '../support/clients.ts';

/** The table in the process answers as dynalite does, which stands for DynamoDB everywhere else. */

let table: LocalTable;
let served: LocalTable;
let clients: DynamoDBClient[];
/** The documents of dynalite, and those of the table in memory behind a socket. */
let db: DynamoDBDocumentClient;
let servedDb: DynamoDBDocumentClient;

beforeAll(async () => {
  [table, served] = await Promise.all([startLocalTable(), startMemoryTable()]);
  clients = [table, served].map(dynamodbClient);
  [db, servedDb] = clients.map((client) =>
    DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } }),
  ) as [DynamoDBDocumentClient, DynamoDBDocumentClient];
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await Promise.all([table.close(), served.close()]);
});

const COMMANDS = { GetCommand, PutCommand, UpdateCommand, DeleteCommand, QueryCommand };
type Name = keyof typeof COMMANDS;
type Step = [Name, TableRequest];

const interesting = ({ Item, Attributes, Items, Count, LastEvaluatedKey }: Record<string, unknown>) => ({
  Item,
  Attributes,
  Items,
  Count,
  LastEvaluatedKey,
});

const onDynalite = (step: Step) => onServer(db, step);

async function onServer(on: DynamoDBDocumentClient, [name, input]: Step): Promise<unknown> {
  const Command = COMMANDS[name] as unknown as new (input: object) => Parameters<typeof on.send>[0];
  try {
    return interesting({ ...(await on.send(new Command({ TableName: table.name, ...input }))) });
  } catch (error) {
    return failure(error);
  }
}

function inMemory(memory: MemoryTable, [name, input]: Step): unknown {
  try {
    return interesting(memory.execute(name, input));
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): string {
  if (error instanceof ConditionalCheckFailedException) return 'condition failed';
  if (error instanceof Error && error.name === 'ValidationException') return 'invalid';
  throw error;
}

/** Requests in the forms that the promotion table has, on few items and values, so that conditions hold and fail. */
function stepsOn(prefix: string): fc.Arbitrary<Step[]> {
  const Key = fc.constantFrom('a', 'b').map((name) => ({ pk: `${prefix}-${name}` }));
  const who = fc.constantFrom('x', 'y');
  const small = fc.integer({ min: 0, max: 3 });
  const release = fc.record({ key: fc.constantFrom('1-a', '2-b'), version: fc.constantFrom('1', null) });
  const names = { '#owner': 'owner', '#change': 'change', '#live': 'live', '#open': 'open', '#key': 'key' };
  const namesIn = (...texts: string[]) =>
    Object.fromEntries(Object.entries(names).filter(([name]) => texts.some((text) => text.includes(name))));
  const update = (
    UpdateExpression: string,
    ConditionExpression: string | undefined,
    values: fc.Arbitrary<object>,
  ) =>
    fc.tuple(Key, values).map(([key, given]): Step => {
      const ExpressionAttributeNames = namesIn(UpdateExpression, ConditionExpression ?? '');
      const some = Object.keys(given).length > 0;
      return [
        'UpdateCommand',
        {
          Key: key,
          UpdateExpression,
          ...(ConditionExpression === undefined ? {} : { ConditionExpression }),
          ...(Object.keys(ExpressionAttributeNames).length > 0 ? { ExpressionAttributeNames } : {}),
          ...(some
            ? {
                ExpressionAttributeValues: { ...given } as NonNullable<
                  TableRequest['ExpressionAttributeValues']
                >,
              }
            : {}),
          ReturnValues: 'ALL_NEW',
        },
      ];
    });
  const query = (index: string, hash: string, value: string): fc.Arbitrary<Step> =>
    fc.constantFrom(1, 5).map(
      (Limit): Step => [
        'QueryCommand',
        {
          IndexName: index,
          KeyConditionExpression: '#hash = :value',
          ExpressionAttributeNames: { '#hash': hash },
          ExpressionAttributeValues: { ':value': `${prefix}-${value}` },
          Limit,
        },
      ],
    );
  const step = fc.oneof(
    Key.map((key): Step => ['GetCommand', { Key: key }]),
    Key.map((key): Step => ['DeleteCommand', { Key: key }]),
    fc.tuple(Key, small, fc.boolean()).map(
      ([key, number, pending]): Step => [
        'PutCommand',
        {
          Item: {
            ...key,
            outcome: String(number),
            // DynamoDB does not say in which order items of the same time come.
            recorded_at: `2026-11-2${number} ${key.pk}`,
            ...(pending ? { alert_pending: `${prefix}-pending` } : {}),
          },
          ...(number > 1 ? { ConditionExpression: 'attribute_not_exists(pk)' } : {}),
        },
      ],
    ),
    update(
      'SET #owner = :me, expires_at = :end, model_name = :me ADD fence :one',
      'attribute_not_exists(#owner) OR expires_at < :now',
      fc.record({ ':me': who, ':end': small, ':now': small, ':one': fc.constant(1) }),
    ),
    update('REMOVE #owner, expires_at', '#owner = :me', fc.record({ ':me': who })),
    update(
      'SET #change = :change, #open = :open REMOVE told',
      '#owner = :me AND fence = :fence AND expires_at > :now AND attribute_not_exists(#change)',
      fc.record({
        ':me': who,
        ':fence': small,
        ':now': small,
        ':change': fc.record({ id: who, attempts: small, aim: release, safe: release }),
        ':open': fc.constant(`${prefix}-open`),
      }),
    ),
    update('SET #change.aim = #change.safe', '#change.id = :id', fc.record({ ':id': who })),
    update(
      'SET #change.attempts = #change.attempts + :one, #change.next_at = :id',
      '#change.id = :id AND #change.attempts = :seen',
      fc.record({ ':id': who, ':one': fc.constant(1), ':seen': small }),
    ),
    update('SET #change.attempts = #change.attempts + :one', undefined, fc.record({ ':one': small })),
    update(
      'SET #live = #change.aim, history = :list REMOVE #change, #open, told',
      '#change.id = :id AND #change.aim.#key = :key',
      fc.record({
        ':id': who,
        ':key': fc.constantFrom('1-a', '2-b'),
        ':list': fc.array(release, { maxLength: 2 }),
      }),
    ),
    update('SET told = :id', '#owner <> :id AND NOT (fence >= :n)', fc.record({ ':id': who, ':n': small })),
    update('SET told = #live.version', 'attribute_exists(#live)', fc.constant({})),
    update('SET fence = if_not_exists(fence, :n)', undefined, fc.record({ ':n': small })),
    update(
      'SET history = list_append(:list, history)',
      undefined,
      fc.record({ ':list': fc.array(release, { maxLength: 2 }) }),
    ),
    query('pending-alerts', 'alert_pending', 'pending'),
    query('models', 'change_state', 'open'),
  );
  return fc.array(step, { minLength: 30, maxLength: 50 });
}

/** Its socket adds the protocol alone: so many runs go through it, too. */
const RUNS_SERVED = 6;

it('answers every request as dynalite does, and keeps the same items', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat().chain((seed) => stepsOn(`r${seed}`)),
      async (steps) => {
        run += 1;
        const own = JSON.parse(JSON.stringify(steps).replaceAll(/"r\d+-/g, `"run${run}-`)) as Step[];
        const memory = new MemoryTable();
        for (const step of own) {
          const answer = await onDynalite(step);
          expect(inMemory(memory, step)).toEqual(answer);
          if (run <= RUNS_SERVED) expect(await onServer(servedDb, step)).toEqual(answer);
        }
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

it('refuses what DynamoDB refuses, and takes no attribute for there that every object has', async () => {
  const Key = { pk: 'odd' };
  const Item = { ...Key, told: null, history: ['x'], change: { id: 'x' } };
  const given = { ':n': 1, ':a': 'x' };
  const updates: [string, (keyof typeof given)[], string?][] = [
    ['SET fence = :n', [':n'], 'attribute_exists(toString)'],
    ['SET fence = :n', [':n'], 'attribute_not_exists(toString.id)'],
    ['SET fence = if_not_exists(told, :n)', [':n']],
    ['ADD told :n', [':n']],
    ['REMOVE history.id', []],
    ['REMOVE change[0]', []],
    ['SET change.id = :a REMOVE change', [':a']],
    ['SET told = :a REMOVE told', [':a']],
  ];
  const memory = new MemoryTable();
  for (const [UpdateExpression, used, ConditionExpression] of updates) {
    const put: Step = ['PutCommand', { Item }];
    const values = Object.fromEntries(used.map((name) => [name, given[name]]));
    const request: TableRequest = { Key, UpdateExpression, ReturnValues: 'ALL_NEW' };
    if (used.length > 0) request.ExpressionAttributeValues = values;
    if (ConditionExpression !== undefined) request.ConditionExpression = ConditionExpression;
    const steps: Step[] = [put, ['UpdateCommand', request]];
    for (const step of steps)
      expect(inMemory(memory, step), UpdateExpression).toEqual(await onDynalite(step));
  }
});

it.each(['as dynalite', 'as the table in memory'])('holds one table only, by its name, %s', async (which) => {
  const documents = which === 'as dynalite' ? db : servedDb;
  const command = () => new GetCommand({ TableName: 'other', Key: { pk: 'a' } });
  await expect(documents.send(command())).rejects.toThrow(
    expect.objectContaining({ name: 'ResourceNotFoundException' }),
  );
});

it('is one table behind its socket and without it', async () => {
  const Key = { pk: 'both' };
  await servedDb.send(
    new PutCommand({ TableName: served.name, Item: { ...Key, of: [1, true, null, { a: 'b' }] } }),
  );
  const found = await served.documents?.send(new GetCommand({ TableName: served.name, Key }));
  expect(found).toEqual({ Item: { ...Key, of: [1, true, null, { a: 'b' }] } });
  await expect(served.documents?.send(new GetCommand({ TableName: 'other', Key }))).rejects.toThrow();
  await served.reset();
  expect(await servedDb.send(new ScanCommand({ TableName: served.name }))).toMatchObject({ Items: [] });
});

it('goes back to a backup, which later writes do not change', () => {
  const memory = new MemoryTable();
  const put = (pk: string, value: number) => memory.execute('PutCommand', { Item: { pk, value } });
  put('kept', 1);
  const backup = memory.backup();
  put('kept', 2);
  put('added', 3);
  memory.restore(backup);
  put('kept', 4);
  memory.restore(backup);
  expect([...memory.items.values()]).toEqual([{ pk: 'kept', value: 1 }]);
});

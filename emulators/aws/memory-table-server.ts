import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type LocalTable, TABLE_NAME } from './dynamodb.ts';
import type { Item, Value } from './expressions.ts';
import { MemoryTable, type TableRequest } from './memory-table.ts';

/** A value as DynamoDB's protocol writes it: its type, and its text or its parts. */
type Typed =
  | { S: string }
  | { N: string }
  | { BOOL: boolean }
  | { NULL: true }
  | { L: Typed[] }
  | { M: Record<string, Typed> };

/** Actions of the protocol, and the commands of the document client that they are. */
const COMMANDS: Readonly<Record<string, string>> = {
  GetItem: 'GetCommand',
  PutItem: 'PutCommand',
  UpdateItem: 'UpdateCommand',
  DeleteItem: 'DeleteCommand',
  Query: 'QueryCommand',
};
/** Fields of a request, and of an answer, that hold attributes. */
const ATTRIBUTES = ['Key', 'Item', 'ExpressionAttributeValues', 'ExclusiveStartKey'] as const;
const ANSWERED = ['Item', 'Attributes', 'LastEvaluatedKey'] as const;

/** Nothing has this table's name; DynamoDB's error. */
class ResourceNotFound extends Error {
  override readonly name = 'ResourceNotFoundException' as const;
}

/**
 * The promotion table in memory: on loopback in DynamoDB's protocol, and without a socket for functions in this process, which
 * takes a fiftieth of the time.
 */
export async function startMemoryTable(): Promise<LocalTable> {
  const table = new MemoryTable();
  const execute = (command: string, request: TableRequest) => {
    if (request.TableName === TABLE_NAME) return table.execute(command, request);
    throw new ResourceNotFound('Requested resource not found');
  };
  const server = createServer(async (request, response) => {
    const { status, body } = answerTo(actionOf(request), await buffer(request), table, execute);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    name: TABLE_NAME,
    documents: {
      send: async (command: { input: object }) => execute(command.constructor.name, command.input),
    },
    reset: async () => table.restore(new Map()),
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

const actionOf = ({ headers }: IncomingMessage) => String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';

function answerTo(
  action: string,
  body: Buffer,
  table: MemoryTable,
  execute: (command: string, request: TableRequest) => Record<string, unknown>,
): { status: number; body: object } {
  try {
    const request = plainRequest(JSON.parse(body.toString('utf8')));
    const command = COMMANDS[action];
    const answer =
      action === 'Scan' ? { Items: [...table.items.values()] } : execute(command ?? action, request);
    const ConsumedCapacity = { TableName: request.TableName, CapacityUnits: 1 };
    return { status: 200, body: { ...typedAnswer(answer), ConsumedCapacity } };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const type = name.endsWith('Exception') ? name : 'InternalServerError';
    return {
      status: name.endsWith('Exception') ? 400 : 500,
      body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message },
    };
  }
}

function plainRequest(request: Record<string, unknown>): TableRequest {
  const plain: Record<string, unknown> = { ...request };
  for (const field of ATTRIBUTES) {
    const typed = request[field] as Record<string, Typed> | undefined;
    if (typed !== undefined) plain[field] = plainItem(typed);
  }
  return plain;
}

function typedAnswer(answer: Record<string, unknown>): object {
  const typed: Record<string, unknown> = { ...answer };
  for (const field of ANSWERED)
    if (answer[field] !== undefined) typed[field] = typedItem(answer[field] as Item);
  if (answer['Items'] !== undefined) typed['Items'] = (answer['Items'] as Item[]).map(typedItem);
  return typed;
}

const plainItem = (item: Record<string, Typed>): Item =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));

function plainValue(value: Typed): Value {
  if ('S' in value) return value.S;
  if ('N' in value) return Number(value.N);
  if ('BOOL' in value) return value.BOOL;
  if ('L' in value) return value.L.map(plainValue);
  return 'M' in value ? plainItem(value.M) : null;
}

const typedItem = (item: Item): Record<string, Typed> =>
  Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) => (value === undefined ? [] : [[name, typedValue(value)]])),
  );

function typedValue(value: Exclude<Value, undefined>): Typed {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };
  if (Array.isArray(value)) return { L: value.map((each) => typedValue(each ?? null)) };
  return { M: typedItem(value) };
}

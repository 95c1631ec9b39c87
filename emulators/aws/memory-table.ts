import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  copy,
  fulfils,
  InvalidExpression,
  type Item,
  nameOf,
  type Placeholders,
  updated,
  type Value,
} from './expressions.ts';

/** A request as the SDK's document client gets it: the name of the command and its input. */
export interface TableRequest {
  TableName?: string | undefined;
  Key?: Item | undefined;
  Item?: Item | undefined;
  IndexName?: string | undefined;
  KeyConditionExpression?: string | undefined;
  ConditionExpression?: string | undefined;
  UpdateExpression?: string | undefined;
  FilterExpression?: string | undefined;
  ProjectionExpression?: string | undefined;
  ExpressionAttributeNames?: Record<string, string> | undefined;
  ExpressionAttributeValues?: Record<string, Value> | undefined;
  ExclusiveStartKey?: Item | undefined;
  Limit?: number | undefined;
  ScanIndexForward?: boolean | undefined;
  ReturnValues?: string | undefined;
}

/** Keys of a secondary index. */
interface TableIndex {
  name: string;
  hash: string;
  range: string;
  /** The index holds the keys alone. */
  keysOnly?: true;
}

const HASH = 'pk';
/** Those of the promotion table, as the stack declares them. */
const INDEXES: readonly TableIndex[] = [
  { name: 'pending-alerts', hash: 'alert_pending', range: 'recorded_at' },
  { name: 'models', hash: 'change_state', range: HASH, keysOnly: true },
];
/** An item of DynamoDB is at most 400 KB. */
const MAX_ITEM_BYTES = 400 * 1024;
const NAMES = {};

/**
 * The promotion table on plain values, in the process, without the SDK and a socket: the commands Get, Put, Update, Delete and Query of the document
 * client. Each request is executed at once, alone; what it does not know, it refuses. Numbers are those of JavaScript.
 */
export class MemoryTable {
  readonly #items = new Map<string, Item>();

  /** Every item by its key; the items are the table's own. */
  get items(): ReadonlyMap<string, Item> {
    return this.#items;
  }

  /** A copy of every item, as a backup holds it. */
  backup(): ReadonlyMap<string, Item> {
    return new Map([...this.#items].map(([key, item]) => [key, copy(item)]));
  }

  /** Replaces every item by those of a backup. */
  restore(backup: ReadonlyMap<string, Item>): void {
    this.#items.clear();
    for (const [key, item] of backup) this.#items.set(key, copy(item));
  }

  /** Executes a command by its class name, such as `UpdateCommand`. Throws what the SDK throws for its answer. */
  execute(command: string, request: TableRequest): Record<string, unknown> {
    switch (command) {
      case 'GetCommand':
        return this.#get(request);
      case 'PutCommand':
        return this.#put(request);
      case 'UpdateCommand':
        return this.#update(request);
      case 'DeleteCommand':
        return this.#delete(request);
      case 'QueryCommand':
        return this.#query(request);
      default:
        throw new Error(`Not implemented by this emulator: ${command}`);
    }
  }

  #get({ Key, ...request }: TableRequest) {
    const item = this.#items.get(keyOf(Key));
    if (item === undefined) return {};
    const { ProjectionExpression: names } = request;
    return { Item: names === undefined ? copy(item) : projected(copy(item), names, placeholders(request)) };
  }

  #put({ Item: given = {}, ...request }: TableRequest) {
    const key = keyOf(given);
    this.#check(key, request);
    this.#store(key, copy(given));
    return {};
  }

  #update({ Key, UpdateExpression = '', ...request }: TableRequest) {
    const key = keyOf(Key);
    this.#check(key, request);
    const item = updated(this.#items.get(key) ?? { [HASH]: key }, UpdateExpression, placeholders(request));
    if (item[HASH] !== key) throw new InvalidExpression('The key cannot be updated');
    this.#store(key, item);
    return request.ReturnValues === 'ALL_NEW' ? { Attributes: copy(item) } : {};
  }

  #delete({ Key, ...request }: TableRequest) {
    const key = keyOf(Key);
    this.#check(key, request);
    this.#items.delete(key);
    return {};
  }

  #query({ IndexName, KeyConditionExpression = '', ...request }: TableRequest) {
    const index = INDEXES.find(({ name }) => name === IndexName);
    if (index === undefined) throw new InvalidExpression(`The table does not have the index ${IndexName}`);
    const { hash, range } = index;
    const given = placeholders(request);
    const sign = request.ScanIndexForward === false ? -1 : 1;
    const position = (item: Item) => `${item[range]}\u0000${item[HASH]}`;
    const start = request.ExclusiveStartKey === undefined ? null : position(request.ExclusiveStartKey);
    // An item without both keys is not in the index.
    const rows = [...this.#items.values()]
      .filter((item) => item[hash] !== undefined && item[range] !== undefined)
      .filter((item) => fulfils(item, KeyConditionExpression, given))
      .toSorted((a, b) => sign * compare(position(a), position(b)))
      .filter((item) => start === null || sign * compare(position(item), start) > 0);
    const page = rows.slice(0, request.Limit ?? rows.length);
    const { FilterExpression: filter, ProjectionExpression: names } = request;
    const kept = filter === undefined ? page : page.filter((item) => fulfils(item, filter, given));
    const keysOf = (item: Item) => copy({ [HASH]: item[HASH], [hash]: item[hash], [range]: item[range] });
    const held = (item: Item) => {
      const whole = index.keysOnly ? keysOf(item) : copy(item);
      return names === undefined ? whole : projected(whole, names, given);
    };
    const last = page.at(-1);
    const more = last !== undefined && page.length === request.Limit;
    return {
      Items: kept.map(held),
      Count: kept.length,
      ScannedCount: page.length,
      ...(more ? { LastEvaluatedKey: keysOf(last) } : {}),
    };
  }

  #check(key: string, { ConditionExpression: condition, ...request }: TableRequest): void {
    if (condition === undefined) return;
    if (fulfils(this.#items.get(key) ?? {}, condition, placeholders(request))) return;
    throw new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
  }

  #store(key: string, item: Item): void {
    for (const { hash, range } of INDEXES)
      for (const name of [hash, range])
        if (item[name] !== undefined && (typeof item[name] !== 'string' || item[name] === ''))
          throw new InvalidExpression(`The index key ${name} must be a non-empty string`);
    if (Buffer.byteLength(JSON.stringify(item)) > MAX_ITEM_BYTES)
      throw new InvalidExpression('Item size has exceeded the maximum allowed size');
    this.#items.set(key, item);
  }
}

function keyOf(key: Item | undefined): string {
  const value = key?.[HASH];
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidExpression('The provided key element does not match the schema');
}

/** The named attributes of an item. */
function projected(item: Item, expression: string, given: Placeholders): Item {
  const names = expression.split(',').map((name) => nameOf(name.trim(), given));
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
}

const placeholders = (request: TableRequest): Placeholders => ({
  names: request.ExpressionAttributeNames ?? NAMES,
  values: request.ExpressionAttributeValues ?? NAMES,
});

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

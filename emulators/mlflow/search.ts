import { ApiError, invalid, UnhandledError } from './answers.ts';

/** The filters, orders and page tokens of MLflow's searches. */

export type Kind = 'attribute' | 'tag' | 'metric' | 'parameter' | 'dataset';

export interface Clause {
  kind: Kind;
  key: string;
  comparator: string;
  value: string | number | string[];
}

const KINDS: Record<string, Kind> = {
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
  tag: 'tag',
  tags: 'tag',
  metric: 'metric',
  metrics: 'metric',
  param: 'parameter',
  params: 'parameter',
  parameter: 'parameter',
  parameters: 'parameter',
  dataset: 'dataset',
  datasets: 'dataset',
};

const TOKEN =
  /\s*(?:(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?<number>-?\d+(?:\.\d+)?(?:[eE]-?\d+)?)(?![\w.+])|(?<operator>>=|<=|!=|<>|=|>|<)|(?<mark>[(),])|(?<word>[\p{L}_](?:[\p{L}\p{N}_/]|\.(?:`[^`]*`|"[^"]*")?|-(?=[\p{L}\p{N}]))*))/uy;

interface Token {
  type: 'quoted' | 'number' | 'operator' | 'mark' | 'word';
  text: string;
}

/** Comparisons joined by AND: there is no OR, no NOT and no bracket, and a doubled quote stays doubled. */
export function parseFilter(filter: string, kinds: readonly Kind[], attributes: readonly string[]): Clause[] {
  const tokens = tokenize(filter);
  const clauses: Clause[] = [];
  while (tokens.length > 0) {
    if (clauses.length > 0 && /^and$/i.test(tokens[0]?.text ?? '')) tokens.shift();
    clauses.push(clause(tokens, filter, kinds, attributes));
  }
  return clauses;
}

function tokenize(filter: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (filter.slice(TOKEN.lastIndex).trim() !== '') {
    const groups = TOKEN.exec(filter)?.groups;
    if (groups === undefined) throw invalid(`Invalid clause(s) in filter string: ${filter}`);
    for (const [type, text] of Object.entries(groups)) {
      if (text !== undefined) tokens.push({ type: type as Token['type'], text });
    }
  }
  return tokens;
}

function clause(
  tokens: Token[],
  filter: string,
  kinds: readonly Kind[],
  attributes: readonly string[],
): Clause {
  const refused = () => invalid(`Invalid clause(s) in filter string: ${filter}`);
  const left = tokens.shift();
  if (left?.type !== 'word') throw refused();
  const { kind, key } = identifier(left.text, kinds, attributes);
  const comparator = comparatorOf(tokens, refused);
  if (comparator === 'IN' || comparator === 'NOT IN')
    return { kind, key, comparator, value: list(tokens, refused) };
  const right = tokens.shift();
  if (right?.type === 'quoted') return { kind, key, comparator, value: right.text.slice(1, -1) };
  if (right?.type === 'number') return { kind, key, comparator, value: Number(right.text) };
  if (right?.type !== 'word') throw refused();
  throw invalid(
    `Parameter value is either not quoted or unidentified quote types used for string value ${right.text}. Use either single or double quotes.`,
  );
}

function identifier(
  text: string,
  kinds: readonly Kind[],
  attributes: readonly string[],
): Pick<Clause, 'kind' | 'key'> {
  const dot = text.indexOf('.');
  const entity = dot < 0 ? 'attribute' : text.slice(0, dot);
  const kind = KINDS[entity];
  if (kind === undefined || !kinds.includes(kind)) {
    throw invalid(`Invalid entity type '${entity}'. Valid entity types are ${kinds.join(', ')}`);
  }
  const key = text.slice(dot + 1).replace(/^([`"])(.*)\1$/s, '$2');
  if (kind === 'attribute' && !attributes.includes(key)) {
    throw invalid(`Invalid attribute key '${key}' specified. Valid keys are '${attributes.join(', ')}'`);
  }
  return { kind, key };
}

function comparatorOf(tokens: Token[], refused: () => ApiError): string {
  const token = tokens.shift();
  if (token?.type === 'operator') return token.text;
  const word = token?.text.toUpperCase() ?? '';
  if (['LIKE', 'ILIKE', 'IN'].includes(word)) return word;
  if (word === 'NOT' && tokens[0]?.text.toUpperCase() === 'IN') {
    tokens.shift();
    return 'NOT IN';
  }
  // IS NULL is a filter for runs, and an unhandled error for models.
  if (word === 'IS') throw new UnhandledError('IS NULL');
  throw refused();
}

function list(tokens: Token[], refused: () => ApiError): string[] {
  if (tokens.shift()?.text !== '(') throw refused();
  const values: string[] = [];
  for (;;) {
    const value = tokens.shift();
    if (value?.type !== 'quoted') throw refused();
    values.push(value.text.slice(1, -1));
    const next = tokens.shift();
    if (next?.text === ')') return values;
    if (next?.text !== ',') throw refused();
  }
}

/** Throws for a comparator that is not among `allowed`. */
export function checkComparator({ comparator, key }: Clause, allowed: readonly string[]): void {
  if (!allowed.includes(comparator)) throw invalid(`Invalid comparator for attribute ${key}: ${comparator}`);
}

/** Whether the value matches; a missing value matches nothing, not even `!=`. */
export function matches(
  value: string | number | null | undefined,
  { comparator, value: wanted }: Clause,
): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(wanted)) return wanted.includes(String(value)) === (comparator === 'IN');
  switch (comparator) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
    default:
      return pattern(String(wanted), comparator === 'ILIKE').test(String(value));
  }
}

function pattern(like: string, anyCase: boolean): RegExp {
  const text = like
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${text}$`, anyCase ? 'isu' : 'su');
}

export interface Order {
  key: string;
  descending: boolean;
}

/** `key`, `key ASC` or `key DESC`, one to an entry; the same key twice is an internal error, as in MLflow. */
export function parseOrders(entries: readonly string[], keys: readonly string[] | null): Order[] {
  const orders = entries.map((entry) => {
    const [, key = '', direction = 'asc', rest = ''] = /^\s*(\S+)\s*(\S*)\s*(.*)$/s.exec(entry) ?? [];
    if (rest !== '') throw invalid(`Invalid order_by clause '${entry}'. Could not be parsed.`);
    if (!/^(asc|desc|)$/i.test(direction))
      throw invalid(`Invalid ordering key in order_by clause '${entry}'.`);
    if (keys !== null && !keys.includes(key)) {
      throw invalid(`Invalid attribute key '${key}' specified. Valid keys are '${keys.join(', ')}'`);
    }
    return { key, descending: /^desc$/i.test(direction) };
  });
  if (new Set(orders.map((order) => order.key)).size < orders.length) {
    throw new ApiError(
      'INTERNAL_ERROR',
      `\`order_by\` contains duplicate fields: [${entries.map((entry) => `'${entry}'`).join(', ')}]`,
    );
  }
  return orders;
}

/** Compares two rows by the first order in which they differ. */
export function compareBy<T>(
  orders: readonly Order[],
  value: (row: T, key: string) => string | number | null,
) {
  return (left: T, right: T): number => {
    for (const { key, descending } of orders) {
      const [a, b] = [value(left, key), value(right, key)];
      if (a === b) continue;
      // Missing values come last in either direction.
      if (a === null || b === null) return a === null ? 1 : -1;
      return a < b === descending ? 1 : -1;
    }
    return 0;
  };
}

export interface Page<T> {
  rows: T[];
  /** Null after the last page. */
  token: string | null;
}

/** One page; the token is null unless more rows follow, or a page of no rows was requested. */
export function pageOf<T>(rows: readonly T[], size: number, token: string): Page<T> {
  const start = startOf(token);
  const found = rows.slice(start, start + size + 1);
  const more = found.length === size + 1;
  return { rows: found.slice(0, size), token: more ? tokenFor(start + size) : null };
}

const tokenFor = (offset: number) => Buffer.from(`{"offset": ${offset}}`).toString('base64');

function startOf(token: string): number {
  if (token === '') return 0;
  const text = Buffer.from(token, 'base64').toString('utf8');
  const found = /^\{"offset": ?"?([1-9]\d*)"?\}$/.exec(text);
  if (found === null) throw invalid(`Invalid page token, decoded value=b'${text}'`);
  return Number(found[1]);
}

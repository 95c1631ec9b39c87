/**
 * DynamoDB's expressions on plain values: conditions, updates, paths. Parsed once for each text.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
 */

/** An item or a part of one: what JSON has. `undefined` stands for a missing attribute. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value } | undefined;
export type Item = { [name: string]: Value };

/** `#name` and `:value` of one request. */
export interface Placeholders {
  names: Readonly<Record<string, string>>;
  values: Readonly<Record<string, Value>>;
}

/** A malformed expression, or one that does not fit the item; DynamoDB's `ValidationException`. */
export class InvalidExpression extends Error {
  override readonly name = 'ValidationException' as const;
}

type Evaluate<T> = (item: Item, given: Placeholders) => T;
type Path = (string | number)[];
type Change = { path: Path; value: Value };

/** True where the item fulfils the condition; a missing item is one without attributes. */
export function fulfils(item: Item, expression: string, given: Placeholders): boolean {
  return parsed(conditions, expression, (reader) => reader.condition())(item, given);
}

/** The item after the update; every value is computed from the item as it was. */
export function updated(item: Item, expression: string, given: Placeholders): Item {
  const changes = parsed(updates, expression, (reader) => reader.update())(item, given);
  if (changes.some((one, at) => changes.slice(at + 1).some((other) => overlap(one.path, other.path))))
    throw new InvalidExpression('Two document paths overlap with each other');
  const next = copy(item);
  for (const change of changes) apply(next, change);
  return next;
}

/** True where one path is the beginning of the other, or the same. */
const overlap = (one: Path, other: Path) => one.every((part, at) => at >= other.length || part === other[at]);

/** A copy that shares nothing with the original; attributes that are `undefined` are left out. */
export function copy<T extends Value>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copy) as T;
  const entries: Item = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) entries[name] = copy(value[name]);
  return entries as T;
}

const conditions = new Map<string, Evaluate<boolean>>();
const updates = new Map<string, Evaluate<Change[]>>();

function parsed<T>(cache: Map<string, T>, text: string, read: (reader: Reader) => T): T {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const reader = new Reader(text);
  const result = read(reader);
  reader.end();
  cache.set(text, result);
  return result;
}

const TOKEN = /\s*([#:]?\w+|<>|<=|>=|[()[\].,=<>+-])/y;

const COMPARE: Record<string, (a: Value, b: Value) => boolean> = {
  '=': (a, b) => same(a, b),
  '<>': (a, b) => !same(a, b),
  '<': (a, b) => ordered(a, b, (x, y) => x < y),
  '<=': (a, b) => ordered(a, b, (x, y) => x <= y),
  '>': (a, b) => ordered(a, b, (x, y) => x > y),
  '>=': (a, b) => ordered(a, b, (x, y) => x >= y),
};

class Reader {
  readonly #text: string;
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const at = TOKEN.lastIndex;
      const token = TOKEN.exec(text)?.[1];
      if (token === undefined) throw new InvalidExpression(`Unexpected "${text.slice(at)}" in "${text}"`);
      this.#tokens.push(token);
    }
  }

  end(): void {
    if (this.#next < this.#tokens.length) throw this.#unexpected();
  }

  condition(): Evaluate<boolean> {
    const terms = [this.#all()];
    while (this.#takes('OR')) terms.push(this.#all());
    return (item, given) => terms.some((term) => term(item, given));
  }

  #all(): Evaluate<boolean> {
    const terms = [this.#term()];
    while (this.#takes('AND')) terms.push(this.#term());
    return (item, given) => terms.every((term) => term(item, given));
  }

  #term(): Evaluate<boolean> {
    if (this.#takes('NOT')) {
      const negated = this.#term();
      return (item, given) => !negated(item, given);
    }
    if (this.#takes('(')) {
      const inner = this.condition();
      this.#expect(')');
      return inner;
    }
    for (const [name, expected] of [
      ['attribute_exists', true],
      ['attribute_not_exists', false],
    ] as const) {
      if (!this.#takes(name)) continue;
      this.#expect('(');
      const path = this.#path();
      this.#expect(')');
      return (item, given) => (at(item, path(given)) !== undefined) === expected;
    }
    const left = this.#operand();
    const sign = this.#take();
    const compare = Object.hasOwn(COMPARE, sign) ? COMPARE[sign] : undefined;
    if (compare === undefined) throw this.#unexpected();
    const right = this.#operand();
    return (item, given) => compare(left(item, given), right(item, given));
  }

  update(): Evaluate<Change[]> {
    const clauses: Evaluate<Change>[] = [];
    while (this.#next < this.#tokens.length) {
      const clause = this.#take();
      if (!['SET', 'REMOVE', 'ADD'].includes(clause)) throw this.#unexpected();
      do clauses.push(this.#change(clause));
      while (this.#takes(','));
    }
    return (item, given) => clauses.map((clause) => clause(item, given));
  }

  #change(clause: string): Evaluate<Change> {
    const path = this.#path();
    if (clause === 'REMOVE') return (_, given) => ({ path: path(given), value: undefined });
    if (clause === 'SET') {
      this.#expect('=');
      const value = this.#sum();
      return (item, given) => ({ path: path(given), value: present(value(item, given), this.#text) });
    }
    const added = this.#operand();
    return (item, given) => {
      const resolved = path(given);
      if (resolved.length !== 1) throw new InvalidExpression('ADD needs a top-level attribute');
      return { path: resolved, value: number(orElse(at(item, resolved), 0)) + number(added(item, given)) };
    };
  }

  #sum(): Evaluate<Value> {
    const left = this.#operand();
    for (const sign of ['+', '-'] as const) {
      if (!this.#takes(sign)) continue;
      const right = this.#operand();
      const factor = sign === '+' ? 1 : -1;
      return (item, given) => number(left(item, given)) + factor * number(right(item, given));
    }
    return left;
  }

  #operand(): Evaluate<Value> {
    if (this.#takes('if_not_exists')) {
      const [path, otherwise] = this.#pair(() => this.#path());
      return (item, given) => orElse(at(item, path(given)), otherwise(item, given));
    }
    if (this.#takes('list_append')) {
      const [first, second] = this.#pair(() => this.#operand());
      return (item, given) => [...list(first(item, given)), ...list(second(item, given))];
    }
    if (this.#tokens[this.#next]?.startsWith(':')) {
      const name = this.#take();
      return (_, { values }) => {
        if (values[name] !== undefined) return values[name];
        throw new InvalidExpression(`There is no value for ${name} in "${this.#text}"`);
      };
    }
    const path = this.#path();
    return (item, given) => at(item, path(given));
  }

  #pair<T>(first: () => T): [T, Evaluate<Value>] {
    this.#expect('(');
    const one = first();
    this.#expect(',');
    const two = this.#operand();
    this.#expect(')');
    return [one, two];
  }

  #path(): (given: Placeholders) => Path {
    const names = [this.#take()];
    const parts: ((given: Placeholders) => string | number)[] = [(given) => nameOf(names[0] ?? '', given)];
    for (;;) {
      if (this.#takes('.')) {
        const name = this.#take();
        parts.push((given) => nameOf(name, given));
      } else if (this.#takes('[')) {
        const index = Number(this.#take());
        this.#expect(']');
        parts.push(() => index);
      } else return (given) => parts.map((part) => part(given));
    }
  }

  #take(): string {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw this.#unexpected();
    this.#next += 1;
    return token;
  }

  #takes(token: string): boolean {
    if (this.#tokens[this.#next]?.toUpperCase() !== token.toUpperCase()) return false;
    this.#next += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#takes(token)) throw this.#unexpected();
  }

  #unexpected(): InvalidExpression {
    return new InvalidExpression(`Unexpected "${this.#tokens[this.#next] ?? 'end'}" in "${this.#text}"`);
  }
}

/** An attribute's name, given itself or by a placeholder. */
export function nameOf(token: string, { names }: Placeholders): string {
  if (!token.startsWith('#')) return token;
  const name = names[token];
  if (name === undefined) throw new InvalidExpression(`There is no name for ${token}`);
  return name;
}

/** Null is a value of an attribute. */
const orElse = (value: Value, otherwise: Value) => (value === undefined ? otherwise : value);

function at(item: Value, path: Path): Value {
  let found: Value = item;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    if (Array.isArray(found)) found = typeof part === 'number' ? found[part] : undefined;
    // Not what every object has, such as `constructor`.
    else found = typeof part === 'string' && Object.hasOwn(found, part) ? found[part] : undefined;
  }
  return found;
}

function apply(item: Item, { path, value }: Change): void {
  const parent = at(item, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent) && typeof last === 'number') {
    if (value === undefined) parent.splice(last, 1);
    else parent[Math.min(last, parent.length)] = copy(value);
  } else if (typeof parent === 'object' && parent !== null && !Array.isArray(parent)) {
    if (typeof last === 'number') throw new InvalidExpression('A map has no index');
    if (value === undefined) delete parent[last];
    else parent[last] = copy(value);
  } else throw new InvalidExpression(`The path ${path.join('.')} is invalid for update`);
}

function same(a: Value, b: Value): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
  return left.length === right.size && left.every(([name, value]) => same(value, right.get(name)));
}

function ordered(a: Value, b: Value, by: (x: string | number, y: string | number) => boolean): boolean {
  if (typeof a === 'number' && typeof b === 'number') return by(a, b);
  return typeof a === 'string' && typeof b === 'string' && by(a, b);
}

function present(value: Value, expression: string): Value {
  if (value !== undefined) return value;
  throw new InvalidExpression(`An attribute that "${expression}" refers to does not exist`);
}

function number(value: Value): number {
  if (typeof value === 'number') return value;
  throw new InvalidExpression('An operand is not a number');
}

function list(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  throw new InvalidExpression('An operand is not a list');
}

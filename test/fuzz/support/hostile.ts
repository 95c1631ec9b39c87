import fc from 'fast-check';

/** Values that people with bad intentions send: names that lead out of a path, prototypes, numbers at the edges. */

const NAMES = [
  '',
  '.',
  '..',
  '../../registered-models/delete',
  '%2e%2e%2f',
  '%',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a/b?c=d#e',
  'a\r\nX-Injected: 1',
  "a' OR name LIKE '%",
  'a"\'b',
  '\u0000',
  '\u001b[31m\u009b2J',
  '\u202e\u2066\u200b\ufeff',
  '\ud800',
  '<script>alert(1)</script>',
  '<!channel> @here `code`',
  '{{7*7}}',
  'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1',
  'PascalStrategy',
  'Production',
  'x'.repeat(3_000),
];
const NUMBERS = [0, -0, -1, 1, 3, 0.1, 2 ** 31, 2 ** 53, -(2 ** 53), 1e308, -1e308, 5e-324, 1e21];

/** Any text, often one of those that have a meaning somewhere. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** Keys of objects, those of prototypes among them. */
export const hostileKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', 'name', 'key', 'value'),
  hostileText,
);

const leaf = fc.oneof(
  hostileText,
  fc.constantFrom(...NUMBERS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

/** Any value that JSON has; `__proto__` is a field of its own, as `JSON.parse` makes it. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.array(fc.tuple(hostileKey, tie('value')), { maxLength: 4 }).map((entries) => {
    const made = {};
    for (const [key, value] of entries)
      Object.defineProperty(made, key, { value, enumerable: true, writable: true, configurable: true });
    return made;
  }),
})).value;

/** A value in which some parts are replaced, left out or added: near enough to what is valid to reach further. */
export function mutated(value: fc.Arbitrary<unknown> | unknown): fc.Arbitrary<unknown> {
  const original = value instanceof fc.Arbitrary ? value : fc.constant(value);
  const mutation = fc.record({
    where: fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
    how: fc.constantFrom('replace', 'replace', 'replace', 'remove', 'add', 'repeat'),
    key: hostileKey,
    by: hostileJson,
  });
  return fc.tuple(original, fc.array(mutation, { maxLength: 3 })).map(([whole, mutations]) => {
    let result = structuredClone(whole);
    for (const each of mutations) result = changed(result, each);
    return result;
  });
}

interface Mutation {
  where: number[];
  how: string;
  key: string;
  by: unknown;
}

function changed(value: unknown, { where: [at = 0, ...deeper], ...rest }: Mutation): unknown {
  if (typeof value !== 'object' || value === null) return rest.by;
  const keys = Object.keys(value);
  if (keys.length === 0) return rest.by;
  const key = keys[at % keys.length] ?? '';
  const part: unknown = Reflect.get(value, key);
  if (deeper.length > 0 && typeof part === 'object' && part !== null) {
    set(value, key, changed(part, { where: deeper, ...rest }));
    return value;
  }
  if (rest.how === 'remove') Reflect.deleteProperty(value, key);
  else if (rest.how === 'add') set(value, Array.isArray(value) ? String(value.length) : rest.key, rest.by);
  else if (rest.how === 'repeat' && Array.isArray(value)) value.push(structuredClone(part));
  else set(value, key, rest.by);
  return value;
}

const set = (target: object, key: string, value: unknown) =>
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });

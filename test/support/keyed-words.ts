import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

/**
 * Sentences as keys: with this plugin every text that a file of `lambdas/words/` makes is a key instead, the same for the
 * same text. Code that recognises a sentence by its wording then fails its tests.
 */
export function keyedWords(): Plugin {
  const words = fileURLToPath(new URL('../../lambdas/words/', import.meta.url));
  const keyed = fileURLToPath(import.meta.url);
  return {
    name: 'keyed-words',
    enforce: 'pre',
    load(id) {
      if (!id.startsWith(words) || id.endsWith(REAL)) return null;
      const names = [...readFileSync(id, 'utf8').matchAll(EXPORTED)].map(([, name]) => name);
      return [
        `import * as real from ${JSON.stringify(id + REAL)};`,
        `import { inKeys } from ${JSON.stringify(keyed)};`,
        ...names.map((name) => `export const ${name} = inKeys(real.${name});`),
      ].join('\n');
    },
  };
}

const REAL = '?real';
const EXPORTED = /^export (?:async )?(?:function|const) (\w+)/gm;

/**
 * The value with each text in it that has a space as a key; of a function, what it answers. A field that was given with
 * its text stays as it was: it is a name or a message of somebody else. Put into another field it is a sentence.
 */
export function inKeys(value: unknown, given: ReadonlySet<string> = new Set(), field = ''): unknown {
  if (typeof value === 'string')
    return /\s/.test(value) && !given.has(`${field}: ${value}`) ? keyOf(value) : value;
  if (typeof value === 'function')
    return (...args: unknown[]) => inKeys(value(...args), new Set(fieldsOf(args)));
  if (Array.isArray(value)) return value.map((each) => inKeys(each, given, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inKeys(each, given, name)]));
}

/** The texts of the fields in it, at any depth. */
function fieldsOf(value: unknown, field = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => fieldsOf(each, field));
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, each]) => fieldsOf(each, name));
  return typeof value === 'string' && field !== '' ? [`${field}: ${value}`] : [];
}

const keyOf = (text: string) => `key-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

import { expect } from 'vitest';
import { errorNames } from '../../../lambdas/domain/errors.ts';

/** What became of reading something: a value, or an error by its name. */
export type Read<T> = { value: T } | { error: Error };

const PROTOTYPES = [Object.prototype, Array.prototype, String.prototype, Function.prototype];
const shapes = () => PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);
const before = shapes();

/**
 * Reads a value that must not be changed by it. An error has one of the names, by default those of the closed set; nothing
 * has been added to what every object has.
 */
export function read<T>(
  value: unknown,
  reader: (value: unknown) => T,
  names: readonly string[] = errorNames,
): Read<T> {
  const copy = structuredClone(value);
  const result = attempt(() => reader(value));
  expect(value).toEqual(copy);
  if ('error' in result) expect(names).toContain(result.error.name);
  expect(shapes()).toEqual(before);
  return result;
}

function attempt<T>(run: () => T): Read<T> {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { error };
  }
}

/** The value, seen through proxies that count each access to a part of it. */
export function counted<T>(value: T): { value: T; accesses: () => number } {
  let accesses = 0;
  const wrap = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    return new Proxy(inner, {
      get(target, key, receiver) {
        accesses += 1;
        return wrap(Reflect.get(target, key, receiver));
      },
      ownKeys(target) {
        accesses += 1;
        return Reflect.ownKeys(target);
      },
    });
  };
  return { value: wrap(value) as T, accesses: () => accesses };
}

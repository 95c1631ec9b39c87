import { InvalidInput } from './errors.ts';
import { excessText, isTooDeep } from './json.ts';

/**
 * JSON without white space and with sorted keys: equal values give equal text. NaN and infinities become strings. Throws
 * `InvalidInput` for a value that is nested too deep to be written.
 */
export function canonicalJson(value: unknown): string {
  if (isTooDeep(value)) throw new InvalidInput(`The value is ${excessText.levels}`);
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) return String(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

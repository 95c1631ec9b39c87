import * as z from 'zod';
import { problemMessages } from './problems.ts';

/**
 * JSON of untrusted origin. `JSON.parse` itself reads any depth and any number of values, but what handles its result
 * recurses (zod's `z.json()`, `JSON.stringify`) or keeps a report for each invalid value, until stack or memory is exhausted.
 */

/** Limits of a JSON text; everything that the functions read has far less. */
export const jsonLimits = {
  /** Nested arrays and objects. */
  levels: 100,
  /** Arrays, objects, and the members of both: some 130,000 tags of MLflow. */
  values: 400_000,
} as const;

/** A limit of JSON that a text exceeds. */
export type JsonExcess = keyof typeof jsonLimits;

const [QUOTE, COMMA, BACKSLASH] = [0x22, 0x2c, 0x5c];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** The limit that a text exceeds, or null; found before anything is parsed. The text need not be valid JSON. */
export function jsonExcess(text: string): JsonExcess | null {
  // Neither can be exceeded by a text as short as this, or with as few brackets: nearly every text ends here.
  if (text.length <= jsonLimits.values && !hasManyBrackets(text)) return null;
  let levels = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === COMMA) values += 1;
    else if (character === OPEN_ARRAY || character === OPEN_OBJECT) {
      levels += 1;
      values += 1;
    } else if (character === CLOSE_ARRAY || character === CLOSE_OBJECT) levels -= 1;
    if (levels > jsonLimits.levels) return 'levels';
    if (values > jsonLimits.values) return 'values';
  }
  return null;
}

/** True for a text with more opening brackets, wherever they stand, than levels are allowed. */
function hasManyBrackets(text: string): boolean {
  let brackets = 0;
  for (const bracket of ['[', '{'])
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      brackets += 1;
      if (brackets > jsonLimits.levels) return true;
    }
  return false;
}

/** Index of the quotation mark that ends the string which begins at `from`, or of the end of the text. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

/** What a text is that exceeds a limit, for messages. */
export const excessText: Readonly<Record<JsonExcess, string>> = {
  levels: `nested deeper than ${jsonLimits.levels} levels`,
  values: `more than ${jsonLimits.values} values`,
};

/** Parses JSON within the limits. Throws `SyntaxError`, also for a text that exceeds them. */
export function parseJson(text: string): unknown {
  const excess = jsonExcess(text);
  if (excess !== null) throw new SyntaxError(excessText[excess]);
  return JSON.parse(text);
}

/** True for a parsed value whose arrays and objects are nested deeper than the limit. Does not recurse. */
export function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isContainer);
  for (let levels = 1; level.length > 0; levels += 1) {
    if (levels > jsonLimits.levels) return true;
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
  return false;
}

/**
 * A value of parsed JSON, as it is: `z.json()` tries six schemas on each value in it, and takes most of the time of reading a
 * response. A number that JSON cannot write again is refused. Recurses: for values that are within the limits.
 */
export const JsonValue = z.custom<z.core.util.JSONType>(isJson, 'must be JSON');

function isJson(value: unknown): boolean {
  if (isContainer(value)) return Object.values(value).every(isJson);
  if (typeof value === 'number') return Number.isFinite(value);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * What a schema makes of a value of untrusted origin; never throws. zod compares the `length` of whatever it is given with the
 * limits of a text or a list, which throws for `{"length": {"toString": null}}`.
 */
export function readAs<T>(schema: z.ZodType<T>, value: unknown): z.ZodSafeParseResult<T> {
  try {
    return schema.safeParse(value, problemMessages);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = 'has a length that is not a number';
    const issue: z.core.$ZodIssue = { code: 'custom', path: [], message, input: undefined };
    return { success: false, error: new z.ZodError([issue]) as z.ZodError<T> };
  }
}

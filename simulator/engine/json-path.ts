import { StateError } from './state-error.ts';

/** A JSON document. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const isRecord = (value: unknown): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parsedPaths = new Map<string, { ofContext: boolean; names: string[] }>();

function parsed(path: string) {
  const known = parsedPaths.get(path);
  if (known !== undefined) return known;
  const ofContext = path.startsWith('$$');
  const rest = path.slice(ofContext ? 2 : 1);
  if (!/^\$(\$)?(\.\w+)*$/.test(path)) throw new Error(`The path ${path} is not interpreted here`);
  const result = { ofContext, names: rest === '' ? [] : rest.slice(1).split('.') };
  parsedPaths.set(path, result);
  return result;
}

/** The value at a path of plain names, or undefined where there is none. */
export function find(path: string, document: Json, context: Json): Json | undefined {
  const { ofContext, names } = parsed(path);
  let value: Json | undefined = ofContext ? context : document;
  for (const name of names) value = isRecord(value) ? value[name] : undefined;
  return value;
}

/** The value at a path; a missing one ends the execution, as on AWS. */
export function at(path: string, document: Json, context: Json): Json {
  const value = find(path, document, context);
  if (value !== undefined) return value;
  throw new StateError('States.Runtime', `The path ${path} could not be found in the document`);
}

/** The payload of a task: a field named `x.$` is the value at its path. */
export function resolvedParameters(parameters: Record<string, Json>, document: Json, context: Json): Json {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (!name.endsWith('.$')) return [name, value];
      return [name.slice(0, -2), at(String(value), document, context)];
    }),
  );
}

/** The document with a result at its path; no path: the result is the whole document; null: it is discarded. */
export function withResult(document: Json, path: string | null | undefined, result: Json): Json {
  if (path === null) return document;
  const names = path === undefined ? [] : parsed(path).names;
  return set(document, names, result);
}

function set(document: Json, [name, ...rest]: string[], result: Json): Json {
  if (name === undefined) return result;
  if (!isRecord(document))
    throw new StateError('States.ResultPathMatchFailure', `There is no place for ${name}`);
  return { ...document, [name]: set(document[name] ?? {}, rest, result) };
}

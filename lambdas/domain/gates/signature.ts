import * as z from 'zod';
import { parseJson, readAs } from '../json.ts';

/** The signature of a model, as its file `MLmodel` has it: inputs and outputs, each a list in a text of JSON. */

/** A type of MLflow: a name such as `double`, or a structure. */
export type ModelType =
  | { readonly kind: 'plain'; readonly name: string }
  | { readonly kind: 'tensor'; readonly dtype: string; readonly shape: readonly number[] }
  | { readonly kind: 'array' | 'map'; readonly of: ModelType }
  | { readonly kind: 'object'; readonly properties: readonly ModelField[] };

/** An input, an output, a parameter, or a property of an object. */
export interface ModelField {
  /** Null for one that is known by its place only. */
  readonly name: string | null;
  readonly type: ModelType;
  readonly required: boolean;
}

export interface Signature {
  readonly inputs: readonly ModelField[];
  readonly outputs: readonly ModelField[];
  /** Parameters of a prediction, each with a default. */
  readonly params: readonly ModelField[];
}

/** Fields of one list that are read; wider models have no signature that is known. */
const MAX_FIELDS = 10_000;
/** Levels of a type; more are not known. */
const MAX_LEVELS = 20;

const Text = z.string().max(2_000_000);
const Lists = z.object({ inputs: Text.nullish(), outputs: Text.nullish(), params: Text.nullish() });
const Rows = z.array(z.record(z.string(), z.unknown())).max(MAX_FIELDS);
const Shape = z.array(z.number()).max(100);

/** Reads the value of `signature` in `MLmodel`; null where there is none, `unreadable` where it is nothing that MLflow writes. */
export function parseSignature(value: unknown): Signature | null | 'unreadable' {
  if (value === undefined || value === null) return null;
  const lists = readAs(Lists, value);
  if (!lists.success) return 'unreadable';
  const [inputs, outputs, params] = [lists.data.inputs, lists.data.outputs, lists.data.params].map(fieldsIn);
  if (inputs == null || outputs == null || params == null) return 'unreadable';
  return { inputs, outputs, params };
}

function fieldsIn(text: string | null | undefined): ModelField[] | null {
  if (text === null || text === undefined) return [];
  try {
    const rows = readAs(Rows, parseJson(text));
    if (!rows.success) return null;
    const fields = rows.data.map((row) => fieldOf(row, textOf(row['name'])));
    return fields.includes(null) ? null : fields.flatMap((field) => field ?? []);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Since 2.6 a field says whether it is required; before, `optional` said that it is not. */
function fieldOf(row: Readonly<Record<string, unknown>>, name: string | null): ModelField | null {
  const type = typeOf(row, 0);
  return type === null
    ? null
    : { name, type, required: row['required'] !== false && row['optional'] !== true };
}

function typeOf(row: unknown, level: number): ModelType | null {
  if (!isRecord(row) || level > MAX_LEVELS) return null;
  const { type } = row;
  if (typeof type !== 'string' || type.length > 100) return null;
  switch (type) {
    case 'tensor':
      return tensorOf(row['tensor-spec']);
    case 'array':
    case 'map': {
      const of = typeOf(type === 'array' ? row['items'] : row['values'], level + 1);
      return of === null ? null : { kind: type, of };
    }
    case 'object': {
      if (!isRecord(row['properties'])) return null;
      const entries = Object.entries(row['properties']);
      const properties = entries.flatMap(([name, property]) => {
        const of = typeOf(property, level + 1);
        return of === null
          ? []
          : [{ name, type: of, required: isRecord(property) && property['required'] !== false }];
      });
      return properties.length === entries.length ? { kind: 'object', properties } : null;
    }
    default:
      return { kind: 'plain', name: type };
  }
}

function tensorOf(spec: unknown): ModelType | null {
  if (!isRecord(spec)) return null;
  const shape = readAs(Shape, spec['shape']);
  const dtype = textOf(spec['dtype']);
  return dtype === null || !shape.success ? null : { kind: 'tensor', dtype, shape: shape.data };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const textOf = (value: unknown) => (typeof value === 'string' && value.length <= 1000 ? value : null);

/** A type in a few words, such as `double`, `array<string>` or `tensor float64 (-1, 4)`. */
export function typeText(type: ModelType): string {
  switch (type.kind) {
    case 'plain':
      return type.name;
    case 'tensor':
      return `tensor ${type.dtype} (${type.shape.join(', ')})`;
    case 'array':
    case 'map':
      return `${type.kind}<${typeText(type.of)}>`;
    case 'object':
      return `{${type.properties.map((each) => `${each.name}${each.required ? '' : '?'}: ${typeText(each.type)}`).join(', ')}}`;
  }
}

/** How a field is called in a reason: by its name, or else by its place. */
const called = ({ name }: ModelField, place: number) => name ?? `#${place + 1}`;

/** Why callers of the champion could not call the challenger in its place. */
export interface SignatureProblem {
  readonly code: /** The challenger does not take what the champion takes. */
    | 'input-missing'
    | 'input-type'
    /** The challenger needs what callers of the champion may leave out, or do not know. */
    | 'input-required'
    | 'param-missing'
    | 'param-type'
    | 'output-missing'
    | 'output-added'
    | 'output-type';
  readonly name: string;
  readonly champion: string | null;
  readonly challenger: string | null;
}

/** Every reason why the challenger cannot stand in for the champion; empty where it can. */
export function signatureProblems(champion: Signature, challenger: Signature): SignatureProblem[] {
  return [
    ...inputProblems(champion.inputs, challenger.inputs),
    ...paramProblems(champion.params, challenger.params),
    ...outputProblems(champion.outputs, challenger.outputs),
  ];
}

function inputProblems(before: readonly ModelField[], after: readonly ModelField[]): SignatureProblem[] {
  const [old, now] = [byName(before), byName(after)];
  const taken = [...old].flatMap(([name, was]): SignatureProblem[] => {
    const is = now.get(name);
    const types = {
      name,
      champion: typeText(was.type),
      challenger: is === undefined ? null : typeText(is.type),
    };
    if (is === undefined) return [{ code: 'input-missing', ...types }];
    if (!accepts(is.type, was.type)) return [{ code: 'input-type', ...types }];
    return is.required && !was.required ? [{ code: 'input-required', ...types }] : [];
  });
  const added = [...now].flatMap(([name, is]): SignatureProblem[] =>
    old.has(name) || !is.required
      ? []
      : [{ code: 'input-required', name, champion: null, challenger: typeText(is.type) }],
  );
  return [...taken, ...added];
}

function paramProblems(before: readonly ModelField[], after: readonly ModelField[]): SignatureProblem[] {
  const now = byName(after);
  return [...byName(before)].flatMap(([name, was]): SignatureProblem[] => {
    const is = now.get(name);
    const champion = typeText(was.type);
    if (is === undefined) return [{ code: 'param-missing', name, champion, challenger: null }];
    return accepts(is.type, was.type)
      ? []
      : [{ code: 'param-type', name, champion, challenger: typeText(is.type) }];
  });
}

function outputProblems(before: readonly ModelField[], after: readonly ModelField[]): SignatureProblem[] {
  const [old, now] = [byName(before), byName(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names.flatMap((name): SignatureProblem[] => {
    const [was, is] = [old.get(name), now.get(name)];
    const types = {
      name,
      champion: was === undefined ? null : typeText(was.type),
      challenger: is === undefined ? null : typeText(is.type),
    };
    if (is === undefined) return [{ code: 'output-missing', ...types }];
    if (was === undefined) return [{ code: 'output-added', ...types }];
    return types.champion === types.challenger ? [] : [{ code: 'output-type', ...types }];
  });
}

/** Fields by name; those without one by their place. */
const byName = (fields: readonly ModelField[]) =>
  new Map(fields.map((field, place) => [called(field, place), field]));

/** What MLflow converts without a loss when it checks inputs: the type that is taken, and those that it also takes. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  long: ['integer'],
  double: ['float', 'integer'],
};

/** True where a value of type `given` is taken as `wanted`. */
function accepts(wanted: ModelType, given: ModelType): boolean {
  if (wanted.kind === 'plain') {
    if (wanted.name === 'any') return true;
    return (
      given.kind === 'plain' &&
      (wanted.name === given.name || (WIDER[wanted.name]?.includes(given.name) ?? false))
    );
  }
  if (wanted.kind === 'tensor') {
    if (given.kind !== 'tensor' || wanted.dtype !== given.dtype) return false;
    if (wanted.shape.length !== given.shape.length) return false;
    return wanted.shape.every((size, axis) => size === -1 || size === given.shape[axis]);
  }
  if (wanted.kind === 'object')
    return given.kind === 'object' && acceptsObject(wanted.properties, given.properties);
  return given.kind === wanted.kind && accepts(wanted.of, given.of);
}

/** MLflow refuses properties that it does not know, and objects that lack a required one. */
function acceptsObject(wanted: readonly ModelField[], given: readonly ModelField[]): boolean {
  const [known, present] = [byName(wanted), byName(given)];
  const taken = [...present].every(([name, { type }]) => {
    const field = known.get(name);
    return field !== undefined && accepts(field.type, type);
  });
  return (
    taken && [...known].every(([name, { required }]) => !required || present.get(name)?.required === true)
  );
}

import type { Candidate } from '../comparison/evidence.ts';
import { grouped } from '../grouped.ts';
import type { Change, Changes } from './gate-result.ts';
import { commitOf, type ModelFileRead, signatureOf } from './judge.ts';
import { type ModelField, typeText } from './signature.ts';

/** What changed since the champion, for people. Names and values are untrusted text. */

const MAX_LISTED = 30;
/** Characters of a name or a value. */
const MAX_TEXT = 100;

/** Differences of parameters, data, code, signature and size, and what one side does not say. */
export function changesSince(
  champion: Candidate,
  challenger: Candidate,
  files: Readonly<Record<'champion' | 'challenger', ModelFileRead | null>>,
): Changes {
  const unknown: Change['what'][] = [];
  const [old, now] = [commitOf(champion), commitOf(challenger)];
  if (old === null || now === null) unknown.push('code');
  const data = differing('data', dataOf(champion), dataOf(challenger));
  if (dataOf(champion).size === 0 || dataOf(challenger).size === 0) unknown.push('data');
  const [before, after] = [signatureOf(files.champion), signatureOf(files.challenger)];
  if (before === null || after === null) unknown.push('input', 'output');
  const [was, is] = [sizeOf(files.champion), sizeOf(files.challenger)];
  if (was === null || is === null) unknown.push('size');
  const all = [
    ...(old === null || now === null ? [] : differing('code', single(old), single(now))),
    ...(unknown.includes('data') ? [] : data),
    ...differing('parameter', paramsOf(champion), paramsOf(challenger)),
    ...(before === null || after === null
      ? []
      : [
          ...differing('input', typesOf(before.inputs), typesOf(after.inputs)),
          ...differing('output', typesOf(before.outputs), typesOf(after.outputs)),
        ]),
    ...(was === null || is === null ? [] : differing('size', single(was), single(is))),
  ];
  const listed = all.slice(0, MAX_LISTED).map(shortened);
  return { listed, left_out: all.length - listed.length, unknown };
}

/** A value without a name. */
const single = (value: string): ReadonlyMap<string, string> => new Map([['', value]]);

function differing(
  what: Change['what'],
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name): Change[] => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was === is) return [];
    return [{ what, name: name === '' ? null : name, before: was ?? null, after: is ?? null }];
  });
}

const paramsOf = ({ run }: Candidate) => new Map(Object.entries(run?.params ?? {}));

/** Digests by what they were logged for, such as training. */
function dataOf({ run }: Candidate): ReadonlyMap<string, string> {
  const inputs = grouped(run?.datasets ?? [], ({ context }) => context || 'data');
  return new Map(
    [...inputs].map(([context, of]) => [
      context,
      [...new Set(of.map(({ digest }) => digest))].sort().join(', '),
    ]),
  );
}

const typesOf = (fields: readonly ModelField[]) =>
  new Map(
    fields.map(({ name, type, required }, place) => [
      name ?? `#${place + 1}`,
      `${typeText(type)}${required ? '' : ', optional'}`,
    ]),
  );

const sizeOf = (read: ModelFileRead | null) =>
  read !== null && 'file' in read && read.file.size !== null ? String(read.file.size) : null;

const cut = (text: string) =>
  text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`.toWellFormed();
const cutOrNull = (text: string | null) => (text === null ? null : cut(text));
const shortened = ({ what, name, before, after }: Change): Change => ({
  what,
  name: cutOrNull(name),
  before: cutOrNull(before),
  after: cutOrNull(after),
});

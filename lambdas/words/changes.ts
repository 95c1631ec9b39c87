import type { Change, Changes } from '../domain/gates/gate-result.ts';
import { visible } from '../domain/visible-text.ts';
import { show } from './numbers.ts';

/** What changed since the champion, in few lines. Names and values are untrusted text. */

const MAX_PER_LINE = 5;
const MAX_VALUE = 40;
export const CHANGE_LABELS = {
  code: 'Code',
  data: 'Data',
  parameter: 'Parameters',
  input: 'Inputs',
  output: 'Outputs',
  size: 'Size',
} as const satisfies Record<Change['what'], string>;

/** One line for each kind of change, and a last one for what is not known; none where no change is known. */
export function changeLines({ listed, left_out: leftOut, unknown }: Changes): string[] {
  if (listed.length === 0) return [];
  const kinds = Object.keys(CHANGE_LABELS) as Change['what'][];
  const lines = kinds.flatMap((what) => {
    const of = listed.filter((change) => change.what === what);
    if (of.length === 0) return [];
    const more = of.length > MAX_PER_LINE ? [`${of.length - MAX_PER_LINE} more`] : [];
    return [`${CHANGE_LABELS[what]}: ${[...of.slice(0, MAX_PER_LINE).map(changeText), ...more].join(', ')}`];
  });
  return [
    ...lines,
    ...(leftOut > 0 ? [`And ${leftOut} more changes`] : []),
    ...(unknown.length > 0
      ? [`Not known: ${unknown.map((what) => CHANGE_LABELS[what].toLowerCase()).join(', ')}`]
      : []),
  ];
}

function changeText({ what, name, before, after }: Change): string {
  const named = name === null ? '' : `${visible(name, MAX_VALUE)} `;
  if (before === null) return `${named}${changeValue(what, after)} (new)`;
  if (after === null) return `${named}${changeValue(what, before)} (removed)`;
  return `${named}${changeValue(what, before)} → ${changeValue(what, after)}`;
}

/** A value of a change, as text that is safe to print. */
export function changeValue(what: Change['what'], value: string | null): string {
  const text = visible(value ?? '', MAX_VALUE);
  if (what === 'code' && /^[0-9a-f]+$/i.test(text)) return text.slice(0, 12);
  if (what !== 'size' || !Number.isFinite(Number(text))) return text;
  return `${show(Number(text) / 1e6, 3)} MB`;
}

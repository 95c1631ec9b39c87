import { parseJson } from '../json.ts';

/**
 * The blocks that people's own pipelines write, as tags of a run: `promotion.block.<hours since 1970>`, each once, when all
 * true values of the requests of that hour are known. Anybody who may edit the run can write them.
 */

const BLOCK_TAG = /^promotion\.block\.(\d{1,8})$/;
/** Characters of a block; one has some 200. */
const MAX_LENGTH = 1000;
/** Hours before the release that are looked at: two weeks. */
export const MONITORED_BEFORE = 336;
/** Blocks that are looked at, the newest. */
const MAX_BLOCKS = 1500;
/** Ids as MLflow and other implementations make them. */
const RUN_ID = /^[\w-]{1,100}$/;

/** The run that a tag names; null if it names none. */
export const monitorIn = (tag: string | undefined): string | null =>
  tag !== undefined && RUN_ID.test(tag) ? tag : null;

/** What the tags of a run offer as blocks of the hours from `from` to before `to`; null for what is no object. */
export function blocksInTags(
  tags: Readonly<Record<string, string>>,
  { from, to }: { from: number; to: number },
): (object | null)[] {
  return Object.entries(tags)
    .flatMap(([key, value]) => {
      const index = Number(BLOCK_TAG.exec(key)?.[1] ?? Number.NaN);
      return index >= from && index < to ? [{ index, value }] : [];
    })
    .sort((a, b) => b.index - a.index)
    .slice(0, MAX_BLOCKS)
    .map(({ index, value }) => blockIn(index, value));
}

/** The name of the tag says which hour it is, and the fields of which series: the platform's are not taken from here. */
function blockIn(index: number, value: string): object | null {
  if (value.length > MAX_LENGTH) return null;
  try {
    const document: unknown = parseJson(value);
    if (typeof document !== 'object' || document === null) return null;
    return { ...document, index, series: 'd_new' in document ? 'differences' : 'rows' };
  } catch {
    return null;
  }
}

import { DECISION_TAGS, type ModelVersion } from '../../domain/registry.ts';

/**
 * Bounds on tags. Anybody with edit rights on a registered model can write any number of them, so only what can be of use is
 * kept: every tag that a decision reads, the newest records of promotions, and some others.
 */
export const tagLimits = {
  /** Characters of one value; the rest is cut off. A record of a promotion has some 2,000. */
  value: 16_384,
  /** Records of promotions on one model or version, each of which may be two tags. */
  records: 50,
  /** Other tags of one model or version. */
  others: 50,
  /** Characters of all tags but those that decisions read, of all versions of a model; the highest numbers come first. */
  allVersions: 16_000_000,
} as const;

/** How far ahead of our clock the time of a record may be. */
const MAX_AHEAD_MS = 24 * 3_600_000;

type Tags = Readonly<Record<string, string>>;

/** The tags that are kept of those of one model or version. */
export function boundedTags(tags: Tags, now: Date): Tags {
  const keys = Object.keys(tags);
  const records = newestRecords(tags, now);
  const others = keys.filter((key) => !isDecisive(key) && recordOf(key) === null).sort();
  const kept = [
    ...keys.filter(isDecisive),
    ...keys.filter((key) => records.has(recordOf(key))),
    ...others.slice(0, tagLimits.others),
  ];
  return Object.fromEntries(kept.map((key) => [key, cut(tags[key] ?? '')]));
}

/** A copy, as a part of a string keeps the whole string in memory. */
const cut = (value: string) =>
  value.length <= tagLimits.value ? value : Buffer.from(value.slice(0, tagLimits.value)).toString();

/**
 * Bounds the tags of the versions of a model, page by page, highest version first: beyond the limit for all, a version keeps
 * only the tags that decisions read.
 */
export function versionTags(now: Date): (version: ModelVersion) => ModelVersion {
  let left: number = tagLimits.allVersions;
  return (version) => {
    const tags = Object.entries(boundedTags(version.tags, now));
    const extra = tags.filter(([key]) => !isDecisive(key));
    left -= extra.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    return {
      ...version,
      tags: Object.fromEntries(left >= 0 ? tags : tags.filter(([key]) => isDecisive(key))),
    };
  };
}

const isDecisive = (key: string) => DECISION_TAGS.some((each) => each === key);

const PREFIX = 'promotion.';
const RESULT = '.result';

/** The id of the record that a tag is part of, or null. */
function recordOf(key: string): string | null {
  if (!key.startsWith(PREFIX) || isDecisive(key)) return null;
  return key.slice(PREFIX.length, key.endsWith(RESULT) ? -RESULT.length : undefined);
}

/** Ids of the newest records, by the time in them and then by id; a time that cannot be read, or lies ahead, is the oldest. */
function newestRecords(tags: Tags, now: Date): Set<string | null> {
  const latest = new Map<string, number>();
  for (const [key, value] of Object.entries(tags)) {
    const id = recordOf(key);
    if (id !== null) latest.set(id, Math.max(latest.get(id) ?? 0, timeOf(value, now)));
  }
  const sorted = [...latest].sort(([a, atA], [b, atB]) => atB - atA || (a < b ? 1 : -1));
  return new Set(sorted.slice(0, tagLimits.records).map(([id]) => id));
}

/** Not parsed: a record may be of any size and form. */
function timeOf(value: string, now: Date): number {
  const time = Date.parse(/"at":"([^"]{10,40})"/.exec(value.slice(-tagLimits.value))?.[1] ?? '');
  return Number.isFinite(time) && time <= now.getTime() + MAX_AHEAD_MS ? time : 0;
}

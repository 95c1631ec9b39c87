import { createHash } from 'node:crypto';
import * as z from 'zod';

/** What a watch looks at: outcomes of both versions on the same rows, one difference for each block, or rates of requests. */
export const seriesNames = ['rows', 'differences', 'errors', 'slow'] as const;
export const SeriesName = z.enum(seriesNames);
export type SeriesName = z.infer<typeof SeriesName>;

export const HOUR_MS = 3_600_000;

/** More rows in an hour than anybody has; exact in sums over any watch. */
const Count = z.number().int().min(0).max(1e9);
const Value = z.number().min(-1e12).max(1e12);
const Version = z.string().min(1).max(256);
const Time = z.iso.datetime({ offset: true });

const common = {
  /** Hours since 1970 at which the block begins. */
  index: z.number().int().min(0).max(10_000_000),
  from: Time,
  to: Time,
  /** Versions: the one that was released, and the one before it; of a block before the release, too. */
  new: Version,
  old: Version,
};

/** One complete hour, or part of an hour, of one series. Other fields than these are left alone. */
const BlockDocument = z.discriminatedUnion('series', [
  z.object({
    ...common,
    series: z.literal('rows'),
    /** Rows that only the new version got wrong, that only the old one did, and all others. */
    a: Count,
    b: Count,
    z: Count,
  }),
  z.object({
    ...common,
    series: z.literal('differences'),
    /** Value of the metric for each version, and the rows behind it. */
    d_new: Value,
    d_old: Value,
    n: Count,
  }),
  ...(['errors', 'slow'] as const).map((series) =>
    z.object({
      ...common,
      series: z.literal(series),
      /** Requests, and those of them that count. */
      n: Count,
      x: Count,
    }),
  ),
]);

export interface Block {
  readonly series: SeriesName;
  readonly index: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly new: string;
  readonly old: string;
  /** rows: a, b, z; differences: new, old, n; rates: requests with the event, and without. */
  readonly values: readonly number[];
  /** Of everything above: changes with any of it. */
  readonly digest: string;
}

/** A block as somebody wrote it; null if it is none. The name of its tag and the time in it have to agree. */
export function readBlock(offered: unknown): Block | null {
  const read = BlockDocument.safeParse(offered);
  if (!read.success) return null;
  const document = read.data;
  const [from, to] = [Date.parse(document.from), Date.parse(document.to)];
  const start = document.index * HOUR_MS;
  if (from < start || to <= from || to > start + HOUR_MS) return null;
  const values = valuesOf(document);
  if (values.some((value) => value < 0) && document.series !== 'differences') return null;
  const { series, index } = document;
  const block = { series, index, from, to, new: document.new, old: document.old, values };
  const digest = createHash('sha256')
    .update(JSON.stringify(Object.values(block)))
    .digest('hex');
  return { ...block, digest: digest.slice(0, 16) };
}

function valuesOf(document: z.infer<typeof BlockDocument>): number[] {
  if (document.series === 'rows') return [document.a, document.b, document.z];
  if (document.series === 'differences') return [document.d_new, document.d_old, document.n];
  return [document.x, document.n - document.x];
}

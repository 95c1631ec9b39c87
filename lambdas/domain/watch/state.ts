import * as z from 'zod';
import { SeriesName } from './block.ts';
import { OnWorse, WatchFields } from './policy-watch.ts';

/** The state of a watch: JSON that is kept between looks. It does not grow with the time that a version is champion. */

const Index = z.number().int();
/** Finite, as all numbers of zod are. */
const Numbers = z.array(z.number());
const ByIndex = z.record(z.string().regex(/^\d{1,8}$/), z.string());

/** What the blocks before the release show; from the first block after it on, it does not change. */
export const Prior = z.strictObject({
  blocks: z.number().int(),
  /** By how much hours vary more than independent rows; null with too few blocks: then the series does not decide. */
  phi: z.number().nullable(),
  /** The same from however many blocks there are. */
  spread: z.number(),
  /** rates: the rate is not above this, at a quarter of the risk. differences: 12 times their variance. Null: unknown. */
  bound: z.number().nullable(),
  /** rates: requests with the event, and without. */
  counts: Numbers,
});
export type Prior = z.infer<typeof Prior>;

export const SeriesState = z.strictObject({
  on_worse: OnWorse,
  /** Risk of this series: those that may roll back share that of the watch. */
  alpha: z.number(),
  /** Blocks before the release, [index, ...values], until one after it is counted. */
  before: z.array(Numbers).nullable(),
  prior: Prior.nullable(),
  /** Digest of each counted block. */
  counted: ByIndex,
  /** Digest of the other content that a counted block was last seen with. */
  changed: ByIndex,
  /** Blocks before this index are no longer known, and not counted. */
  floor: Index,
  /** Blocks counted for the verdict. */
  blocks: z.number().int(),
  /** rows: a, b, z. differences: sum, squares, blocks. rates: requests with the event, and without. */
  sums: Numbers,
  /** Logarithms, null before the first block. */
  stakes: Numbers.length(16).nullable(),
  guard: Numbers.length(16).nullable(),
  /** What people were told. */
  told: z.array(z.enum(['worse', 'not_worse'])),
});
export type SeriesState = z.infer<typeof SeriesState>;

export const endings = ['rollback', 'keep', 'unproven', 'unverified'] as const;

export const WatchState = z.strictObject({
  format: z.literal(1),
  policy: WatchFields,
  pair: z.strictObject({ new: z.string(), old: z.string() }),
  /** When the new version began to serve, ISO 8601. */
  switched_at: z.string(),
  series: z.partialRecord(SeriesName, SeriesState),
  /** The verdict; null while watching. After any but a rollback the guard goes on. */
  ended: z.enum(endings).nullable(),
});
export type WatchState = z.infer<typeof WatchState>;

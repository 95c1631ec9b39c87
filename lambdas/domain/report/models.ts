import * as z from 'zod';

/** The report over models as data: what is live, on which evidence, what was rolled back, what waits. */

const text = z.string().nullable();
const value = z.union([z.string(), z.number(), z.null()]);

const ReportedEntry = z.object({
  seq: z.number(),
  /** ISO 8601. */
  at: z.string(),
  status: z.string(),
  decision: text,
  policy: text,
  grade: text,
  confidence: z.number().nullable(),
  champion_version: text,
  challenger_version: text,
  after: text,
  requested_by: text,
  execution: z.string(),
  evidence_digest: text,
});
export type ReportedEntry = z.infer<typeof ReportedEntry>;

const figure = z.number().nullable();
const Interval = z.tuple([z.number(), z.number()]).nullable();
const Progress = z.object({ ln: z.number(), needed: z.number() }).nullable();

/** Where the watch of the live release stands. */
const ReportedWatch = z.object({
  status: z.string(),
  new: z.string(),
  old: z.string(),
  /** ISO 8601. */
  since: z.string(),
  series: z.array(
    z.object({
      series: z.string(),
      title: z.string(),
      /** In one sentence. */
      standing: z.string(),
      decides: z.boolean(),
      /** How much worse the new version is: shares of rows or requests, or units of the metric. */
      estimate: figure,
      interval: Interval,
      worse: Progress,
      not_worse: Progress,
    }),
  ),
});
export type ReportedWatch = z.infer<typeof ReportedWatch>;

/** A promotion: what its comparison predicted, and what was seen afterwards. */
const ReportedRelease = z.object({
  version: z.string(),
  /** ISO 8601. */
  at: z.string(),
  policy: text,
  /** The gain of the first rule that was tested, positive where it is better; null where none was, or it is not kept. */
  predicted: z
    .object({
      rule: z.string(),
      metric: z.string(),
      estimate: z.number(),
      lower: z.number(),
      upper: z.number(),
    })
    .nullable(),
  /** How its watch ended; null while it goes on, or where there was none. */
  verdict: text,
  /** How much worse it was, of each series that could be compared. */
  observed: z.array(
    z.object({ series: z.string(), blocks: z.number(), estimate: z.number(), interval: Interval }),
  ),
});
export type ReportedRelease = z.infer<typeof ReportedRelease>;

const ReportedModel = z.object({
  model: z.string(),
  /** As `promotion status` says it. */
  status: z.string(),
  live: z
    .object({
      version: text,
      artifact_id: text,
      /** ISO 8601; when both sides were seen to show it. */
      since: z.string(),
      how: z.enum(['promoted', 'rolled_back', 'adopted', 'seen']),
    })
    .nullable(),
  /** The entry of the ledger by which the live version was promoted; null where there is none. */
  evidence: ReportedEntry.nullable(),
  waiting: z.array(
    z.object({
      what: z.enum(['change', 'alert', 'challenger', 'retraining', 'unread']),
      about: z.string(),
      since: text,
    }),
  ),
  /** Null where the live release is not watched. */
  watch: ReportedWatch.nullable(),
  /** The newest first. */
  releases: z.array(ReportedRelease),
  rolled_back: z.array(ReportedEntry),
  decisions: z.array(ReportedEntry),
  /** Decisions beyond those that are listed. */
  decisions_left_out: z.number(),
  metric: z
    .object({
      name: z.string(),
      points: z.array(z.object({ version: z.string(), value: z.number().nullable() })),
    })
    .nullable(),
  versions: z.array(z.object({ version: z.string(), stage: z.string(), run: text, page: text })),
  versions_left_out: z.number(),
  differences: z.array(
    z.object({
      before: z.string(),
      after: z.string(),
      /** True for a pair that was asked for. */
      asked: z.boolean(),
      rows: z.array(z.object({ what: z.string(), name: z.string(), before: value, after: value })),
      left_out: z.number(),
    }),
  ),
});
export type ReportedModel = z.infer<typeof ReportedModel>;

/** The JSON document over models. Texts in it are in visible form and bounded. */
export const ModelsReport = z.object({
  schema: z.literal('model-promotion/models-report/1'),
  /** ISO 8601. */
  made_at: z.string(),
  models: z.array(ReportedModel),
});
export type ModelsReport = z.infer<typeof ModelsReport>;

import * as z from 'zod';
import type { LedgerEntry } from '../../domain/ledger/entry.ts';
import {
  commonMetric,
  type Difference,
  differences,
  metricOf,
  type VersionFacts,
} from '../../domain/promotion/differences.ts';
import { publicMessage, visible } from '../../domain/visible-text.ts';

/** The report over models as data: what is live, on which evidence, what was rolled back, what waits. */

const NAME = 200;
const VALUE = 200;
/** Of one model: decisions and rollbacks shown, and differences of one pair. */
const MAX_ENTRIES = 30;
const MAX_DIFFERENCES = 80;

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
    z.object({ what: z.enum(['change', 'alert', 'challenger', 'unread']), about: z.string(), since: text }),
  ),
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

/** What was read of one model. */
export interface ModelFacts {
  readonly model: string;
  readonly status: string;
  readonly live: {
    readonly version: string | null;
    readonly artifact_id: string | null;
    readonly at: string;
    readonly result: 'promoted' | 'rolled_back' | null;
    readonly adopted_by: string | null;
  } | null;
  readonly waiting: ReportedModel['waiting'];
  /** Every readable entry of the ledger, oldest first. */
  readonly entries: readonly LedgerEntry[];
  /** Oldest first. */
  readonly versions: readonly (VersionFacts & { readonly page: string | null })[];
  readonly versionsLeftOut: number;
  /** A pair of versions to compare besides the neighbouring ones. */
  readonly pair: readonly [string, string] | null;
  /** The metric to show; null for the one that most versions have. */
  readonly metric: string | null;
}

/** The document over these models. */
export const modelsReport = (models: readonly ModelFacts[], now: Date): ModelsReport => ({
  schema: 'model-promotion/models-report/1',
  made_at: now.toISOString(),
  models: models.map(reportedModel),
});

function reportedModel(facts: ModelFacts): ReportedModel {
  const { live, versions } = facts;
  const entries = facts.entries.map(reportedEntry);
  const newest = entries.toReversed();
  const decisions = newest.filter(({ decision }) => decision !== null);
  const metric = facts.metric ?? commonMetric(versions);
  const promoted = newest.find(({ status, after }) => status === 'promoted' && after === live?.version);
  return {
    model: visible(facts.model, NAME),
    status: facts.status,
    live:
      live === null
        ? null
        : {
            version: short(live.version),
            artifact_id: short(live.artifact_id),
            since: visible(live.at, 40),
            how: live.result ?? (live.adopted_by === null ? 'seen' : 'adopted'),
          },
    evidence: live === null ? null : (promoted ?? null),
    waiting: facts.waiting.map(({ what, about, since }) => ({
      what,
      about: publicMessage(about, 400),
      since: short(since),
    })),
    rolled_back: newest.filter(({ status }) => status === 'rolled_back').slice(0, MAX_ENTRIES),
    decisions: decisions.slice(0, MAX_ENTRIES),
    decisions_left_out: Math.max(0, decisions.length - MAX_ENTRIES),
    metric:
      metric === null
        ? null
        : {
            name: visible(metric, NAME),
            points: versions.map((each) => ({
              version: visible(each.version, 20),
              value: metricOf(each, metric),
            })),
          },
    versions: versions.map(({ version, stage, run, page }) => ({
      version: visible(version, 20),
      stage: visible(stage, 40),
      run: short(run?.runId ?? null),
      page,
    })),
    versions_left_out: facts.versionsLeftOut,
    differences: pairsOf(facts).map(([before, after, asked]) => {
      const all = differences(before, after);
      return {
        before: visible(before.version, 20),
        after: visible(after.version, 20),
        asked,
        rows: all.slice(0, MAX_DIFFERENCES).map(shortDifference),
        left_out: Math.max(0, all.length - MAX_DIFFERENCES),
      };
    }),
  };
}

function pairsOf({ versions, pair }: ModelFacts): [VersionFacts, VersionFacts, boolean][] {
  const neighbours = versions.flatMap((after, index): [VersionFacts, VersionFacts, boolean][] => {
    const before = versions[index - 1];
    return before === undefined ? [] : [[before, after, false]];
  });
  const [first, second] = (pair ?? []).map((wanted) => versions.find(({ version }) => version === wanted));
  const asked: typeof neighbours = first === undefined || second === undefined ? [] : [[first, second, true]];
  return [...asked, ...neighbours.reverse()];
}

const short = (given: string | null) => (given === null ? null : visible(given, NAME));

function shortDifference({ what, name, before, after }: Difference) {
  const shown = (given: string | number | null) =>
    typeof given === 'string'
      ? visible(given, VALUE)
      : given === null || Number.isFinite(given)
        ? given
        : String(given);
  return { what, name: visible(name, VALUE), before: shown(before), after: shown(after) };
}

function reportedEntry({ decision, ...entry }: LedgerEntry): ReportedEntry {
  return {
    seq: entry.seq,
    at: visible(entry.at, 40),
    status: visible(entry.status, 40),
    decision: short(decision?.decision ?? null),
    policy: short(decision?.policy ?? null),
    grade: short(decision?.evidence_grade ?? null),
    confidence: decision?.confidence ?? null,
    champion_version: short(decision?.champion_version ?? entry.before?.version ?? null),
    challenger_version: short(decision?.challenger_version ?? null),
    after: short(entry.after?.version ?? null),
    requested_by: short(entry.requested_by),
    execution: visible(entry.execution, NAME),
    evidence_digest: short(decision?.evidence_digest ?? null),
  };
}

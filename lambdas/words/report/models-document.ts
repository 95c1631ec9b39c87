import type { LedgerEntry } from '../../domain/ledger/entry.ts';
import type { Comparison } from '../../domain/payloads.ts';
import {
  commonMetric,
  type Difference,
  differences,
  metricOf,
  type VersionFacts,
} from '../../domain/promotion/differences.ts';
import type {
  ModelsReport,
  ReportedEntry,
  ReportedModel,
  ReportedRelease,
  ReportedWatch,
} from '../../domain/report/models.ts';
import { publicMessage, visible } from '../../domain/visible-text.ts';
import type { WatchEvidence } from '../../domain/watch/evidence.ts';
import { seriesText, standingText } from '../watch.ts';

/** The document over models, from what was read of them. */

const NAME = 200;
const VALUE = 200;
/** Of one model: decisions and rollbacks shown, and differences of one pair. */
const MAX_ENTRIES = 30;
const MAX_DIFFERENCES = 80;

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
  /** The watch of the live release; null where there is none. */
  readonly watch: { readonly status: string; readonly evidence: WatchEvidence } | null;
  /** Comparisons of promotions, by execution, as far as they are kept. */
  readonly comparisons: ReadonlyMap<string, Comparison>;
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
    watch: facts.watch === null ? null : reportedWatch(facts.watch),
    releases: releasesOf(facts).slice(0, MAX_ENTRIES),
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

function reportedWatch({ status, evidence }: NonNullable<ModelFacts['watch']>): ReportedWatch {
  return {
    status,
    new: visible(evidence.new, 20),
    old: visible(evidence.old, 20),
    since: visible(evidence.switched_at, 40),
    series: evidence.series.map((standing) => ({
      series: standing.series,
      title: seriesText(standing.series),
      standing: standingText(standing),
      decides: standing.decides,
      estimate: standing.estimate,
      interval: standing.interval,
      worse: standing.worse,
      not_worse: standing.not_worse,
    })),
  };
}

/** Statuses of entries by which the watch of a release has ended. */
const VERDICTS: readonly string[] = ['confirmed', 'unproven', 'unverified', 'rolled_back'];

/** Promotions with what their watches have seen until the next change of the model, newest first. */
function releasesOf({ entries, comparisons }: ModelFacts): ReportedRelease[] {
  const isChange = ({ status }: LedgerEntry) => status === 'promoted' || status === 'rolled_back';
  return entries
    .flatMap((entry, index): ReportedRelease[] => {
      const version = entry.after?.version ?? null;
      if (entry.status !== 'promoted' || version === null) return [];
      const later = entries.slice(index + 1);
      const next = later.findIndex(isChange);
      const until = next < 0 ? later : later.slice(0, next + 1);
      const end = until.find(({ status, watch }) => watch !== undefined && VERDICTS.includes(status));
      const tested = testedRule(comparisons.get(entry.execution));
      return [
        {
          version: visible(version, 20),
          at: visible(entry.at, 40),
          policy: short(entry.decision?.policy ?? null),
          predicted: tested,
          verdict: end === undefined ? null : visible(end.status, 40),
          observed: (end?.watch ?? []).map(({ series, blocks, estimate, interval }) => ({
            ...{ series: visible(series, 40), blocks, estimate, interval },
          })),
        },
      ];
    })
    .reverse();
}

/** The first critical rule that was tested, else the first that was. */
function testedRule(comparison: Comparison | undefined): ReportedRelease['predicted'] {
  const tested = (comparison?.rules ?? []).filter(({ test }) => test !== undefined);
  const rule = tested.find(({ critical }) => critical) ?? tested[0];
  if (rule?.test === undefined) return null;
  const { estimate, lower, upper } = rule.test;
  return { rule: visible(rule.name, NAME), metric: visible(rule.metric, NAME), estimate, lower, upper };
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

import { champions, type RegistryMode, type RegistryView } from '../registry.ts';
import type { Replacement, Workload } from '../serving/workloads.ts';
import { type PromotionRecord, recordsOn, versionOf } from './record.ts';

/** A time during which one version was in Production, or one artifact was served. Times are ISO 8601. */
interface Period {
  /** Null: before the first record. */
  from: string | null;
  /** Null: until now. */
  until: string | null;
  /** Null if unknown. */
  version: string | null;
}

/** A time during which one version was in Production. */
export interface ProductionPeriod extends Period {
  how: 'promoted' | 'rolled_back' | 'before_records';
  /** Id of the record that began it. */
  record: string | null;
  execution: string | null;
  requested_by: string | null;
  reason: string | null;
  confidence: number | null;
}

/** A time during which one artifact was served. */
export interface ServedPeriod extends Period {
  artifact_id: string | null;
  /** Id of the replacement that began it. */
  replacement: string | null;
}

/** The history of a model on both sides. */
export interface ModelHistory {
  model: string;
  /** Oldest first. */
  production: ProductionPeriod[];
  /** Oldest first; empty where no Workload serves the model or it could not be read. */
  served: ServedPeriod[];
  workload: { id: string; name: string } | null;
  /** What is missing or inconsistent. */
  notes: HistoryNote[];
}

/** What is missing or inconsistent in a history. Times are ISO 8601. */
export type HistoryNote =
  /** A record without a result: in progress, or interrupted. */
  | { code: 'no-result'; kind: 'promote' | 'rollback'; id: string; at: string }
  /** Before a promotion, another version was in Production than the last record names. */
  | { code: 'moved-unrecorded'; to: string; at: string; from: string | null; recorded: string | null }
  /** Another version is in Production now than the last record names. */
  | { code: 'production-differs'; current: string | null; recorded: string | null }
  /** Another artifact is served now than the last replacement put in service. */
  | { code: 'served-differs'; current: string | null; recorded: string | null }
  /** The registered model names no Workload. */
  | { code: 'no-workload' }
  /** The Workload does not exist, or cannot be seen. */
  | { code: 'workload-missing'; workload: string }
  /** The Workload could not be read; `why` is the error, or null where the platform is not configured. */
  | { code: 'workload-unread'; workload: string; why: string | null };

/** What the Workload API reports: past replacements, and one in progress. */
export interface ServingFacts {
  workload: Workload;
  replacements: readonly Replacement[];
}

/**
 * Which version was in Production and which artifact was served, when. MLflow keeps no history of stages, so it comes from
 * the records of promotions and rollbacks; the platform keeps the history of replacements.
 */
export function modelHistory(
  view: RegistryView,
  mode: RegistryMode,
  serving: ServingFacts | null,
): ModelHistory {
  const notes: HistoryNote[] = [];
  const records = recordsOn(view.versions);
  return {
    model: view.model.name,
    production: productionPeriods(view, mode, records, notes),
    served: serving === null ? [] : servedPeriods(view, records, serving, notes),
    workload: serving === null ? null : { id: serving.workload.id, name: serving.workload.name },
    notes,
  };
}

const moved = ({ kind, result }: PromotionRecord) =>
  result?.result === (kind === 'promote' ? 'promoted' : 'rolled_back');
const noRecord = { record: null, execution: null, requested_by: null, reason: null, confidence: null };

function productionPeriods(
  view: RegistryView,
  mode: RegistryMode,
  records: PromotionRecord[],
  notes: HistoryNote[],
): ProductionPeriod[] {
  for (const { id, kind, at } of records.filter(({ result }) => result === null))
    notes.push({ code: 'no-result', kind, id, at });
  const moves = records
    .filter(moved)
    .map((record) => ({ ...record, at: record.result?.at ?? record.at }))
    .sort((a, b) => a.at.localeCompare(b.at));
  const now = champions(view, mode);
  const current = now.length === 0 ? null : now.join(' and ');
  const [first] = moves;
  const earliest = first === undefined ? current : first.from;
  const periods: ProductionPeriod[] = [
    { from: null, until: null, version: earliest, how: 'before_records', ...noRecord },
  ];
  for (const { at, kind, id, to, from, execution, requested_by, reason, confidence } of moves) {
    const last = periods.at(-1);
    if (last !== undefined) last.until = at;
    if (last !== undefined && last.version !== from && kind === 'promote')
      notes.push({ code: 'moved-unrecorded', to, at, from, recorded: last.version });
    const how = kind === 'promote' ? 'promoted' : 'rolled_back';
    const who = { record: id, execution, requested_by, reason, confidence };
    periods.push({ from: at, until: null, version: to, how, ...who });
  }
  const last = periods.at(-1);
  if (last !== undefined && last.version !== current) {
    notes.push({ code: 'production-differs', current, recorded: last.version });
  }
  return periods;
}

function servedPeriods(
  view: RegistryView,
  records: PromotionRecord[],
  { workload, replacements }: ServingFacts,
  notes: HistoryNote[],
): ServedPeriod[] {
  const switches = replacements
    .flatMap(({ id, candidateArtifactId, switchedAt }) =>
      // One without a candidate has changed settings only.
      switchedAt === null || candidateArtifactId === ''
        ? []
        : [{ id, artifact: candidateArtifactId, at: iso(switchedAt) }],
    )
    .sort((a, b) => a.at.localeCompare(b.at));
  const version = (artifact: string | null) => (artifact === null ? null : versionOf(view, artifact));
  const earliest = switches.length === 0 ? workload.artifactId : servedBefore(records, workload.id, switches);
  const periods: ServedPeriod[] = [
    { from: null, until: null, artifact_id: earliest, version: version(earliest), replacement: null },
  ];
  for (const { id, artifact, at } of switches) {
    const last = periods.at(-1);
    // A settings change can name the same artifact.
    if (last === undefined || last.artifact_id === artifact) continue;
    last.until = at;
    const next = { artifact_id: artifact, version: version(artifact), replacement: id };
    periods.push({ from: at, until: null, ...next });
  }
  const last = periods.at(-1)?.artifact_id;
  if (last !== workload.artifactId) {
    notes.push({ code: 'served-differs', current: workload.artifactId, recorded: last ?? null });
  }
  return periods;
}

/** What was served before the first known switch, if a record names it. */
function servedBefore(
  records: PromotionRecord[],
  workloadId: string,
  switches: readonly { artifact: string }[],
): string | null {
  const first = records.findLast(({ serving }) => serving?.workload_id === workloadId)?.serving;
  return first?.artifact_id === switches[0]?.artifact ? (first?.previous_artifact_id ?? null) : null;
}

/** The platform writes microseconds and an offset; times that are compared as text need one format. */
const iso = (time: string) => new Date(time).toISOString();

/** The state of registry and serving side at one time. */
export interface Moment {
  /** ISO 8601. */
  at: string;
  production: ProductionPeriod | null;
  served: ServedPeriod | null;
  /** Whether the served version was the one in Production; null if one of them is unknown. */
  agree: boolean | null;
}

/** The state of both systems at a time. */
export function momentAt({ production, served }: ModelHistory, at: Date): Moment {
  const time = at.toISOString();
  const during = ({ from, until }: Period) =>
    (from === null || from <= time) && (until === null || time < until);
  const inProduction = production.find(during) ?? null;
  const inService = served.find(during) ?? null;
  const known = inProduction?.version != null && inService?.version != null;
  return {
    at: time,
    production: inProduction,
    served: inService,
    agree: known ? inProduction.version === inService.version : null,
  };
}

import type { Policy } from '../../lambdas/domain/comparison/policy.ts';
import { ModelNotFound } from '../../lambdas/domain/errors.ts';
import { type LedgerEntry, parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { CompareInput, type Comparison } from '../../lambdas/domain/payloads.ts';
import { markOn } from '../../lambdas/domain/promotion/record.ts';
import { type ModelVersion, type Registry, ROLLED_BACK_TAG } from '../../lambdas/domain/registry.ts';
import { type CompareServices, compare } from '../../lambdas/use-cases/compare-models.ts';

/** A decision of the ledger, and what the other policy makes of the same two versions. */
export interface Replayed {
  model: string;
  /** ISO 8601. */
  at: string;
  execution: string;
  dry_run: boolean;
  /** Null for a first model. */
  champion_version: string | null;
  challenger_version: string;
  before: NonNullable<LedgerEntry['decision']>;
  /** Null where MLflow no longer has what was compared. */
  now: Comparison | null;
  /** Versions that are gone from MLflow, or whose runs are. */
  gone: string[];
}

/** A decision about two versions. */
interface Decided {
  readonly entry: LedgerEntry;
  readonly decision: Replayed['before'];
  readonly challenger: string;
}

/** The decisions that compared a challenger with another version or, for a first model, with none. */
export function decisionsIn(entries: readonly { text: string }[], since: Date | undefined): Decided[] {
  return entries.flatMap(({ text }) => {
    const entry = parseEntry(text);
    const decision = entry?.decision ?? null;
    if (entry === null || decision === null || decision.challenger_version === null) return [];
    const { challenger_version: challenger, champion_version: champion } = decision;
    if (challenger === champion || (since !== undefined && new Date(entry.at) < since)) return [];
    return [{ entry, decision, challenger }];
  });
}

/**
 * Judges a decision of a model again, by the clock of that time. What people have set on versions and models since says nothing
 * of it: such gates are left out. It throws the errors of MLflow.
 */
export function judgeOf(model: string, policy: string, services: Omit<CompareServices, 'clock'>) {
  const read = readOnce(services.registry);
  const policies = {
    load: async (...wanted: Parameters<typeof services.policies.load>) =>
      withoutLaterTags(await services.policies.load(...wanted)),
  };
  return async ({ entry, decision, challenger }: Decided): Promise<Replayed> => {
    const { champion_version: champion } = decision;
    const input = { model_name: model, champion_version: champion, challenger_version: challenger, policy };
    const past = asOf(new Date(entry.at), read);
    const clock = { now: () => new Date(entry.at) };
    const then = { ...services, policies, clock, registry: past.registry };
    const now = await compare(CompareInput.parse(input), then).catch((error: unknown) => {
      if (error instanceof ModelNotFound) return null;
      throw error;
    });
    const gone = [champion, challenger].filter((each) => each !== null && past.isGone(each));
    return {
      model,
      at: entry.at,
      execution: entry.execution,
      dry_run: entry.dry_run,
      champion_version: champion,
      challenger_version: challenger,
      before: decision,
      now: gone.length > 0 ? null : now,
      gone: gone.filter((each) => each !== null),
    };
  };
}

const LATER: readonly string[] = ['min_age', 'hold', 'quarantine'];
const withoutLaterTags = ({ gates, ...policy }: Policy): Policy =>
  gates === undefined ? policy : { ...policy, gates: gates.filter(({ kind }) => !LATER.includes(kind)) };

/**
 * The registry as a decision met it, as far as it can be told: nobody is champion but whom the decision names, and nothing was
 * rolled back later. After a comparison `isGone` says of a version whether it, or the run that it names, was not there.
 */
function asOf(at: Date, registry: Registry) {
  const there = new Set<string>();
  const withoutRun = new Set<string | undefined>();
  const versionOf = new Map<string, string>();
  const laterRolledBack = (version: ModelVersion) => {
    const mark = markOn(version);
    return mark !== null && new Date(mark.at) > at;
  };
  const past: Registry = {
    ...registry,
    async getModel(name) {
      const model = await registry.getModel(name);
      return model === null ? null : { ...model, aliases: {} };
    },
    async listVersions(name) {
      const versions = await registry.listVersions(name);
      for (const { version, runId } of versions) {
        there.add(version);
        if (runId !== null) versionOf.set(runId, version);
      }
      return versions.map((version) => ({
        ...version,
        stage: 'None',
        tags: laterRolledBack(version) ? { ...version.tags, [ROLLED_BACK_TAG]: '' } : version.tags,
      }));
    },
    async getRun(runId) {
      const run = await registry.getRun(runId);
      if (run === null) withoutRun.add(versionOf.get(runId));
      return run;
    },
  };
  return { registry: past, isGone: (version: string) => !there.has(version) || withoutRun.has(version) };
}

/** A registry whose models and runs are read once. */
function readOnce(registry: Registry): Registry {
  const once = <T>(read: (name: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>();
    return (name: string) => {
      const found = known.get(name) ?? read(name);
      known.set(name, found);
      return found;
    };
  };
  return {
    ...registry,
    getModel: once((name) => registry.getModel(name)),
    listVersions: once((name) => registry.listVersions(name)),
    getRun: once((runId) => registry.getRun(runId)),
  };
}

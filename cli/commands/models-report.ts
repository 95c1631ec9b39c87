import * as z from 'zod';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { runPage } from '../../lambdas/domain/promotion/report-place.ts';
import type { ModelVersion, Registry, RegistryView } from '../../lambdas/domain/registry.ts';
import type { PromotionStore, RecordedOutcome } from '../../lambdas/domain/release/store.ts';
import { evidenceOf } from '../../lambdas/domain/watch/advance.ts';
import { silenceLog } from '../../lambdas/runtime/log.ts';
import { readingServices } from '../../lambdas/runtime/reading-services.ts';
import { reportServices } from '../../lambdas/runtime/report-services.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { readBothSides } from '../../lambdas/use-cases/parts/read-ending.ts';
import { type ModelFacts, modelsReport } from '../../lambdas/words/report/models-document.ts';
import { renderModels } from '../../lambdas/words/report/models-page.ts';
import { checkReportFile, writeReport } from '../report-file.ts';
import { progressOn } from '../screen/progress.ts';
import { UsageError } from '../usage-error.ts';
import { isUnknownModel, type ModelStatus, modelStatus } from './model-status.ts';
import { checkEnvironment, recordedModels } from './status.ts';

/** The options of `promotion report`. */
export interface ModelsReportOptions {
  model?: string[];
  out: string;
  versions?: string;
  metric?: string;
}

/** Versions of a model whose runs are read, newest first, and runs that are read at the same time. */
const MAX_VERSIONS = 30;
const AT_ONCE = 5;
/** Entries of a ledger in one request. */
const PAGE = 25;
const MAX_PENDING = 100;

type Services = ReturnType<typeof servicesOf>;

/** `promotion report`: writes one page over models; returns the exit status. Throws `UsageError`, and `LeaseStoreUnavailable` if the models cannot be listed. */
export async function reportModels({
  model: named,
  out,
  versions,
  metric,
}: ModelsReportOptions): Promise<number> {
  const pair = versions === undefined ? null : pairIn(versions);
  if (pair !== null && named?.length !== 1) throw new UsageError('--versions needs one --model');
  await checkReportFile(out, '--out');
  checkEnvironment(process.env, named === undefined);
  silenceLog();
  const services = servicesOf(process.env);
  const progress = progressOn(process.stderr);
  try {
    progress.doing('Listing the models');
    const models = named ?? (await recordedModels(services.store));
    const pending = services.store.keepsItems ? await services.store.pendingOutcomes(MAX_PENDING) : [];
    const found: ModelFacts[] = [];
    for (const [index, model] of models.entries()) {
      const doing = (what: string) => progress.doing(`Model ${index + 1} of ${models.length}: ${what}`);
      found.push(await factsOf(model, { services, pending, pair, metric: metric ?? null, doing }));
    }
    progress.stop();
    await writeReport(out, renderModels(modelsReport(found, systemClock.now())));
    process.stderr.write(`Report over ${found.length} ${found.length === 1 ? 'model' : 'models'}: ${out}\n`);
    return found.every(({ waiting }) => waiting.every(({ what }) => what !== 'unread')) ? 0 : 1;
  } finally {
    progress.stop();
  }
}

const servicesOf = (env: NodeJS.ProcessEnv) => ({
  ...storeServices(env),
  ...readingServices(env, systemClock),
  server: reportServices(env, systemClock).reports()?.server ?? null,
});

/** Two versions, as `3,5`. */
const Pair = z.string().regex(/^[1-9]\d{0,9},[1-9]\d{0,9}$/);

function pairIn(versions: string): readonly [string, string] {
  const [before = '', after = ''] = Pair.safeParse(versions).data?.split(',') ?? [];
  if (before === '' || before === after) throw new UsageError('--versions must be two versions such as 3,5');
  return [before, after];
}

interface Asked {
  readonly services: Services;
  readonly pending: readonly RecordedOutcome[];
  readonly pair: ModelFacts['pair'];
  readonly metric: string | null;
  doing(what: string): void;
}

async function factsOf(model: string, asked: Asked): Promise<ModelFacts> {
  const { services, pair, metric, doing } = asked;
  doing('reading both sides');
  const read = await readBothSides(model, services);
  if (isUnknownModel(read))
    throw new UsageError(`Registered model "${model}" does not exist at MLFLOW_TRACKING_URI`);
  const need = (await services.store.readNeed(model))?.need ?? null;
  const status = modelStatus(model, read, { watch: null, need, error: null }, systemClock.now());
  doing('reading its ledger');
  const entries = services.store.keepsItems ? await entriesOf(model, services.store) : [];
  const watch = await services.store.readWatch(model);
  const wanted = versionsToRead(read.view, pair);
  const unread: ModelFacts['waiting'][number][] = [];
  const versions = await withRuns(wanted, services, unread, (done) =>
    doing(`reading ${wanted.length} runs, ${done} read`),
  );
  return {
    model,
    status: status.status,
    live: read.item?.live ?? null,
    waiting: [...waitingOf(status, read.view, asked.pending), ...unread],
    entries,
    watch:
      watch === null || watch.state === null || watch.promotion !== read.item?.live?.change
        ? null
        : { status: watch.status, evidence: evidenceOf(watch.state) },
    comparisons: await comparisonsOf(entries, services.store),
    versions,
    versionsLeftOut: (read.view?.versions.length ?? 0) - wanted.length,
    pair,
    metric,
  };
}

/** The newest versions and those of the pair, oldest first. Throws `UsageError` for a pair that does not exist. */
function versionsToRead(view: RegistryView | null, pair: ModelFacts['pair']): ModelVersion[] {
  const all = view?.versions ?? [];
  for (const wanted of pair ?? [])
    if (!all.some(({ version }) => version === wanted))
      throw new UsageError(`--versions: the model has no version ${wanted}`);
  const shown = all.filter(({ version }, index) => index < MAX_VERSIONS || pair?.includes(version));
  return shown.toSorted((a, b) => Number(a.version) - Number(b.version));
}

async function withRuns(
  wanted: readonly ModelVersion[],
  { registry, server }: Services,
  unread: ModelFacts['waiting'][number][],
  progress: (done: number) => void,
): Promise<ModelFacts['versions']> {
  const found: ModelFacts['versions'][number][] = [];
  for (let first = 0; first < wanted.length; first += AT_ONCE) {
    progress(found.length);
    const some = wanted.slice(first, first + AT_ONCE);
    found.push(
      ...(await Promise.all(
        some.map(async ({ version, stage, runId }) => {
          const run = await runOf(registry().registry, runId).catch((error: unknown) => {
            const about = `the run of version ${version}: ${error instanceof Error ? error.message : String(error)}`;
            unread.push({ what: 'unread', about, since: null });
            return null;
          });
          return { version, stage, run, page: run === null || server === null ? null : runPage(server, run) };
        }),
      )),
    );
  }
  return found;
}

const runOf = async (registry: Registry, runId: string | null) =>
  runId === null ? null : registry.getRun(runId);

async function entriesOf(model: string, store: PromotionStore) {
  const found: ModelFacts['entries'][number][] = [];
  for (let from = 1; ; from += PAGE) {
    const page = await store.entries(model, from, PAGE);
    found.push(...page.flatMap(({ text }) => parseEntry(text) ?? []));
    if (page.length < PAGE) return found;
  }
}

/** What the newest promotions were decided on, as far as their outcomes are kept. */
async function comparisonsOf(entries: ModelFacts['entries'], store: PromotionStore) {
  const found = new Map<string, Comparison>();
  const promoted = entries.filter(({ status }) => status === 'promoted').slice(-MAX_VERSIONS);
  for (const { execution } of promoted) {
    const comparison = (await store.readOutcome(execution))?.comparison ?? null;
    if (comparison !== null) found.set(execution, comparison);
  }
  return found;
}

function waitingOf(
  { model, change, unread, live, retraining }: ModelStatus,
  view: RegistryView | null,
  pending: readonly RecordedOutcome[],
): ModelFacts['waiting'] {
  const alerts = pending.filter(({ outcome, alert }) => outcome.model_name === model && alert === 'pending');
  const challengers = (view?.versions ?? []).filter(
    ({ stage, version }) =>
      (stage === 'Staging' || view?.model.aliases['challenger'] === version) && version !== live?.version,
  );
  return [
    ...(change === null
      ? []
      : [
          {
            what: 'change' as const,
            about: `${change.kind === 'promote' ? 'promotion' : 'rollback'} to version ${change.to ?? 'none'}, ${change.attempts} attempts so far, execution ${change.id}`,
            since: change.opened_at,
          },
        ]),
    ...alerts.map(({ outcome }) => ({
      what: 'alert' as const,
      about: `${outcome.status}, execution ${outcome.execution}`,
      since: outcome.recorded_at,
    })),
    ...challengers.map(({ version }) => ({
      what: 'challenger' as const,
      about: `version ${version} waits to be compared`,
      since: null,
    })),
    ...(retraining === null
      ? []
      : [
          {
            what: 'retraining' as const,
            about: `${retraining.trigger}, attempt ${retraining.attempt}, the next one not before ${retraining.next_at}`,
            since: retraining.opened_at,
          },
        ]),
    ...unread.map(({ part, error }) => ({
      what: 'unread' as const,
      about: `the ${part}: ${error}`,
      since: null,
    })),
  ];
}

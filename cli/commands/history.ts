import { systemClock } from '../../lambdas/adapters/clock.ts';
import {
  type HistoryNote,
  type ModelHistory,
  type Moment,
  modelHistory,
  momentAt,
  type ServingFacts,
} from '../../lambdas/domain/promotion/history.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import {
  configuration,
  MlflowEnvironment,
  WorkloadEnvironment,
  withOneLogin,
} from '../../lambdas/runtime/environment.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { servingServices } from '../../lambdas/runtime/workload-services.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import { historyNote } from '../../lambdas/words/history.ts';
import { printLine } from '../screen/layout.ts';
import { bad, bold, dim } from '../screen/timeline-lines.ts';
import { UsageError } from '../usage-error.ts';
import { modeFor, withoutAuto } from './registry-mode.ts';

/** The options of `promotion history`, parsed. */
export interface HistoryOptions {
  at?: Date;
  json?: true;
}

/** At most this many replacements of one Workload are read. */
const MAX_REPLACEMENTS = 500;

/**
 * `promotion history`: prints which version was the champion and which artifact was served, and when; returns the exit
 * status. Throws `UsageError`, and what the MLflow client throws.
 */
export async function history(model: string, { at, json }: HistoryOptions): Promise<number> {
  const env = withoutAuto(process.env);
  checkConfiguration(() => configuration(withOneLogin(MlflowEnvironment), env));
  const { registry, mode } = registryServices(env, systemClock);
  const view = await readRegistry(registry, model);
  if (view === null)
    throw new Error(`Registered model "${visible(model, 256)}" does not exist at MLFLOW_TRACKING_URI`);
  const workloadId = view.model.tags['workload.id'] ?? '';
  const { facts, problem } = workloadId === '' ? NO_WORKLOAD : await servingFacts(workloadId);
  const found = modelHistory(view, modeFor(view, process.env, mode), facts);
  if (problem !== null) found.notes.push(problem);
  const notes = found.notes.map(historyNote);
  const moment = at === undefined ? null : momentAt(found, at);
  if (json) console.log(JSON.stringify({ ...found, notes, moment }, null, 2));
  else for (const line of linesOf(found, notes, moment)) printLine(line, BEFORE_TEXT);
  if (problem === null || workloadId === '') return 0;
  console.error(historyNote(problem));
  return 1;
}

interface ServingRead {
  facts: ServingFacts | null;
  problem: HistoryNote | null;
}

const NO_WORKLOAD: ServingRead = {
  facts: null,
  problem: { code: 'no-workload' },
};

/** Never throws for the platform: the registry's part is shown even when the platform cannot be read. */
async function servingFacts(id: string): Promise<ServingRead> {
  const unread = (why: string | null): ServingRead => ({
    facts: null,
    problem: { code: 'workload-unread', workload: id, why },
  });
  // No variable of the platform is set: nothing to read. Only some of them: a configuration error.
  if (Object.keys(WorkloadEnvironment.shape).every((name) => !process.env[name])) return unread(null);
  checkConfiguration(() => configuration(WorkloadEnvironment, process.env));
  const { workloads } = servingServices(process.env, systemClock);
  try {
    const [workload, inProgress] = await Promise.all([
      workloads.getWorkload(id),
      workloads.getReplacement(id),
    ]);
    if (workload === null) return { facts: null, problem: { code: 'workload-missing', workload: id } };
    const past = await workloads.history(id, MAX_REPLACEMENTS);
    const replacements = [
      ...past.filter((each) => each.id !== inProgress?.id),
      ...(inProgress === null ? [] : [inProgress]),
    ];
    return { facts: { workload, replacements }, problem: null };
  } catch (error) {
    return unread(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  }
}

function checkConfiguration(configure: () => unknown): void {
  try {
    configure();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

const MAX_TEXT_LENGTH = 300;
const versionText = (version: string | null) =>
  version === null ? 'unknown version' : `version ${visible(version, 20)}`;

function linesOf(found: ModelHistory, notes: readonly string[], moment: Moment | null): string[] {
  const title = bold(visible(found.model, 256));
  const workload = found.workload === null ? '' : ` by Workload ${visible(found.workload.name, 80)}`;
  const production = found.production.map((period) => {
    const { how, reason, requested_by: by, record } = period;
    const facts = [
      reason,
      by === null ? null : `requested by ${by}`,
      record === null ? null : `record ${record}`,
    ];
    const why = [CHANGE_WORDS[how], ...facts].filter(Boolean).join('; ');
    return row(period, `${versionText(period.version)}  ${dim(visible(why, MAX_TEXT_LENGTH))}`);
  });
  const served = found.served.map((period) =>
    row(
      period,
      `${versionText(period.version)}  ${dim(`artifact ${visible(period.artifact_id ?? 'unknown', 80)}`)}`,
    ),
  );
  return [
    ...(moment === null ? [title] : momentLines(title, moment)),
    '',
    bold('Champion'),
    ...production,
    ...(served.length === 0 ? [] : ['', bold(`Served${workload}`), ...served]),
    ...(notes.length === 0 ? [] : ['', bold('Notes')]),
    ...notes.map((note) => visible(note, MAX_TEXT_LENGTH)),
  ];
}

const CHANGE_WORDS = {
  promoted: 'promoted',
  rolled_back: 'restored by a rollback',
  before_records: 'before the first record',
} as const;

/** Columns of the two times. */
const BEFORE_TEXT = 52;
const row = ({ from, until }: { from: string | null; until: string | null }, text: string) =>
  `${(from ?? '…').padEnd(24)}  ${(until ?? 'now').padEnd(24)}  ${text}`;

function momentLines(title: string, { at, production, served, agree }: Moment): string[] {
  const since = (from: string | null | undefined) =>
    from == null ? 'since before the first record' : `since ${from}`;
  const lines = [
    `${title} at ${at}`,
    `Champion       ${bold(versionText(production?.version ?? null))}, ${since(production?.from)}`,
  ];
  if (served !== null)
    lines.push(
      `Served         ${bold(versionText(served.version))}, artifact ${visible(served.artifact_id ?? 'unknown', 80)}, ${since(served.from)}`,
    );
  if (agree === false) lines.push(bad('The served version was not the champion.'));
  return lines;
}

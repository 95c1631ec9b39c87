import * as z from 'zod';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import type { MlflowReply, MlflowRest } from '../support/mlflow-rest.ts';
import { PREVIOUS } from './plan.ts';

/** What a registry shows, read and written without any client of ours. */

/** Where the pointers of a model stand. */
export interface Pointers {
  /** Versions in Production, lowest first. */
  readonly production: readonly string[];
  /** The version that the alias `champion` names; null if none. */
  readonly alias: string | null;
}

/** Every version that a pointer of the mode names as champion, each once, lowest first. */
export function championsOf({ production, alias }: Pointers, mode: RegistryMode): string[] {
  const named = [
    ...(mode === 'aliases' ? [] : production),
    ...(mode === 'stages' || alias === null ? [] : [alias]),
  ];
  return [...new Set(named)].sort((a, b) => Number(a) - Number(b));
}

/** True when there is exactly one champion: every pointer of the mode names the same version. */
export function hasOneChampion(pointers: Pointers, mode: RegistryMode): boolean {
  const stages = mode === 'aliases' || pointers.production.length === 1;
  const alias = mode === 'stages' || pointers.alias !== null;
  return stages && alias && championsOf(pointers, mode).length === 1;
}

/**
 * Registers a model whose versions are all ready, with one champion that came after another one. With runs, each version
 * is better than the one before, so that the state machine's comparison promotes it.
 */
export async function registerModel(
  api: MlflowRest,
  model: string,
  mode: RegistryMode,
  { versions, runs }: { versions: number; runs: boolean },
): Promise<void> {
  expectOk(await api.post('registered-models/create', { name: model }));
  for (let version = 1; version <= versions; version += 1) {
    const source = `s3://race/${model}/${version}`;
    const run = runs ? { run_id: await finishedRun(api, 0.5 + version / 25) } : {};
    expectOk(await api.post('model-versions/create', { name: model, source, ...run }));
  }
  await makeChampion(api, model, mode, PREVIOUS);
}

const Run = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });

/** A run of the default experiment with what the default policy compares. */
async function finishedRun(api: MlflowRest, accuracy: number): Promise<string> {
  const timestamp = Date.now();
  const { run } = Run.parse(
    expectOk(await api.post('runs/create', { experiment_id: '0', start_time: timestamp })),
  );
  const { run_id } = run.info;
  const metrics = Object.entries({ accuracy, eval_rows: 10_000 }).map(([key, value]) => ({
    key,
    value,
    timestamp,
  }));
  expectOk(await api.post('runs/log-batch', { run_id, metrics }));
  expectOk(await api.post('runs/update', { run_id, status: 'FINISHED', end_time: timestamp }));
  return run_id;
}

/** Moves every pointer of the mode, with nobody else about. */
export async function makeChampion(
  api: MlflowRest,
  model: string,
  mode: RegistryMode,
  version: number,
): Promise<void> {
  const name = { name: model, version: String(version) };
  if (mode !== 'aliases') {
    const stage = { stage: 'Production', archive_existing_versions: true };
    expectOk(await api.post('model-versions/transition-stage', { ...name, ...stage }));
  }
  if (mode !== 'stages') expectOk(await api.post('registered-models/alias', { ...name, alias: 'champion' }));
}

const Found = z.object({
  model_versions: z.array(z.object({ version: z.string(), current_stage: z.string() })),
});
const Model = z.object({
  registered_model: z.object({
    aliases: z.array(z.object({ alias: z.string(), version: z.string() })).default([]),
  }),
});

/** What the registry shows now. */
export async function readPointers(api: MlflowRest, model: string): Promise<Pointers> {
  const found = await api.get('model-versions/search', { filter: `name='${model}'` });
  const { model_versions } = Found.parse(expectOk(found));
  const { registered_model } = Model.parse(expectOk(await api.get('registered-models/get', { name: model })));
  return {
    production: model_versions
      .filter(({ current_stage }) => current_stage === 'Production')
      .map(({ version }) => version)
      .sort((a, b) => Number(a) - Number(b)),
    alias: registered_model.aliases.find(({ alias }) => alias === 'champion')?.version ?? null,
  };
}

function expectOk(reply: MlflowReply): Record<string, unknown> {
  if (reply.status === 200) return reply.body;
  throw new Error(`MLflow answered ${reply.status}: ${reply.text.slice(0, 300)}`);
}

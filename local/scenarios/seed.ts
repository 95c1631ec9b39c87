import type { MlflowEmulator } from '../../emulators/mlflow/server.ts';
import type { WorkloadEmulator } from '../../emulators/workload/server.ts';

/**
 * `PascalStrategy` as the embedded registry starts with it: version 1 Archived, 2 in Production, 3 in Staging, each
 * with a finished backtest. The metrics are computed from the logged trades.
 */
export interface Seed {
  /** Mean profit per trade of version 3, in percent. Version 2 has 0.30. */
  challengerEdge?: number;
  /** Digest of the data that version 3 was backtested on; version 2's by default. */
  challengerDigest?: string;
  /** Only version 1, in Staging: no version has ever been in Production. */
  firstModel?: boolean;
  /** Version 3 is registered, in stage `None`. */
  noStaging?: boolean;
}

/** Name of the seeded registered model. */
export const MODEL = 'PascalStrategy';
const DIGEST = 'a41c09d7';
const CHAMPION_EDGE = 0.3;
const CHALLENGER_EDGE = 0.42;

/** Fills the MLflow emulator with `PascalStrategy`; throws when the model exists already. */
export function seedPascalStrategy(mlflow: MlflowEmulator, seed: Seed = {}): void {
  const { registry } = mlflow;
  const { challengerEdge = CHALLENGER_EDGE, challengerDigest = DIGEST } = seed;
  registry.createModel(MODEL, {
    description: 'Trend following on hourly bars',
    tags: { 'promotion.policy': 'trading' },
  });
  const add = (stage: string, edge: number, digest = DIGEST) => {
    const trades = backtest(edge);
    const runId = registry.createRun({
      experiment: `backtest-${MODEL}`,
      metrics: metricsOf(trades),
      params: { trades: String(trades.length) },
      datasets: [{ name: 'hourly-bars-2026-q3', digest, context: 'backtest' }],
      artifacts: { 'evaluation/predictions.csv': csvOf(trades) },
    });
    registry.createVersion(MODEL, { stage, runId });
  };
  if (seed.firstModel) {
    add('Staging', CHAMPION_EDGE);
    return;
  }
  add('Archived', 0.12);
  add('Production', CHAMPION_EDGE);
  add(seed.noStaging ? 'None' : 'Staging', challengerEdge, challengerDigest);
}

/** Fills what is emulated, where one of the systems may be real; the model is served where both are emulated. */
export function seedEmulators({
  mlflow,
  workload,
}: {
  mlflow: MlflowEmulator | null;
  workload: WorkloadEmulator | null;
}): void {
  if (mlflow === null) return;
  seedPascalStrategy(mlflow);
  if (workload !== null) seedServing({ mlflow, workload });
}

/** How the model is served when the scenario starts. */
export interface ServingSeed {
  /** Status of the artifact of version 2, which is in service. */
  served?: 'locked' | 'draft';
  /** Status of the artifact of version 3; null when version 3 has none. */
  candidate?: 'locked' | 'draft' | null;
  /** The Workload already serves the artifact of version 3. */
  candidateServed?: boolean;
}

/** The Workload and its artifacts, by the model version that they serve. */
export interface Serving {
  workloadId: string;
  artifacts: { 2: string; 3: string | null };
}

/** Name of the seeded Workload. */
export const WORKLOAD = 'pascal-prod';
const IMAGE = 'registry.example.com/pascal-strategy:1';

/** Serves the seeded model on Workload `pascal-prod`, and tags model and versions with the Workload and artifacts. */
export function seedServing(
  { mlflow, workload }: { mlflow: MlflowEmulator; workload: WorkloadEmulator },
  { served = 'locked', candidate = 'locked', candidateServed = false }: ServingSeed = {},
): Serving {
  const { registry } = mlflow;
  const artifact = (version: string, status: 'locked' | 'draft') => {
    const env = { MODEL_URI: `models:/${MODEL}/${version}`, MODEL_VERSION: version };
    const locked = status === 'locked';
    const { id } = workload.direct.createArtifact({ name: `pascal v${version}`, image: IMAGE, env, locked });
    registry.setVersionTag(MODEL, version, 'workload.artifact_id', id);
    return id;
  };
  const old = artifact('2', served);
  const next = candidate === null ? null : artifact('3', candidate);
  const artifactId = candidateServed ? (next ?? old) : old;
  const { id } = workload.direct.createWorkload({ name: WORKLOAD, artifactId, importance: 'moderate' });
  registry.setModelTag(MODEL, 'workload.id', id);
  return { workloadId: id, artifacts: { 2: old, 3: next } };
}

/** Serves version 1, which is in Staging and was never in Production, as a draft: it was tried out on the Workload. */
export function seedFirstServing({
  mlflow,
  workload,
}: {
  mlflow: MlflowEmulator;
  workload: WorkloadEmulator;
}): Pick<Serving, 'workloadId'> {
  const env = { MODEL_URI: `models:/${MODEL}/1`, MODEL_VERSION: '1' };
  const { id: artifactId } = workload.direct.createArtifact({
    name: 'pascal v1',
    image: IMAGE,
    env,
    locked: false,
  });
  mlflow.registry.setVersionTag(MODEL, '1', 'workload.artifact_id', artifactId);
  const { id } = workload.direct.createWorkload({ name: WORKLOAD, artifactId, importance: 'moderate' });
  mlflow.registry.setModelTag(MODEL, 'workload.id', id);
  return { workloadId: id };
}

const TRADES = 240;

/** Profit of each trade in percent. Every version trades in the same market, so the series differ only by their edge. */
function backtest(edge: number): number[] {
  let state = 20260930;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // The sum of twelve uniforms is close enough to a normal distribution.
  const normal = () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
  return Array.from({ length: TRADES }, () => round(edge + 1.4 * normal()));
}

function metricsOf(trades: number[]): Record<string, number> {
  const total = trades.reduce((sum, trade) => sum + trade, 0);
  const mean = total / trades.length;
  const variance = trades.reduce((sum, trade) => sum + (trade - mean) ** 2, 0) / (trades.length - 1);
  let [equity, peak, drawdown] = [0, 0, 0];
  for (const trade of trades) {
    equity += trade;
    peak = Math.max(peak, equity);
    drawdown = Math.max(drawdown, peak - equity);
  }
  return {
    profit_total: round(total),
    sharpe_ratio: round((mean / Math.sqrt(variance)) * Math.sqrt(trades.length)),
    max_drawdown: round(drawdown),
    win_rate: round(trades.filter((trade) => trade > 0).length / trades.length),
  };
}

const csvOf = (trades: number[]) =>
  ['row_id,profit', ...trades.map((profit, row) => `${row},${profit}`), ''].join('\n');
const round = (value: number) => Math.round(value * 10_000) / 10_000;

import type { MlflowEmulator } from '../../emulators/mlflow/server.ts';
import type { WorkloadEmulator } from '../../emulators/workload/server.ts';

/**
 * `PascalStrategy` as the embedded registry starts with it: version 1 Archived, 2 in Production, 3 in Staging, each
 * with a finished backtest. The metrics are computed from the logged days.
 */
export interface Seed {
  /** Mean return of a day of version 3, in percent. Version 2 has 0.30. */
  challengerEdge?: number;
  /** The data that version 3 was backtested on; version 2's by default. */
  challengerData?: Data;
  /** Only version 1, in Staging: no version has ever been in Production. */
  firstModel?: boolean;
  /** Version 3 is registered, in stage `None`. */
  noStaging?: boolean;
}

/** Name of the seeded registered model. */
export const MODEL = 'PascalStrategy';
/** Data of a backtest: its digest in MLflow, and the first of its days. */
interface Data {
  readonly digest: string;
  readonly firstDay: string;
}
const DATA: Data = { digest: 'a41c09d7', firstDay: '2026-02-01' };
/** The same market, two weeks later. */
export const LATER_DATA: Data = { digest: 'b7d1f0c2', firstDay: '2026-02-15' };
const CHAMPION_EDGE = 0.3;
const CHALLENGER_EDGE = 0.42;

/** Fills the MLflow emulator with `PascalStrategy`; throws when the model exists already. */
export function seedPascalStrategy(mlflow: MlflowEmulator, seed: Seed = {}): void {
  const { challengerEdge = CHALLENGER_EDGE, challengerData = DATA } = seed;
  mlflow.registry.createModel(MODEL, {
    description: 'Trend following on hourly bars',
    tags: { 'promotion.policy': 'trading' },
  });
  let version = 0;
  const add = (stage: string, edge: number, data = DATA) => {
    version += 1;
    registerBacktest(mlflow, { version, stage, edge, data });
  };
  if (seed.firstModel) {
    add('Staging', CHAMPION_EDGE);
    return;
  }
  add('Archived', 0.12);
  add('Production', CHAMPION_EDGE);
  add(seed.noStaging ? 'None' : 'Staging', challengerEdge, challengerData);
}

/** Registers a version with its backtest: a model of its mean return of a day, in percent. */
export function registerBacktest(
  { registry }: MlflowEmulator,
  {
    version,
    stage,
    edge = CHALLENGER_EDGE,
    data: { digest, firstDay } = DATA,
  }: { version: number; stage: string; edge?: number; data?: Data },
): void {
  const days = backtest(version, edge, firstDay);
  const runId = registry.createRun({
    experiment: `backtest-${MODEL}`,
    metrics: metricsOf(days),
    params: { days: String(days.length) },
    datasets: [{ name: 'hourly-bars-2026', digest, context: 'backtest' }],
    artifacts: { 'evaluation_rows.csv': csvOf(days) },
  });
  registry.createVersion(MODEL, { stage, runId });
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

const DAYS = 240;
const DAY_MS = 24 * 3_600_000;

/** One day of a backtest: what the market did, and what the strategy made of it, both in percent. */
interface Day {
  readonly date: string;
  readonly market: number;
  readonly returned: number;
}

/**
 * The days of one backtest. Every version trades in the same market, so the returns of two depend on each other; `version` is
 * the seed of what only this version does.
 */
function backtest(version: number, edge: number, firstDay: string): Day[] {
  const first = Date.parse(firstDay);
  // With this factor what only a version does adds up to about nothing, so that versions differ by their edge.
  const [market, own] = [normals(first / DAY_MS), normals(593_925 * version)];
  return Array.from({ length: DAYS }, (_, day) => {
    const moved = round(1.3 * market());
    return {
      date: new Date(first + day * DAY_MS).toISOString().slice(0, 10),
      market: moved,
      returned: round(edge + moved + 0.45 * own()),
    };
  });
}

/** Numbers of a standard normal distribution, the same for the same seed. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // The sum of twelve uniforms is close enough.
  return () => Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, -6);
}

/** What a backtest logs: the total, the Sharpe ratio of the whole time, the largest loss from a peak, and days with a profit. */
function metricsOf(days: readonly Day[]): Record<string, number> {
  const total = days.reduce((sum, { returned }) => sum + returned, 0);
  const mean = total / days.length;
  const variance = days.reduce((sum, { returned }) => sum + (returned - mean) ** 2, 0) / (days.length - 1);
  let [equity, peak, drawdown] = [0, 0, 0];
  for (const { returned } of days) {
    equity += returned;
    peak = Math.max(peak, equity);
    drawdown = Math.max(drawdown, peak - equity);
  }
  return {
    profit_total: round(total),
    sharpe_ratio: round((mean / Math.sqrt(variance)) * Math.sqrt(days.length)),
    max_drawdown: round(drawdown),
    win_rate: round(days.filter(({ returned }) => returned > 0).length / days.length),
  };
}

const csvOf = (days: readonly Day[]) =>
  ['row_id,label,returns', ...days.map((day) => `${day.date},${day.market},${day.returned}`), ''].join('\n');
const round = (value: number) => Math.round(value * 10_000) / 10_000;

import type { Refused } from '../paired/test-result.ts';
import type { ModelVersion, Run } from '../registry.ts';
import type { JoinedRows } from '../rows/join.ts';
import type { RowsProblem } from '../rows/problems.ts';
import type { OtherCandidates } from './best-of.ts';
import type { NotByRows } from './by-rows.ts';
import type { Policy, Rule } from './policy.ts';
import { type Keys, keysOf } from './policy-fields.ts';
import type { Sample } from './policy-sample.ts';
import { foldKeys } from './repeats.ts';
import type { MissingNumber } from './rule-result.ts';
import type { Mean, Proportion } from './statistics.ts';

/** The evidence in MLflow about two versions, and how it is read. All of it is untrusted input. */

/** The metric behind `profit_improvement` (the source documents' system). */
const PROFIT = 'profit_total';

/** How much more profit the challenger's run logs than the champion's, in percent; null where one logs none, or zero. */
export function profitImprovement({ champion, challenger }: Evidence): number | null {
  const before = champion === null ? null : readMetric(champion, PROFIT).value;
  const after = readMetric(challenger, PROFIT).value;
  if (before === null || after === null || before === 0) return null;
  const percent = (100 * (after - before)) / Math.abs(before);
  return Number.isFinite(percent) ? percent : null;
}

/** A version in a comparison, with its run. */
export interface Candidate {
  readonly version: ModelVersion;
  /** Null when the version names no run or the run does not exist. */
  readonly run: Run | null;
}

/** What a policy is evaluated on. */
export interface Evidence {
  /** Null for a first model. */
  readonly champion: Candidate | null;
  readonly challenger: Candidate;
  /** The rows of the other candidates that the challenger was chosen from; absent where they are not all known. */
  readonly others?: OtherCandidates;
  /** One row for each evaluated example; null where not both runs hold them, and for a first model. */
  readonly rows?: RowsOfBoth | null;
  /** The last versions before the challenger, the champion among them; read only where a policy accepts grade D. */
  readonly retrains?: readonly Candidate[];
}

/** Rows of both versions, or why those that are there cannot be used. */
export type RowsOfBoth = { readonly joined: JoinedRows } | { readonly problem: RowsProblem };

/** The rows of both versions, where they can be used. */
export const joinedRows = ({ rows }: Evidence): JoinedRows | null =>
  rows && 'joined' in rows ? rows.joined : null;

/**
 * Why there is no sample, and so no interval; `key` is the metric or parameter of the run of `version`.
 * `no-number`: the run has neither a metric nor a parameter of that name. `not-numeric`: the parameter is no number.
 * `too-few-rows`: the size is not a whole number of at least `fewest`. `no-proportion`: the measured `value` is not
 * between 0 and 1. `no-deviation`: the deviation is not above zero. `too-large`: the values overflow in the computation.
 */
export type NoSample =
  | MissingNumber
  | { code: 'no-number' | 'not-numeric' | 'no-deviation'; key: string; version: string }
  | { code: 'too-few-rows'; key: string; version: string; fewest: number }
  | { code: 'no-proportion'; value: number; version: string }
  | { code: 'too-large' }
  /** Both runs hold rows, and the metric cannot be tested on them. */
  | { code: 'rows'; why: NotByRows }
  /** The folds of the two runs are not the same ones. */
  | { code: 'folds-differ'; champion: number; challenger: number }
  /** The folds or retrains that are there cannot be used. */
  | { code: 'repeats'; why: Refused };

/** A number of a run, or why there is none. */
export type Reading = { value: number } | { value: null; why: MissingNumber };

/** SQL stores of MLflow save an infinity as the largest double, so that value counts as not finite too. */
const isFiniteInMlflow = (value: number) => Number.isFinite(value) && Math.abs(value) < Number.MAX_VALUE;

/** The key under which the run of a candidate has the metric: the first that it logs, else the first of all. */
export function metricKey({ run }: Candidate, metric: Keys): string {
  const [first = '', ...others] = keysOf(metric);
  return [first, ...others].find((key) => run?.metrics.some((each) => each.key === key)) ?? first;
}

/** True when the run has a metric under one of these keys. */
export const hasMetric = (candidate: Candidate, keys: Keys): boolean =>
  candidate.run?.metrics.some(({ key }) => key === metricKey(candidate, keys)) ?? false;

/** The last value a run recorded for a metric; missing, NaN and infinite ones give the reason instead. */
export function readMetric(candidate: Candidate, keys: Keys): Reading {
  const { version, run } = candidate;
  const metric = metricKey(candidate, keys);
  const found = run?.metrics.find(({ key }) => key === metric);
  if (found !== undefined && isFiniteInMlflow(found.value)) return { value: found.value };
  const code = found === undefined ? 'not-logged' : Number.isNaN(found.value) ? 'nan' : 'infinite';
  return { value: null, why: { code, version: version.version, metric } };
}

const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

type NumberRead = { value: number; key: string } | { value: null; why: NoSample };

/** A metric, or else a parameter that is a number, by the first key that the run has as either. */
function readNumber(contender: Candidate, keys: Keys): NumberRead {
  const { params = {}, metrics = [] } = contender.run ?? {};
  const isMetric = (key: string) => metrics.some((metric) => metric.key === key);
  const key =
    keysOf(keys).find((each) => isMetric(each) || Object.hasOwn(params, each)) ?? metricKey(contender, keys);
  if (isMetric(key)) {
    const read = readMetric(contender, key);
    return read.value === null ? read : { ...read, key };
  }
  const text = Object.hasOwn(params, key) ? params[key] : undefined;
  const { version } = contender.version;
  if (text === undefined) return { value: null, why: { code: 'no-number', key, version } };
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (isFiniteInMlflow(value)) return { value, key };
  return { value: null, why: { code: 'not-numeric', key, version } };
}

/** With fewer rows, a deviation estimated from them cannot count as known. */
const MIN_ROWS_FOR_MEAN = 30;

type Sampled = { value: Proportion & Mean } | { value: null; why: NoSample };

/**
 * The sample behind a measured value as the policy describes it, or why it cannot be used. `deviation` is 0 for a
 * proportion, whose variance follows from its share.
 */
export function readSample(contender: Candidate, sample: Sample, measured: number): Sampled {
  const { version } = contender.version;
  const size = readNumber(contender, sample.size);
  if (size.value === null) return size;
  const fewest = sample.kind === 'mean' ? MIN_ROWS_FOR_MEAN : 1;
  if (!Number.isSafeInteger(size.value) || size.value < fewest) {
    return { value: null, why: { code: 'too-few-rows', key: size.key, version, fewest } };
  }
  const read = { share: measured, mean: measured, size: size.value };
  if (sample.kind === 'proportion') {
    if (measured >= 0 && measured <= 1) return { value: { ...read, deviation: 0 } };
    return { value: null, why: { code: 'no-proportion', value: measured, version } };
  }
  const deviation = readNumber(contender, sample.deviation);
  if (deviation.value === null) return deviation;
  if (deviation.value > 0) return { value: { ...read, deviation: deviation.value } };
  return { value: null, why: { code: 'no-deviation', key: deviation.key, version } };
}

/** Numbers of the challenger's samples that are missing or cannot be used, each once. */
export function samplesMissing({ challenger }: Evidence, policy: Policy): NoSample[] {
  const found = compared(policy).flatMap(({ metric, sample }) => {
    const { value } = readMetric(challenger, metric);
    if (sample === undefined || value === null) return [];
    const read = readSample(challenger, sample, value);
    return read.value === null ? [read.why] : [];
  });
  return [...new Map(found.map((lack) => [JSON.stringify(lack), lack])).values()];
}

/**
 * Why the evidence cannot be evaluated, whatever its values. `not-ready`: MLflow has not registered the version
 * completely (its `status`). `no-run`: the version names no run. `run-not-found`: the `run` it names does not exist.
 * `run-not-finished`: the run's `status` is another one, empty where MLflow gave none that is known. `data-unknown`:
 * neither run names its data, which the policy does not allow. `rows`: the rows that are there cannot be used. `data-differ`: digests of the data on both sides.
 */
export type Obstacle =
  | { code: 'not-ready' | 'run-not-finished'; version: string; status: string }
  | { code: 'no-run'; version: string }
  | { code: 'run-not-found'; version: string; run: string }
  | { code: 'data-unknown' }
  | { code: 'rows'; problem: RowsProblem }
  | { code: 'data-differ'; champion: string[]; challenger: string[] };

/** Every reason why the evidence cannot be evaluated, each once; empty if there is none. */
export function obstacles({ champion, challenger, rows }: Evidence, policy: Policy): Obstacle[] {
  const sides = champion === null ? [challenger] : [challenger, champion];
  const unready = sides.flatMap(({ version: { version, status, runId }, run }) => {
    const found: Obstacle[] = [];
    if (status !== 'READY') found.push({ code: 'not-ready', version, status });
    if (runId === null) found.push({ code: 'no-run', version });
    else if (run === null) found.push({ code: 'run-not-found', version, run: runId });
    else if (run.status !== 'FINISHED') {
      found.push({ code: 'run-not-finished', version, status: run.status });
    }
    return found;
  });
  if (unready.length > 0 || champion === null) return unready;
  if (rows && 'problem' in rows) return [{ code: 'rows', problem: rows.problem }];
  // Equal ids and labels are the same data, whatever digests say of the tables that they were taken from.
  return rows ? [] : dataObstacles(champion, challenger, policy);
}

/** True when no compared metric of either version names the data it was measured on. */
export function dataUnknown(evidence: Evidence, policy: Policy): boolean {
  const { champion, challenger } = evidence;
  if (joinedRows(evidence) !== null) return false;
  const sides = champion === null ? [] : [challenger, champion];
  return compared(policy).every((rule) =>
    sides.every((side) => dataOf(side, rule.metric, policy).length === 0),
  );
}

const compared = (policy: Policy): Rule[] => policy.rules.filter((rule) => rule.against_champion);

function dataObstacles(champion: Candidate, challenger: Candidate, policy: Policy): Obstacle[] {
  const found = compared(policy).flatMap(({ metric }): [string, Obstacle][] => {
    const before = dataOf(champion, metric, policy);
    const after = dataOf(challenger, metric, policy);
    const both = JSON.stringify([before, after]);
    if (before.length === 0 && after.length === 0) {
      return policy.dataset.when_missing === 'allow' ? [] : [[both, { code: 'data-unknown' }]];
    }
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    return [[both, { code: 'data-differ', champion: before, challenger: after }]];
  });
  return [...new Map(found).values()];
}

/**
 * Digests of the data behind one metric, sorted: the metric's own (MLflow 3 can record one), else those of the run's
 * dataset inputs in the contexts of the policy. An input without a context counts too: MLflow's own evaluator logs none.
 */
export function dataOf(candidate: Candidate, keys: Keys, policy: Policy): string[] {
  const { run } = candidate;
  const key = metricKey(candidate, keys);
  const own = run?.metrics.find((metric) => metric.key === key)?.datasetDigest ?? null;
  return own === null ? evaluationDigests(candidate, policy) : [own];
}

/** Digests of the run's dataset inputs in the contexts of the policy, sorted. */
export function evaluationDigests({ run }: Candidate, { dataset }: Policy): string[] {
  const inputs = (run?.datasets ?? []).filter(
    ({ context }) => !dataset.contexts || !context || dataset.contexts.includes(context),
  );
  return [...new Set(inputs.map(({ digest }) => digest))].sort();
}

/** The part of a version's evidence that a policy's rules use. */
export function evidenceUsed(contender: Candidate | null, policy: Policy): unknown {
  if (contender === null) return null;
  const keys = new Set(
    policy.rules.flatMap(({ metric, sample, folds }) => {
      const samples =
        sample === undefined ? [] : sample.kind === 'mean' ? [sample.size, sample.deviation] : [sample.size];
      const repeated = folds === undefined ? [] : foldKeys(metricKey(contender, metric), folds.key);
      return [...[metric, ...samples].flatMap(keysOf), ...repeated];
    }),
  );
  const { version, run } = contender;
  return {
    version: version.version,
    status: version.status,
    run_id: version.runId,
    run_status: run?.status ?? null,
    metrics: run?.metrics
      .filter(({ key }) => keys.has(key))
      .map(({ key, value, datasetDigest }) => [key, String(value), datasetDigest])
      .sort(),
    params: Object.entries(run?.params ?? {})
      .filter(([key]) => keys.has(key))
      .sort(),
    data: policy.rules.map(({ metric }) => dataOf(contender, metric, policy)),
  };
}

import { canonicalJson } from '../canonical-json.ts';
import type { ModelVersion, Run } from '../registry.ts';
import { visible } from '../visible-text.ts';
import type { Policy, Rule, Sample } from './policy.ts';
import type { Mean, Proportion } from './statistics.ts';

/** What MLflow holds about the two versions, and how it may be read. Everything in it was written by others. */

export interface Contender {
  readonly version: ModelVersion;
  /** Null when the version names no run or the run does not exist. */
  readonly run: Run | null;
}

export interface Evidence {
  /** Null for a first model. */
  readonly champion: Contender | null;
  readonly challenger: Contender;
}

/** A number of a run that can be reckoned with, or why there is none. */
export type Reading = { value: number } | { value: null; why: string; logged: boolean };

/** SQL stores of MLflow keep an infinity as the largest double, so that one counts as not finite too. */
const isFiniteInMlflow = (value: number) => Number.isFinite(value) && Math.abs(value) < Number.MAX_VALUE;

/** The last value a run recorded for a metric; missing, NaN and infinite ones give the reason instead. */
export function readMetric(contender: Contender, key: string): Reading {
  const found = contender.run?.metrics.find((metric) => metric.key === key);
  const who = `version ${visible(contender.version.version, 20)}`;
  if (found === undefined) return { value: null, why: `${who} has no metric ${key}`, logged: false };
  if (isFiniteInMlflow(found.value)) return { value: found.value };
  const why = `${key} of ${who} is ${Number.isNaN(found.value) ? 'NaN' : 'infinite'}`;
  return { value: null, why, logged: true };
}

const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A metric, or else a parameter that is a number. */
function readNumber(contender: Contender, key: string): Reading {
  const metric = readMetric(contender, key);
  if (contender.run?.metrics.some((m) => m.key === key)) return metric;
  const params = contender.run?.params ?? {};
  const text = Object.hasOwn(params, key) ? params[key] : undefined;
  const who = `version ${visible(contender.version.version, 20)}`;
  if (text === undefined)
    return { value: null, why: `${who} has no metric or parameter ${key}`, logged: false };
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (isFiniteInMlflow(value)) return { value };
  return { value: null, why: `parameter ${key} of ${who} is not a number`, logged: true };
}

/** With fewer rows a deviation estimated from them cannot be taken as known. */
const FEWEST_ROWS_FOR_A_MEAN = 30;

type Sampled = { value: Proportion & Mean } | { value: null; why: string };

/**
 * The sample behind a measured value as the policy describes it, or why it cannot be used. `deviation` is 0 for a
 * proportion, whose variance follows from its share.
 */
export function readSample(contender: Contender, sample: Sample, measured: number): Sampled {
  const who = `version ${visible(contender.version.version, 20)}`;
  const size = readNumber(contender, sample.size);
  if (size.value === null) return size;
  const fewest = sample.kind === 'mean' ? FEWEST_ROWS_FOR_A_MEAN : 1;
  if (!Number.isSafeInteger(size.value) || size.value < fewest) {
    return { value: null, why: `${sample.size} of ${who} is not a number of rows of at least ${fewest}` };
  }
  const read = { share: measured, mean: measured, size: size.value };
  if (sample.kind === 'proportion') {
    if (measured >= 0 && measured <= 1) return { value: { ...read, deviation: 0 } };
    return { value: null, why: `${measured} of ${who} is not a proportion between 0 and 1` };
  }
  const deviation = readNumber(contender, sample.deviation);
  if (deviation.value === null) return deviation;
  if (deviation.value > 0) return { value: { ...read, deviation: deviation.value } };
  return { value: null, why: `${sample.deviation} of ${who} is not above zero` };
}

/** Why this evidence may not be judged at all, whatever the numbers say; empty when it may. */
export function obstacles({ champion, challenger }: Evidence, policy: Policy): string[] {
  const sides = champion === null ? [challenger] : [challenger, champion];
  const unready = sides.flatMap(({ version, run }) => {
    const name = `version ${visible(version.version, 20)}`;
    const found: string[] = [];
    if (version.status !== 'READY') found.push(`${name} is ${visible(version.status, 40)}, not READY`);
    if (version.runId === null) found.push(`${name} has no run, so nothing is known about it`);
    else if (run === null) found.push(`run ${visible(version.runId, 40)} of ${name} does not exist`);
    else if (run.status !== 'FINISHED') {
      found.push(`the run of ${name} is ${visible(run.status, 40) || 'in an unknown state'}, not FINISHED`);
    }
    return found;
  });
  if (unready.length > 0 || champion === null) return unready;
  return dataObstacles(champion, challenger, policy);
}

/** True when no compared number of either side says which data it was measured on. */
export function dataUnknown({ champion, challenger }: Evidence, policy: Policy): boolean {
  const sides = champion === null ? [] : [challenger, champion];
  return compared(policy).every((rule) =>
    sides.every((side) => dataOf(side, rule.metric, policy).length === 0),
  );
}

const compared = (policy: Policy): Rule[] => policy.rules.filter((rule) => rule.against_champion);

function dataObstacles(champion: Contender, challenger: Contender, policy: Policy): string[] {
  const found = compared(policy).flatMap(({ metric }) => {
    const before = dataOf(champion, metric, policy);
    const after = dataOf(challenger, metric, policy);
    if (before.length === 0 && after.length === 0) {
      return policy.dataset.when_missing === 'allow'
        ? []
        : ['neither run names the data it was evaluated on'];
    }
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const [was, is] = [before, after].map(
      (data) => data.map((d) => visible(d, 40)).join(', ') || 'unknown data',
    );
    return [`the two were not evaluated on the same data (champion: ${was}; challenger: ${is})`];
  });
  return [...new Set(found)];
}

/**
 * Digests of the data behind one metric, sorted: the metric's own (MLflow 3 can record one), else those of the
 * run's dataset inputs in the contexts of the policy.
 */
function dataOf({ run }: Contender, key: string, { dataset }: Policy): string[] {
  const own = run?.metrics.find((metric) => metric.key === key)?.datasetDigest ?? null;
  if (own !== null) return [own];
  const inputs = (run?.datasets ?? []).filter(
    ({ context }) => dataset.contexts === undefined || dataset.contexts.includes(context ?? ''),
  );
  return [...new Set(inputs.map(({ digest }) => digest))].sort();
}

/**
 * Everything a decision is made on, as JSON that is the same whenever the content is: for the evidence digest.
 * Tags and metrics that the policy does not name are left out, so that they do not change it.
 */
export function evidenceDocument(policy: Policy, minConfidence: number, parts: unknown): string {
  return canonicalJson({ policy, min_confidence: minConfidence, evidence: parts });
}

/** The part of a contender that a policy's rules can see. */
export function usedOf(contender: Contender | null, policy: Policy): unknown {
  if (contender === null) return null;
  const keys = new Set(
    policy.rules.flatMap(({ metric, sample }) => {
      if (sample === undefined) return [metric];
      return sample.kind === 'mean' ? [metric, sample.size, sample.deviation] : [metric, sample.size];
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

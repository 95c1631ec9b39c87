import * as z from 'zod';
import { oneLine } from '../comparison/policy-fields.ts';
import { readAs } from '../json.ts';
import type { DriftFound, DriftProblem } from '../retraining/decide.ts';
import { driftBetween } from './drift.ts';
import { AnyFeature, type Feature, type Histograms, MOST_BINS, MOST_FEATURES } from './histogram.ts';

/** The file `drift.json` that a pipeline logs: the inputs of a model in two periods. */
export interface DriftFile {
  /** As the model was trained. */
  readonly reference: Histograms;
  /** As the model was asked lately. */
  readonly current: Histograms;
  /** When it was measured. Drift from before the newest version does not count; without it, it always does. */
  readonly at?: string | undefined;
}

/** A period without its features, which are parsed one by one. */
const Period = z.strictObject({
  format: z.literal(1),
  features: z.custom<object>(
    (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
    'must be an object',
  ),
});
const Outline = z.strictObject({
  reference: Period,
  current: Period,
  at: z.iso.datetime({ offset: true }).optional(),
});

/**
 * Parses a file, or answers what is wrong with it first: a report on each of a hundred thousand mistakes would take more memory
 * than a function has.
 */
export function parseDriftFile(value: unknown): DriftFile | { readonly wrong: string } {
  const outline = readAs(Outline, value);
  if (!outline.success) return { wrong: firstOf(outline.error) };
  const periods: Partial<Record<'reference' | 'current', Histograms>> = {};
  for (const period of ['reference', 'current'] as const) {
    const given = Object.entries(outline.data[period].features);
    if (given.length > MOST_FEATURES) return { wrong: `${period}: more than ${MOST_FEATURES} features` };
    const features: [string, Feature][] = [];
    for (const [name, feature] of given) {
      const where = `${period}.features.${name.slice(0, 100)}`;
      if (!hasFewBins(feature)) return { wrong: `${where}: more than ${MOST_BINS} bins` };
      const parsed = readAs(OneFeature, { name, feature });
      if (!parsed.success) return { wrong: `${where}: ${firstOf(parsed.error)}` };
      features.push([name, parsed.data.feature]);
    }
    periods[period] = { format: 1, features: Object.fromEntries(features) };
  }
  const none: Histograms = { format: 1, features: {} };
  return { reference: none, current: none, ...periods, at: outline.data.at };
}

const OneFeature = z.object({ name: oneLine(250), feature: AnyFeature });

const hasFewBins = (feature: unknown): boolean =>
  typeof feature !== 'object' ||
  feature === null ||
  Object.values(feature).every((list) => !Array.isArray(list) || list.length <= MOST_BINS);

const firstOf = ({ issues: [issue] }: z.ZodError): string =>
  `${issue?.path.map(String).join('.') ?? ''} ${issue?.message ?? ''}`.trim();

/** A file, or why there is none that can be used. */
export type DriftRead = { readonly file: DriftFile } | { readonly problem: DriftProblem };

/** Drift that cannot be told. */
export const unknownDrift = (problem: DriftProblem): DriftFound => ({
  severity: 'unknown',
  psi: null,
  n: null,
  problem,
});

/** What a file says of the drift since the newest version was trained. Pure. */
export function driftIn(
  read: DriftRead,
  newest: { readonly version: string; readonly at: Date } | null,
): DriftFound {
  if ('problem' in read) return unknownDrift(read.problem);
  const { reference, current, at } = read.file;
  if (newest !== null && at !== undefined && new Date(at) <= newest.at)
    return unknownDrift({ code: 'before-version', version: newest.version });
  const { severity, psi, features, rows_needed } = driftBetween(reference, current);
  const [before, now] = [
    features.reduce((most, each) => Math.max(most, each.reference), 0),
    features.reduce((most, each) => Math.max(most, each.current), 0),
  ];
  const n = Math.min(before, now);
  if (features.length === 0) return unknownDrift({ code: 'nothing-compared' });
  // Of so few rows that a significant drift would be missed, finding none says nothing.
  if (severity === null || (severity === 'none' && n < rows_needed))
    return { severity: 'unknown', psi, n, problem: { code: 'too-few', needed: rows_needed } };
  return { severity, psi, n, problem: null };
}

/** The run and the path that a tag names: `RUN`, or `RUN/path/of/the/file.json`; null for anything else. */
export function driftPlace(tag: string): { run: string; path: string } | null {
  const [, run = '', path = '/drift.json'] = PLACE.exec(tag.trim()) ?? [];
  const parts = path.slice(1).split('/');
  if (run === '' || parts.some((part) => part === '' || part === '.' || part === '..')) return null;
  return { run, path: parts.join('/') };
}

const PLACE = /^([\w-]{1,100})(\/[^\p{C}\p{Zl}\p{Zp}\\%?#]{1,250})?$/u;

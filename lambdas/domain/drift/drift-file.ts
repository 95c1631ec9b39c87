import * as z from 'zod';
import type { DriftFound, DriftProblem } from '../retraining/decide.ts';
import { driftBetween } from './drift.ts';
import { Histograms } from './histogram.ts';

/** The file `drift.json` that a pipeline logs: the inputs of a model in two periods. */
export const DriftFile = z.strictObject({
  /** As the model was trained. */
  reference: Histograms,
  /** As the model was asked lately. */
  current: Histograms,
  /** When it was measured. Drift from before the newest version does not count; without it, it always does. */
  at: z.iso.datetime({ offset: true }).optional(),
});
export type DriftFile = z.infer<typeof DriftFile>;

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

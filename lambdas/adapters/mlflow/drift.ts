import { type DriftRead, driftPlace, parseDriftFile } from '../../domain/drift/drift-file.ts';
import { histogramsOf, periodsOf, type RunMetrics, runMetricsIn } from '../../domain/drift/run-metrics.ts';
import { MlflowRefused } from '../../domain/errors.ts';
import { driftFile, MAX_DRIFT_RUNS } from '../../domain/file-limits.ts';
import { parseJson } from '../../domain/json.ts';
import type { DriftProblem } from '../../domain/retraining/decide.ts';
import { publicMessage } from '../../domain/visible-text.ts';
import type { Mlflow } from './client.ts';
import type { ArtifactFiles } from './files.ts';

/** What a pipeline logs of two periods of a model: in the file of a run, or in the metrics of many. */

/** Characters of what is wrong with a file. */
const MAX_WHAT = 200;

/**
 * Reads what a tag names. `newest` is when the newest version was registered. Every flaw of tag, run and file is an outcome.
 * Throws `MlflowUnavailable` and `MlflowInvalidResponse`.
 */
export async function readDrift(
  server: ArtifactFiles & Pick<Mlflow, 'runValues'>,
  tag: string,
  { now, newest }: { now: Date; newest: Date | null },
): Promise<DriftRead> {
  const metrics = runMetricsIn(tag);
  if (metrics !== null) return readMetrics(server, metrics, { now, newest });
  const place = driftPlace(tag);
  if (place === null) return none('bad-tag');
  try {
    return await readAt(server, place);
  } catch (error) {
    if (!(error instanceof MlflowRefused)) throw error;
    return none(error.errorCode === 'RESOURCE_DOES_NOT_EXIST' ? 'no-run' : 'refused');
  }
}

async function readMetrics(
  server: Pick<Mlflow, 'runValues'>,
  metrics: RunMetrics,
  { now, newest }: { now: Date; newest: Date | null },
): Promise<DriftRead> {
  const periods = periodsOf(metrics, now, newest);
  const [reference, current] = await Promise.all([
    server.runValues(periods.reference, MAX_DRIFT_RUNS),
    server.runValues(periods.current, MAX_DRIFT_RUNS),
  ]);
  if (reference === null || current === null) return none('refused');
  return { file: histogramsOf(metrics.metrics, { reference, current }) };
}

async function readAt(
  files: ArtifactFiles,
  { run, path }: { run: string; path: string },
): Promise<DriftRead> {
  // Older servers answer for a file that is not there as for one that they cannot read.
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  const entry = (await files.listArtifacts(run, folder)).find((each) => each.path === path);
  if (entry === undefined || entry.isFolder) return none('missing');
  if (entry.size !== null && entry.size > driftFile.bytes) return none('too-large');
  const content = await files.readArtifact(run, path, driftFile.totalMs, collected);
  if (content === null) return none('missing');
  return content === 'too-large' ? none('too-large') : parsed(content);
}

const none = (
  code: Exclude<DriftProblem['code'], 'unreadable' | 'before-version' | 'too-few'>,
): DriftRead => ({
  problem: { code },
});

async function collected(chunks: AsyncIterable<Buffer>): Promise<Buffer | 'too-large'> {
  const found: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > driftFile.bytes) return 'too-large';
    found.push(chunk);
  }
  return Buffer.concat(found);
}

function parsed(content: Buffer): DriftRead {
  let value: unknown;
  try {
    value = parseJson(content.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: { code: 'unreadable', what: 'it is not JSON, or too much of it' } };
  }
  const file = parseDriftFile(value);
  if (!('wrong' in file)) return { file };
  return { problem: { code: 'unreadable', what: publicMessage(file.wrong, MAX_WHAT) } };
}

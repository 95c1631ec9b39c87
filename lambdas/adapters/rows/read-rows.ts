import { createHash } from 'node:crypto';
import { rowsFile } from '../../domain/file-limits.ts';
import type { Run } from '../../domain/registry.ts';
import { type FileProblem, RowsStop } from '../../domain/rows/problems.ts';
import type { RowsSpec } from '../../domain/rows/spec.ts';
import type { RowsTable } from '../../domain/rows/table.ts';
import type { ArtifactFiles } from '../mlflow/files.ts';
import { capped, inflated, isGzip, peek, watched } from './bytes.ts';
import { readCsv } from './csv.ts';
import { findRowsFile } from './find.ts';
import { readParquet } from './parquet.ts';
import { Sink } from './sink.ts';
import { readTableJson } from './table-json.ts';

/** Limits of one file; see `rowsFile`. */
export type RowsLimits = { readonly [limit in keyof typeof rowsFile]: number };

/** Finds and reads the rows of a run; see `readRows`. */
export type RowsReader = (run: Run, spec: RowsSpec, limits?: RowsLimits) => Promise<RowsRead>;

/** The rows of a run, or why there are none. */
export type RowsRead =
  | {
      readonly table: RowsTable;
      /** The file that they are from: its path, bytes, and the SHA-256 of these, in hexadecimal. */
      readonly file: { readonly path: string; readonly bytes: number; readonly sha256: string };
    }
  | { readonly problem: FileProblem };

/**
 * Finds and reads the rows of a run. Every flaw of the file is an outcome. Throws `MlflowUnavailable`, `MlflowRefused` and
 * `MlflowInvalidResponse`, as every request does. A file is read as it arrives, so that memory depends on the limits alone.
 */
export async function readRows(
  files: ArtifactFiles,
  run: Run,
  spec: RowsSpec,
  limits: RowsLimits = rowsFile,
): Promise<RowsRead> {
  const found = await findRowsFile(files, run, spec);
  if ('problem' in found) return found;
  const { path, size } = found;
  if (size !== null && size > limits.bytes) {
    return { problem: { code: 'too-large', path, what: 'file', limit: limits.bytes } };
  }
  const read = await files.readArtifact(run.runId, path, limits.totalMs, (chunks) =>
    parseRows(chunks, path, spec, limits),
  );
  return read ?? { problem: { code: 'no-file', looked: [path] } };
}

/** Finds the rows of a run and hashes their file without reading it as rows; see `hashRows`. */
export type RowsHasher = (run: Run, spec: RowsSpec, limits?: RowsLimits) => Promise<string | null>;

/**
 * The SHA-256 of the file with the rows of a run, in hexadecimal; null where no one file is found, or it is too large. Throws as
 * `readRows` does. Nothing of the file is held.
 */
export async function hashRows(
  files: ArtifactFiles,
  run: Run,
  spec: RowsSpec,
  limits: RowsLimits = rowsFile,
): Promise<string | null> {
  const found = await findRowsFile(files, run, spec);
  if ('problem' in found) return null;
  return files.readArtifact(run.runId, found.path, limits.totalMs, async (chunks) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > limits.bytes) return null;
      hash.update(chunk);
    }
    return hash.digest('hex');
  });
}

/** Reads one file, whatever its name says, by what is in it: gzip, Parquet, a JSON object, otherwise CSV. */
export async function parseRows(
  chunks: AsyncIterable<Buffer>,
  path: string,
  spec: RowsSpec,
  limits: RowsLimits = rowsFile,
): Promise<RowsRead> {
  const hash = createHash('sha256');
  let bytes = 0;
  const sink = new Sink(path, spec, limits.rows);
  const tooLarge = (what: 'file' | 'inflated', limit: number): FileProblem => ({
    code: 'too-large',
    path,
    what,
    limit,
  });
  const received = watched(capped(chunks, limits.bytes, tooLarge('file', limits.bytes)), (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  try {
    const file = await peek(received, 2);
    const content = isGzip(file.head)
      ? capped(inflated(file.all, path), limits.inflatedBytes, tooLarge('inflated', limits.inflatedBytes))
      : file.all;
    const { head, all } = await peek(content, 4);
    if (head.toString('latin1', 0, 4) === 'PAR1') {
      // Of a gzipped one at most as much is held as of a plain one.
      const whole = capped(all, limits.bytes, tooLarge('inflated', limits.bytes));
      await readParquet(Buffer.concat(await collected(whole)), sink, limits.inflatedBytes);
    } else if (/^\s*\{/.test(head.toString('latin1'))) {
      await readTableJson(all, sink);
    } else {
      await readCsv(all, sink);
    }
    return { table: sink.finish(), file: { path, bytes, sha256: hash.digest('hex') } };
  } catch (error) {
    if (error instanceof RowsStop) return { problem: error.problem };
    throw error;
  }
}

async function collected(chunks: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const found: Buffer[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return found;
}

import { createHash } from 'node:crypto';
import { trainingFilterFile } from '../../domain/file-limits.ts';
import type { FilterRead, OverlapRead } from '../../domain/gates/checks.ts';
import { parseJson } from '../../domain/json.ts';
import { RowsStop } from '../../domain/rows/problems.ts';
import { FEWEST_TRAINING_ROWS, TrainingFilter, trainingOverlap } from '../../domain/rows/training-filter.ts';
import type { ArtifactFiles } from '../mlflow/files.ts';
import { capped } from './bytes.ts';

/** Where a pipeline logs the Bloom filter of the rows that it trained on. */
const PATH = 'training_rows.bloom.json';

/**
 * How many rows of an evaluation were in the training of a run, by the filter that it logged; null where it has logged none.
 * `ids` are the row ids, null for rows without. Throws as every request of MLflow does.
 */
export async function readTrainingOverlap(
  files: ArtifactFiles,
  runId: string,
  ids: readonly string[] | null,
): Promise<FilterRead | null> {
  const { bytes, totalMs } = trainingFilterFile;
  const entry = (await files.listArtifacts(runId, '')).find(({ path }) => path === PATH);
  if (entry === undefined || entry.isFolder) return null;
  if (entry.size !== null && entry.size > bytes) return TOO_LARGE;
  const content = await files.readArtifact(runId, PATH, totalMs, (chunks) => collected(chunks, bytes));
  if (content === null) return null;
  if (content === 'too-large') return TOO_LARGE;
  const file = createHash('sha256').update(content).digest('hex');
  return { file, found: ids === null ? { problem: 'no-ids' } : overlapIn(content, ids) };
}

const TOO_LARGE: FilterRead = { file: 'too-large', found: { problem: 'too-large' } };

function overlapIn(content: Buffer, ids: readonly string[]): OverlapRead {
  const filter = filterIn(content);
  if (filter === null) return { problem: 'unreadable' };
  if (filter.rows < FEWEST_TRAINING_ROWS) return { problem: 'too-small' };
  return { overlap: trainingOverlap(ids, filter) };
}

async function collected(chunks: AsyncIterable<Buffer>, limit: number): Promise<Buffer | 'too-large'> {
  const found: Buffer[] = [];
  try {
    const problem = { code: 'too-large', path: PATH, what: 'file', limit } as const;
    for await (const chunk of capped(chunks, limit, problem)) found.push(chunk);
  } catch (error) {
    if (error instanceof RowsStop) return 'too-large';
    throw error;
  }
  return Buffer.concat(found);
}

function filterIn(content: Buffer): TrainingFilter | null {
  try {
    return TrainingFilter.safeParse(parseJson(content.toString('utf8'))).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

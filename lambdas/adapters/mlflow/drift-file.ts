import { type DriftRead, driftPlace, parseDriftFile } from '../../domain/drift/drift-file.ts';
import { MlflowRefused } from '../../domain/errors.ts';
import { driftFile } from '../../domain/file-limits.ts';
import { parseJson } from '../../domain/json.ts';
import type { DriftProblem } from '../../domain/retraining/decide.ts';
import { publicMessage } from '../../domain/visible-text.ts';
import type { ArtifactFiles } from './files.ts';

/** The file of a run in which a pipeline logs what was asked of a model. */

/** Characters of what is wrong with a file. */
const MAX_WHAT = 200;

/**
 * Reads the file that a tag names. Every flaw of tag, run and file is an outcome. Throws `MlflowUnavailable` and
 * `MlflowInvalidResponse`.
 */
export async function readDriftFile(files: ArtifactFiles, tag: string): Promise<DriftRead> {
  const place = driftPlace(tag);
  if (place === null) return none('bad-tag');
  try {
    return await readAt(files, place);
  } catch (error) {
    if (!(error instanceof MlflowRefused)) throw error;
    return none(error.errorCode === 'RESOURCE_DOES_NOT_EXIST' ? 'no-run' : 'refused');
  }
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

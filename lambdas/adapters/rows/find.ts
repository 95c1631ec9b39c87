import { posix } from 'node:path';
import * as z from 'zod';
import type { Run } from '../../domain/registry.ts';
import type { FileProblem } from '../../domain/rows/problems.ts';
import type { RowsSpec } from '../../domain/rows/spec.ts';
import type { ArtifactFiles } from '../mlflow/files.ts';

/** Tag in which MLflow's `log_table` lists what it wrote. */
const TABLES_TAG = 'mlflow.loggedArtifacts';
const Tables = z.array(z.object({ path: z.string(), type: z.string() }));

/** A file of a run; `size` in bytes is null where the server does not list it. */
type Found = { readonly path: string; readonly size: number | null } | { readonly problem: FileProblem };

/**
 * The file with a run's rows: the first path of the policy that exists; without one, the first usual path; without that, the
 * only table that `log_table` wrote. Folders are listed at most once, and only those that are there.
 */
export async function findRowsFile(files: ArtifactFiles, run: Run, spec: RowsSpec): Promise<Found> {
  const listed = new Map<string, ReturnType<ArtifactFiles['listArtifacts']>>();
  const list = (folder: string) => {
    const found = listed.get(folder) ?? files.listArtifacts(run.runId, folder);
    listed.set(folder, found);
    return found;
  };
  const entry = async (path: string) => {
    const parts = path.split('/');
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const here = parts.slice(0, depth).join('/');
      const folder = posix.dirname(here) === '.' ? '' : posix.dirname(here);
      const found = (await list(folder)).find((each) => each.path === here);
      if (found === undefined || found.isFolder !== depth < parts.length) return null;
      if (depth === parts.length) return { path, size: found.size };
    }
    return null;
  };
  for (const path of spec.paths) {
    const found = await entry(path);
    if (found !== null) return found;
  }
  const tables = spec.named ? [] : tablesOf(run);
  if (tables.length > 1) return { problem: { code: 'several-files', paths: tables } };
  const [only] = tables;
  const found = only === undefined ? null : await entry(only);
  return found ?? { problem: { code: 'no-file', looked: [...spec.paths, ...tables] } };
}

/** Anybody can write the tag: what is not MLflow's list names nothing. */
function tablesOf({ tags }: Run): string[] {
  try {
    const tables = Tables.parse(JSON.parse(tags[TABLES_TAG] ?? '[]'));
    return [...new Set(tables.filter(({ type }) => type === 'table').map(({ path }) => path))];
  } catch {
    return [];
  }
}

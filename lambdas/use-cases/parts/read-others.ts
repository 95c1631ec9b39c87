import type { RowsHasher, RowsReader } from '../../adapters/rows/read-rows.ts';
import { allowsOthers, MAX_OTHERS, type OtherCandidates } from '../../domain/comparison/best-of.ts';
import type { Policy } from '../../domain/comparison/policy.ts';
import { othersFile } from '../../domain/file-limits.ts';
import type { Registry, Run } from '../../domain/registry.ts';
import { type JoinedRows, joinRows } from '../../domain/rows/join.ts';
import { rowsSpec } from '../../domain/rows/spec.ts';
import type { RowsTable } from '../../domain/rows/table.ts';

/** Where the other candidates are found. */
interface Others {
  readonly runIds: readonly string[];
  readonly policy: Policy;
  readonly registry: Registry;
}

/**
 * The rows of the other candidates, joined to those of the challenger; null where not all of them hold the same rows, where
 * they are too many, or where the metric of the claim is no mean over rows. Throws the errors of MLflow.
 */
export async function readOthers(
  { runIds, policy, registry }: Others,
  { joined, table }: { joined: JoinedRows; table: RowsTable | null },
  rows: RowsReader,
): Promise<OtherCandidates | null> {
  const primary = policy.rules.find(({ name }) => name === policy.claim?.primary);
  if (primary === undefined || table === null || !isFew(runIds) || !allowsOthers(primary, joined))
    return null;
  const spec = rowsSpec(policy);
  const found: { measures: OtherCandidates['measures'][number]; file: string }[] = [];
  for (const runId of runIds) {
    const run = await finished(runId, registry);
    const read = run === null ? null : await rows(run, spec, othersFile);
    if (read === null || !('table' in read)) return null;
    const same = joinRows(read.table, table);
    if ('problem' in same || same.rows.fingerprint !== joined.fingerprint) return null;
    found.push({ measures: same.rows.champion, file: read.file.sha256 });
  }
  return { measures: found.map(({ measures }) => measures), files: found.map(({ file }) => file).sort() };
}

/** The hashes of the same files; null where one of them is not found. Throws the errors of MLflow. */
export async function hashOthers(
  { runIds, policy, registry }: Others,
  hash: RowsHasher,
): Promise<readonly string[] | null> {
  if (!isFew(runIds)) return null;
  const files: string[] = [];
  for (const runId of runIds) {
    const run = await finished(runId, registry);
    const file = run === null ? null : await hash(run, rowsSpec(policy), othersFile);
    if (file === null) return null;
    files.push(file);
  }
  return files.sort();
}

const isFew = (runIds: readonly string[]) => runIds.length > 0 && runIds.length <= MAX_OTHERS;

async function finished(runId: string, registry: Registry): Promise<Run | null> {
  const run = await registry.getRun(runId);
  return run?.status === 'FINISHED' ? run : null;
}

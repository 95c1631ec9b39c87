import type { RowsHasher, RowsReader, RowsRead as RunRows } from '../../adapters/rows/read-rows.ts';
import type { Candidate, RowsOfBoth } from '../../domain/comparison/evidence.ts';
import { measureOf } from '../../domain/comparison/measure.ts';
import type { Policy } from '../../domain/comparison/policy.ts';
import { MlflowRefused } from '../../domain/errors.ts';
import { othersFile } from '../../domain/file-limits.ts';
import { joinRows } from '../../domain/rows/join.ts';
import type { FileProblem } from '../../domain/rows/problems.ts';
import { rowsSpec } from '../../domain/rows/spec.ts';
import type { RowsTable } from '../../domain/rows/table.ts';

/** A run without rows, or with tables of another kind: other evidence counts then, unless the policy names the file. */
const NONE: readonly FileProblem['code'][] = ['no-file', 'several-files', 'no-column'];

/** The rows of both runs as they were read. */
export interface RowsRead {
  readonly rows: RowsOfBoth;
  /** Stand for what was read, in the evidence digest. */
  readonly digests: unknown;
  /** Canonical ids of the challenger's rows; null where they have none, or cannot be used. */
  readonly ids: readonly string[] | null;
  /** The challenger's, to which those of other candidates are joined; null where there are too many, or they cannot be used. */
  readonly table: RowsTable | null;
}

/**
 * The digests of the files with the rows of both runs, as `readRowsOfBoth` has them where the rows can be used; null where not
 * both are found. Throws the errors of MLflow.
 */
export async function hashRowsOfBoth(
  champion: Candidate,
  challenger: Candidate,
  policy: Policy,
  hash: RowsHasher,
): Promise<{ champion: string; challenger: string } | null> {
  const [before, after] = [champion.run, challenger.run];
  if (before === null || after === null) return null;
  const spec = rowsSpec(policy);
  const now = await hash(after, spec);
  const old = now === null ? null : await hash(before, spec);
  return now === null || old === null ? null : { champion: old, challenger: now };
}

/**
 * The rows of both runs, joined; null where no rule is computed from rows, where a run has not finished, or where not both
 * hold any. Throws the errors of MLflow.
 */
export async function readRowsOfBoth(
  champion: Candidate,
  challenger: Candidate,
  policy: Policy,
  read: RowsReader,
): Promise<RowsRead | null> {
  const compared = policy.rules.filter((rule) => rule.against_champion);
  const [before, after] = [champion.run, challenger.run];
  if (before?.status !== 'FINISHED' || after?.status !== 'FINISHED') return null;
  if (compared.every((rule) => measureOf(rule) === null)) return null;
  const spec = rowsSpec(policy);
  // One after the other: both tables together are the most that is held in memory.
  const found: { side: 'challenger' | 'champion'; read: RunRows }[] = [];
  for (const [side, run] of [
    ['challenger', after],
    ['champion', before],
  ] as const) {
    const rows = await read(run, spec).catch((error: unknown) => {
      // Servers that keep no artifacts refuse to list them; so do those that do not let us.
      if (error instanceof MlflowRefused && !spec.named) return null;
      throw error;
    });
    if (rows === null) return null;
    if ('problem' in rows && !spec.named && NONE.includes(rows.problem.code)) return null;
    found.push({ side, read: rows });
  }
  for (const { side, read: rows } of found)
    if ('problem' in rows) {
      const problem = { ...rows.problem, of: side };
      return { rows: { problem }, digests: { problem }, ids: null, table: null };
    }
  const [now, old] = found.map((each) => ('table' in each.read ? each.read : null));
  if (now == null || old == null) return null;
  const joined = joinRows(old.table, now.table);
  const digests = { champion: old.file.sha256, challenger: now.file.sha256 };
  if ('problem' in joined) return { rows: { problem: joined.problem }, digests, ids: null, table: null };
  const { id } = now.table.columns;
  return {
    rows: { joined: joined.rows },
    digests,
    ids: id?.kind === 'text' ? [...new Set(id.values)] : null,
    table: now.table.n <= othersFile.rows ? now.table : null,
  };
}

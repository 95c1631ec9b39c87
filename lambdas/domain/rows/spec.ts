import type { Policy } from '../comparison/policy.ts';
import { keysOf } from '../comparison/policy-fields.ts';
import { type Role, roles, usualColumns, usualPaths } from './usual.ts';

/** Which file and which columns hold a run's rows. */
export interface RowsSpec {
  /** Paths below the run's artifacts, the first that exists counts. */
  readonly paths: readonly string[];
  /** True where only these paths count, as the policy names them. */
  readonly named: boolean;
  readonly columns: Readonly<Record<Role, { names: readonly string[]; named: boolean }>>;
}

/** What the policy names, and the usual names for the rest. */
export function rowsSpec({ rows = {} }: Pick<Policy, 'rows'>): RowsSpec {
  const columns = roles.map((role) => {
    const keys = rows[role];
    const named = keys !== undefined;
    return [role, { names: named ? keysOf(keys) : usualColumns[role], named }] as const;
  });
  return {
    paths: rows.path === undefined ? usualPaths : keysOf(rows.path),
    named: rows.path !== undefined,
    columns: Object.fromEntries(columns) as RowsSpec['columns'],
  };
}

import { readFileSync } from 'node:fs';
import { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';

const DOCUMENT = new URL('../../docs/local-run.md', import.meta.url);

/** The scenarios in the tables of docs/local-run.md, each with the statuses of its executions. */
export function documentedScenarios(): ReadonlyMap<string, OutcomeStatus[]> {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([a-z-]+)` +\| ([a-z_, ]+?) +\|/gm);
  return new Map(
    [...rows].flatMap(([, name = '', statuses = '']) => {
      const { data } = OutcomeStatus.array().safeParse(statuses.split(', '));
      return data === undefined ? [] : [[name, data]];
    }),
  );
}

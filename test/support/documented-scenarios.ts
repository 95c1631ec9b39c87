import { readFileSync } from 'node:fs';

const DOCUMENT = new URL('../../docs/local-run.md', import.meta.url);

/** The scenarios in the tables of docs/local-run.md, each with the statuses of its executions. */
export function documentedScenarios(): ReadonlyMap<string, string[]> {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `([a-z-]+)` +\| ([a-z_, ]+?) +\|/gm);
  return new Map([...rows].map(([, name = '', statuses = '']) => [name, statuses.split(', ')]));
}

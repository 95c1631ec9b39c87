import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { parseRows } from '../../../lambdas/adapters/rows/read-rows.ts';
import { gainByRows } from '../../../lambdas/domain/comparison/by-rows.ts';
import type { Measure } from '../../../lambdas/domain/comparison/measure.ts';
import { parsePolicy, type Rule } from '../../../lambdas/domain/comparison/policy.ts';
import { joinRows } from '../../../lambdas/domain/rows/join.ts';
import { rowsSpec } from '../../../lambdas/domain/rows/spec.ts';
import type { RowsTable } from '../../../lambdas/domain/rows/table.ts';
import { hostileFiles } from './files.ts';

/**
 * A process of its own for one case of `npm run bench -- rows`: `compare MEASURES CLUSTERED CHAMPION CHALLENGER` or `read WHAT`.
 * Prints how it ended, the seconds of processor time, and the largest memory.
 */

async function tableIn(chunks: AsyncIterable<Buffer>, clustered: boolean): Promise<RowsTable> {
  const read = await parseRows(chunks, 'rows', rowsSpec({ rows: clustered ? { cluster: 'customer' } : {} }));
  if ('problem' in read) throw new Error(JSON.stringify(read.problem));
  return read.table;
}

/** Reads both files, joins them, and tests each measure once. */
async function compare(measures: string, clustered: string, champion: string, challenger: string) {
  const now = await tableIn(createReadStream(challenger), clustered === 'true');
  const old = await tableIn(createReadStream(champion), clustered === 'true');
  const joined = joinRows(old, now);
  if ('problem' in joined) throw new Error(JSON.stringify(joined.problem));
  const methods = measures.split(',').map((measure) => {
    const found = gainByRows(ruleOf(measure as Measure), joined.rows, { needed: 0, alpha: 0.05 });
    if (!('test' in found)) throw new Error(`${measure}: ${JSON.stringify(found)}`);
    return found.test.method;
  });
  return [...new Set(methods)].join(', ');
}

const ruleOf = (measure: Measure): Rule => {
  const direction = /loss|brier|error/.test(measure) ? 'lower' : 'higher';
  const rules = [{ name: 'r', metric: 'm', measure, direction }];
  return parsePolicy('p', { accepted_grades: ['A'], rules }).rules[0] as Rule;
};

async function read(what: string) {
  const file = hostileFiles.find((each) => each.what === what);
  if (file === undefined) throw new Error(`There is no file "${what}"`);
  const found = await parseRows(Readable.from(file.content()), 'rows', rowsSpec({}));
  return 'problem' in found ? found.problem.code : 'read';
}

const [kind, ...args] = process.argv.slice(2) as [string, string, string, string, string];
const ended = kind === 'read' ? await read(args[0]) : await compare(...args);
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    ended,
    cpuSeconds: (user + system) / 1e6,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
// A generator of hostile bytes may still be waiting.
process.exit(0);

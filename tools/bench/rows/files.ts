import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import { rowsFile } from '../../../lambdas/domain/file-limits.ts';
import { seeded } from '../../../lambdas/domain/paired/random.ts';

/** The row files that `npm run bench -- rows` reads. */

const COLUMNS = ['row_id', 'label', 'prediction', 'probability', 'loss', 'customer'] as const;
type Cells = readonly (string | number)[];

/** Rows of a classifier on the same examples for every `seed`: half are positive, 500 clusters. */
function rowsOf(count: number, seed: number, idLength = 0): Cells[] {
  const [shared, own] = [seeded(1), seeded(seed)];
  return Array.from({ length: count }, (_, row) => {
    const label = shared.uniform() < 0.5 ? 0 : 1;
    const score = 1 / (1 + Math.exp(-(2.4 * label - 1.2 + shared.normal() + 0.4 * own.normal())));
    const loss = -Math.log(label === 1 ? score : 1 - score);
    return [
      `row-${row}`.padEnd(idLength, 'x'),
      label,
      score >= 0.5 ? 1 : 0,
      score,
      loss,
      `customer-${row % 500}`,
    ];
  });
}

const csvOf = (rows: readonly Cells[]) =>
  [COLUMNS.join(','), ...rows.map((row) => row.join(',')), ''].join('\n');
const jsonOf = (rows: readonly Cells[]) => JSON.stringify({ columns: COLUMNS, data: rows });

export type Format = 'csv' | 'json' | 'wide';

/** Two versions on as many rows as a file may have, the last with ids of 150 characters; the names of their files. */
export function writeVersions(folder: string): Record<Format, [string, string]> {
  const written = (format: Format) =>
    [2, 3].map((version) => {
      const rows = rowsOf(rowsFile.rows, version, format === 'wide' ? 150 : 0);
      const path = join(folder, `${version}.${format}`);
      writeFileSync(path, format === 'json' ? jsonOf(rows) : csvOf(rows));
      return path;
    }) as [string, string];
  return { csv: written('csv'), json: written('json'), wide: written('wide') };
}

/** Files that are not what they should be: what they hold as it arrives, and how the reading has to end. */
export interface Hostile {
  readonly what: string;
  readonly ends: string;
  content(): AsyncIterable<Buffer> | Iterable<Buffer>;
}

const CHUNK = 64 * 1024;
const HUGE = 300_000_000;

function* repeated(first: string, line: string, bytes: number): Generator<Buffer> {
  yield Buffer.from(first);
  const chunk = Buffer.from(line.repeat(Math.ceil(CHUNK / line.length)));
  for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk;
}

/** What inflates to 1 GB. */
async function* bomb(first: string): AsyncGenerator<Buffer> {
  const gzip = createGzip();
  void (async () => {
    for (const chunk of repeated(first, '\n'.repeat(CHUNK), 1_000_000_000)) {
      if (gzip.destroyed) return;
      if (!gzip.write(chunk)) await new Promise((resolve) => gzip.once('drain', resolve));
    }
    gzip.end();
  })();
  yield* gzip;
}

const small = (text: string | Buffer) => () => [Buffer.from(text)];
const header = 'row_id,label,probability\n';

export const hostileFiles: readonly Hostile[] = [
  {
    what: '300 MB of long rows',
    ends: 'too-large',
    content: () => repeated('note,loss\n', `${'x'.repeat(400)},1\n`, HUGE),
  },
  {
    what: '300 MB of short rows',
    ends: 'too-many-rows',
    content: () => repeated('row_id,loss\n', '7,1\n', HUGE),
  },
  {
    what: '300 MB in one line',
    ends: 'unreadable',
    content: () => repeated('row_id,loss\n', 'x'.repeat(999), HUGE),
  },
  {
    what: '300 MB of JSON in one cell',
    ends: 'unreadable',
    content: () => repeated('{"columns":["loss"],"data":[["', 'x'.repeat(999), HUGE),
  },
  {
    what: '300 MB of JSON lists in lists',
    ends: 'unreadable',
    content: () => repeated('{"columns":["loss"],"data":[', '['.repeat(999), HUGE),
  },
  {
    what: '300 MB of Parquet without an end',
    ends: 'too-large',
    content: () => repeated('PAR1', 'x'.repeat(999), HUGE),
  },
  { what: 'gzip, 1 GB inflated', ends: 'too-large', content: () => bomb('row_id,loss\n') },
  {
    what: 'a truncated gzip file',
    ends: 'unreadable',
    content: small(gzipSync(csvOf(rowsOf(1_000, 2))).subarray(0, -900)),
  },
  { what: 'NaN in place of numbers', ends: 'missing-values', content: small(`${header}1,0,nan\n2,1,0.5\n`) },
  {
    what: 'null in place of numbers',
    ends: 'missing-values',
    content: small('{"columns":["row_id","loss"],"data":[[1,null]]}'),
  },
  { what: 'text in place of numbers', ends: 'not-numeric', content: small(`${header}1,0,high\n`) },
  { what: 'a formula in place of numbers', ends: 'not-numeric', content: small(`${header}1,0,=1+1\n`) },
];

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { anonymous } from '../../lambdas/adapters/authorization.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { type Mlflow, mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { type RowsRead, readRows } from '../../lambdas/adapters/rows/read-rows.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { mlflowCall } from '../../lambdas/domain/limits.ts';
import { canonicalId, canonicalValue } from '../../lambdas/domain/rows/cells.ts';
import { fingerprint } from '../../lambdas/domain/rows/fingerprint.ts';
import { joinRows, singleRows } from '../../lambdas/domain/rows/join.ts';
import { rowsSpec } from '../../lambdas/domain/rows/spec.ts';
import { TrainingFilter, trainingOverlap } from '../../lambdas/domain/rows/training-filter.ts';
import { realServers } from './servers.ts';

const run = promisify(execFile);
/** Importing MLflow and thirteen runs take a while on a slow machine. */
const TIMEOUT_MS = 300_000;

interface Written {
  runs: Record<string, string>;
  fingerprint: string;
  probability: number[];
  odd: { values: string[]; fingerprint: string };
}

const spec = (rows: object = {}) =>
  rowsSpec(
    parsePolicy('rows', {
      accepted_grades: ['A'],
      rows,
      rules: [{ name: 'loss', metric: 'loss', direction: 'lower' }],
    }),
  );

const tableIn = (read: RowsRead) => {
  if ('problem' in read) throw new Error(JSON.stringify(read.problem));
  return read.table;
};

describe.each(realServers())('row files that the client of $name writes', ({ url, python }) => {
  let written: Written;
  let client: Mlflow;
  const read = async (format: string, rows: object = {}) => {
    const found = await client.getRun(written.runs[format] ?? '');
    if (found === null) throw new Error(`no run for ${format}`);
    return readRows(client, found, spec(rows));
  };

  beforeAll(async () => {
    if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
    client = mlflow({ trackingUri: url, authorization: anonymous, http: httpClient(mlflowCall) });
    const { stdout } = await run(python, [join(import.meta.dirname, 'rows.py'), url], {
      timeout: TIMEOUT_MS,
    });
    written = JSON.parse(stdout) as Written;
  }, TIMEOUT_MS);

  it.each([
    ['csv', {}],
    ['csv gz', {}],
    ['parquet', {}],
    ['log_table json', {}],
    ['log_table json, any name', {}],
    ['log_table parquet', {}],
    ['log_table twice', {}],
    ['log_table of lists', {}],
    ['json gz', { path: 'evaluation_rows.json.gz' }],
    ['helper', {}],
    ['evaluate', { id: 'row_id', probability: 'outputs', loss: 'loss/score' }],
  ])('are read: %s', async (format, rows) => {
    const table = tableIn(await read(format, rows));
    expect(singleRows(table)).toMatchObject({
      rows: {
        n: 200,
        dropped: format === 'log_table twice' ? 200 : 0,
        fingerprint: written.fingerprint,
      },
    });
    const probabilities = table.columns.probability?.values.slice(0, 200);
    // Table JSON has ten decimals.
    for (const [row, value] of written.probability.entries())
      expect(Math.abs(value - Number(probabilities?.[row]))).toBeLessThan(1e-9);
    expect(joinRows(tableIn(await read('csv')), table)).toMatchObject({
      rows: { n: 200, matchedBy: 'id', fingerprint: written.fingerprint },
    });
  });

  it('hold the same columns in every format', async () => {
    const csv = tableIn(await read('csv'));
    for (const format of ['csv gz', 'parquet', 'log_table parquet', 'helper']) {
      expect(tableIn(await read(format)).columns, format).toEqual(csv.columns);
    }
    const { probability: _, ...columns } = csv.columns;
    for (const format of ['log_table json', 'log_table of lists']) {
      expect(tableIn(await read(format)).columns, format).toMatchObject(columns);
    }
    expect(columns.slice?.values.slice(0, 2)).toEqual(['é/ß', 'other']);
    expect(columns.prediction?.kind).toBe('number');
  });

  it('say what is missing: NaN and infinities are null in a table', async () => {
    expect(await read('missing')).toMatchObject({
      problem: { code: 'missing-values', column: 'probability', count: 2, row: 1 },
    });
    expect(await read('nothing')).toMatchObject({ problem: { code: 'no-file' } });
    expect(await read('csv', { label: 'nope' })).toMatchObject({
      problem: { code: 'no-column', role: 'label', names: ['nope'] },
    });
    expect(await read('csv', { path: 'nope/rows.csv' })).toEqual({
      problem: { code: 'no-file', looked: ['nope/rows.csv'] },
    });
  });

  it('a file that is gone after it was listed is no file, or MLflow is not available', async () => {
    const gone = client.readArtifact(written.runs['csv'] ?? '', 'gone.csv', 5_000, async () => 'read');
    const outcome = await gone.catch((error: Error) => error.name);
    expect([null, 'MlflowUnavailable']).toContain(outcome);
  });

  it('the helper for pipelines has our fingerprint, also of odd values, and our Bloom filter', async () => {
    const { values } = written.odd;
    const ids = { kind: 'text', values: values.map(canonicalId) } as const;
    const label = { kind: 'text', values: values.map(canonicalValue) } as const;
    const table = { n: values.length, columns: { id: ids, label }, names: {} };
    expect(fingerprint(table, values.keys())).toBe(written.odd.fingerprint);
    const text = await client.artifact(written.runs['helper'] ?? '', 'training_rows.bloom.json');
    const filter = TrainingFilter.parse(JSON.parse(text.toString()));
    const trained = Array.from({ length: 5_000 }, (_, row) => String(row));
    expect(trainingOverlap(trained, filter).known).toBe(5_000);
    const others = trainingOverlap(
      trained.map((id) => `other ${id}`),
      filter,
    );
    expect(others.mistakes).toBeCloseTo(0.0082, 3);
    expect(others.known / 5_000).toBeLessThan(0.015);
    const { tags } = (await client.getRun(written.runs['helper'] ?? '')) ?? { tags: {} };
    expect(tags).toMatchObject({
      'promotion.fingerprint': written.fingerprint,
      'promotion.candidates': '3',
    });
  });
});

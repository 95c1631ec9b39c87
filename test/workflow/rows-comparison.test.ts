import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { seeded } from '../../lambdas/domain/paired/random.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { parquetFiles } from '../support/parquet-files.ts';

/** A promotion that is decided on the rows of both runs: read from artifacts, joined, tested, told, and in the ledger. */

const NAME = 'churn';
const N = 2_000;

/** The rows of a classifier that is right on about `accuracy` of them, on the same examples for every `seed`. */
function rowsOf(accuracy: number, seed: number) {
  const labels = seeded(1);
  const errors = seeded(seed);
  return Array.from({ length: N }, (_, row) => {
    const label = labels.uniform() < 0.5 ? 0 : 1;
    const prediction = errors.uniform() < accuracy ? label : 1 - label;
    return { id: `row-${row}`, label, prediction };
  });
}
type Rows = ReturnType<typeof rowsOf>;
const csv = (rows: Rows) =>
  ['row_id,label,prediction', ...rows.map((row) => `${row.id},${row.label},${row.prediction}`)].join('\n');
const withProbability = (rows: Rows, first: string) =>
  [
    'row_id,label,prediction,probability',
    ...rows.map((row, at) => `${row.id},${row.label},${row.prediction},${at === 0 ? first : 0.5}`),
  ].join('\n');
const accuracyOf = (rows: Rows) => rows.filter(({ label, prediction }) => label === prediction).length / N;

describe('a comparison of runs that hold rows', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  });

  function version(
    rows: Rows,
    file: Record<string, string | Buffer>,
    stage: string,
    logged = accuracyOf(rows),
  ) {
    const { registry } = host.mlflow;
    const runId = registry.createRun({
      metrics: { accuracy: logged },
      params: { eval_rows: String(N) },
      artifacts: file,
    });
    return registry.createVersion(NAME, { runId, stage });
  }

  /** Champion of 80 %, challenger of 90 %, with this file of the challenger. */
  function world(change: (rows: Rows) => Record<string, string | Buffer>, logged?: number) {
    host.mlflow.registry.createModel(NAME);
    const champion = rowsOf(0.8, 2);
    version(champion, { 'evaluation_rows.csv': csv(champion) }, 'Production');
    const challenger = rowsOf(0.9, 3);
    version(challenger, change(challenger), 'Staging', logged);
  }

  const promoted = async (more: object = {}) => {
    const document = await execute(host, { model_name: NAME, ...more }, { pauseMs: 1 });
    const { comparison } = document.output as { comparison: Comparison };
    return { status: document.status, comparison };
  };

  it('is decided on the same rows, whatever each file is', async () => {
    world((rows) => ({ 'evaluation_rows.csv.gz': gzipSync(csv([...rows].reverse())) }));
    const { status, comparison } = await promoted();
    expect(status).toBe('promoted');
    expect(comparison).toMatchObject({
      decision: 'PROMOTE',
      evidence_grade: 'A',
      basis: 'probability',
      paired: { rows: N, fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const { store } = storeServices(host.env);
    const [entry] = await store.entries(NAME, 1, 1);
    expect(parseEntry(entry?.text ?? '')?.decision).toMatchObject({
      fingerprint: comparison.paired?.fingerprint,
      evidence_grade: 'A',
    });
  });

  it('is a claim of the policy refresh, which promotes what is not worse', async () => {
    world((rows) => ({ 'evaluation_rows.csv': csv(rows) }));
    const { comparison } = await promoted({ policy: 'refresh', dry_run: true });
    expect(comparison).toMatchObject({ decision: 'PROMOTE', paired: { alpha: 0.05, spent: 0 } });
  });

  it.each<[string, (rows: Rows) => Record<string, string | Buffer>, number?]>([
    [
      'other labels',
      (rows) => ({ 'evaluation_rows.csv': csv(rows.map((row) => ({ ...row, label: 1 - row.label }))) }),
    ],
    [
      'other rows',
      (rows) => ({ 'evaluation_rows.csv': csv(rows.map((row) => ({ ...row, id: `x${row.id}` }))) }),
    ],
    [
      'a file that ends in the middle',
      (rows) => ({ 'evaluation_rows.csv.gz': gzipSync(csv(rows)).subarray(0, 900) }),
    ],
    [
      'text in place of predictions that contradict each other',
      (rows) => ({ 'evaluation_rows.csv': `${csv(rows)}\nrow-1,0,=1+1\nrow-1,1,0` }),
    ],
    [
      'NaN in place of predictions',
      (rows) => ({ 'evaluation_rows.csv': csv(rows).replace(/[01]\nrow-7,/, 'nan\nrow-7,') }),
    ],
    [
      'null in place of predictions',
      (rows) => ({
        'evaluation_rows.json': JSON.stringify({
          columns: ['row_id', 'label', 'prediction'],
          data: rows.map(({ id, label, prediction }, row) => [id, label, row === 7 ? null : prediction]),
        }),
      }),
    ],
    ['text in place of probabilities', (rows) => ({ 'evaluation_rows.csv': withProbability(rows, 'high') })],
    [
      'a formula in place of probabilities',
      (rows) => ({ 'evaluation_rows.csv': withProbability(rows, '=1+1') }),
    ],
    [
      'a Parquet file that breaks off',
      () => ({ 'evaluation_rows.parquet': Buffer.from(parquetFiles.snappy, 'base64').subarray(0, -40) }),
    ],
    [
      'a small file that inflates to a large one',
      (rows) => ({ 'evaluation_rows.csv.gz': gzipSync(`${csv(rows)}${'\n'.repeat(60_000_000)}`) }),
    ],
    ['a metric that its rows do not give', (rows) => ({ 'evaluation_rows.csv': csv(rows) }), 0.99],
  ])('asks a person for %s', async (_, change, logged) => {
    world(change, logged);
    expect(await promoted()).toMatchObject({
      status: 'needs_investigation',
      comparison: { decision: 'INVESTIGATE' },
    });
  });

  it('asks a person for a file of 300 MB, of which nothing is fetched', async () => {
    world((rows) => ({ 'evaluation_rows.csv': csv(rows) }));
    const files = [{ path: 'evaluation_rows.csv', is_dir: false, file_size: 300_000_000 }];
    const effect = { kind: 'answer', status: 200, body: JSON.stringify({ files }) } as const;
    host.mlflow.faults.add({ path: 'artifacts/list', effect });
    expect((await promoted()).comparison).toMatchObject({ decision: 'INVESTIGATE' });
    expect(host.mlflow.requests.map(({ path }) => path)).not.toContain('get-artifact');
  });

  it('counts rows once that were logged twice', async () => {
    world((rows) => ({
      'evaluation_rows.csv': `${csv(rows)}\n${csv(rows).split('\n').slice(1).join('\n')}`,
    }));
    expect((await promoted()).comparison).toMatchObject({ evidence_grade: 'A', paired: { rows: N } });
  });

  it('asks a person where the rows are too few for a test, also under a policy that accepts single numbers', async () => {
    const { registry } = host.mlflow;
    registry.createModel(NAME, { tags: { 'promotion.policy': 'trading' } });
    for (const [stage, earned] of [
      ['Production', 1],
      ['Staging', 2],
    ] as const) {
      const days = Array.from({ length: 20 }, (_, day) => `2026-01-${day + 10},0,${earned + (day % 3)}`);
      const total = days.reduce((sum, day) => sum + Number(day.split(',')[2]), 0);
      const metrics = { profit_total: total, sharpe_ratio: earned, max_drawdown: 1, win_rate: 0.5 };
      const rows = ['row_id,label,returns', ...days].join('\n');
      const runId = registry.createRun({ metrics, artifacts: { 'evaluation_rows.csv': rows } });
      registry.createVersion(NAME, { runId, stage });
    }
    const { status, comparison } = await promoted();
    expect(status).toBe('needs_investigation');
    expect(comparison).toMatchObject({ decision: 'INVESTIGATE', evidence_grade: 'E' });
  });

  it('falls back to the numbers where only one run holds rows', async () => {
    world(() => ({}));
    expect((await promoted()).comparison).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'C' });
  });
});

describe('the promotions of a year', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  });

  it('share the rows and the ledger: each challenger on the same rows divides the risk of the next', async () => {
    const { registry } = host.mlflow;
    const held = [{ name: 'held-out', digest: 'd1', context: 'evaluation' }];
    const version = (accuracy: number, seed: number, stage: string, tags: Record<string, string> = {}) => {
      const rows = rowsOf(accuracy, seed);
      const runId = registry.createRun({
        metrics: { accuracy: accuracyOf(rows) },
        params: { eval_rows: String(N) },
        datasets: held,
        artifacts: { 'evaluation_rows.csv': csv(rows) },
      });
      host.clock.skip(60_000);
      return registry.createVersion(NAME, { runId, stage, tags });
    };
    const promoted = async (more: object = {}) => {
      const input = { model_name: NAME, policy: 'refresh', ...more };
      const { status, output } = await execute(host, input, { pauseMs: 1 });
      host.clock.skip(3_600_000);
      return { status, comparison: (output as { comparison: Comparison }).comparison };
    };
    version(0.7, 2, 'Production');
    version(0.8, 3, 'Staging');
    const first = await promoted();
    expect(first).toMatchObject({
      status: 'promoted',
      comparison: {
        ledger_head: null,
        paired: {
          alpha: 0.05,
          allocation: { budget: null, uses: 1, candidates: 1, candidates_from: 'counted' },
        },
      },
    });
    const third = version(0.9, 4, 'Staging');
    for (const seed of [5, 6])
      registry.createRun({ metrics: { accuracy: 0.5 }, datasets: held, params: { seed: `${seed}` } });
    // Registered after all of them; and the same pair again, which a dry run has looked at before.
    const fourth = version(0.95, 7, 'Staging');
    expect(await promoted({ challenger_version: third, dry_run: true })).toMatchObject({
      comparison: {
        ledger_head: expect.stringMatching(/^1:[0-9a-f]{64}$/),
        paired: { allocation: { uses: 2 } },
      },
    });
    const last = await promoted({ challenger_version: fourth });
    expect(last).toMatchObject({
      status: 'promoted',
      comparison: {
        ledger_head: expect.stringMatching(/^2:/),
        paired: {
          alpha: 0.05 / 3 / 4,
          // Versions 2, 3 and 4 on the same rows; their runs, and two that were never registered.
          allocation: { uses: 3, warning: false, candidates: 4, candidates_from: 'counted' },
        },
      },
    });
    const { store } = storeServices(host.env);
    const entries = (await store.entries(NAME, 1, 9)).map(({ text }) => parseEntry(text)?.decision);
    expect(entries.at(-1)).toMatchObject({
      inputs_digest: last.comparison.inputs_digest,
      evidence_digest: last.comparison.evidence_digest,
      uses: 3,
      candidates: 4,
    });
  });
});

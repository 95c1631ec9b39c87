import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { anonymous } from '../../lambdas/adapters/authorization.ts';
import { type HttpLimits, httpClient } from '../../lambdas/adapters/http.ts';
import { type Mlflow, mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { type RowsLimits, readRows } from '../../lambdas/adapters/rows/read-rows.ts';
import { rowsFile } from '../../lambdas/domain/file-limits.ts';
import { rowsSpec } from '../../lambdas/domain/rows/spec.ts';

const limits: HttpLimits = {
  connectMs: 1_000,
  headersMs: 2_000,
  bodyMs: 1_000,
  totalMs: 5_000,
  maxBytes: 10_000,
  retries: 2,
  backoffMs: 1,
};
const clientOf = (url: string): Mlflow =>
  mlflow({ trackingUri: url, authorization: anonymous, http: httpClient(limits) });

const CSV = 'row_id,label,loss\n1,0,0.5\n';

let emulator: MlflowEmulator;
beforeAll(async () => {
  emulator = await startMlflowEmulator();
});
afterAll(() => emulator.close());

type Files = Record<string, string | Buffer>;

async function rowsOf(
  artifacts: Files,
  more: { tag?: unknown; rows?: object; limits?: Partial<RowsLimits> } = {},
) {
  const tags: Record<string, string> =
    more.tag === undefined
      ? {}
      : { 'mlflow.loggedArtifacts': typeof more.tag === 'string' ? more.tag : JSON.stringify(more.tag) };
  const client = clientOf(emulator.url);
  const run = await client.getRun(emulator.registry.createRun({ artifacts, tags }));
  if (run === null) throw new Error('the run is not there');
  return readRows(client, run, rowsSpec({ rows: more.rows }), { ...rowsFile, ...more.limits });
}

const table = (...paths: string[]) => paths.map((path) => ({ path, type: 'table' }));

describe('the file with the rows of a run', () => {
  it.each([
    ['under its usual name', { 'evaluation_rows.csv': CSV }, 'evaluation_rows.csv', {}],
    ['compressed', { 'evaluation_rows.csv.gz': gzipSync(CSV) }, 'evaluation_rows.csv.gz', {}],
    ['of the example', { 'evaluation/predictions.csv': CSV }, 'evaluation/predictions.csv', {}],
    ['of log_table, by its tag', { 'a b/ü.json': CSV }, 'a b/ü.json', { tag: table('a b/ü.json') }],
    [
      'named by the policy',
      { 'evaluation_rows.csv': '', 'x/y/z.csv': CSV },
      'x/y/z.csv',
      { rows: { path: 'x/y/z.csv' } },
    ],
    ['named first by the policy', { b: CSV, c: '' }, 'b', { rows: { path: ['a', 'b', 'c'] } }],
    [
      'before any other table',
      { 'evaluation_rows.csv': CSV, 'x.json': '' },
      'evaluation_rows.csv',
      { tag: table('x.json') },
    ],
  ])('is found %s', async (_, files, path, more) => {
    expect(await rowsOf(files as Files, more)).toMatchObject({ table: { n: 1 }, file: { path } });
  });

  it.each([
    ['no files', {}, {}],
    ['a folder of that name', { 'evaluation_rows.csv/x': CSV }, {}],
    ['a tag that is no list', { x: CSV }, { tag: '{"path":"x"' }],
    ['a tag that names a file that is gone', {}, { tag: table('x.json') }],
    ['an image', { 'x.png': CSV }, { tag: [{ path: 'x.png', type: 'image' }] }],
    ['another file than the policy names', { 'evaluation_rows.csv': CSV }, { rows: { path: 'x.csv' } }],
  ])('is not found: %s', async (_, files, more) => {
    expect(await rowsOf(files as Files, more)).toMatchObject({ problem: { code: 'no-file' } });
  });

  it('is not guessed among several tables', async () => {
    const files = { 'x.json': CSV, 'y.json': CSV };
    expect(await rowsOf(files, { tag: table('x.json', 'y.json', 'x.json') })).toEqual({
      problem: { code: 'several-files', paths: ['x.json', 'y.json'] },
    });
  });

  it('is not fetched where it is listed as too large', async () => {
    emulator.requests.length = 0;
    expect(await rowsOf({ 'evaluation_rows.csv': CSV }, { limits: { bytes: 10 } })).toEqual({
      problem: { code: 'too-large', path: 'evaluation_rows.csv', what: 'file', limit: 10 },
    });
    expect(emulator.requests.map(({ path }) => path)).not.toContain('get-artifact');
  });

  it('may be larger than any other answer', async () => {
    const lines = Array.from({ length: 5_000 }, (_, row) => `${row},0,0.5\n`).join('');
    expect(lines.length).toBeGreaterThan(limits.maxBytes);
    const files = { 'evaluation_rows.csv': `row_id,label,loss\n${lines}` };
    expect(await rowsOf(files)).toMatchObject({ table: { n: 5_000 } });
  });
});

/** A server that lists one file of a run, and sends it in its own way. */
async function serving(size: number | null, send: (response: ServerResponse, time: number) => void) {
  let times = 0;
  const server = createServer((request, response) => {
    if (request.url?.includes('artifacts/list')) {
      const file = {
        path: 'evaluation_rows.csv',
        is_dir: false,
        ...(size === null ? {} : { file_size: size }),
      };
      response.end(JSON.stringify({ files: [file] }));
      return;
    }
    times += 1;
    response.setHeader('content-disposition', 'attachment; filename=evaluation_rows.csv');
    send(response, times);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const run = { runId: 'r', status: 'FINISHED', metrics: [], datasets: [], params: {}, tags: {} };
  const read = (bytes: number = rowsFile.bytes) =>
    readRows(clientOf(`http://127.0.0.1:${port}`), run, rowsSpec({}), { ...rowsFile, bytes });
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { read, times: () => times, close };
}

describe('a server that sends rows', () => {
  it('more than it has listed, 300 MB: the reading ends at the limit, with little memory', async () => {
    const line = Buffer.from(`${'x'.repeat(1_000)},0,0.5\n`.repeat(60));
    let sent = 0;
    const world = await serving(null, (response) => {
      response.write('note,label,loss\n');
      const more = () => {
        while (sent < 300_000_000) {
          sent += line.length;
          if (!response.write(line)) return;
        }
        response.end();
      };
      response.on('drain', more);
      more();
    });
    const before = process.memoryUsage().rss;
    expect(await world.read(4_000_000)).toEqual({
      problem: { code: 'too-large', path: 'evaluation_rows.csv', what: 'file', limit: 4_000_000 },
    });
    expect(sent).toBeLessThan(50_000_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    await world.close();
  }, 60_000);

  it('announces 300 MB: nothing of it is fetched', async () => {
    const world = await serving(300_000_000, (response) => response.end(CSV));
    expect(await world.read()).toMatchObject({ problem: { code: 'too-large', what: 'file' } });
    expect(world.times()).toBe(0);
    await world.close();
  });

  it('breaks off: the file is read anew, and nothing of the first time counts', async () => {
    const world = await serving(CSV.length, (response, time) => {
      response.setHeader('content-length', CSV.length);
      if (time > 1) response.end(CSV);
      else response.write(CSV.slice(0, -4), () => response.destroy());
    });
    expect(await world.read()).toMatchObject({ table: { n: 1 }, file: { bytes: CSV.length } });
    expect(world.times()).toBe(2);
    await world.close();
  });

  it('breaks off every time: MLflow is not available', async () => {
    const world = await serving(CSV.length, (response) => {
      response.setHeader('content-length', CSV.length);
      response.write(CSV.slice(0, 5), () => response.destroy());
    });
    await expect(world.read()).rejects.toMatchObject({ name: 'MlflowUnavailable' });
    expect(world.times()).toBe(1 + limits.retries);
    await world.close();
  });

  it('sends a page of something in between: that is no file, and the file is read anew', async () => {
    const world = await serving(CSV.length, (response, time) => {
      if (time === 1) response.removeHeader('content-disposition');
      response.end(time === 1 ? '<html>Please wait</html>' : CSV);
    });
    expect(await world.read()).toMatchObject({ table: { n: 1 } });
    expect(world.times()).toBe(2);
    await world.close();
  });

  it('stops sending: MLflow is not available', async () => {
    const world = await serving(CSV.length, (response) => {
      response.setHeader('content-length', CSV.length);
      response.write(CSV.slice(0, 5));
    });
    await expect(world.read()).rejects.toMatchObject({ name: 'MlflowUnavailable' });
    await world.close();
  });
});

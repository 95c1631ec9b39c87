import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { NoReply } from '../../lambdas/adapters/http.ts';
import { parseRows, type RowsLimits } from '../../lambdas/adapters/rows/read-rows.ts';
import { rowsFile } from '../../lambdas/domain/file-limits.ts';
import { rowsSpec } from '../../lambdas/domain/rows/spec.ts';
import { parquetFiles } from '../support/parquet-files.ts';

type Content = string | Buffer | Iterable<Buffer>;

/** Reads a file that arrives in small pieces. */
async function parse(content: Content, limits: Partial<RowsLimits> = {}, rows: object = {}) {
  const whole = typeof content === 'string' ? Buffer.from(content) : content;
  const pieces = Buffer.isBuffer(whole) ? piecesOf(whole, Math.max(7, whole.length / 100)) : whole;
  return parseRows(Readable.from(pieces), 'rows', rowsSpec({ rows }), { ...rowsFile, ...limits });
}
const piecesOf = (whole: Buffer, size: number) =>
  Array.from({ length: Math.ceil(whole.length / size) }, (_, piece) =>
    whole.subarray(piece * size, (piece + 1) * size),
  );
const problem = async (...args: Parameters<typeof parse>) => {
  const read = await parse(...args);
  return 'problem' in read ? read.problem : read.table;
};

const json = (...rows: unknown[][]) =>
  JSON.stringify({ columns: ['row_id', 'label', 'note', 'probability'], data: rows });

describe('a CSV file', () => {
  it('gives the columns that were asked for, with its hash', async () => {
    const text = '\ufeffrow_id,note,label,probability\r\n1,"a ""b"",\nc",0,0.25\r\n2.0,,1,1e-3\r\n\r\n';
    expect(await parse(text)).toEqual({
      table: {
        n: 2,
        columns: {
          id: { kind: 'text', values: ['1', '2'] },
          label: { kind: 'number', values: Float64Array.of(0, 1) },
          probability: { kind: 'number', values: Float64Array.of(0.25, 0.001) },
        },
        names: { id: 'row_id', label: 'label', probability: 'probability' },
      },
      file: {
        path: 'rows',
        bytes: Buffer.byteLength(text),
        sha256: createHash('sha256').update(text).digest('hex'),
      },
    });
  });

  it('is the same when it is compressed, whatever its name says', async () => {
    const text = 'row_id,label,loss\n1,0,0.5\n';
    expect(await parse(gzipSync(text))).toMatchObject({ table: { n: 1 } });
  });

  it.each([
    ['a formula instead of a number', '=1+2', 'not-numeric'],
    ['text instead of a number', 'high', 'not-numeric'],
    ['a decimal comma', '"0,5"', 'not-numeric'],
    ['infinity', 'inf', 'not-numeric'],
    ['a number beyond all doubles', '1e999', 'not-numeric'],
    ['nothing', '', 'missing-values'],
    ['nan', 'nan', 'missing-values'],
  ])('with %s: says so, with the number of cells and the first row', async (_, cell, code) => {
    const text = `row_id,label,probability\n1,0,0.5\n2,1,${cell}\n3,1,${cell}\n`;
    expect(await problem(text)).toEqual({ code, path: 'rows', column: 'probability', count: 2, row: 2 });
  });

  it('keeps a formula as text where text is allowed', async () => {
    expect(await parse('row_id,prediction\n=1+2,=SUM(A1)\n')).toMatchObject({
      table: { columns: { id: { values: ['=1+2'] }, prediction: { kind: 'text', values: ['=SUM(A1)'] } } },
    });
  });

  it.each([
    ['a line with too few fields', 'row_id,label,loss\n1,0\n', { code: 'unreadable', format: 'csv' }],
    ['a quote that is not closed', 'row_id,label,loss\n1,0,"0.5\n', { code: 'unreadable', format: 'csv' }],
    ['a line without end', `row_id,loss\n${'x'.repeat(1_100_000)}`, { code: 'unreadable' }],
    [
      'a value that is too long',
      `row_id,loss\n${'x'.repeat(501)},1\n`,
      { code: 'values-too-long', column: 'row_id' },
    ],
    ['only its header', 'row_id,label,loss\n', { code: 'no-rows' }],
    ['nothing at all', '', { code: 'no-rows' }],
    ['a column twice', 'row_id,loss,loss\n1,2,3\n', { code: 'column-twice', column: 'loss' }],
    ['no measure', 'row_id,label\n1,0\n', { code: 'no-column', role: null }],
    ['a web page', '<!doctype html>\n<html lang=en>\n', { code: 'no-column', role: null }],
  ])('with %s is refused', async (_, text, expected) => {
    expect(await problem(text)).toMatchObject({ path: 'rows', ...expected });
  });

  it('needs the columns that the policy names', async () => {
    const text = 'row_id,y,loss\n1,0,0.5\n';
    expect(await problem(text, {}, { label: ['gold', 'truth'] })).toEqual({
      code: 'no-column',
      path: 'rows',
      role: 'label',
      names: ['gold', 'truth'],
    });
    expect(await parse(text, {}, { label: ['gold', 'y'] })).toMatchObject({
      table: { names: { label: 'y' } },
    });
  });
});

describe('a table in JSON', () => {
  it('is read as log_table writes it', async () => {
    const text = json([1, true, 'a\\/b é', 0.5], [2, false, null, 1e-9]).replace('\\\\/', '\\/');
    expect(await parse(text)).toMatchObject({
      table: {
        n: 2,
        columns: {
          id: { values: ['1', '2'] },
          label: { kind: 'number', values: Float64Array.of(1, 0) },
          probability: { values: Float64Array.of(0.5, 1e-9) },
        },
      },
    });
  });

  it('keeps the digits of large ids', async () => {
    const text = '{"columns":["id","loss"],"data":[[9007199254740993,1],[9007199254740992,1]]}';
    expect(await parse(text)).toMatchObject({
      table: { columns: { id: { values: ['9007199254740993', '9007199254740992'] } } },
    });
  });

  it.each([
    ['null for a number', json([1, 0, '', null]), { code: 'missing-values', count: 1, row: 1 }],
    ['null for an id', json([null, 0, '', 1]), { code: 'missing-values', column: 'row_id' }],
    ['text for a number', json([1, 0, '', 'high']), { code: 'not-numeric', column: 'probability' }],
    ['a list for a number', json([1, 0, '', [1]]), { code: 'not-numeric' }],
    ['a row with too few cells', json([1, 0]), { code: 'unreadable', format: 'json' }],
    ['a row that is no list', '{"columns":["loss"],"data":[{"loss":1}]}', { code: 'unreadable' }],
    ['its data first', '{"data":[[1]],"columns":["loss"]}', { code: 'unreadable' }],
    ['two lists of columns', '{"columns":["loss"],"columns":["loss"],"data":[[1]]}', { code: 'unreadable' }],
    ['an end too early', json([1, 0, '', 0.5]).slice(0, -2), { code: 'unreadable' }],
    ['more after its end', `${json([1, 0, '', 0.5])}{}`, { code: 'unreadable' }],
    ['what is no JSON', '{columns: 1}', { code: 'unreadable' }],
    ['no columns', '{"a":1}', { code: 'no-rows' }],
    ['deep lists', `{"columns":["loss"],"data":[${'['.repeat(50_000)}`, { code: 'unreadable' }],
    ['a row without end', `{"columns":["loss"],"data":[[${'1,'.repeat(200_000)}`, { code: 'unreadable' }],
    ['a text without end', `{"columns":["loss"],"data":[["${'a'.repeat(1_200_000)}`, { code: 'unreadable' }],
  ])('with %s is refused', async (_, text, expected) => {
    expect(await problem(text)).toMatchObject({ path: 'rows', ...expected });
  });
});

describe('a Parquet file', () => {
  const bytes = (codec: keyof typeof parquetFiles) => Buffer.from(parquetFiles[codec], 'base64');

  it.each(['snappy', 'zstd', 'gzip', 'brotli'] as const)('is read: %s', async (codec) => {
    const read = await parse(bytes(codec));
    expect(read).toMatchObject({
      table: {
        n: 50,
        columns: {
          id: { values: Array.from({ length: 50 }, (_, row) => String(row)) },
          probability: { values: Float64Array.from({ length: 50 }, (_, row) => row / 64) },
          slice: { values: Array.from({ length: 50 }, (_, row) => (row % 3 ? 'a' : 'b')) },
        },
      },
    });
  });

  it('is refused by its footer where it has too many rows', async () => {
    expect(await problem(bytes('snappy'), { rows: 49 })).toEqual({
      code: 'too-many-rows',
      path: 'rows',
      limit: 49,
    });
  });

  it('is refused where its columns would take too many bytes, or it is itself too large to be held', async () => {
    expect(await problem(bytes('snappy'), { inflatedBytes: 500 })).toMatchObject({
      code: 'too-large',
      what: 'inflated',
    });
    expect(await problem(bytes('snappy'), { bytes: 500 })).toMatchObject({
      code: 'too-large',
      what: 'file',
    });
  });

  it('has no column of lists', async () => {
    expect(await problem(bytes('snappy'), {}, { label: 'nested' })).toMatchObject({ code: 'no-column' });
  });

  it('is refused wherever it breaks off', async () => {
    const whole = bytes('snappy');
    for (let length = 4; length < whole.length; length += 13) {
      expect(await problem(whole.subarray(0, length)), String(length)).toMatchObject({ code: 'unreadable' });
    }
  });

  it('is read or refused, and nothing else, whatever byte of it is wrong', async () => {
    const codes = new Set<string>();
    for (let place = 4; place < bytes('snappy').length - 4; place += 5) {
      const damaged = bytes('snappy');
      damaged[place] = (damaged[place] ?? 0) ^ (place % 2 === 0 ? 0x7f : 0x10);
      const read = await parse([damaged]);
      codes.add('problem' in read ? read.problem.code : 'read');
    }
    expect([...codes]).toContain('unreadable');
    expect([...codes]).toContain('read');
  });
});

describe('the limits', () => {
  it('rows are counted while they are read', async () => {
    const text = (n: number) =>
      `row_id,loss\n${Array.from({ length: n }, (_, row) => `${row},1\n`).join('')}`;
    expect(await parse(text(10), { rows: 10 })).toMatchObject({ table: { n: 10 } });
    expect(await problem(text(11), { rows: 10 })).toEqual({ code: 'too-many-rows', path: 'rows', limit: 10 });
    const rows = Array.from({ length: 11 }, (_, row) => [row, 0, '', 1]);
    expect(await problem(json(...rows), { rows: 10 })).toMatchObject({ code: 'too-many-rows' });
  });

  it('end the reading: what comes after is not fetched', async () => {
    let fetched = 0;
    function* endless() {
      yield Buffer.from('row_id,loss\n');
      for (;;) {
        fetched += 1;
        yield Buffer.from(`${fetched},1\n`);
      }
    }
    expect(await problem(endless(), { rows: 100 })).toMatchObject({ code: 'too-many-rows' });
    expect(fetched).toBeLessThan(1_000);
    expect(await problem(endless(), { bytes: 5_000 })).toEqual({
      code: 'too-large',
      path: 'rows',
      what: 'file',
      limit: 5_000,
    });
  });

  it('hold for what a small file inflates to', async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from('row_id,loss\n'), Buffer.alloc(50_000_000, '\n')]));
    expect(bomb.length).toBeLessThan(100_000);
    expect(await problem(bomb, { inflatedBytes: 1_000_000 })).toEqual({
      code: 'too-large',
      path: 'rows',
      what: 'inflated',
      limit: 1_000_000,
    });
  });

  it('a gzip file that breaks off or is damaged is unreadable', async () => {
    const whole = gzipSync('row_id,loss\n1,2\n');
    for (const broken of [whole.subarray(0, -4), Buffer.concat([whole.subarray(0, 12), Buffer.alloc(20)])]) {
      expect(await problem(broken)).toMatchObject({ code: 'unreadable', format: 'gzip' });
    }
  });

  it.each([
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', gzipSync],
  ] as const)('a connection that breaks is no flaw of the file: %s', async (_, packed) => {
    function* breaking() {
      yield packed('row_id,loss\n1,2\n').subarray(0, 14);
      throw new NoReply('broken', 'the connection broke');
    }
    await expect(parse(breaking())).rejects.toBeInstanceOf(NoReply);
  });
});

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../lambdas/domain/rows/fingerprint.ts';
import { joinRows, singleRows } from '../../lambdas/domain/rows/join.ts';
import { rowsSpec } from '../../lambdas/domain/rows/spec.ts';
import { chooseColumns, type RowsTable, TableBuilder } from '../../lambdas/domain/rows/table.ts';

/** A table of lines, as from a CSV file. */
function table(header: string, ...lines: string[]): RowsTable {
  const names = header.split(',');
  const builder = new TableBuilder(chooseColumns(names, rowsSpec({}), 'rows.csv'), 'rows.csv', 1_000);
  for (const line of lines) builder.addRow((index) => line.split(',')[index] ?? null);
  return builder.finish();
}

const champion = table('row_id,label,prediction,probability', '1,0,0,0.25', '2,1,0,0.5', '3,1,1,0.75');
const problemOf = (result: object) => ('problem' in result ? result.problem : null);

describe('joining the rows of two versions', () => {
  it('matches by id, in the order of the challenger', () => {
    const challenger = table('id,target,outputs,score,slice', '3,1,1,0.9,b', '1,0,1,0.6,a', '2,1,1,0.7,a');
    const joined = joinRows(champion, challenger);
    expect(joined).toMatchObject({
      rows: {
        n: 3,
        matchedBy: 'id',
        dropped: { champion: 0, challenger: 0 },
        label: { kind: 'number', values: Float64Array.of(1, 0, 1) },
        champion: {
          prediction: { kind: 'number', values: Float64Array.of(1, 0, 0) },
          probability: Float64Array.of(0.75, 0.25, 0.5),
          loss: null,
        },
        challenger: { probability: Float64Array.of(0.9, 0.6, 0.7) },
        slice: ['b', 'a', 'a'],
        cluster: null,
      },
    });
  });

  it('sorts rows whose ids are times: a test of a series takes them for neighbours', () => {
    const ordered = (...ids: readonly string[]) => {
      const lines = ids.map((id, row) => `${id},1,${row}`);
      const joined = joinRows(table('row_id,label,loss', ...lines), table('row_id,label,loss', ...lines));
      return 'rows' in joined ? [...(joined.rows.challenger.loss ?? [])] : joined.problem;
    };
    expect(ordered('2026-03-02', '2026-03-01', '2025-12-31')).toEqual([2, 1, 0]);
    expect(ordered('2026-03-01 10:00:00', '2026-03-01 09:30:00')).toEqual([1, 0]);
    expect(ordered('2026-03-02', 'b', '2026-03-01')).toEqual([0, 1, 2]);
    expect(ordered('2026-03-01T10:00+02:00', '2026-03-01T09:00+00:00')).toEqual([0, 1]);
  });

  it('has one fingerprint for the same data, in any order and way to write numbers', () => {
    const lines = ['["1","0"]\n', '["2","1"]\n', '["3","1"]\n'];
    const wanted = createHash('sha256').update(lines.join('')).digest('hex');
    const same = table('id,label,prediction', '3.0,1.0,0', '2.0,True,0', '1.0,0.0,0');
    expect(singleRows(same)).toMatchObject({ rows: { n: 3, fingerprint: wanted } });
    expect(singleRows(champion)).toMatchObject({ rows: { fingerprint: wanted } });
    expect(joinRows(champion, same)).toMatchObject({ rows: { fingerprint: wanted } });
  });

  it('escapes what is not ASCII in a fingerprint, and sorts by bytes', () => {
    const odd = table('id,label,prediction', 'é"\u007f,ü,0', '😀,b,0', '\uffee,b,0');
    const lines = ['["\\u00e9\\"\\u007f","\\u00fc"]\n', '["\\ud83d\\ude00","b"]\n', '["\\uffee","b"]\n'];
    const wanted = createHash('sha256').update(lines.join('')).digest('hex');
    expect(fingerprint(odd, [0, 1, 2])).toBe(wanted);
  });

  it('matches by position where neither has ids and every label agrees', () => {
    const old = table('label,prediction', '0,0', '1,1');
    expect(joinRows(old, table('label,prediction', '0,1', '1,1'))).toMatchObject({
      rows: { n: 2, matchedBy: 'position' },
    });
    expect(problemOf(joinRows(old, table('label,prediction', '1,1', '1,1')))).toEqual({
      code: 'labels-differ',
      count: 1,
    });
    expect(problemOf(joinRows(old, table('label,prediction', '0,1')))).toEqual({
      code: 'sizes-differ',
      champion: 2,
      challenger: 1,
    });
    expect(problemOf(joinRows(old, table('prediction', '0', '1')))).toEqual({ code: 'not-matchable' });
    expect(problemOf(joinRows(champion, old))).toEqual({ code: 'not-matchable' });
  });

  it('refuses other ids and other labels, with their numbers', () => {
    const others = table('row_id,label,prediction', '1,0,0', '2,1,0', '4,1,1', '5,1,1');
    expect(problemOf(joinRows(champion, others))).toEqual({
      code: 'ids-differ',
      onlyChampion: 1,
      onlyChallenger: 2,
    });
    const labels = table('row_id,label,prediction', '1,0,0', '2,0,0', '3,0,1');
    expect(problemOf(joinRows(champion, labels))).toEqual({ code: 'labels-differ', count: 2 });
  });

  it('drops rows that log_table has appended again, and refuses rows of one id that contradict each other', () => {
    const lines = ['1,0,0', '2,1,1', '3,1,1'];
    const twice = table('row_id,label,prediction', ...lines, ...lines);
    expect(joinRows(champion, twice)).toMatchObject({
      rows: { n: 3, dropped: { champion: 0, challenger: 3 } },
    });
    const changed = table('row_id,label,prediction', ...lines, '2,1,0', '3,1,0');
    const problem = { code: 'duplicate-ids', of: 'challenger', count: 2 };
    expect(problemOf(joinRows(champion, changed))).toEqual(problem);
    expect(problemOf(singleRows(changed))).toEqual(problem);
    expect(problemOf(joinRows(changed, champion))).toEqual({ ...problem, of: 'champion' });
  });

  it('recognises the same rows several times over without ids', () => {
    const lines = Array.from({ length: 24 }, (_, row) => `${row % 2},${row / 32}`);
    const once = table('label,probability', ...lines);
    const three = table('label,probability', ...lines, ...lines, ...lines);
    expect(joinRows(once, three)).toMatchObject({ rows: { n: 24, dropped: { challenger: 48 } } });
  });

  it('needs a measure that both have', () => {
    const loss = table('row_id,label,loss', '1,0,0.5', '2,1,0.5', '3,1,0.5');
    expect(problemOf(joinRows(champion, loss))).toEqual({ code: 'nothing-in-common' });
  });

  it('reads words as labels, and numbers among them in one form', () => {
    const old = table('row_id,label,prediction', '1,cat,1.0', '2,dog,cat');
    expect(joinRows(old, table('row_id,label,prediction', '2,dog,dog', '1,cat,1'))).toMatchObject({
      rows: {
        label: { kind: 'text', values: ['dog', 'cat'] },
        champion: { prediction: { kind: 'text', values: ['cat', '1'] } },
      },
    });
  });
});

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultAssumptions, defaultProfile, type Report, reportOf } from '../../tools/bench/report.ts';
import { type DocumentName, documentPath, documents, withTables } from '../../tools/bench/scaling.ts';
import { asText, tablesOf } from '../../tools/bench/tables.ts';

let report: Report;
beforeAll(async () => {
  report = await reportOf(defaultAssumptions, defaultProfile);
});

const kind = (name: string) => {
  const found = report.executions.find((one) => one.kind.startsWith(name));
  if (found === undefined) throw new Error(`no kind ${name}`);
  return found;
};

describe('the documents', () => {
  const names = Object.keys(documents) as DocumentName[];

  it.each(names)('%s shows what npm run bench -- scaling prints (else run it with --write)', (name) => {
    const text = readFileSync(documentPath(name), 'utf8').replaceAll('\r\n', '\n');
    expect(text).toBe(withTables(name, text, report));
  });

  it.each(names)('%s is refused when it has no place for a table', (name) => {
    expect(() => withTables(name, '# Nothing', report)).toThrow(`${name} has no place for the table`);
  });
});

describe('the benchmark', () => {
  it('ends each kind of execution as its name says', () => {
    expect(report.executions.map(({ status }) => status)).toEqual([
      ...['promoted', 'promoted', 'promoted', 'kept', 'needs_investigation', 'already_promoted'],
      ...['failed', 'rolled_back', 'rolled_back', 'busy', 'promoted'],
    ]);
  });

  it('counts for a promotion in the registry what its functions ask for, and nothing of whoever looks on', () => {
    const { invocations, workloadCalls, published, table } = kind('promoted, registry only');
    expect(invocations).toEqual({
      'begin-promotion': 1,
      'compare-models': 1,
      'prepare-promotion': 1,
      'replace-workload': 0,
      'promote-model': 1,
      'model-rollback': 0,
      'end-promotion': 1,
      'sweep-promotions': 0,
    });
    expect({ workloadCalls, published }).toEqual({ workloadCalls: 0, published: 1 });
    // Lease taken and released, outcome put and marked as sent; read once: is the lease still ours?
    expect(table.requests).toBe(5);
    expect(table.readUnits).toBe(1);
    // Only the outcome is in the index: put with its alert pending, taken out once that is sent.
    expect(table.indexWriteUnits).toBe(table.writeUnits - 2);
  });

  it('writes nothing to the index where nobody is told', () => {
    expect(kind('already promoted').published).toBe(0);
    expect(kind('already promoted').table.indexWriteUnits).toBe(0);
  });

  it('takes a longer rollout to be looked at more often, and nothing else', () => {
    const [short, long] = [kind('promoted, 1 min'), kind('promoted, 30 min')];
    const looks = long.invocations['replace-workload'] - short.invocations['replace-workload'];
    expect(long.seconds - short.seconds).toBeGreaterThanOrEqual(29 * 60);
    expect(long.transitions - short.transitions).toBe(3 * looks);
    expect(long.historyEvents - short.historyEvents).toBe(9 * looks);
    expect(long.mlflowCalls).toBe(short.mlflowCalls);
  });

  it('finds MLflow to be the narrow place, and reckons verdicts from needs and limits', () => {
    expect(report.bottleneck).toContain('MLflow');
    for (const { peak, limit, share, verdict } of report.needs) {
      expect(share).toBe(limit === null ? null : peak / limit);
      expect(verdict === 'does not fit').toBe(limit !== null && peak > limit);
    }
  });

  it('prints no line of more than 100 columns', () => {
    const printed = tablesOf(report)
      .filter(({ documentOnly }) => documentOnly !== true)
      .map(asText);
    expect(printed.flatMap((text) => text.split('\n')).filter((line) => line.length > 100)).toEqual([]);
  });
});

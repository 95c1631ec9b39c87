import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { sampleComparison, sampleRule } from '../support/sample-outcome.ts';

const table = (...rules: Partial<typeof sampleRule>[]) =>
  evidenceTable({ ...sampleComparison, rules: rules.map((rule) => ({ ...sampleRule, ...rule })) });

describe('the evidence table', () => {
  it('lines up rules, numbers, results and reasons', () => {
    const text = table(
      {},
      {
        name: 'drawdown',
        metric: 'max_drawdown',
        champion: 0.1,
        challenger: 0.30000000000000004,
        passed: false,
        reason: 'rose by 0.2, which is more than the margin of 0.05 that the policy gives it',
      },
      {
        name: 'win_rate',
        metric: 'win_rate',
        champion: null,
        challenger: 0.5,
        passed: false,
        critical: false,
        reason: 'the champion has none',
      },
    );
    expect(text).toMatchInlineSnapshot(`
      "rule      metric        champion  challenger  result      reason
      --------  ------------  --------  ----------  ----------  ----------------------------------------
      profit    profit_total    1200.5     1310.25  passed      gain +109.75, needed > 0; limit 0 kept
      drawdown  max_drawdown       0.1         0.3  not passed  rose by 0.2, which is more than the
                                                    (critical)  margin of 0.05 that the policy gives it
      win_rate  win_rate       missing         0.5  not passed  the champion has none"
    `);
  });

  it('shows numbers that differ late with as many digits as it takes', () => {
    expect(table({ champion: 0.1234561, challenger: 0.1234562 })).toMatch(/0\.1234561 +0\.1234562/);
    expect(table({ champion: 0.30000000000000004, challenger: 0.30000000000000004 })).toMatch(/ 0\.3 +0\.3 /);
  });

  it('tells a number that is missing from a champion that does not exist', () => {
    expect(table({ champion: null })).toContain('missing');
    const first = evidenceTable({
      ...sampleComparison,
      champion_version: null,
      rules: [{ ...sampleRule, champion: null }],
    });
    expect(first).toContain('–');
    expect(first).not.toContain('missing');
  });

  it('shows a rule that was not counted as neither passed nor failed', () => {
    const text = table(
      { passed: true, counted: false, reason: 'Not counted: no champion, and no limit set' },
      { passed: false, counted: false, reason: 'Skipped: version 2 has no metric m' },
      { passed: false, counted: false, reason: 'Not judged: version 3 has no metric m' },
      { passed: false, counted: false, reason: 'Not judged' },
      { passed: false, counted: false, reason: 'something else' },
    );
    const rows = text.split('\n').slice(2);
    expect(rows.map((row) => row.slice(44).trim())).toEqual([
      'not counted  no champion, and no limit set',
      'skipped      version 2 has no metric m',
      'not judged   version 3 has no metric m',
      'not judged',
      'not counted  something else',
    ]);
  });

  it('leaves out a column of reasons in which nothing would stand', () => {
    expect(table({ counted: false, passed: false, reason: 'Not judged' })).not.toContain('reason');
  });

  it('gives a critical miss one line where there is room', () => {
    const lines = table({ passed: false, reason: 'gain -1, needed > 0' }).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toMatch(/not passed \(critical\) {2}gain -1, needed > 0$/);
  });

  it('says so where no rule was evaluated', () => {
    expect(table()).toBe('No rule was evaluated.');
  });

  it('fits 100 columns and loses no character of names and reasons', () => {
    const words = fc
      .array(fc.stringMatching(/^[a-z_]{1,30}$/), { minLength: 1, maxLength: 12 })
      .map((all) => all.join(' '));
    const number = fc.option(fc.integer({ min: -99_999, max: 99_999 }), { nil: null });
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            name: words,
            metric: words,
            reason: words,
            champion: number,
            challenger: number,
            passed: fc.boolean(),
          }),
          { minLength: 1, maxLength: 5 },
        ),
        (rules) => {
          const text = table(...rules);
          const count = (all: string) => [...all.matchAll(/[a-z_]/g)].length;
          for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
          const reasons = rules.map(({ reason }) => reason.slice(0, 400)).join('');
          const names = rules.map(({ name, metric }) => (name + metric).slice(0, 150)).join('');
          expect(count(text)).toBeGreaterThanOrEqual(count(reasons) + count(names));
        },
      ),
    );
  });

  it('cannot be broken by hostile names', () => {
    const lines = table({ name: 'a\nb', metric: 'c\td', reason: '\u202egnp' }).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[2]).toContain('a\\nb');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import type { Evidence } from '../../lambdas/domain/comparison/evidence.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { inWords } from '../../lambdas/words/recommendation.ts';
import { evidence } from '../support/evidence.ts';
import { sampleComparison, sampleRule } from '../support/sample-outcome.ts';

const table = (...rules: Partial<typeof sampleRule>[]) =>
  evidenceTable({ ...sampleComparison, rules: rules.map((rule) => ({ ...sampleRule, ...rule })) });

const lacks = (of: string) => ({ code: 'not-logged', version: of, metric: 'm' }) as const;

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

  it('fits from 58 columns on, whatever the names and reasons', () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 120 });
    const rule = fc.record({ name: text, metric: text, champion: fc.double({ noNaN: true }), reason: text });
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 58, max: 200 }),
        (rules, width) => {
          const shown = evidenceTable(
            { ...sampleComparison, rules: rules.map((each) => ({ ...sampleRule, ...each })) },
            { width },
          );
          expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width);
        },
      ),
    );
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
      { passed: true, counted: 'alone', reason: 'Not counted: no champion, and no limit set' },
      { passed: false, counted: 'skipped', why: [lacks('2')], reason: 'Skipped: version 2 has no metric m' },
      {
        passed: false,
        counted: 'missing',
        why: [lacks('3')],
        reason: 'Not judged: version 3 has no metric m',
      },
      { passed: false, counted: 'missing', reason: 'Not judged' },
      { passed: false, counted: 'not-counted', reason: 'Skipped: version 2 has no metric m' },
    );
    const rows = text.split('\n').slice(2);
    expect(rows.map((row) => row.slice(44).trim())).toEqual([
      'not counted    no champion, and no limit set',
      'skipped        version 2 has no metric m',
      'not evaluated  version 3 has no metric m',
      'not evaluated',
      'not counted    Skipped: version 2 has no metric m',
    ]);
  });

  it('leaves out a column of reasons in which nothing would stand', () => {
    expect(table({ counted: 'missing', passed: false, reason: 'Not judged' })).not.toContain('reason');
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

describe('the evidence table of the policies', () => {
  const policies = policyFiles(new URL('../../policies/', import.meta.url));
  const compared = async (name: string, of: Evidence) => ({
    ...inWords(decide(of, await policies.load(name), 0.7)),
    evidence_digest: '',
  });
  const champion = { profit_total: 1234.5, sharpe_ratio: 1.2, max_drawdown: 0.2, win_rate: 0.6 };
  const challenger = { profit_total: 1310.25, sharpe_ratio: 1.4, max_drawdown: 0.15, win_rate: 0.58 };

  it('keeps every rule that passed on one line of at most 100 columns', async () => {
    const text = evidenceTable(await compared('trading', evidence(champion, challenger)));
    expect(text).toMatchInlineSnapshot(`
      "rule          metric        champion  challenger  result  reason
      ------------  ------------  --------  ----------  ------  ------------------------------------
      profit        profit_total    1234.5     1310.25  passed  gain +75.75, needed > 0; limit 0 met
      Sharpe ratio  sharpe_ratio       1.2         1.4  passed  gain +0.2, needed >= 0
      drawdown      max_drawdown       0.2        0.15  passed  gain +0.05, needed >= 0
      win rate      win_rate           0.6        0.58  passed  gain -0.02, needed >= -0.06"
    `);
  });

  it('says of a first model which rules were not counted', async () => {
    const first = { ...challenger, profit_total: 120 };
    const text = evidenceTable(await compared('trading', evidence(null, first)));
    expect(text).toMatchInlineSnapshot(`
      "rule          metric        champion  challenger  result       reason
      ------------  ------------  --------  ----------  -----------  -----------------------------
      profit        profit_total         –         120  passed       limit 0 met
      Sharpe ratio  sharpe_ratio         –         1.4  not counted  no champion, and no limit set
      drawdown      max_drawdown         –        0.15  not counted  no champion, and no limit set
      win rate      win_rate             –        0.58  not counted  no champion, and no limit set"
    `);
  });

  it('breaks a reason that has an interval and a limit over lines', async () => {
    const scores = (accuracy: number, log_loss: number) => ({
      ...{ accuracy, log_loss, roc_auc: 0.95 },
      eval_rows: 228,
    });
    const answer = await compared('default', evidence(scores(0.877, 0.31), scores(0.974, 0.08)));
    expect(evidenceTable(answer)).toMatchInlineSnapshot(`
      "rule      metric    champion  challenger  result  reason
      --------  --------  --------  ----------  ------  ------------------------------------------------
      accuracy  accuracy     0.877       0.974  passed  gain +0.097, needed > 0; 90% interval +0.0556 to
                                                        +0.137; n = 228 each, confidence > 99.9%; limit
                                                        0.5 met
      log loss  log_loss      0.31        0.08  passed  gain +0.23, needed >= -0.0155
      ranking   roc_auc       0.95        0.95  passed  gain 0, needed >= -0.01"
    `);
  });
});

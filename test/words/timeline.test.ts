import { beforeAll, describe, expect, it } from 'vitest';
import { promotion } from '../support/command.ts';

/** Sentences, tables and mails as `promotion run` prints them. */

const runs = new Map<string, Promise<string>>();

/** Each scenario is run once, for all that is expected of it. */
function printed(scenario: string): Promise<string> {
  const run = runs.get(scenario) ?? promotion(['run', '--scenario', scenario]).then(({ stdout }) => stdout);
  runs.set(scenario, run);
  return run;
}

describe.each([
  'challenger-wins',
  'challenger-loses',
  'in-doubt',
  'contested',
  'rollback-twice',
  'registry-refuses-after-switch',
  'foreign-replacement',
  'two-executions',
])('the timeline of %s', (scenario) => {
  it('fits into 100 columns and ends no line with a blank', async () => {
    const lines = (await printed(scenario)).split('\n');
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter((line) => [...line].length > 100 || line !== line.trimEnd())).toEqual([]);
  });
});

describe('the timeline of a promotion', () => {
  let stdout: string;
  beforeAll(async () => {
    stdout = await printed('challenger-wins');
  });

  it.each([
    /CompareModels .* PROMOTE {2}Promote version 3 over version 2/,
    /\n +profit +profit_total +58\.0496 +86\.9126 +passed +gain \+28\.86, needed > 0; 90% interval\s+\+13\.9 to \+43\.8/,
    /\n +Sharpe ratio +sharpe_ratio /,
    /ReplaceWorkload .* A rolling replacement/,
    /\n {2}│ Subject: \[TradAI\] Model Promoted: PascalStrategy\n/,
    /\n {2}│ New Production Version: 3\n/,
    /\npromoted {2}Promote version 3/,
  ])('has %s', (part) => {
    expect(stdout).toMatch(part);
  });
});

describe('the timeline of a comparison', () => {
  it('says what the confidence means', async () => {
    expect(await printed('challenger-loses')).toMatch(
      /^ {11}confidence: \d.*% = one minus the one-sided p-value .*\(grade A:\s+both evaluated on the same rows\)$/m,
    );
  });

  it.each([
    ['challenger-wins', 'promoted', /90% +interval\s.*?\+[\d.]+ to \+[\d.]+/s],
    ['challenger-loses', 'kept', /90%\s.*?interval -[\d.]+ to -[\d.]+/s],
    ['in-doubt', 'needs_investigation', /90%\s.*?interval -[\d.]+ to \+[\d.]+/s],
  ])('shows in %s on which side of nothing the interval is', async (scenario, status, interval) => {
    const text = await printed(scenario);
    expect(text).toMatch(new RegExp(`\n${status} `));
    expect(text).toMatch(interval);
  });
});

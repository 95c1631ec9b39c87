import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GateFinding, GateReason } from '../../lambdas/domain/gates/finding.ts';
import type { Change } from '../../lambdas/domain/gates/gate-result.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { changeLines } from '../../lambdas/words/changes.ts';
import { gateInWords, gateLine, gateLines, gateReason } from '../../lambdas/words/gates.ts';
import { anyCharacter } from '../support/any-character.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';

const finding = (more: Partial<GateFinding> = {}): GateFinding => ({
  name: 'papers',
  kind: 'tags',
  result: 'failed',
  dry_run: false,
  why: [],
  ...more,
});

/** One reason of every code, all texts of which are the same. */
const reasons = (text: string): GateReason[] => [
  { code: 'tag-missing', tag: text },
  { code: 'tag-differs', tag: text, value: text, pattern: text },
  { code: 'no-run' },
  { code: 'run-not-finished' },
  { code: 'no-commit' },
  { code: 'no-data' },
  { code: 'no-champion' },
  { code: 'model-file', of: 'champion', problem: 'too-large' },
  { code: 'no-signature', of: 'challenger' },
  ...(['input-missing', 'input-type', 'input-required', 'param-missing', 'param-type'] as const).map(
    (code) => ({ code, name: text, champion: text, challenger: text }),
  ),
  ...(['output-missing', 'output-added', 'output-type'] as const).map((code) => ({
    code,
    name: text,
    champion: null,
    challenger: text,
  })),
  { code: 'not-recorded', of: 'data' },
  { code: 'not-found', of: 'model' },
  { code: 'digest-differs', of: 'data', recorded: text, found: text },
  { code: 'too-young', hours: 1.23456, needed: 24 },
  { code: 'not-in-staging', stage: text },
  { code: 'age-unknown' },
  { code: 'frozen', until: 'Mon 08:00', time_zone: text },
  { code: 'on-hold', said: text },
  { code: 'quarantined', said: text },
  { code: 'too-old', days: 31.5, most: 30 },
  { code: 'metric-differs', version: text, metric: text },
  { code: 'no-rows' },
  { code: 'no-ids' },
  { code: 'no-slices' },
  { code: 'no-measure' },
  { code: 'filter', problem: 'too-small' },
  { code: 'overlap', known: 5, rows: 10, share: 0.5 },
  { code: 'slice-worse', slice: text, rows: 100, estimate: -0.1, upper: -0.05, margin: 0.02 },
  { code: 'slice-worst', slice: text, rows: 100, estimate: 0.01, upper: 0.05, margin: 0.02 },
  { code: 'slices-too-small', count: 1 },
  { code: 'slices-left-out', count: 3 },
];

const hostile = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 300 }),
  fc.constantFrom('\nFORGED: yes', '\u202egnp', '\ud83d', '<!channel>'),
);

describe('the reason of a gate', () => {
  it('is there for every code, in one line of a few hundred characters, whatever the texts are', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const reason of reasons(text)) {
          const said = gateReason({ why: [reason] });
          expect(said.length).toBeGreaterThan(5);
          expect(said.length).toBeLessThan(400);
          expect(said).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u);
          // A sentence, not the code.
          expect(said).not.toBe(reason.code);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('names the first three, and counts the others', () => {
    const why = ['a', 'b', 'c', 'd', 'e'].map((tag) => ({ code: 'tag-missing', tag }) as const);
    expect(gateReason({ why })).toBe(
      'there is no tag "a"; there is no tag "b"; there is no tag "c"; and 2 more',
    );
    expect(gateReason({ why: [] })).toBe('');
  });
});

describe('gates in mail and timeline', () => {
  const held = gateInWords(
    finding({ name: 'hold', kind: 'hold', why: [{ code: 'on-hold', said: 'Ada: legal' }] }),
  );
  const passed = gateInWords(finding({ result: 'passed' }));

  it('are counted, and those that are not passed are named', () => {
    expect(
      gateLines({ gates: [passed, held], checks: [{ ...passed, result: 'not-judged', name: 'overlap' }] }),
    ).toEqual([
      '1 of 3 gates and checks passed',
      '- hold not passed: the model is on hold: Ada: legal',
      '- overlap not judged',
    ]);
    expect(gateLine({ ...held, dry_run: true, reason: '' })).toBe(
      'hold not passed (dry run: does not block)',
    );
  });

  it('are nothing where there are none, and few lines where there are many', () => {
    expect(gateLines({})).toEqual([]);
    expect(gateLines({ gates: Array.from({ length: 20 }, () => held) })).toHaveLength(10);
  });
});

describe('the mail', () => {
  const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };
  const text = (more: object) =>
    alertFor({ ...sampleOutcome, comparison: { ...sampleComparison, ...more } }, context).text;

  it('has gates and changes below the evidence, where there are any', () => {
    const listed = [{ what: 'parameter', name: 'depth', before: '3', after: '4' }];
    const gates = [gateInWords(finding({ why: [{ code: 'tag-missing', tag: 'owner' }], dry_run: true }))];
    const mail = text({ gates, changes: { listed, left_out: 0, unknown: [] } });
    expect(mail).toMatch(
      /Gates and checks:\n {2}0 of 1 gates and checks passed\n {2}- papers not passed \(dry run: does not block\): there is no tag "owner"\n/,
    );
    expect(mail).toMatch(/Changed since the champion:\n {2}Parameters: depth 3 → 4\n/);
    expect(text({})).not.toMatch(/Gates:|Changed since/);
  });
});

describe('what changed', () => {
  const change = (
    what: Change['what'],
    name: string | null,
    before: string | null,
    after: string | null,
  ) => ({
    what,
    name,
    before,
    after,
  });

  it('is a line for each kind', () => {
    expect(
      changeLines({
        listed: [
          change('parameter', 'depth', '3', '4'),
          change('parameter', 'seed', null, '7'),
          change('parameter', 'old', '1', null),
          change('code', null, 'a'.repeat(40), 'b'.repeat(40)),
          change('size', null, '1000000', '2500000'),
        ],
        left_out: 2,
        unknown: ['data'],
      }),
    ).toEqual([
      'Code: aaaaaaaaaaaa → bbbbbbbbbbbb',
      'Parameters: depth 3 → 4, seed 7 (new), old 1 (removed)',
      'Size: 1 MB → 2.5 MB',
      'And 2 more changes',
      'Not known: data',
    ]);
  });

  it('is nothing where no change is known', () => {
    expect(changeLines({ listed: [], left_out: 0, unknown: ['code', 'size'] })).toEqual([]);
  });

  it('stays in its lines, whatever the names and values are', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const listed = (['parameter', 'data', 'code', 'input', 'output', 'size'] as const).flatMap((what) =>
          Array.from({ length: 8 }, () => change(what, text, text, text)),
        );
        for (const line of changeLines({ listed, left_out: 0, unknown: [] })) {
          expect(line).not.toMatch(/\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u);
          expect(line.isWellFormed()).toBe(true);
          expect(line.length).toBeLessThan(700);
        }
      }),
      { numRuns: 100 },
    );
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compared, countInLedger, promotedAt } from '../../lambdas/domain/comparison/ledger-count.ts';
import { MAX_COUNTED_RUNS, selectionOf } from '../../lambdas/domain/comparison/selection.ts';
import type { LedgerEntry, LedgerHead } from '../../lambdas/domain/ledger/entry.ts';
import { evidence, run } from '../support/evidence.ts';

const NOON = new Date('2026-11-20T12:00:00.000Z');
const daysBefore = (days: number) => new Date(NOON.getTime() - days * 86_400_000).toISOString();

type Decision = NonNullable<LedgerEntry['decision']>;
type Entry = Partial<Omit<LedgerEntry, 'decision'>> & { days?: number; decision?: Partial<Decision> | null };

/** A comparison of version 7 with version 6 on rows `f0`, some days before; more says what is otherwise. */
function entry(seq: number, { days = 400 - seq, decision = {}, ...more }: Entry = {}): LedgerEntry {
  return {
    model: 'm',
    seq,
    previous: null,
    at: daysBefore(days),
    execution: `e${seq}`,
    operation: 'promote',
    status: 'kept',
    requested_by: null,
    dry_run: false,
    before: { version: '6', artifact_id: null },
    after: { version: '6', artifact_id: null },
    table_behind: false,
    decision:
      decision === null
        ? null
        : {
            decision: 'KEEP',
            champion_version: '6',
            challenger_version: '7',
            policy: 'default',
            evidence_digest: `d${seq}`,
            evidence_grade: 'A',
            confidence: 0.5,
            fingerprint: 'f0',
            alpha_spent: 0.04,
            ...decision,
          },
    ...more,
  };
}

const own: Compared = { champion: '8', challenger: '9', data: 'f9', execution: 'own', startedAt: NOON };
const head = (seq: number): LedgerHead => ({ seq, hash: 'h' });
const challenger = (version: number, fingerprint = 'f0'): Partial<Decision> => ({
  challenger_version: String(version),
  fingerprint,
});
const count = (entries: readonly LedgerEntry[], of: Partial<Compared> = {}) =>
  countInLedger(entries, head(entries.length), { ...own, ...of });

describe('comparisons of a year', () => {
  const old = entry(1, { days: 500 });
  it.each<[string, LedgerEntry[], number]>([
    ['none in an empty ledger', [], 0],
    ['one entry', [old, entry(2, { days: 10, decision: challenger(5) })], 1],
    ['one that is 365 days old', [old, entry(2, { days: 365, decision: challenger(5) })], 1],
    ['not one that is older', [old, entry(2, { days: 365.1, decision: challenger(5) })], 0],
    ['a pair on the same data once', [old, entry(2, { days: 20 }), entry(3, { days: 10 })], 1],
    [
      'a pair again on other data',
      [old, entry(2, { days: 20 }), entry(3, { days: 10, decision: { fingerprint: 'f1' } })],
      2,
    ],
    [
      'the other way round as another pair',
      [
        old,
        entry(2, { days: 20 }),
        entry(3, { days: 10, decision: { champion_version: '7', challenger_version: '6' } }),
      ],
      2,
    ],
    ['no rollback and no adoption', [old, entry(2, { days: 10, decision: null })], 0],
    ['no dry run', [old, entry(2, { days: 10, dry_run: true })], 0],
    [
      'nothing where nothing was compared',
      [old, entry(2, { days: 10, decision: { evidence_grade: null } })],
      0,
    ],
    ['no first model', [old, entry(2, { days: 10, decision: { champion_version: null } })], 0],
    ['not the own execution', [old, entry(2, { days: 10, execution: 'own' })], 0],
    [
      'not the own pair on the own data',
      [old, entry(2, { days: 1, decision: { champion_version: '8', ...challenger(9, 'f9') } })],
      0,
    ],
    [
      'the own pair on other data',
      [old, entry(2, { days: 1, decision: { champion_version: '8', ...challenger(9, 'f8') } })],
      1,
    ],
    [
      'by the digest of the inputs where there are no rows',
      [
        old,
        entry(2, { days: 9, decision: { fingerprint: null, inputs_digest: 'i' } }),
        entry(3, { days: 8, decision: { fingerprint: null, inputs_digest: 'i' } }),
        entry(4, { days: 7, decision: { fingerprint: null } }),
      ],
      2,
    ],
  ])('are %s', (_, entries, comparisons) => {
    expect(count(entries)).toMatchObject({ comparisons });
  });

  it.each([
    [1, 14, 13],
    [2, 28, 26],
    [10, 1, 130],
    [13, 182, 26],
    [26, 364, 26],
  ])('are those of the rate so far in the first year: %i in %i days are %i', (made, days, comparisons) => {
    const entries = Array.from({ length: made }, (_, index) =>
      entry(index + 1, { days: days - (index * days) / made, decision: challenger(100 + index) }),
    );
    expect(count(entries).comparisons).toBe(comparisons);
  });
});

describe('uses of the same rows', () => {
  it.each<[string, LedgerEntry[], number]>([
    ['one: this one', [], 1],
    [
      'one more for each other challenger',
      [3, 4, 5].map((v, i) => entry(i + 1, { decision: challenger(v, 'f9') })),
      4,
    ],
    ['not the same challenger again', [entry(1, { decision: challenger(9, 'f9') })], 1],
    ['not challengers on other rows', [entry(1, { decision: challenger(3, 'f8') })], 1],
    [
      'those of dry runs, which have seen the rows',
      [entry(1, { dry_run: true, decision: challenger(3, 'f9') })],
      2,
    ],
    ['those of years ago', [entry(1, { days: 900, decision: challenger(3, 'f9') })], 2],
  ])('are %s', (_, entries, uses) => {
    expect(count(entries).uses).toBe(uses);
  });
});

describe('what is counted', () => {
  const anyEntry = fc
    .record({
      days: fc.double({ min: -1, max: 800, noNaN: true }),
      dry_run: fc.boolean(),
      execution: fc.constantFrom('own', 'e1', 'e2'),
      decision: fc.option(
        fc.record({
          champion_version: fc.constantFrom('8', '7', null),
          challenger_version: fc.constantFrom('9', '8', '5', '4'),
          fingerprint: fc.constantFrom('f9', 'f8', null),
          evidence_grade: fc.constantFrom('A', 'E', null),
          inputs_digest: fc.constantFrom('f9', 'i'),
        }),
      ),
    })
    .map((more): Entry => more);
  const anyLedger = fc
    .array(anyEntry, { maxLength: 20 })
    .map((all) => all.map((more, index) => entry(index + 1, more)));

  it('is the same whatever is appended after the head', () => {
    fc.assert(
      fc.property(anyLedger, fc.nat({ max: 20 }), (entries, seq) => {
        const upTo = entries.filter((each) => each.seq <= seq);
        expect(countInLedger(entries, head(seq), own)).toEqual(countInLedger(upTo, head(seq), own));
        expect(promotedAt(entries, head(seq), '6')).toEqual(promotedAt(upTo, head(seq), '6'));
        expect(countInLedger(entries, null, own)).toEqual({ comparisons: 0, uses: 1 });
      }),
    );
  });

  it('depends neither on order nor on repetition', () => {
    const shuffled = anyLedger.chain((entries) =>
      fc.tuple(
        fc.constant(entries),
        fc.shuffledSubarray([...entries, ...entries], { minLength: 2 * entries.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([entries, again]) => {
        const last = head(entries.length);
        expect(countInLedger(again, last, own)).toEqual(countInLedger(entries, last, own));
        expect(promotedAt(again, last, '6')).toEqual(promotedAt(entries, last, '6'));
      }),
    );
  });

  it('never falls when more is in the ledger, once a year is full', () => {
    fc.assert(
      fc.property(anyLedger, anyEntry, (entries, more) => {
        const known = [entry(1, { days: 800 }), ...entries.map((each) => ({ ...each, seq: each.seq + 1 }))];
        const [before, after] = [count(known), count([...known, entry(known.length + 1, more)])];
        expect(after.comparisons).toBeGreaterThanOrEqual(before.comparisons);
        expect(after.uses).toBeGreaterThanOrEqual(before.uses);
      }),
    );
  });
});

describe('the promotion of the champion', () => {
  const to = (version: string) => ({ version, artifact_id: null });
  it('is its last in the ledger', () => {
    const entries = [
      entry(1, { days: 30, after: to('8') }),
      entry(2, { days: 20, before: to('8'), after: to('7') }),
      entry(3, { days: 10, before: to('7'), after: to('8') }),
      entry(4, { days: 5, before: to('8'), after: to('8') }),
    ];
    expect(promotedAt(entries, head(4), '8')).toEqual(new Date(daysBefore(10)));
    expect(promotedAt(entries, head(2), '8')).toEqual(new Date(daysBefore(30)));
    expect(promotedAt(entries, head(4), '3')).toBeNull();
  });
});

describe('the candidates', () => {
  it.each<[string | null, string | null, number | null, number, string]>([
    [null, null, null, 1, 'not-declared'],
    [null, null, 0, 1, 'counted'],
    [null, null, 8, 8, 'counted'],
    [null, null, MAX_COUNTED_RUNS, MAX_COUNTED_RUNS, 'at-least'],
    ['20', null, null, 20, 'declared'],
    ['20', null, 8, 20, 'declared'],
    [null, '20', 8, 20, 'declared'],
    ['4', '20', 8, 20, 'declared'],
    ['4', null, 8, 8, 'counted'],
    ['500', null, MAX_COUNTED_RUNS, 500, 'declared'],
    ['0', null, null, 1, 'not-declared'],
    ['-3', null, null, 1, 'not-declared'],
    ['1e9', null, null, 1, 'not-declared'],
    ['many', null, 3, 3, 'counted'],
    ['9'.repeat(90), null, null, 1_000_000, 'declared'],
    ['9'.repeat(101), null, 3, 3, 'counted'],
    [' 7 ', null, null, 7, 'declared'],
    ['1', null, 0, 1, 'declared'],
  ])('of tag %j, run tag %j and %j runs are %i, %s', (tag, runTag, counted, candidates, candidatesFrom) => {
    const tags = (value: string | null): Record<string, string> =>
      value === null ? {} : { 'promotion.candidates': value };
    const { challenger: one } = evidence(null, run({}, { tags: tags(runTag) }), {
      challenger: { tags: tags(tag) },
    });
    expect(selectionOf(one, counted === null ? null : { count: counted, runIds: [] })).toEqual({
      candidates,
      candidatesFrom,
    });
  });
});

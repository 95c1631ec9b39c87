import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import {
  belongsInLedger,
  entryText,
  hashOf,
  headText,
  type LedgerHead,
  parseEntry,
  parseHead,
} from '../../lambdas/domain/ledger/entry.ts';
import { exportLine, type KeptEntry, parseExport, verifyLedger } from '../../lambdas/domain/ledger/verify.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';

const kept = (text: string): KeptEntry => ({ text, hash: hashOf(text) });

function ledgerOf(entries: number, model = 'm'): KeptEntry[] {
  const found: KeptEntry[] = [];
  let head: LedgerHead | null = null;
  for (let seq = 1; seq <= entries; seq += 1) {
    const outcome: Outcome = { ...sampleOutcome, model_name: model, execution: `e${seq}` };
    const entry = kept(entryText(outcome, head, false));
    found.push(entry);
    head = { seq, hash: entry.hash };
  }
  return found;
}

const headOf = (entries: readonly KeptEntry[]): LedgerHead => ({
  seq: entries.length,
  hash: entries.at(-1)?.hash ?? '',
});

describe('an entry of the ledger', () => {
  it('names who, on what and with what result, and the entry before it', () => {
    const [first, second] = ledgerOf(2);
    expect(parseEntry(second?.text ?? '')).toMatchObject({
      model: 'm',
      seq: 2,
      previous: first?.hash,
      execution: 'e2',
      status: sampleOutcome.status,
      requested_by: sampleOutcome.requested_by,
      decision: { evidence_digest: sampleOutcome.comparison?.evidence_digest },
      table_behind: false,
    });
  });

  it.each([
    [{}, true],
    [{ status: 'kept' }, true],
    [{ status: 'failed' }, true],
    [{ model_name: null, status: 'invalid_input' }, false],
    [{ status: 'busy' }, false],
    [{ status: 'in_step' }, false],
    [{ status: 'confirmed' }, true],
    [{ status: 'unproven' }, true],
    [{ status: 'unverified' }, true],
    // A finding that changes nothing and decides nothing.
    [{ status: 'degraded' }, false],
    [{ status: 'contested', cause: { code: 'out-of-step', change_open: false } }, false],
  ] as [Partial<Outcome>, boolean][])('is made of a decision or a change: %j', (more, belongs) => {
    expect(belongsInLedger({ ...sampleOutcome, ...more })).toBe(belongs);
  });

  it('has what a watch has seen of the series that could be compared', () => {
    const standing = {
      ...{ series: 'rows', decides: true, blocks: 3, before: 168, phi: 1.2, level: 0.9 },
      ...{ worse: null, not_worse: null, guard: null, estimate: 0.01, interval: [-0.02, 0.04] },
    } as const;
    const watch = {
      ...{ new: '3', old: '2', switched_at: '2026-11-21T10:00:00.000Z' },
      series: [standing, { ...standing, series: 'slow', estimate: null, interval: null }],
    } as Outcome['watch'];
    const text = entryText({ ...sampleOutcome, status: 'confirmed', watch }, null, false);
    expect(parseEntry(text)?.watch).toEqual([
      { series: 'rows', blocks: 3, estimate: 0.01, interval: [-0.02, 0.04] },
    ]);
    expect(parseEntry(entryText(sampleOutcome, null, false))?.watch).toBeUndefined();
  });

  it.each(['7', '0:aa', '7:xyz', `07:${'a'.repeat(64)}`, ''])('has no head %j', (text) => {
    expect(parseHead(text)).toBeNull();
  });

  it('has a head that is read as it is written', () => {
    const head = headOf(ledgerOf(3));
    expect(parseHead(headText(head))).toEqual(head);
  });
});

describe('a ledger that nobody touched', () => {
  it.each([0, 1, 2, 40])('of %i entries is whole, from the table and from an export', (entries) => {
    const ledger = ledgerOf(entries);
    const exported = ledger.map((entry) => `${exportLine(entry)}\n`).join('');
    for (const read of [ledger, parseExport(exported)])
      expect(verifyLedger(read, { model: 'm', witness: entries === 0 ? null : headOf(ledger) })).toEqual({
        entries,
        head: entries === 0 ? null : headOf(ledger),
        problems: [],
      });
  });

  it('grows beyond a head that somebody was told', () => {
    const ledger = ledgerOf(5);
    expect(verifyLedger(ledger, { witness: headOf(ledger.slice(0, 3)) }).problems).toEqual([]);
  });
});

describe('a ledger that somebody touched', () => {
  const ENTRIES = 6;
  const ledger = ledgerOf(ENTRIES);
  const index = fc.nat(ENTRIES - 1);
  /** The text anew, as somebody would write it who also computes its hash. */
  const rewritten = (entry: KeptEntry, change: object) =>
    kept(JSON.stringify({ ...JSON.parse(entry.text), ...change }));
  const mutations: Record<string, fc.Arbitrary<KeptEntry[]>> = {
    changed: fc.tuple(index, fc.nat(), fc.integer({ min: 1, max: 94 })).map(([at, where, by]) =>
      ledger.map((entry, each) => {
        if (each !== at) return entry;
        const place = where % entry.text.length;
        const code = 32 + ((entry.text.charCodeAt(place) - 32 + by) % 95);
        const text = `${entry.text.slice(0, place)}${String.fromCharCode(code)}${entry.text.slice(place + 1)}`;
        return { ...entry, text };
      }),
    ),
    'changed with its hash': fc
      .tuple(
        index,
        fc.constantFrom({ status: 'kept' }, { requested_by: 'somebody else' }, { at: '2020-01-01' }),
      )
      .map(([at, change]) => ledger.map((entry, each) => (each === at ? rewritten(entry, change) : entry))),
    swapped: fc
      .tuple(index, index)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => ledger.map((entry, at) => ledger[at === a ? b : at === b ? a : at] ?? entry)),
    dropped: index.map((at) => ledger.filter((_, each) => each !== at)),
    'cut off': fc.nat(ENTRIES - 1).map((left) => ledger.slice(0, left)),
    appended: fc
      .oneof(
        index.map((at) => ledger[at]),
        fc.string().map(kept),
        index.map((at) => rewritten(ledger[at] ?? kept(''), { seq: ENTRIES + 1 })),
      )
      .map((more) => (more === undefined ? [] : [...ledger, more])),
    'of another model': fc.constant(ledgerOf(ENTRIES, 'other')),
  };

  it.each(Object.entries(mutations))('is found: %s', (_, mutated) => {
    const witness = headOf(ledger);
    fc.assert(
      fc.property(mutated, (entries) => {
        const exported = entries.map((entry) => `${exportLine(entry)}\n`).join('');
        expect(verifyLedger(parseExport(exported), { model: 'm', witness }).problems).not.toEqual([]);
      }),
      { numRuns: 1_500 },
    );
  });

  it('is not found without a witness where its end was cut off: alerts have one', () => {
    expect(verifyLedger(ledger.slice(0, 5)).problems).toEqual([]);
    expect(verifyLedger(ledger.slice(0, 5), { witness: headOf(ledger) }).problems).toEqual([
      { code: 'cut', at: ENTRIES },
    ]);
  });
});

describe('a ledger in a table that answers every read with an item', () => {
  it.each([1, 0.5, -7, 2 ** 58 + 64, 1e300])(
    'is read to an end, whatever end it remembers: %d',
    async (seq) => {
      let reads = 0;
      const send = async ({ input }: { input: { Key: object } }) => {
        reads += 1;
        return { Item: { ...input.Key, seq, hash: 'h', entry: '{}' } };
      };
      const store = documentStore({ send } as never, 'promotion');
      const { head } = await store.ledgerEnd('m');
      await store.entries('m', head?.seq ?? 1, 50);
      expect(reads).toBeLessThan(200);
    },
  );
});

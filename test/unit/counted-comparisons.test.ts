import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { changedParts } from '../../lambdas/domain/comparison/digests.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { entryText, headText, type LedgerHead } from '../../lambdas/domain/ledger/entry.ts';
import { MAX_COUNTED_ENTRIES } from '../../lambdas/domain/limits.ts';
import { CompareInput, Comparison } from '../../lambdas/domain/payloads.ts';
import type { Run } from '../../lambdas/domain/registry.ts';
import type { RowsTable } from '../../lambdas/domain/rows/table.ts';
import { type CompareServices, compare } from '../../lambdas/use-cases/compare-models.ts';
import { run } from '../support/evidence.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { memoryStore } from '../support/memory-store.ts';
import { version, view } from '../support/registry.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';

/** A claim divides its risk by what the ledger and the registry count, and the second comparison counts no more. */

const MODEL = 'PascalStrategy';
const NOON = new Date('2026-11-20T12:00:00.000Z');
const N = 400;
const daysAgo = (days: number) => new Date(NOON.getTime() - days * 86_400_000).toISOString();

const superiority = parsePolicy('superiority', {
  accepted_grades: ['A'],
  claim: { kind: 'superiority', primary: 'accuracy' },
  rules: [{ name: 'accuracy', metric: 'accuracy', direction: 'higher' }],
});

/** Predictions that are right on the first rows. */
const rowsOf = (right: number): RowsTable => ({
  n: N,
  names: {},
  columns: {
    id: { kind: 'text', values: Array.from({ length: N }, (_, row) => `r${row}`) },
    label: { kind: 'number', values: new Float64Array(N).fill(1) },
    prediction: {
      kind: 'number',
      values: Float64Array.from({ length: N }, (_, row) => (row < right ? 1 : 0)),
    },
  },
});

/** Version 2 is right on 300 rows and version 3 on 370, as files of their runs say. */
function world() {
  const right: Record<string, number> = { 'run-2': 300, 'run-3': 370 };
  const file = (id: string) => createHash('sha256').update(`${id} ${right[id]}`).digest('hex');
  const registry = new FakeRegistry(
    view([
      version(2, 'Production', { createdAt: NOON.getTime() - 50_000 }),
      version(3, 'Staging', { createdAt: NOON.getTime() - 10 }),
    ]),
  );
  const asked: object[] = [];
  const state = { runs: 8 as number | null, runIds: [] as string[], read: 0, hashed: 0 };
  registry.findRuns = (async (search: object) => {
    asked.push(search);
    return state.runs === null ? null : { count: state.runs, runIds: state.runIds };
  }) as typeof registry.findRuns;
  for (const [id, rows] of Object.entries(right))
    registry.runs[id] = run({ accuracy: rows / N }, { runId: id, experimentId: '7' });
  const store = memoryStore([]);
  const services: CompareServices = {
    registry,
    mode: 'stages',
    minConfidence: 0.7,
    policies: { load: async () => superiority } as unknown as CompareServices['policies'],
    store,
    clock: { now: () => NOON },
    rows: async ({ runId }: Run) => {
      state.read += 1;
      return {
        table: rowsOf(right[runId] ?? 0),
        file: { path: 'rows.csv', bytes: 1, sha256: file(runId) },
      };
    },
    rowsHash: async ({ runId }: Run) => {
      state.hashed += 1;
      return file(runId);
    },
  };
  /** Appends what another execution has decided. */
  let head: LedgerHead | null = null;
  const append = async (name: string, days: number, more: Partial<Comparison> = {}) => {
    const comparison = { ...sampleComparison, champion_version: '1', challenger_version: name, ...more };
    const outcome = {
      ...sampleOutcome,
      model_name: MODEL,
      execution: name,
      recorded_at: daysAgo(days),
      comparison,
    };
    const text = entryText(outcome, head, false);
    const seq: number = (head?.seq ?? 0) + 1;
    await store.putEntry(MODEL, seq, text);
    head = { seq, hash: createHash('sha256').update(text).digest('hex') };
    return head;
  };
  return { registry, services, store, append, asked, state, right };
}

const input = (more: object = {}) =>
  CompareInput.parse({ model_name: MODEL, execution: 'own', started_at: NOON.toISOString(), ...more });
const used = (fingerprint: string) =>
  ({ paired: { fingerprint, rows: N, alpha: 0.05, spent: 0.05, rows_needed: null } }) as const;

describe('a claim of superiority', () => {
  it('is tested at what the budget leaves, and says of what', async () => {
    const { services, append, asked } = world();
    const first = await compare(input(), services);
    expect(Comparison.parse(first)).toEqual(first);
    const fingerprint = first.paired?.fingerprint ?? '';
    expect(first).toMatchObject({
      decision: 'PROMOTE',
      ledger_head: null,
      paired: {
        alpha: 0.5 / 12 / 8,
        spent: 0.5 / 12 / 8,
        allocation: {
          ...{ policy_alpha: 0.05, budget: 0.5, comparisons: 12, uses: 1, warning: false },
          ...{ at_least: false, candidates: 8, candidates_from: 'counted' },
        },
      },
    });
    for (let index = 0; index < 30; index += 1) await append(`c${index}`, 400 - 13 * index);
    for (const other of ['5', '6', '7']) await append(other, 5, used(fingerprint));
    const head = await append('8', 4, used(fingerprint));
    const later = await compare(input(), services);
    // 27 of the thirty lie within the year, and the four are on the same rows.
    expect(later).toMatchObject({
      ledger_head: headText(head),
      inputs_digest: first.inputs_digest,
      paired: { allocation: { comparisons: 31, uses: 5, warning: true, candidates: 8 } },
    });
    expect(later.paired?.alpha).toBeCloseTo(0.5 / 31 / 5 / 8, 12);
    expect(later.evidence_digest).not.toBe(first.evidence_digest);
    expect(asked[0]).toEqual({
      experimentId: '7',
      digests: ['d1'],
      metric: 'accuracy',
      from: NOON.getTime() - 50_000,
      to: NOON.getTime() - 10,
    });
  });

  it('counts candidates since the ledger has the champion promoted', async () => {
    const { services, store, asked } = world();
    const promoted = { model_name: MODEL, champion_before: '1', champion_after: '2', ending: null };
    await store.putEntry(
      MODEL,
      1,
      entryText({ ...sampleOutcome, ...promoted, recorded_at: daysAgo(3) }, null, false),
    );
    await compare(input(), services);
    expect(asked).toMatchObject([{ from: Date.parse(daysAgo(3)) }]);
  });

  it('is tested as if twelve were compared where nothing is known', async () => {
    const { services, state } = world();
    state.runs = null;
    const { store: _, ...without } = services;
    expect(await compare(input(), without)).toMatchObject({
      ledger_head: null,
      paired: { allocation: { comparisons: 12, uses: 1, candidates: 1, candidates_from: 'not-declared' } },
    });
  });

  it('reads a bounded part of a long ledger, and says so', async () => {
    const { services, append } = world();
    for (let index = 0; index <= MAX_COUNTED_ENTRIES; index += 1) await append(`c${index}`, 1);
    expect(await compare(input(), services)).toMatchObject({ paired: { allocation: { at_least: true } } });
  });
});

describe('the best of several candidates', () => {
  /** Beside the challenger so many others, each right on a row less than the one before. */
  function several(others: number) {
    const made = world();
    const ids = Array.from({ length: others }, (_, index) => `run-other-${index}`);
    for (const [index, id] of ids.entries()) {
      made.right[id] = 360 - index;
      made.registry.runs[id] = run({ accuracy: 0.9 }, { runId: id, experimentId: '7' });
    }
    made.state.runs = others + 1;
    made.state.runIds = ['run-3', ...ids];
    return { ...made, ids };
  }
  const tested = (answer: Comparison) => ({
    alpha: answer.paired?.alpha,
    together: answer.paired?.allocation?.max_t,
    method: answer.rules[0]?.test?.method,
  });

  it('is tested on the rows of all of them, and the risk is not divided by their number', async () => {
    const { services, state } = several(3);
    const answer = await compare(input(), services);
    expect(Comparison.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({ paired: { allocation: { candidates: 4, candidates_from: 'counted' } } });
    expect(tested(answer)).toEqual({ alpha: 0.5 / 12, together: true, method: 'max-t' });
    expect(state).toMatchObject({ read: 5, hashed: 0 });
  });

  it('has a larger p than alone', async () => {
    const pOf = async ({ registry, right, ids, services }: ReturnType<typeof several>) => {
      Object.assign(right, { 'run-3': 308 }, Object.fromEntries(ids.map((id, index) => [id, 290 + index])));
      Object.assign(registry.runs, {
        'run-3': run({ accuracy: 308 / N }, { runId: 'run-3', experimentId: '7' }),
      });
      return (await compare(input(), services)).rules[0]?.test?.p ?? Number.NaN;
    };
    expect(await pOf(several(9))).toBeGreaterThan(await pOf(several(0)));
  });

  it.each<[string, number, (of: ReturnType<typeof several>) => unknown, number]>([
    [
      'one of them has not finished',
      3,
      ({ registry, ids }) => Object.assign(registry.runs, { [ids[0] ?? '']: run({}, { status: 'FAILED' }) }),
      4,
    ],
    ['one of them is gone', 3, ({ registry, ids }) => delete registry.runs[ids[1] ?? ''], 4],
    [
      'the pipeline declares more',
      3,
      ({ registry }) =>
        Object.assign(registry.runs['run-3'] ?? {}, { tags: { 'promotion.candidates': '7' } }),
      7,
    ],
    ['they are too many to be read', 10, () => {}, 11],
  ])('divides the risk where %s', async (_, others, change, candidates) => {
    const made = several(others);
    change(made);
    const answer = await compare(input(), made.services);
    expect(tested(answer)).toEqual({
      alpha: 0.5 / 12 / candidates,
      together: undefined,
      method: 'mid-p-mcnemar',
    });
  });

  it('is hashed again by the second comparison, and contests it where one of them changed', async () => {
    const { services, state, right, ids } = several(3);
    const first = await compare(input(), services);
    const again = await compare(input(), services, first);
    expect(again).toEqual(first);
    expect(state).toMatchObject({ read: 5, hashed: 5 });
    right[ids[2] ?? ''] = 1;
    expect(changedParts(first, await compare(input(), services, first))).toEqual(['budget']);
  });
});

describe('the second comparison', () => {
  it('of the same files reads and tests none of them, and counts up to the same head', async () => {
    const { services, append, state } = world();
    await append('c1', 9);
    const first = await compare(input(), services);
    await append('3', 0, used(first.paired?.fingerprint ?? ''));
    for (const name of ['5', '6']) await append(name, 0, used(first.paired?.fingerprint ?? ''));
    expect(state).toMatchObject({ read: 2, hashed: 0 });
    expect(await compare(input(), services, first)).toEqual(first);
    expect(state).toMatchObject({ read: 2, hashed: 2 });
    // An execution that waited for the lease compares anew, with a new head.
    expect((await compare(input(), services)).ledger_head).toMatch(/^4:/);
  });

  it.each<[string, (of: ReturnType<typeof world>) => unknown, string[]]>([
    ['nothing', () => {}, []],
    ['what others have appended since', ({ append }) => append('5', 0), []],
    ['a file', ({ right }) => Object.assign(right, { 'run-2': 299 }), ['rows']],
    [
      'a metric',
      ({ registry }) => Object.assign(registry.runs, { 'run-3': run({ accuracy: 0.9 }, { runId: 'run-3' }) }),
      ['metrics'],
    ],
    [
      'the policy',
      ({ services }) => {
        services.policies = { load: async () => ({ ...superiority, budget: 0.4 }) } as never;
      },
      ['policy'],
    ],
    ['the number of candidates', ({ state }) => Object.assign(state, { runs: 9 }), ['budget']],
  ])('finds %s changed', async (_, change, parts) => {
    const of = world();
    const first = await compare(input(), of.services);
    await change(of);
    expect(changedParts(first, await compare(input(), of.services, first))).toEqual(parts);
  });

  it('goes on with a first comparison of the version before, whose digest is that of the inputs', async () => {
    const { services, right } = world();
    const first = await compare(input(), services);
    const { inputs_digest = '', input_digests: _, ledger_head: __, ...earlier } = first;
    const before = { ...earlier, evidence_digest: inputs_digest };
    expect(changedParts(before, await compare(input(), services, before))).toEqual([]);
    right['run-3'] = 371;
    expect(changedParts(before, await compare(input(), services, before))).not.toEqual([]);
  });
});

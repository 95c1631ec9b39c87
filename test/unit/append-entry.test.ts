import { describe, expect, it } from 'vitest';
import { LeaseStoreUnavailable } from '../../lambdas/domain/errors.ts';
import { entryText, hashOf, type LedgerHead, parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { verifyLedger } from '../../lambdas/domain/ledger/verify.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import { finish, recordOutcomeAndNotify } from '../../lambdas/use-cases/parts/record-and-notify.ts';
import type { Alert } from '../../lambdas/words/alert/alert.ts';
import { memoryStore } from '../support/memory-store.ts';
import { version } from '../support/registry.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';

const MODEL = sampleOutcome.model_name ?? '';
const alertContext = { prefix: 'T', environment: 'test', registryName: 'r' };
const outcome = (execution: string, more: Partial<Outcome> = {}): Outcome => ({
  ...sampleOutcome,
  ...more,
  execution,
});

/** The challenger's run, and the pages that were attached to it: path and SHA-256. */
function attaching() {
  const attached: [path: string, sha256: string][] = [];
  const run = { runId: 'r1', experimentId: '1', artifactUri: 'mlflow-artifacts:/1/r1/artifacts' };
  const reports = () => ({
    server: 'http://mlflow',
    getVersion: async () => ({ ...version(3, 'Staging'), runId: run.runId }),
    getRun: async () => ({ ...run, status: 'FINISHED', metrics: [], datasets: [], params: {}, tags: {} }),
    putFile: async (path: string, { content }: { content: string }) =>
      void attached.push([path, hashOf(content)]),
  });
  return { attached, reports };
}

function world(store: PromotionStore = memoryStore([]), reporting = attaching()) {
  const heads: (string | null)[] = [];
  const alerts = { publish: async ({ ledger }: Pick<Alert, 'ledger'>) => void heads.push(ledger) };
  const services = { store, alerts, alertContext, reports: reporting.reports };
  return {
    store,
    heads,
    end: (execution: string, more: Partial<Outcome> = {}) =>
      recordOutcomeAndNotify(outcome(execution, more), true, services),
    sweep: async () => {
      for (const recorded of await store.pendingOutcomes(100)) await finish(recorded, services);
    },
    entries: () => store.entries(MODEL, 1, 1_000),
    whole: async () => verifyLedger(await store.entries(MODEL, 1, 1_000), { model: MODEL }),
  };
}

describe('the ledger of a model', () => {
  it('gets an entry for each decision, and the alert has the head', async () => {
    const { end, whole, heads, entries } = world();
    await end('e1');
    await end('e2', { status: 'kept' });
    expect(await whole()).toMatchObject({ entries: 2, problems: [] });
    const [, second] = await entries();
    expect(heads[1]).toBe(`2:${second?.hash}`);
  });

  it('gets one entry for an outcome that is recorded twice', async () => {
    const { end, whole } = world();
    await end('e1');
    await end('e1');
    expect(await whole()).toMatchObject({ entries: 1, problems: [] });
  });

  it('gets none of what is neither a decision nor a change', async () => {
    const { end, entries } = world();
    await end('e1', { status: 'busy' });
    expect(await entries()).toEqual([]);
  });

  it('stays whole with forty writers at once', async () => {
    const { end, whole, entries } = world();
    const executions = Array.from({ length: 40 }, (_, at) => `e${at}`);
    await Promise.all(executions.map((execution) => end(execution)));
    expect(await whole()).toMatchObject({ entries: 40, problems: [] });
    const found = (await entries()).map(({ text }) => parseEntry(text)?.execution);
    expect(found.sort()).toEqual(executions.sort());
  });

  it('is not continued after an entry that could not be read', async () => {
    const store = memoryStore([]);
    await world(store).end('e1');
    const { table } = store;
    const execute = table.execute.bind(table);
    // A server that answers as if the item were not there, although the condition of the put has failed.
    table.execute = (command, input) =>
      command === 'GetCommand' && String(input.Key?.['pk']).startsWith('ledger#')
        ? {}
        : execute(command, input);
    await expect(store.putEntry(MODEL, 1, 'another')).rejects.toThrow(LeaseStoreUnavailable);
  });

  it('gets no second entry of an outcome whose first one lies behind what cannot be read', async () => {
    const store = memoryStore([]);
    const { end, sweep, whole, entries } = world(store);
    await end('e1');
    // The entry of e2 is put, and the process dies; then others append.
    await world({ ...store, rememberEnd: async () => Promise.reject(new Error('killed')) }).end('e2');
    await end('e3');
    const execute = store.table.execute.bind(store.table);
    store.table.execute = (command, input) =>
      command === 'GetCommand' && String(input.Key?.['pk']).endsWith('#000000000001')
        ? {}
        : execute(command, input);
    await sweep();
    store.table.execute = execute;
    await sweep();
    expect(await whole()).toMatchObject({ entries: 3, problems: [] });
    expect((await entries()).map(({ text }) => parseEntry(text)?.execution)).toEqual(['e1', 'e2', 'e3']);
  });

  it('says so, once, where the table was older than the registry', async () => {
    const { store, end, entries } = world();
    await store.markTableBehind(MODEL);
    await end('e1');
    await end('e2');
    expect((await entries()).map(({ text }) => parseEntry(text)?.table_behind)).toEqual([true, false]);
  });
});

/** Each write of a recorded outcome: the process dies before it, or after it. */
const WRITES = ['recordOutcome', 'putEntry', 'rememberEnd', 'markInLedger', 'markAlertSent'] as const;

describe.each(WRITES)('a process that dies at %s', (write) => {
  it.each(['before', 'after'] as const)(
    '%s it leaves one entry once the sweep has been there',
    async (when) => {
      const store = memoryStore([]);
      const reporting = attaching();
      const dying = (die: () => never): PromotionStore => ({
        ...store,
        [write]: async (...given: never[]) => {
          if (when === 'before') die();
          await (store[write] as (...all: never[]) => Promise<unknown>)(...given);
          die();
        },
      });
      let dead = false;
      const silenced = dying(() => {
        dead = true;
        throw new Error('killed');
      });
      // After its death the process writes nothing more.
      const stopped = Object.fromEntries(
        Object.entries(silenced).map(([name, value]) => [
          name,
          typeof value !== 'function'
            ? value
            : (...given: unknown[]) =>
                dead
                  ? Promise.reject(new Error('dead'))
                  : (value as (...all: unknown[]) => unknown)(...given),
        ]),
      ) as unknown as PromotionStore;
      await world(stopped, reporting)
        .end('e1')
        .catch(() => {});
      expect(dead).toBe(true);
      const again = world(store, reporting);
      await again.sweep();
      // The step is repeated, as Step Functions and EventBridge do it.
      await again.end('e1');
      await again.end('e2');
      expect(await again.whole()).toMatchObject({ entries: 2, problems: [] });
      expect(await store.pendingOutcomes(10)).toEqual([]);
      const entries = (await again.entries()).map(({ text }) => parseEntry(text));
      expect(entries.map((entry) => entry?.execution)).toEqual(['e1', 'e2']);
      // However often a report was attached, it was the one that the ledger names.
      const pages = ['e1', 'e2'].map((execution) =>
        reporting.attached.filter(([path]) => path === `1/r1/artifacts/promotion/${execution}.html`),
      );
      for (const [at, page] of pages.entries()) {
        expect(page.length).toBeGreaterThan(0);
        expect([...new Set(page.map(([, sha256]) => sha256))]).toEqual([entries[at]?.report]);
      }
    },
  );
});

describe('a ledger whose end is not remembered, as after a restore', () => {
  const LENGTH = 10_000;

  it.each([
    ['nothing', null],
    ['an end of long ago', 17],
    ['the end', LENGTH],
  ])(
    'goes on at its end when %s is remembered, after few reads',
    async (_, remembered) => {
      const store = memoryStore([]);
      let previous: LedgerHead = { seq: 0, hash: '' };
      for (let seq = 1; seq <= LENGTH; seq += 1) {
        const outcome = { ...sampleOutcome, model_name: MODEL, execution: `old ${seq}` };
        const text = entryText(outcome, seq === 1 ? null : previous, false);
        await store.putEntry(MODEL, seq, text);
        previous = { seq, hash: hashOf(text) };
        if (seq === remembered) await store.rememberEnd(MODEL, previous);
      }
      expect((await store.ledgerEnd(MODEL)).head).toEqual(previous);
      const before = store.reads();
      await store.ledgerEnd(MODEL);
      // The memory, and then at most a read for each doubling and each halving.
      expect(store.reads() - before).toBeLessThanOrEqual(remembered === LENGTH ? 2 : 30);
      await world(store).end('next');
      const [last] = await store.entries(MODEL, LENGTH + 1, 5);
      expect(parseEntry(last?.text ?? '')).toMatchObject({
        execution: 'next',
        seq: LENGTH + 1,
        previous: previous.hash,
      });
    },
    60_000,
  );
});

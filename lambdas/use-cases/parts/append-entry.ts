import {
  belongsInLedger,
  entryText,
  hashOf,
  type LedgerHead,
  parseEntry,
} from '../../domain/ledger/entry.ts';
import { LEDGER_ATTEMPTS } from '../../domain/limits.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { LedgerEnd, PromotionStore, RecordedOutcome } from '../../domain/release/store.ts';
import { log, logError } from '../../runtime/log.ts';

/** Appending to the ledger of a model: once for each outcome, whatever dies in between and whoever appends at the same time. */

/** Where the ledger ends that an outcome belongs in; null if it belongs in none. Throws `LeaseStoreUnavailable`. */
export async function ledgerEndFor(outcome: Outcome, store: PromotionStore): Promise<LedgerEnd | null> {
  if (!store.keepsItems || outcome.model_name === null || !belongsInLedger(outcome)) return null;
  return store.ledgerEnd(outcome.model_name);
}

/**
 * The first number that an entry can have. It is recorded with the outcome, so that an entry that was put before a crash is
 * found again.
 */
export const firstNumber = (end: LedgerEnd | null): number | null =>
  end === null ? null : (end.head?.seq ?? 0) + 1;

/**
 * Puts the pending entry of a recorded outcome, and answers the head that it made; null where none is due, or where it could
 * not be put: the next sweep does it then. Never throws: nothing else of an execution waits for it.
 */
export async function appendEntry(
  { outcome, ledger: entry, alert }: RecordedOutcome,
  store: PromotionStore,
  /** As it was read just before. */
  known: LedgerEnd | null = null,
  /** SHA-256 of the report of the decision. */
  report: string | null = null,
): Promise<LedgerHead | null> {
  const { model_name: model, execution } = outcome;
  if (entry.state !== 'pending' || model === null) return entry.head;
  try {
    const end = known ?? (await store.ledgerEnd(model));
    const head = await put({ outcome, report }, model, { from: entry.from ?? 1, end }, store);
    await store.rememberEnd(model, head);
    await store.markInLedger(execution, head, alert);
    log().info('ledger', { model, execution, ledger: `${head.seq}:${head.hash}` });
    return head;
  } catch (error) {
    log().error('the ledger was not written; the next sweep does it', { execution, error: logError(error) });
    return null;
  }
}

/** Walks from the first number that the entry can have to its own entry, or to the first free number. */
async function put(
  { outcome, report }: { outcome: Outcome; report: string | null },
  model: string,
  { from, end }: { from: number; end: LedgerEnd },
  store: PromotionStore,
): Promise<LedgerHead> {
  let previous = await headBefore(from, model, end, store);
  for (let attempt = 0; attempt < LEDGER_ATTEMPTS; attempt += 1) {
    const seq = (previous?.seq ?? 0) + 1;
    const text = entryText(outcome, previous, end.tableBehind, report);
    const there = await store.putEntry(model, seq, text);
    const head = { seq, hash: hashOf(there) };
    if (there === text || parseEntry(there)?.execution === outcome.execution) return head;
    previous = head;
  }
  throw new Error(`${LEDGER_ATTEMPTS} entries of others came first`);
}

/** The head that the first possible number follows. What is remembered may lie behind the own entry, which would be put twice. */
async function headBefore(
  from: number,
  model: string,
  { head }: LedgerEnd,
  store: PromotionStore,
): Promise<LedgerHead | null> {
  if (from === 1) return null;
  if (head?.seq === from - 1) return head;
  const [before] = await store.entries(model, from - 1, 1);
  if (before === undefined) throw new Error(`entry ${from - 1} was not read`);
  return { seq: from - 1, hash: hashOf(before.text) };
}

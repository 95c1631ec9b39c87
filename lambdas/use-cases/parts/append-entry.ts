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

/**
 * The first number that the entry of an outcome can have; null if it gets none. It is recorded with the outcome, so that an
 * entry that was put before a crash is found again. Throws `LeaseStoreUnavailable`.
 */
export async function firstNumber(outcome: Outcome, store: PromotionStore): Promise<number | null> {
  if (!store.keepsItems || outcome.model_name === null || !belongsInLedger(outcome)) return null;
  const { head } = await store.ledgerEnd(outcome.model_name);
  return (head?.seq ?? 0) + 1;
}

/**
 * Puts the pending entry of a recorded outcome, and answers the head that it made; null where none is due, or where it could
 * not be put: the next sweep does it then. Never throws: nothing else of an execution waits for it.
 */
export async function appendEntry(
  { outcome, ledger: entry, alert }: RecordedOutcome,
  store: PromotionStore,
): Promise<LedgerHead | null> {
  const { model_name: model, execution } = outcome;
  if (entry.state !== 'pending' || model === null) return entry.head;
  try {
    const head = await put(outcome, model, entry.from ?? 1, store);
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
  outcome: Outcome,
  model: string,
  from: number,
  store: PromotionStore,
): Promise<LedgerHead> {
  const end = await store.ledgerEnd(model);
  let previous = await headBefore(from, model, end, store);
  for (let attempt = 0; attempt < LEDGER_ATTEMPTS; attempt += 1) {
    const seq = (previous?.seq ?? 0) + 1;
    const text = entryText(outcome, previous, end.tableBehind);
    const there = await store.putEntry(model, seq, text);
    const head = { seq, hash: hashOf(there) };
    if (there === text || parseEntry(there)?.execution === outcome.execution) return head;
    previous = head;
  }
  throw new Error(`${LEDGER_ATTEMPTS} entries of others came first`);
}

/** The head that the first possible number follows: of the entry before it, else what is remembered of it. */
async function headBefore(
  from: number,
  model: string,
  { head }: LedgerEnd,
  store: PromotionStore,
): Promise<LedgerHead | null> {
  if (from === 1) return null;
  if (head?.seq === from - 1) return head;
  const [before] = await store.entries(model, from - 1, 1);
  return before === undefined ? head : { seq: from - 1, hash: hashOf(before.text) };
}

import type { ApprovalStore } from '../approval/request.ts';
import type { LedgerHead } from '../ledger/entry.ts';
import type { KeptEntry } from '../ledger/verify.ts';
import type { Outcome } from '../outcome/outcome-schema.ts';
import type { NeedStore } from '../retraining/need.ts';
import type { SeenWatch, WatchItem } from '../watch/item.ts';
import type { Change, ModelItem, PastRelease, Release, StoredRelease } from './release.ts';

/** The port to the promotion table; `adapters/aws/promotion-table.ts` implements it. */

/** The result of taking a lease; `expiresAt` is ISO 8601, `holder` an ARN or `direct:<request id>`. */
export type Lease = { taken: true; item: ModelItem } | { taken: false; holder: string; expiresAt: string };

/** The holder of a lease, on whose condition every write of a change depends. */
export interface LeaseHolder {
  readonly model: string;
  readonly owner: string;
  /** Null without a table. */
  readonly fence: number | null;
  readonly now: Date;
}

/** The ids that a look found in the item: a write is refused if they have changed since. */
export interface SeenItem {
  /** Id of the open change; null if none. */
  readonly change: string | null;
  /** Id of the change that the live release closed; null if none is recorded. */
  readonly live: string | null;
}

/** A page of models from an index. */
export interface ModelPage {
  readonly models: readonly string[];
  /** Where the next page starts; null after the last one. */
  readonly next: string | null;
}

/** State of an outcome's alert: `none` if none is due, `off` if alerts are disabled. */
export type AlertState = 'sent' | 'pending' | 'none' | 'off';
/** State of an outcome's entry in the ledger: `none` if it is no decision and no change. */
export type LedgerState = 'done' | 'pending' | 'none';
/** What is known of an outcome's entry. */
export interface OutcomeEntry {
  readonly state: LedgerState;
  /** The first number that it can have; null where none is due. */
  readonly from: number | null;
  /** Of a written entry. */
  readonly head: LedgerHead | null;
}
/** An outcome as recorded. */
export interface RecordedOutcome {
  outcome: Outcome;
  alert: AlertState;
  ledger: OutcomeEntry;
}
/** The result of recording an outcome. */
export interface OutcomeRecord extends RecordedOutcome {
  /** True when this call recorded it. */
  first: boolean;
}

/**
 * The items of models and the outcomes of executions. Every method throws `LeaseStoreUnavailable`. A conditional write
 * answers false if its condition does not hold, and true if it had been written already: a lost answer is settled by reading.
 */
export interface PromotionStore extends ApprovalStore, LedgerStore, NeedStore, WatchStore {
  /** False without a table: nothing is kept from one call to the next, and nothing protects against other writers. */
  readonly keepsItems: boolean;
  /** W1: takes the lease for some seconds, or answers its holder. The same owner keeps its fence and extends the lease. */
  takeLease(model: string, owner: string, now: Date, seconds: number): Promise<Lease>;
  /** The item of a model; empty where there is none. */
  readItem(model: string): Promise<ModelItem>;
  /** W2: opens or retargets the change; `live` replaces the live release. */
  openChange(by: LeaseHolder, seen: SeenItem, change: Change, live: Release | null): Promise<boolean>;
  /** W3: the aim of the change becomes its safe release. */
  turnBack(by: LeaseHolder, change: string): Promise<boolean>;
  /** W4: closes the change with its aim, whose key is `live.key`. */
  closeChange(
    by: LeaseHolder,
    change: string,
    live: Release,
    history: readonly PastRelease[],
  ): Promise<boolean>;
  /** W5: remembers the picture that people were alerted to; null forgets it. Needs no lease. */
  markTold(model: string, picture: string | null, change: string | null): Promise<boolean>;
  /** W7: counts an attempt before it is started. Needs no lease. */
  countAttempt(model: string, change: string, attempts: number, nextAt: Date): Promise<boolean>;
  /** W8: what both sides show becomes live, and no change is open. */
  adopt(by: LeaseHolder, seen: SeenItem, live: Release, history: readonly PastRelease[]): Promise<boolean>;
  /** Stores a release once, before a change names it. */
  putRelease(model: string, release: StoredRelease): Promise<void>;
  getRelease(model: string, key: string): Promise<StoredRelease | null>;
  /** Models with an open change. */
  openChanges(from: string | null, limit: number): Promise<ModelPage>;
  /** Models without an open change; of some nothing is recorded but that somebody had the lease. */
  closedModels(from: string | null, limit: number): Promise<ModelPage>;
  /** The cursor of the hourly comparison: where it goes on, and when a new round may begin. */
  readCursor(): Promise<SweepCursor>;
  writeCursor(cursor: SweepCursor): Promise<void>;
  /** Raises the owner's fence to `to`, if the registry records a higher one than the table. False without a lease. */
  raiseFence(model: string, owner: string, to: number): Promise<boolean>;
  /** Shortens the owner's lease to end at this time, and lets it not be taken again; does nothing for another owner's. */
  endLeaseAt(model: string, owner: string, at: Date): Promise<void>;
  /** W6: ends the lease if `owner` holds it, and lets an execution not take it again; does nothing otherwise. */
  releaseLease(model: string, owner: string, now: Date): Promise<void>;
  /**
   * Records the outcome of an execution once, and answers the recorded one, which may be an earlier one. `ledgerFrom` is the
   * first number that its entry in the ledger can have; null if it gets none.
   */
  recordOutcome(outcome: Outcome, alert: AlertState, ledgerFrom: number | null): Promise<OutcomeRecord>;
  hasOutcome(execution: string): Promise<boolean>;
  /** When the outcome of an execution was recorded; null while there is none. */
  outcomeRecordedAt(execution: string): Promise<Date | null>;
  /** The outcome of an execution as recorded; null while there is none. */
  readOutcome(execution: string): Promise<Outcome | null>;
  markAlertSent(execution: string): Promise<void>;
  /** The entry of an outcome is in the ledger; `alert` is the state of its alert. */
  markInLedger(execution: string, head: LedgerHead, alert: AlertState): Promise<void>;
  /** Outcomes whose alert or whose entry in the ledger is still pending, oldest first, at most `limit`. */
  pendingOutcomes(limit: number): Promise<RecordedOutcome[]>;
  /** Executions whose alert is pending, at most `limit`; may still include alerts that were just sent. */
  pendingExecutions(limit: number): Promise<string[]>;
}

/** The ledgers of models (`domain/ledger`). Every method throws `LeaseStoreUnavailable`. */
export interface LedgerStore {
  /** Where the ledger of a model ends, as far as it is known; others can have appended since. */
  ledgerEnd(model: string): Promise<LedgerEnd>;
  /** Appends the text as this number, and answers what is there: the text, or what another has appended before. */
  putEntry(model: string, seq: number, text: string): Promise<string>;
  /** Remembers an end; an earlier one is not remembered again. */
  rememberEnd(model: string, head: LedgerHead): Promise<void>;
  /** Entries from the number `from`, at most `limit`; fewer at the end, or before one that is missing. */
  entries(model: string, from: number, limit: number): Promise<KeptEntry[]>;
  /** The table is older than the registry: the next entry says so. */
  markTableBehind(model: string): Promise<void>;
}

/** What is kept of live releases while they serve (`domain/watch`). Every method throws `LeaseStoreUnavailable`. */
export interface WatchStore {
  readWatch(model: string): Promise<WatchItem | null>;
  /** Puts the item on condition that the one that was seen is there; false where another one is. */
  putWatch(model: string, item: WatchItem, seen: SeenWatch): Promise<boolean>;
  /** The model after which a round goes on; null to begin one. */
  readWatchCursor(): Promise<string | null>;
  writeWatchCursor(from: string | null): Promise<void>;
}

/** The part of it that only reads. */
export type LedgerReader = Pick<LedgerStore, 'ledgerEnd' | 'entries'>;

/** Where a ledger ends, as far as it is known. */
export interface LedgerEnd {
  readonly head: LedgerHead | null;
  /** True where the table was found to be older than the registry, and no entry has said so yet. */
  readonly tableBehind: boolean;
}

/** Where the comparison of closed models goes on. */
export interface SweepCursor {
  /** Start of the next page; null to begin a round. */
  readonly from: string | null;
  /** ISO 8601; no new round begins before. */
  readonly next_round_at: string | null;
  /** Number of models that this round has found out of step so far. */
  readonly out_of_step: number;
}

/** The ids of an item, for the condition of the next write. */
export const seenIn = ({ change, live }: ModelItem): SeenItem => ({
  change: change?.id ?? null,
  live: live?.change ?? null,
});

/** The item of a model that nothing is recorded for; without a table, of every model. */
export const emptyItem = (model: string, fence: number | null = 0): ModelItem => ({
  model,
  owner: null,
  fence,
  expires_at: null,
  released_at: null,
  live: null,
  change: null,
  told: null,
  history: [],
});

import type { Counted } from '../../domain/comparison/budget.ts';
import type { Candidate } from '../../domain/comparison/evidence.ts';
import { countInLedger, promotedAt } from '../../domain/comparison/ledger-count.ts';
import type { Policy } from '../../domain/comparison/policy.ts';
import { candidateRuns, MAX_COUNTED_RUNS, othersIn, selectionOf } from '../../domain/comparison/selection.ts';
import { type LedgerEntry, type LedgerHead, parseEntry } from '../../domain/ledger/entry.ts';
import { MAX_COUNTED_ENTRIES } from '../../domain/limits.ts';
import type { Registry } from '../../domain/registry.ts';
import type { LedgerReader } from '../../domain/release/store.ts';

/** What is counted for. */
export interface CountFor {
  readonly model: string;
  readonly policy: Policy;
  readonly champion: Candidate;
  readonly challenger: Candidate;
  /** The fingerprint of the rows, or the digest of the inputs. */
  readonly data: string;
  readonly execution: string | null;
  readonly startedAt: Date;
  /** Up to where the ledger counts. */
  readonly head: LedgerHead | null;
}

/**
 * Counts for one comparison, in the ledger up to a head and among the runs; `others` are the runs of the other candidates, where
 * all are known. Throws
 * the errors of MLflow and of the table.
 */
export async function countComparisons(
  { model, policy, champion, challenger, head, ...of }: CountFor,
  { registry, store }: { registry: Registry; store: LedgerReader },
): Promise<{ counted: Counted; others: readonly string[] }> {
  const { entries, cut } = await entriesUpTo(head, model, store);
  const versions = { champion: champion.version.version, challenger: challenger.version.version };
  const promoted = promotedAt(entries, head, versions.champion);
  const search = candidateRuns({ champion, challenger }, policy, promoted);
  const runs = search === null ? null : await registry.findRuns(search, MAX_COUNTED_RUNS);
  const selection = selectionOf(challenger, runs);
  return {
    counted: { ...countInLedger(entries, head, { ...of, ...versions }), cut, ...selection },
    others: runs === null ? [] : othersIn(challenger, runs, selection),
  };
}

/** The newest entries of a ledger up to a head; `cut` where there are more. Text that is no entry is left out. */
async function entriesUpTo(
  head: LedgerHead | null,
  model: string,
  store: LedgerReader,
): Promise<{ entries: LedgerEntry[]; cut: boolean }> {
  const last = head?.seq ?? 0;
  const first = Math.max(1, last - MAX_COUNTED_ENTRIES + 1);
  const read = last === 0 ? [] : await store.entries(model, first, last - first + 1);
  return { entries: read.flatMap(({ text }) => parseEntry(text) ?? []), cut: first > 1 };
}

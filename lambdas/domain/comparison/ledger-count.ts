import type { LedgerEntry, LedgerHead } from '../ledger/entry.ts';
import { type Counted, yearlyComparisons } from './budget.ts';

/** What the ledger of a model says about a comparison: how many were made, and on the same rows. */

const DAY_MS = 86_400_000;
const YEAR_DAYS = 365;

/** The comparison that is counted for. Neither it nor another one of the same pair on the same data counts again. */
export interface Compared {
  readonly champion: string;
  readonly challenger: string;
  /** What names the data: the fingerprint of the rows, or the digest of the inputs where there are none. */
  readonly data: string;
  /** Null for a direct call. */
  readonly execution: string | null;
  /** When the execution started. */
  readonly startedAt: Date;
}

/** Counted in the ledger: see `Counted`. */
export type CountedInLedger = Pick<Counted, 'comparisons' | 'uses'>;

/**
 * Counts the entries up to a head: what is appended later changes nothing, nor do order and repetition. A comparison is a
 * challenger, a champion and their data. A dry run promotes nothing, so it is no comparison of the year; but it has looked at
 * the rows, so it is a use of them. Uses do not expire.
 */
export function countInLedger(
  entries: readonly LedgerEntry[],
  head: LedgerHead | null,
  of: Compared,
): CountedInLedger {
  const known = entries.filter(({ seq }) => seq <= (head?.seq ?? 0));
  const ownPair = keyOf(of);
  const users = new Set([of.challenger]);
  const ofYear = new Set<string>();
  let first = Number.POSITIVE_INFINITY;
  for (const entry of known) {
    const found = comparedIn(entry);
    if (found === null || entry.execution === of.execution) continue;
    if (found.data === of.data) users.add(found.challenger);
    if (entry.dry_run || keyOf(found) === ownPair) continue;
    const at = Date.parse(entry.at);
    first = Math.min(first, at);
    if (at >= of.startedAt.getTime() - YEAR_DAYS * DAY_MS) ofYear.add(keyOf(found));
  }
  const days = (of.startedAt.getTime() - first) / DAY_MS;
  return { comparisons: yearlyComparisons(ofYear.size, days), uses: users.size };
}

/** When the champion was promoted last, by the ledger up to a head; null where that is not in it. */
export function promotedAt(
  entries: readonly LedgerEntry[],
  head: LedgerHead | null,
  champion: string,
): Date | null {
  const promotions = entries.filter(
    ({ seq, before, after, dry_run }) =>
      seq <= (head?.seq ?? 0) && !dry_run && after?.version === champion && before?.version !== champion,
  );
  const newest = promotions.reduce<LedgerEntry | null>(
    (latest, entry) => (latest === null || entry.seq > latest.seq ? entry : latest),
    null,
  );
  const at = newest === null ? Number.NaN : Date.parse(newest.at);
  return Number.isNaN(at) ? null : new Date(at);
}

/** What an entry compared; null where nothing was. Entries without a digest of the inputs have it as that of the evidence. */
function comparedIn({ decision }: LedgerEntry): Pick<Compared, 'champion' | 'challenger' | 'data'> | null {
  if (decision === null || decision.evidence_grade === null) return null;
  const { champion_version: champion, challenger_version: challenger } = decision;
  if (champion === null || challenger === null || champion === challenger) return null;
  return {
    champion,
    challenger,
    data: decision.fingerprint ?? decision.inputs_digest ?? decision.evidence_digest,
  };
}

const keyOf = ({ champion, challenger, data }: Pick<Compared, 'champion' | 'challenger' | 'data'>) =>
  JSON.stringify([challenger, champion, data]);

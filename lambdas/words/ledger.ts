import type { LedgerEntry } from '../domain/ledger/entry.ts';
import type { LedgerProblem } from '../domain/ledger/verify.ts';

/** The sentences about a ledger, for people only. */

/** A release of an entry. */
export const releaseText = (release: LedgerEntry['before']): string =>
  release === null || release.version === null
    ? 'no version'
    : `version ${release.version}${release.artifact_id === null ? '' : ` (artifact ${release.artifact_id})`}`;

/** What is wrong with a ledger, as a sentence. */
export function ledgerProblem({ code, at }: LedgerProblem): string {
  switch (code) {
    case 'unreadable':
      return `Entry ${at} is not readable, or not in the form in which entries are written`;
    case 'changed':
      return `Entry ${at} does not have the hash that was kept beside it: its text was changed`;
    case 'other-model':
      return `Entry ${at} is of another model`;
    case 'out-of-order':
      return `Entry ${at} has another number: entries were dropped, swapped or repeated`;
    case 'broken-chain':
      return `Entry ${at} does not follow the one before it: one of the two was changed, or something between them dropped`;
    case 'cut':
      return `The ledger ends before entry ${at}, which the given head names: its end was cut off, or the table is older`;
    case 'differs':
      return `Entry ${at} is not the one that the given head names: the ledger was written anew from there or before`;
  }
}

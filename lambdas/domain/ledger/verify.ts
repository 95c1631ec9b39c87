import { canonicalJson } from '../canonical-json.ts';
import { hashOf, type LedgerHead, parseEntry } from './entry.ts';

/** Checking a ledger: of a table, or of an export that nobody can check against a table any more. */

/** An entry as it was kept: its text, and the hash that was kept beside it. */
export interface KeptEntry {
  readonly text: string;
  readonly hash: string;
}

/**
 * What is wrong with a ledger. `at` is the number that the entry should have. `unreadable`: the text is no entry in canonical
 * form. `changed`: the text does not have the hash beside it. `other-model`: it is of another model. `out-of-order`: it has
 * another number, as after entries were dropped, swapped or repeated. `broken-chain`: it does not name the hash of the entry
 * before it. `cut`: the ledger ends before the entry of the witness. `differs`: the entry of the witness has another hash.
 */
export interface LedgerProblem {
  readonly code:
    | 'unreadable'
    | 'changed'
    | 'other-model'
    | 'out-of-order'
    | 'broken-chain'
    | 'cut'
    | 'differs';
  readonly at: number;
}

/** The result of checking a ledger; `head` is null for an empty one. */
export interface Verified {
  readonly entries: number;
  readonly head: LedgerHead | null;
  readonly problems: readonly LedgerProblem[];
}

/**
 * Checks a whole ledger from its first entry. `witness` is a head that somebody was told: without one, a ledger whose end was
 * cut off, or whose last entry was written anew, looks whole.
 */
export function verifyLedger(
  entries: Iterable<KeptEntry>,
  { model = null, witness = null }: { model?: string | null; witness?: LedgerHead | null } = {},
): Verified {
  const problems: LedgerProblem[] = [];
  let of = model;
  let head: LedgerHead | null = null;
  for (const { text, hash } of entries) {
    const at: number = (head?.seq ?? 0) + 1;
    const own = hashOf(text);
    const entry = parseEntry(text);
    if (entry === null || canonicalJson(entry) !== text) problems.push({ code: 'unreadable', at });
    else {
      of ??= entry.model;
      if (entry.model !== of) problems.push({ code: 'other-model', at });
      if (entry.seq !== at) problems.push({ code: 'out-of-order', at });
      if (entry.previous !== (head?.hash ?? null)) problems.push({ code: 'broken-chain', at });
    }
    if (own !== hash) problems.push({ code: 'changed', at });
    if (witness?.seq === at && witness.hash !== own) problems.push({ code: 'differs', at });
    head = { seq: at, hash: own };
  }
  if (witness !== null && witness.seq > (head?.seq ?? 0)) problems.push({ code: 'cut', at: witness.seq });
  return { entries: head?.seq ?? 0, head, problems };
}

/** One line of an export: the hash, two spaces, and the text, which is one line, as `sha256sum` has it. */
export const exportLine = ({ text, hash }: KeptEntry): string => `${hash}  ${text}`;

/** The entries of an export. What is no line of one becomes an entry that `verifyLedger` finds unreadable. */
export const parseExport = (exported: string): KeptEntry[] =>
  exported
    .split('\n')
    .filter((line, index, all) => line !== '' || index < all.length - 1)
    .map((line) => {
      const [, hash = '', text = line] = /^([0-9a-f]{64}) {2}(.*)$/s.exec(line) ?? [];
      return { hash, text };
    });

import { parseEntry } from '../../domain/ledger/entry.ts';
import { champions, type RegistryMode, type RegistryView, waitingChallenger } from '../../domain/registry.ts';
import type { LedgerReader } from '../../domain/release/store.ts';

/** Entries of a ledger, the newest, among which a decision about a version is looked for. */
const ENTRIES = 50;

/**
 * The challenger that nobody has decided about; null if none waits. One that was kept stays where it is, and one that nobody
 * has promoted for `days` is forgotten: neither may hold up every later retraining. Throws `LeaseStoreUnavailable`.
 */
export async function findWaiting(
  view: RegistryView,
  mode: RegistryMode,
  { now, days }: { now: Date; days: number },
  store: LedgerReader,
): Promise<string | null> {
  const challenger = waitingChallenger(view, mode);
  if (challenger === null) return null;
  const { version, createdAt = 0 } = challenger;
  if (champions(view, mode).includes(version)) return null;
  if (now.getTime() - createdAt >= days * 24 * 3_600_000) return null;
  return (await isDecided(view.model.name, version, store)) ? null : version;
}

/** True where the ledger has a comparison of this version. */
async function isDecided(model: string, version: string, store: LedgerReader): Promise<boolean> {
  const { head } = await store.ledgerEnd(model);
  if (head === null) return false;
  const entries = await store.entries(model, Math.max(1, head.seq - ENTRIES + 1), ENTRIES);
  return entries.some(({ text }) => {
    const entry = parseEntry(text);
    return entry?.decision?.challenger_version === version && !entry.dry_run;
  });
}

import { belongsInLedger, parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { type KeptEntry, verifyLedger } from '../../lambdas/domain/ledger/verify.ts';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Finished } from '../story/play-story.ts';
import type { Invariant } from './invariant.ts';

/** The ledger, against the outcomes that were recorded. */
export const ledger: Invariant = {
  name: 'ledger',
  about: 'The ledger verifies, and holds every recorded decision and change once, and nothing else.',
  violations({ story, world, outcomes }) {
    if (!story.table) return [];
    const entries = entriesIn(world);
    const broken = verifyLedger(entries, { model: world.model }).problems.map(
      ({ code, at }) => `${code} at ${at}`,
    );
    // A restored backup lacks an outcome whose entry may be put afterwards.
    if (world.restoredAt !== null) return broken;
    const times = new Map<string, number>();
    for (const { text } of entries) {
      const execution = parseEntry(text)?.execution ?? text;
      times.set(execution, (times.get(execution) ?? 0) + 1);
    }
    const wrong = [...outcomes].flatMap(([execution, { outcome }]) => {
      const [due, found] = [isDue(outcome) ? 1 : 0, times.get(execution) ?? 0];
      return found === due ? [] : [`${found} entries of ${execution} (${outcome.status}), not ${due}`];
    });
    const alone = [...times.keys()].filter((execution) => !outcomes.has(execution));
    return [...broken, ...wrong, ...alone.map((execution) => `an entry of ${execution} without its outcome`)];
  },
};

/** The change of a direct call that an attempt has ended is in the ledger by the entry of that attempt. */
const isDue = (outcome: Outcome) =>
  belongsInLedger(outcome) && !(outcome.operation === 'resume' && outcome.execution.startsWith('direct:'));

/** The entries as the table holds them, in the order of their numbers. */
function entriesIn({ table, model }: Finished['world']): KeptEntry[] {
  return [...table.items]
    .filter(([pk]) => pk.startsWith(`ledger#${model}#`))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { entry, hash }]) => ({ text: String(entry), hash: String(hash) }));
}

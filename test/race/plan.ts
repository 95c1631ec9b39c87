import { createHash } from 'node:crypto';
import { RegistryMode } from '../../lambdas/domain/registry.ts';

/** Which rounds are played, and who does what in each: the same for the same seed. */

export const databases = ['sqlite', 'postgresql'] as const;
export type Database = (typeof databases)[number];

export const modes = RegistryMode.options;

/** Who promotes: MLflow's own client as it is, or our functions without and with their table. */
export const parties = ['client', 'without-table', 'with-table'] as const;
export type Party = (typeof parties)[number];

/** What happens at the same instant. */
export const contests = [
  'promotions',
  'promotions-rollbacks',
  'person-promotion',
  'person-rollback',
  'executions',
] as const;
export type Contest = (typeof contests)[number];

export const hasPerson = (contest: Contest) =>
  contest === 'person-promotion' || contest === 'person-rollback';

export interface Round {
  /** From 1; it is the same round of the same seed only within the same choice of databases and modes. */
  readonly number: number;
  readonly seed: string;
  readonly database: Database;
  readonly mode: RegistryMode;
  readonly party: Party;
  readonly contest: Contest;
}

/** One of those who act at the same instant. */
export interface Caller {
  /** A person uses MLflow's own client, whoever the party is. */
  readonly by: 'party' | 'person';
  readonly action: 'promote' | 'rollback';
  /** Null: a rollback without a target. */
  readonly version: string | null;
  /** When it begins: a share of `spreadOf` the round. */
  readonly delay: number;
}

/** The version that was champion before the champion, the champion, and the first of the versions that may become it. */
export const PREVIOUS = 1;
export const CHAMPION = 2;
const FIRST_CHALLENGER = 3;

/** The rounds of a run, those of one database after those of the other, and the kinds of round in turn. */
export function planOf(wanted: {
  rounds: number;
  seed: string;
  databases: readonly Database[];
  modes: readonly RegistryMode[];
  contests: readonly Contest[];
  parties: readonly Party[];
}): Round[] {
  const kinds = wanted.contests
    .flatMap((contest) =>
      wanted.modes.flatMap((mode) =>
        wanted.parties
          // Only ours has executions, and they are protected by the table.
          .filter((party) => contest !== 'executions' || party === 'with-table')
          .map((party) => ({ mode, party, contest })),
      ),
    )
    // Shuffled, so that a short run has some of everything.
    .map((kind) => ({ kind, place: chance({ seed: wanted.seed, number: 0 }, JSON.stringify(kind)) }))
    .sort((a, b) => a.place - b.place)
    .map(({ kind }) => kind);
  const share = Math.ceil(wanted.rounds / wanted.databases.length);
  return Array.from({ length: wanted.rounds }, (_, index) => {
    const kind = kinds[(index % share) % kinds.length];
    const database = wanted.databases[Math.floor(index / share)];
    if (kind === undefined || database === undefined) throw new Error('no kind of round is left');
    return { number: index + 1, seed: wanted.seed, database, ...kind };
  });
}

/** A number from 0 to 1, the same for the same round and purpose. */
export function chance({ seed, number }: Pick<Round, 'seed' | 'number'>, purpose: string): number {
  return (
    createHash('sha256')
      .update(JSON.stringify([seed, number, purpose]))
      .digest()
      .readUInt32BE() /
    2 ** 32
  );
}

/** Milliseconds over which the callers of a round begin; `callMs` is how long one of them takes. */
export function spreadOf(round: Round, callMs: number): number {
  if (hasPerson(round.contest)) return callMs;
  const spreads = [0, 5, 25, 100, 2 * callMs];
  return spreads[Math.floor(chance(round, 'spread') * spreads.length)] ?? 0;
}

/**
 * At which request of ours a person begins. It is one before our first write, as MLflow's client asks what kind of model it
 * is before it writes: so both writes take place at the same time.
 */
export const momentOf = (round: Round): number => 1 + Math.floor(chance(round, 'moment') * 4);

/** How many versions a round needs. */
export const versionsOf = (round: Round): number =>
  Math.max(CHAMPION, ...callersOf(round).map(({ version }) => Number(version ?? 0)));

/** Those who act in a round. */
export function callersOf(round: Round): Caller[] {
  const { contest, party } = round;
  const caller = (
    index: number,
    by: Caller['by'],
    action: Caller['action'],
    version: number | null,
  ): Caller => ({
    by,
    action,
    version: version === null ? null : String(version),
    delay: by === 'party' && hasPerson(contest) ? 0 : chance(round, `delay ${index}`),
  });
  // Without a table nobody knows to where: neither MLflow's client nor we.
  const unnamed = party === 'with-table' ? null : PREVIOUS;
  switch (contest) {
    case 'promotions':
      return Array.from({ length: 8 }, (_, index) =>
        caller(index, 'party', 'promote', FIRST_CHALLENGER + index),
      );
    case 'promotions-rollbacks':
      return Array.from({ length: 8 }, (_, index) =>
        index % 2 === 0
          ? caller(index, 'party', 'promote', FIRST_CHALLENGER + index)
          : caller(index, 'party', 'rollback', index % 4 === 1 ? PREVIOUS : unnamed),
      );
    case 'executions':
      return Array.from({ length: 5 }, (_, index) =>
        index < 3
          ? caller(index, 'party', 'promote', FIRST_CHALLENGER + index)
          : caller(index, 'party', 'rollback', index === 3 ? PREVIOUS : unnamed),
      );
    case 'person-promotion':
      return [
        caller(0, 'party', 'promote', FIRST_CHALLENGER),
        caller(1, 'person', 'promote', FIRST_CHALLENGER + 1),
      ];
    case 'person-rollback':
      return [caller(0, 'party', 'rollback', unnamed), caller(1, 'person', 'promote', FIRST_CHALLENGER)];
  }
}

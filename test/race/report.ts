import { asMarkdown, type Table } from '../../tools/bench/tables.ts';
import {
  type Contest,
  contests,
  type Database,
  databases,
  hasPerson,
  modes,
  type Party,
  parties,
} from './plan.ts';
import { championsOf } from './registry.ts';
import type { Ended } from './round.ts';

/** What a run prints, and what makes it fail. */

const partyTitles: Record<Party, string> = {
  client: "MLflow's client",
  'without-table': 'ours, no table',
  'with-table': 'ours',
};
const contestTitles: Record<Contest, string> = {
  promotions: 'eight promotions',
  'promotions-rollbacks': 'four promotions, four rollbacks',
  'person-promotion': 'a promotion and a person',
  'person-rollback': 'a rollback and a person',
  executions: 'five executions',
};
const databaseTitles: Record<Database, string> = { sqlite: 'SQLite', postgresql: 'PostgreSQL' };

/** One line that names a round. */
export const titleOf = ({ round }: Pick<Ended, 'round'>): string =>
  `round ${round.number} (${databaseTitles[round.database]}, ${round.mode}, ${contestTitles[round.contest]}, ${partyTitles[round.party]})`;

/** What is wrong with a round of ours, as people read it; null if nothing is. */
export function complaintOf(ended: Ended): string | null {
  const { round, wrong, told, inStep, silenced, pointers } = ended;
  if (round.party === 'client') return null;
  const named = championsOf(pointers, round.mode);
  const shown = named.length === 0 ? 'no champion' : `${named.join(' and ')} as champion`;
  if (silenced !== null) return `archived version ${silenced} of a person, and named it nowhere`;
  const untold = told ? '' : ', and nobody was told within one sweep';
  if (round.party === 'without-table') return wrong && !told ? `ended with ${shown}${untold}` : null;
  if (wrong && !hasPerson(round.contest)) return `ended with ${shown}, though nobody else wrote${untold}`;
  if (wrong && !told) return `ended with ${shown}${untold}`;
  if (inStep === false && !hasPerson(round.contest))
    return 'is out of step after a sweep, though nobody else wrote';
  return inStep === false && !told ? `is out of step${untold}` : null;
}

/** Rounds, those that ended with other than one champion, and those of them that nobody was told of. */
function counts(ended: readonly Ended[]): string[] {
  if (ended.length === 0) return ['', '', ''];
  const wrong = ended.filter((each) => each.wrong);
  return [ended.length, wrong.length, wrong.filter(({ told }) => !told).length].map(String);
}

/** The rounds by database, mode and contest. */
export function tableOf(ended: readonly Ended[]): Table {
  const row = (title: string, of: readonly Ended[]): string[] => [
    title,
    ...parties.flatMap((party) => counts(of.filter(({ round }) => round.party === party))),
  ];
  const kinds = databases.flatMap((database) =>
    modes.flatMap((mode) => contests.map((contest) => ({ database, mode, contest }))),
  );
  const rows = kinds.flatMap(({ database, mode, contest }) => {
    const of = ended.filter(
      ({ round }) => round.database === database && round.mode === mode && round.contest === contest,
    );
    return of.length === 0
      ? []
      : [row(`${databaseTitles[database]}, ${mode}: ${contestTitles[contest]}`, of)];
  });
  const withPeople = ended.filter(({ round }) => hasPerson(round.contest));
  const withoutPeople = ended.filter(({ round }) => !hasPerson(round.contest));
  return {
    id: 'race',
    title:
      'Rounds, rounds that ended with other than exactly one champion, and those of them that nobody was told of',
    head: [
      'at the same instant',
      ...parties.flatMap((party) => [`${partyTitles[party]}: rounds`, 'wrong', 'untold']),
    ],
    rows: [
      ...rows,
      row('all without a person', withoutPeople),
      row('all with a person', withPeople),
      row('all', ended),
    ],
    notes: [],
  };
}

export const printed = (ended: readonly Ended[]): string => asMarkdown(tableOf(ended));

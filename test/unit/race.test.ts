import { describe, expect, it } from 'vitest';
import { callersOf, contests, modes, parties, planOf, type Round } from '../race/plan.ts';
import { hasOneChampion } from '../race/registry.ts';
import { complaintOf, tableOf } from '../race/report.ts';
import type { Ended } from '../race/round.ts';

const everything = { rounds: 500, seed: 's', modes, contests, parties };
const both = { ...everything, databases: ['sqlite', 'postgresql'] as const };

const kindOf = ({ database, mode, party, contest }: Round) => [database, mode, party, contest].join(' ');

describe('the rounds of a race', () => {
  it('are the same for the same seed, and others for another', () => {
    const played = (seed: string) => planOf({ ...both, seed }).map((round) => [round, callersOf(round)]);
    expect(played('a')).toEqual(played('a'));
    expect(played('a').map(([, callers]) => callers)).not.toEqual(played('b').map(([, callers]) => callers));
  });

  it('are as many as asked for, half on each database, every kind about equally often', () => {
    const rounds = planOf(both);
    expect(rounds).toHaveLength(500);
    const counts = Object.values(Object.groupBy(rounds, kindOf)).map((of) => of?.length ?? 0);
    // Four contests of three parties, and executions with the table only, in three modes on two databases.
    expect(counts).toHaveLength((4 * 3 + 1) * 3 * 2);
    expect(Math.min(...counts)).toBe(6);
    expect(Math.max(...counts)).toBe(7);
  });

  it('have some of everybody when they are few', () => {
    const rounds = planOf({ ...everything, rounds: 24, databases: ['sqlite'] });
    for (const key of ['mode', 'party', 'contest'] as const)
      expect(new Set(rounds.map((round) => round[key])).size).toBeGreaterThanOrEqual(3);
  });

  it('name the target of a rollback wherever no table remembers it', () => {
    const unnamed = planOf(both).filter((round) => callersOf(round).some(({ version }) => version === null));
    expect(new Set(unnamed.map(({ party }) => party))).toEqual(new Set(['with-table']));
  });
});

describe('exactly one champion', () => {
  it.each([
    ['stages', ['3'], null, true],
    ['stages', ['3', '4'], '3', false],
    ['stages', [], '3', false],
    ['aliases', ['3', '4'], '5', true],
    ['aliases', ['3'], null, false],
    ['both', ['3'], '3', true],
    ['both', ['3'], '4', false],
    ['both', ['3', '4'], '3', false],
    ['both', ['3'], null, false],
    ['both', [], '3', false],
  ] as const)('in mode %s, with %j in Production and the alias on %s: %s', (mode, production, alias, one) => {
    expect(hasOneChampion({ production, alias }, mode)).toBe(one);
  });
});

const round: Round = {
  number: 1,
  seed: 's',
  database: 'sqlite',
  mode: 'stages',
  party: 'with-table',
  contest: 'promotions',
};
const ended = (of: Partial<Round>, more: Partial<Ended> = {}): Ended => ({
  round: { ...round, ...of },
  pointers: { production: ['3'], alias: null },
  wrong: false,
  told: false,
  inStep: true,
  silenced: null,
  said: [],
  ...more,
});
const twoChampions = { wrong: true, inStep: false, pointers: { production: ['3', '4'], alias: null } };

describe('a run fails', () => {
  it.each([
    [
      'with the table, without a person, even if told',
      {},
      { ...twoChampions, told: true },
      'ended with 3 and 4',
    ],
    ['with the table and a person, untold', { contest: 'person-promotion' }, twoChampions, 'nobody was told'],
    [
      'without a table, untold',
      { party: 'without-table' },
      { ...twoChampions, inStep: null },
      'nobody was told',
    ],
    ['out of step after a sweep, without a person', {}, { inStep: false, told: true }, 'out of step'],
    [
      'out of step with a person, untold',
      { contest: 'person-rollback' },
      { inStep: false },
      'nobody was told',
    ],
    ['when it names nowhere what it has archived of a person', {}, { silenced: '4' }, 'archived version 4'],
    [
      'with no champion',
      {},
      { wrong: true, pointers: { production: [], alias: null } },
      'ended with no champion',
    ],
  ] as const)('%s', (_, of, more, complaint) => {
    expect(complaintOf(ended(of, more))).toContain(complaint);
  });

  it.each([
    ["MLflow's own client, whatever it does", { party: 'client' }, { ...twoChampions, inStep: null }],
    ['with the table and a person, told', { contest: 'person-promotion' }, { ...twoChampions, told: true }],
    ['without a table, told', { party: 'without-table' }, { ...twoChampions, inStep: null, told: true }],
    ['one champion, in step', {}, {}],
    ['another champion by a person, told', { contest: 'person-promotion' }, { inStep: false, told: true }],
  ] as const)('not for: %s', (_, of, more) => {
    expect(complaintOf(ended(of, more))).toBeNull();
  });
});

it('prints rounds, wrong ones and untold ones for each party, with sums', () => {
  const { rows } = tableOf([
    ended({ party: 'client' }, { ...twoChampions, inStep: null }),
    ended({ party: 'client' }),
    ended({ party: 'without-table' }, { ...twoChampions, inStep: null, told: true }),
    ended({}),
    ended({ contest: 'person-promotion' }, { ...twoChampions, told: true }),
  ]);
  expect(rows).toEqual([
    ['SQLite, stages: eight promotions', '2', '1', '1', '1', '1', '0', '1', '0', '0'],
    ['SQLite, stages: a promotion and a person', '', '', '', '', '', '', '1', '1', '0'],
    ['all without a person', '2', '1', '1', '1', '1', '0', '1', '0', '0'],
    ['all with a person', '', '', '', '', '', '', '1', '1', '0'],
    ['all', '2', '1', '1', '1', '1', '0', '2', '1', '0'],
  ]);
});

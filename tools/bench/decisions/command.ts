import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { seeded } from '../../../lambdas/domain/paired/random.ts';
import { type Bound, demand, printBounds, withError } from '../bounds.ts';
import { boundsOf } from './bounds.ts';
import {
  ALPHA,
  accuracyJudge,
  type Judge,
  lossJudge,
  pointJudges,
  policyJudges,
  WORTHWHILE,
} from './judges.ts';
import { type Size, sizesOf } from './sizes.ts';
import { evaluator, expectedLossGain } from './two-models.ts';
import {
  budgeted,
  COMPARISONS,
  discordantCounts,
  type Estimated,
  estimated,
  needlessPromotions,
  type Rates,
  type RuleYear,
  refreshedQuality,
  rules,
} from './years.ts';

const ACCURACY = 0.85;
const DISAGREEMENT = 0.1;
const SIZES = [500, 2000, 10_000];
const GAINS = [0, 0.01, 0.02];
/** Of the year that is refreshed: points lost in a fortnight, and rows of a comparison. */
const YEAR = { n: 2000, disagreement: DISAGREEMENT, lost: 0.1 };

interface Options {
  json?: true;
  simulations: number;
  seed: number;
}

/** `npm run bench -- decisions`: what is promoted needlessly, found, and put before people, by simulation. */
export function decisionsCommand(): Command {
  return new Command('decisions')
    .description(
      'how often equal and better challengers are promoted, by the rules of this repository and by others',
    )
    .option('--json', 'no tables: one JSON document on standard output')
    .option(
      '--simulations <count>',
      'evaluations of each situation; years: three times as many',
      positive,
      2000,
    )
    .option('--seed <number>', 'the same seed gives the same figures', positive, 1)
    .action(run);
}

const positive = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 2)
    throw new InvalidArgumentError('a whole number of at least 2');
  return value;
};

async function run(options: Options): Promise<void> {
  const progress = ora('simulating').start();
  const judges = await everyJudge();
  const rates: Rates[] = [];
  const years: RuleYear[] = [];
  const sizes: Size[] = [];
  try {
    for (const n of SIZES) {
      for (const gain of GAINS) {
        rates.push(
          ...simulate({ n, gain, judges }, options, (share) => {
            progress.text = `${n} rows, true gain ${100 * gain} points: ${Math.round(100 * share)} %`;
            progress.render();
          }),
        );
      }
    }
    progress.text = 'years of retraining';
    progress.render();
    years.push(...simulateYears(options));
    sizes.push(
      ...sizesOf(options.simulations, options.seed, (what) => {
        progress.text = `size: ${what}`;
        progress.render();
      }),
    );
  } finally {
    progress.stop();
  }
  const bounds = boundsOf(rates, years, sizes);
  if (options.json) console.log(JSON.stringify({ ...options, rates, years, sizes, bounds }, null, 2));
  else print({ judges, rates, years, bounds }, options);
  demand(bounds);
}

/** The judges of the table; those on paired rows without a budget, with 0.5 a year in its steady state, and for a refresh. */
async function everyJudge(): Promise<Judge[]> {
  const better = { kind: 'superiority', margin: 0 } as const;
  const notWorse = { kind: 'non_inferiority', margin: WORTHWHILE } as const;
  const worthwhile = expectedLossGain({ accuracy: ACCURACY, gain: WORTHWHILE, disagreement: DISAGREEMENT });
  const spent = budgeted(0.5)(COMPARISONS);
  return [
    ...pointJudges,
    ...(await policyJudges()),
    accuracyJudge('mid-p', better, ALPHA),
    lossJudge('log loss', better, ALPHA, worthwhile),
    accuracyJudge('mid-p, budget', better, spent),
    lossJudge('log loss, budget', better, spent, worthwhile),
    accuracyJudge('not worse by 1', notWorse, ALPHA),
  ];
}

function simulate(
  { n, gain, judges }: { n: number; gain: number; judges: readonly Judge[] },
  { simulations, seed }: Options,
  onProgress: (share: number) => void,
): Rates[] {
  const random = seeded(seed + n + Math.round(1e7 * gain));
  const evaluate = evaluator({ accuracy: ACCURACY, gain, disagreement: DISAGREEMENT });
  const promoted = judges.map((): number[] => []);
  const asked = judges.map((): number[] => []);
  for (let simulation = 0; simulation < simulations; simulation += 1) {
    const rows = evaluate(n, random);
    for (const [index, judge] of judges.entries()) {
      const decision = judge.decide(rows);
      promoted[index]?.push(decision === 'PROMOTE' ? 1 : 0);
      asked[index]?.push(decision === 'INVESTIGATE' ? 1 : 0);
    }
    if (simulation % 50 === 0) onProgress(simulation / simulations);
  }
  return judges.map(({ title }, index) => ({
    judge: title,
    n,
    gain,
    promoted: estimated(promoted[index] ?? []),
    asked: estimated(asked[index] ?? []),
  }));
}

function simulateYears({ simulations, seed }: Options): RuleYear[] {
  return Object.entries(rules).map(([rule, applies]) => {
    const draw = discordantCounts(seeded(seed));
    const years = Array.from({ length: 3 * simulations });
    const needless = years.map(() => needlessPromotions(applies, YEAR, draw));
    return {
      rule,
      needless: [estimated(needless.map(([first]) => first)), estimated(needless.map(([, later]) => later))],
      quality: estimated(years.map(() => refreshedQuality(applies, YEAR, draw))),
    };
  });
}

interface Printed {
  judges: readonly Judge[];
  rates: readonly Rates[];
  years: readonly RuleYear[];
  bounds: readonly Bound[];
}

function print({ judges, rates, years, bounds }: Printed, { simulations, seed }: Options): void {
  const percent = (share: number) => (100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0);
  const cell = ({ promoted, asked }: Rates) =>
    asked.mean > 0 ? `${percent(promoted.mean)} (${percent(asked.mean)})` : percent(promoted.mean);
  const situations = SIZES.flatMap((n) => GAINS.map((gain) => ({ n, gain })));
  const of = (situation: { n: number; gain: number }, judge: string) =>
    rates.filter((each) => each.n === situation.n && each.gain === situation.gain && each.judge === judge);
  const table = (
    cells: (situation: { n: number; gain: number }) => (judge: string) => string,
    rows = situations,
  ) =>
    console.table(
      Object.fromEntries(
        rows.map((row) => [
          `${row.n}, +${100 * row.gain}`,
          Object.fromEntries(judges.map(({ title }) => [title, cells(row)(title)])),
        ]),
      ),
    );
  console.log(
    `Promoted, % (put before a person, %), by rows and true gain in points; accuracy ${ACCURACY}, disagreement ${100 * DISAGREEMENT} %.`,
  );
  table((situation) => (judge) => of(situation, judge).map(cell).join());
  console.log(
    `A year of ${COMPARISONS} equal challengers on fresh rows: needless promotions (put before a person).`,
  );
  const yearly = ({ mean }: Estimated) => (COMPARISONS * mean).toFixed(2);
  table(
    (situation) => (judge) =>
      of(situation, judge)
        .map(({ promoted, asked }) => `${yearly(promoted)} (${yearly(asked)})`)
        .join(),
    situations.filter(({ gain }) => gain === 0),
  );
  console.log(
    `A year of retraining at ${YEAR.n} rows: needless promotions of equal challengers, and the mean quality in points where a fortnight costs ${YEAR.lost}.`,
  );
  console.table(
    Object.fromEntries(
      years.map(({ rule, needless: [first, later], quality }) => [
        rule,
        { 'first year': withError(first), 'later year': withError(later), quality: withError(quality) },
      ]),
    ),
  );
  printBounds(bounds);
  console.log(
    `${simulations} simulations of each situation, ${3 * simulations} of each year, seed ${seed}. Standard error of a share: at most ${(50 / Math.sqrt(simulations)).toFixed(1)} points, at 5 % ${(100 * Math.sqrt(0.0475 / simulations)).toFixed(1)}.`,
  );
}

import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { type Bound, demand, printBounds } from '../bounds.ts';
import type { Estimated } from '../decisions/years.ts';
import { boundsOf, type Measured, measure } from './measured.ts';

interface Options {
  json?: true;
  simulations: number;
  seed: number;
}

/** `npm run bench -- drift`: how often drift is found, and where there is none, by simulation. */
export function driftCommand(): Command {
  return new Command('drift')
    .description('how often drift is found, and called where there is none, by simulation')
    .option('--json', 'no tables: one JSON document on standard output')
    .option('--simulations <count>', 'pairs of periods in each situation; weeks: a tenth', number, 2000)
    .option('--seed <number>', 'the same seed gives the same figures', number, 1)
    .action(run);
}

const number = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 20)
    throw new InvalidArgumentError('a whole number of at least 20');
  return value;
};

function run(options: Options): void {
  const progress = ora('simulating').start();
  let measured: Measured;
  try {
    measured = measure(options, (what) => {
      progress.text = what;
      progress.render();
    });
  } finally {
    progress.stop();
  }
  const bounds = boundsOf(measured);
  if (options.json) console.log(JSON.stringify({ ...options, ...measured, bounds }, null, 2));
  else print(measured, bounds, options);
  demand(bounds);
}

function print({ rates, weeks }: Measured, bounds: readonly Bound[], { simulations, seed }: Options): void {
  const percent = ({ mean }: Estimated) => (100 * mean).toFixed(mean > 0 && mean < 0.0995 ? 1 : 0);
  console.log('Periods called drifted, %, by rows and standard deviations that a normal feature has moved.');
  console.table(
    Object.fromEntries(
      rates.map(({ rows, shift, plain, moderate, significant, shifted }) => [
        `${rows.join(', ')}; ${shift}`,
        {
          'PSI > .2': percent(plain[0]),
          'PSI > .25': percent(plain[1]),
          moderate: percent(moderate),
          significant: percent(significant),
          'Mann-Whitney': percent(shifted),
        },
      ]),
    ),
  );
  console.log(
    `Weeks in which any of 50 features that have not drifted is called drifted, 300 rows: PSI > .1 ${percent(weeks.plain)} %, here ${percent(weeks.ours)} %.`,
  );
  printBounds(bounds);
  console.log(
    `${simulations} simulations of each situation, ${Math.ceil(simulations / 10)} weeks, seed ${seed}.`,
  );
}

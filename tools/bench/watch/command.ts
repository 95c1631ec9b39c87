import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { type Bound, demand, printBounds, withError } from '../bounds.ts';
import { boundsOf, type Measured, measure } from './measured.ts';
import { policy } from './releases.ts';

interface Options {
  json?: true;
  simulations: number;
  seed: number;
}

/** `npm run bench -- watch`: how often a release is rolled back needlessly, and how soon a bad one is found, by simulation. */
export function watchCommand(): Command {
  return new Command('watch')
    .description('how often the watch of a release is wrong, and how long it takes, by simulation')
    .option('--json', 'no tables: one JSON document on standard output')
    .option(
      '--simulations <count>',
      'watches of each release that is not worse; of the others a quarter',
      number,
      2000,
    )
    .option('--seed <number>', 'the same seed gives the same figures', number, 1)
    .action(run);
}

const number = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 8)
    throw new InvalidArgumentError('a whole number of at least 8');
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

function print({ delays }: Measured, bounds: readonly Bound[], { simulations, seed }: Options): void {
  const hours = (value: number) => (Number.isFinite(value) ? value : 'not within the watch');
  console.log(
    `Hours until a verdict: φ from ${policy.hours} hours before, beside the median when the hours are known to be independent.`,
  );
  console.table(
    Object.fromEntries(
      delays.map(({ what, median, ninth, found, without }) => [
        what,
        { median: hours(median), p90: hours(ninth), found: withError(found), 'without φ': without ?? '' },
      ]),
    ),
  );
  printBounds(bounds);
  console.log(
    `${simulations} simulations of each release that is not worse, ${Math.ceil(simulations / 4)} of the others, seed ${seed}; ${policy.hours} looks at each.`,
  );
}

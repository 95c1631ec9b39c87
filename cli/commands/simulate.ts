import { availableParallelism } from 'node:os';
import ora from 'ora';
import { play, type Told } from '../../simulator/shrink.ts';
import {
  type Progress,
  type SimulationReport,
  simulate as simulateStories,
} from '../../simulator/simulate.ts';
import type { Failure } from '../../simulator/story-result.ts';
import { printLine, wrapLines } from '../screen/layout.ts';
import { storyLines } from '../screen/story-lines.ts';
import { UsageError } from '../usage-error.ts';
import { outages } from './outages.ts';

/** The options of `promotion simulate`, parsed. */
export interface SimulateOptions {
  seed?: string;
  stories?: number;
  failures: number;
  workers?: number;
  story?: string;
  only?: string;
  /** Instead of stories: one play for each so many requests that may find a system away. */
  outages?: number | true;
  json?: true;
}

const DEFAULT_STORIES = 500;
const DEFAULT_SEED = 'promotion';
/** Without a terminal a line shows the progress so often, in milliseconds. */
const PROGRESS_MS = 10_000;
/** Columns of the time before what happened. */
const BEFORE_TEXT = 17;
/** Names of places that are listed at most; --json has all. */
const MAX_LISTED = 12;

/**
 * `promotion simulate`: plays stories against the deployed functions and checks what they leave behind. Returns the exit
 * status: 0 when nothing was violated. Throws `UsageError`.
 */
export async function simulate(options: SimulateOptions): Promise<number> {
  if (options.story !== undefined) return replay(options, options.story);
  if (options.only !== undefined) throw new UsageError('--only goes with --story');
  if (options.outages !== undefined) {
    if (options.seed !== undefined || options.stories !== undefined)
      throw new UsageError('--outages excludes --seed and --stories: it plays each outage once');
    return outages(options.outages === true ? 1 : options.outages, options.json === true);
  }
  const show = progress(options);
  const started = performance.now();
  const { stackTraceLimit } = Error;
  // Errors are answers here, thousands in a second: nobody reads where they were made.
  Error.stackTraceLimit = 0;
  const report = await simulateStories({
    seed: options.seed ?? DEFAULT_SEED,
    stories: options.stories ?? DEFAULT_STORIES,
    maxFailures: options.failures,
    workers: options.workers ?? defaultWorkers(options.stories ?? DEFAULT_STORIES),
    onProgress: show.on,
  });
  Error.stackTraceLimit = stackTraceLimit;
  show.stop();
  const seconds = (performance.now() - started) / 1000;
  if (options.json) console.log(JSON.stringify({ ...report, seconds }, null, 2));
  else printReport(report, seconds);
  return report.failures.length === 0 ? 0 : 1;
}

/** Another one is worth its start for so many more stories. */
const STORIES_PER_WORKER = 25;

const defaultWorkers = (stories: number) =>
  Math.min(availableParallelism(), Math.ceil(stories / STORIES_PER_WORKER));

async function replay(
  { only, seed, stories, outages: everyOutage, json }: SimulateOptions,
  story: string,
): Promise<number> {
  if (seed !== undefined || stories !== undefined || everyOutage !== undefined)
    throw new UsageError(
      '--story excludes --seed, --stories and --outages: it is one story with its own seed',
    );
  const told: Told = { seed: story, only: only === undefined ? null : only.split(',').filter(Boolean) };
  const played = await play(told, { traced: true });
  const { finished, violations } = played;
  if (json) {
    const { story: plan, play: noted } = finished;
    console.log(
      JSON.stringify({ told, story: plan, faults: noted.faults, trace: noted.trace, violations }, null, 2),
    );
  } else for (const line of storyLines(played)) printLine(line, BEFORE_TEXT);
  return violations.length === 0 ? 0 : 1;
}

function progress({ json, stories = DEFAULT_STORIES }: SimulateOptions) {
  const stream = json ? process.stderr : process.stdout;
  const spinner = stream.isTTY && stream.columns > 0 ? ora({ stream, discardStdin: false }).start() : null;
  const started = performance.now();
  let shownAt = started;
  return {
    on({ played, failed, failure }: Progress) {
      if (failure !== null && !json) {
        spinner?.stop();
        printFailure(failure);
        spinner?.start();
      }
      const now = performance.now();
      if (now - shownAt < (spinner === null ? PROGRESS_MS : 200)) return;
      shownAt = now;
      const rate = ((played / (now - started)) * 1000).toFixed(0);
      const text = `${numberText(played)} of ${numberText(stories)} stories, ${rate} a second, ${failed} failed`;
      if (spinner === null) stream.write(`${text}\n`);
      else spinner.text = text;
    },
    stop: () => void spinner?.stop(),
  };
}

/** At once, not at the end: hours may lie in between. */
function printFailure({ told, violations }: Failure): void {
  for (const { invariant, what } of violations) print(`${invariant}: ${what}`);
  print(`  ${commandOf(told)}`, 4);
}

function printReport(report: SimulationReport, seconds: number): void {
  const { failures, coverage, stories, executions, faults } = report;
  const rate = (stories / seconds).toFixed(0);
  print(
    `${numberText(stories)} stories (seed ${report.seed}), ${numberText(executions)} executions, ${numberText(faults)} faults in ${seconds.toFixed(1)} s, ${rate} stories a second.`,
  );
  const { unreached } = coverage;
  const { possible, missing } = coverage.faults;
  print(
    `Reached ${numberText(possible - missing.length)} of ${numberText(possible)} pairs of a call and a fault.`,
  );
  if (unreached.length > 0) print(`Not reached: ${listed(unreached)}`, 2);
  print(
    failures.length === 0 ? 'Nothing was violated.' : `${failures.length} stories violated an invariant.`,
  );
}

function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return `${names.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more (--json lists them)` : ''}`;
}

/** The command that plays a story again. */
const commandOf = ({ seed, only }: Told) =>
  `npx promotion simulate --story ${seed}${only === null ? '' : ` --only ${only.join(',')}`}`;

const numberText = (value: number) => value.toLocaleString('en');

function print(text: string, hang = 2): void {
  process.stdout.write(`${wrapLines(text, { hang }).join('\n')}\n`);
}

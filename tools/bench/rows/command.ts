import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { build } from 'esbuild';
import ora from 'ora';
import * as z from 'zod';
import { rowsFile } from '../../../lambdas/domain/file-limits.ts';
import { functionMemoryMegabytes, functionTimeoutSeconds } from '../../../lambdas/domain/limits.ts';
import { type Format, hostileFiles, writeVersions } from './files.ts';

const run = promisify(execFile);
const PLAY = fileURLToPath(new URL('play.ts', import.meta.url));
/** The heap may take most of the function's memory; V8 knows of no other limit. */
const HEAP = [
  `--max-old-space-size=${Math.floor(0.9 * functionMemoryMegabytes)}`,
  `--max-semi-space-size=${Math.floor(0.05 * functionMemoryMegabytes)}`,
];

/** Share of a core that the function has: Lambda gives a whole one at 1,769 MB. */
const SHARE = functionMemoryMegabytes / 1769;
const LIMIT_SECONDS = functionTimeoutSeconds['compare-models'];

const Played = z.object({ ended: z.string(), cpuSeconds: z.number(), peakBytes: z.number() });

/** One case. `seconds`: of processor time on this machine, divided by the function's share of a core. */
interface Report {
  readonly what: string;
  readonly ended: string;
  /** How it has to end; null where any method will do. */
  readonly expected: string | null;
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly peakMb: number;
}

/** What is compared of two versions, by measure. */
const comparisons: readonly { what: string; measures: string; clustered?: true; format?: Format }[] = [
  { what: 'accuracy', measures: 'accuracy' },
  { what: 'accuracy, from JSON', measures: 'accuracy', format: 'json' },
  { what: 'accuracy, with ids of 150 characters', measures: 'accuracy', format: 'wide' },
  { what: 'policy default: accuracy, log loss, AUC', measures: 'accuracy,log_loss,auc' },
  { what: 'F1 and MCC', measures: 'f1,mcc' },
  { what: 'root mean squared error', measures: 'root_mean_squared_error' },
  { what: 'a series', measures: 'series' },
  { what: 'policy default, by cluster', measures: 'accuracy,log_loss,auc', clustered: true },
  { what: 'F1, by cluster', measures: 'f1', clustered: true },
];

/** `npm run bench -- rows`: time and memory of comparisons on row files, and of files that are refused. */
export function rowsCommand(): Command {
  return new Command('rows')
    .description('time and memory of comparisons on the largest row files, and of hostile files')
    .option('--json', 'no table: one JSON document on standard output')
    .action(async ({ json }: { json?: true }) => {
      const reports = await measureAll();
      const missed = reports.filter((each) => !holds(each));
      if (json) console.log(JSON.stringify({ node: process.versions.node, share: SHARE, reports }, null, 2));
      else {
        console.table(Object.fromEntries(reports.map((each) => [each.what, rowOf(each)])));
        console.log(
          [
            `${rowsFile.rows} rows each; every case in a process of its own, from its start: Node, the bundle, reading, joining, testing.`,
            `At ${functionMemoryMegabytes} MB: processor seconds on this machine, divided by the function's share of a core (${(100 * SHARE).toFixed(1)} %); at most ${LIMIT_SECONDS}.`,
            `Largest memory: at most ${functionMemoryMegabytes} MB.`,
          ].join('\n'),
        );
      }
      if (missed.length > 0)
        throw new Error(`Not within the limits: ${missed.map(({ what }) => what).join('; ')}`);
    });
}

const holds = ({ ended, expected, seconds, peakMb }: Report) =>
  (expected === null || ended === expected) && seconds <= LIMIT_SECONDS && peakMb <= functionMemoryMegabytes;

const rowOf = ({ ended, cpuSeconds, seconds, peakMb }: Report) => ({
  ended,
  'CPU s': Number(cpuSeconds.toFixed(2)),
  [`s at ${functionMemoryMegabytes} MB`]: Number(seconds.toFixed(1)),
  'peak MB': Math.round(peakMb),
});

async function measureAll(): Promise<Report[]> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const progress = ora('writing the files').start();
  try {
    const files = writeVersions(folder);
    // Bundled, as the functions are: the sources themselves need memory to be read.
    const outfile = join(folder, 'play.mjs');
    await build({
      entryPoints: [PLAY],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      minify: true,
      banner: REQUIRE,
    });
    const play = player(outfile);
    const reports: Report[] = [];
    for (const { what, measures, clustered = false, format = 'csv' } of comparisons) {
      progress.text = what;
      reports.push(await play(what, null, 'compare', measures, String(clustered), ...files[format]));
    }
    for (const { what, ends } of hostileFiles) {
      progress.text = what;
      reports.push(await play(what, ends, 'read', what));
    }
    return reports;
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const REQUIRE = {
  js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
};

const player =
  (file: string) =>
  async (what: string, expected: string | null, ...args: string[]): Promise<Report> => {
    const { stdout } = await run(process.execPath, [...HEAP, file, ...args]);
    const { ended, cpuSeconds, peakBytes } = Played.parse(JSON.parse(stdout));
    return { what, ended, expected, cpuSeconds, seconds: cpuSeconds / SHARE, peakMb: peakBytes / 2 ** 20 };
  };

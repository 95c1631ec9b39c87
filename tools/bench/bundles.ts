import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { bundleFunctions, loadedEver } from '../../build/bundle.ts';
import { entryOf } from '../../infra/bundles.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { packagesIn, sizesOf } from './bundle-contents.ts';
import { medianStartUps } from './start-up.ts';

/** One function: sizes in bytes, and milliseconds to load it in a fresh process. */
export interface BundleReport extends ReturnType<typeof sizesOf> {
  name: string;
  startUpMs: number;
  /** The same handler from its sources, in the same run. */
  sourcesStartUpMs: number;
  packages: ReturnType<typeof packagesIn>;
}

/** `npm run bench -- bundles`: size and start-up time of each deployed function. */
export function bundlesCommand(): Command {
  return new Command('bundles')
    .description("sizes and start-up times of the functions' bundles, compared with the unbundled sources")
    .option('--json', 'no table: one JSON document on standard output')
    .option('--runs <count>', 'start-ups of each function, of which the median is taken', positive, 9)
    .action(async ({ json, runs }: { json?: true; runs: number }) => {
      const functions = await measure(runs);
      const { node } = process.versions;
      if (json) {
        console.log(JSON.stringify({ node, runs, functions }, null, 2));
        return;
      }
      console.table(Object.fromEntries(functions.map((report) => [report.name, rowOf(report)])));
      console.log(
        [
          `kB = 1000 bytes of code that the function may load of the one bundle. Start-up: median of ${runs} fresh processes of`,
          `Node ${node} on this machine, until the handler can be called; "sources" is the same handler unbundled.`,
        ].join('\n'),
      );
    });
}

/** Bundles the current sources into a temporary directory and measures them. */
async function measure(runs: number): Promise<BundleReport[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  const progress = ora('bundling').start();
  try {
    const bundle = await bundleFunctions(join(directory, 'functions'));
    const files = functionNames.flatMap((name) => [join(bundle.directory, entryOf(name)), sourceOf(name)]);
    let done = 0;
    const medians = await medianStartUps(files, runs, () => {
      done += 1;
      progress.text = `start-up ${done} of ${files.length * (runs + 1)}`;
    });
    return functionNames.map((name, index) => ({
      name,
      ...sizesOf(bundle, name),
      startUpMs: medians[2 * index] ?? Number.NaN,
      sourcesStartUpMs: medians[2 * index + 1] ?? Number.NaN,
      packages: packagesIn(bundle, loadedEver(bundle, name)),
    }));
  } finally {
    progress.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const sourceOf = (name: FunctionName) => fileURLToPath(new URL(`../../lambdas/${name}.ts`, import.meta.url));

const kilobytes = (bytes: number) => Math.round(bytes / 1000);

function rowOf(report: BundleReport) {
  return {
    'code kB': kilobytes(report.code),
    'gzip kB': kilobytes(report.gzipped),
    'at start kB': kilobytes(report.atStart),
    'files at start': report.filesAtStart,
    'modules at start': report.modulesAtStart,
    'start-up ms': Math.round(report.startUpMs),
    'sources ms': Math.round(report.sourcesStartUpMs),
    'largest packages (kB)': report.packages
      .slice(0, 3)
      .map((each) => `${each.package} ${kilobytes(each.bytes)}`)
      .join(', '),
  };
}

function positive(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0 && count < 1000) return count;
  throw new InvalidArgumentError('must be a whole number from 1 to 999.');
}

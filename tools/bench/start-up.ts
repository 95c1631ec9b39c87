import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const script = `
const from = performance.now();
await import(process.argv[1]);
console.log(performance.now() - from);
`;

/** Milliseconds that a fresh Node process takes to load a module. */
async function loadingMs(file: string): Promise<number> {
  const { stdout } = await run(
    process.execPath,
    ['--input-type=module', '--eval', script, pathToFileURL(file).href],
    { env: {}, timeout: 60_000 },
  );
  return Number(stdout);
}

/**
 * The median of `runs` start-ups of each module, in milliseconds, in the order given. The modules alternate, so that
 * other load on the machine affects all of them equally; one warm-up run of each is not counted.
 */
export async function medianStartUps(files: string[], runs: number, onRun: () => void): Promise<number[]> {
  const taken = files.map((): number[] => []);
  for (let round = 0; round <= runs; round += 1) {
    for (const [index, file] of files.entries()) {
      const ms = await loadingMs(file);
      if (round > 0) taken[index]?.push(ms);
      onRun();
    }
  }
  return taken.map(median);
}

/** The middle of some numbers, of an even count the mean of two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Runs a script whose only options are `--out DIR` and `--help`, and prints what it throws. Exit status: 0 done, 1 failed, 2
 * unknown arguments.
 */
export async function withOutOption(
  args: string[],
  { usage, out }: { usage: string; out: string },
  run: (out: string) => Promise<void>,
): Promise<number> {
  let given: { help?: boolean; out?: string };
  try {
    const options = { help: { type: 'boolean', short: 'h' }, out: { type: 'string' } } as const;
    given = parseArgs({ args, options }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (given.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    await run(given.out === undefined ? out : resolve(given.out));
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

import { Command, CommanderError } from 'commander';
import { bundlesCommand } from './bundles.ts';
import { decisionsCommand } from './decisions/command.ts';
import { driftCommand } from './drift/command.ts';
import { freshCommand } from './fresh/command.ts';
import { manyCommand } from './many.ts';
import { rowsCommand } from './rows/command.ts';
import { scalingCommand } from './scaling.ts';
import { warmCommand } from './warm/command.ts';
import { watchCommand } from './watch/command.ts';

/** `npm run bench -- NAME`: one command for each benchmark. Exit status: 0 measured, 1 failed, 2 unknown arguments. */
async function main(argv: string[]): Promise<number> {
  const program = new Command('bench')
    .usage('NAME [options]   (npm run bench -- NAME [options])')
    .description('Measures what this repository builds and runs; every benchmark has --json and --help.')
    .addCommand(bundlesCommand())
    .addCommand(decisionsCommand())
    .addCommand(driftCommand())
    .addCommand(freshCommand())
    .addCommand(manyCommand())
    .addCommand(rowsCommand())
    .addCommand(scalingCommand())
    .addCommand(warmCommand())
    .addCommand(watchCommand());
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError('(run with --help for the options)');
  }
  try {
    await program.parseAsync(argv);
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    console.error(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return 1;
  }
}

process.exitCode = await main(process.argv);

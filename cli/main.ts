import { Command, CommanderError } from 'commander';
import { stopWhenNobodyReads } from './closed-output.ts';
import { emulatorsCommand } from './commands/emulators.ts';
import { historyCommand } from './commands/history.ts';
import { runCommand } from './commands/run.ts';
import { startCommand } from './commands/start.ts';
import { UsageError } from './usage-error.ts';

/** `promotion`: 0 when the job was done, 1 when it was not, 2 for arguments or input that cannot be used. */
export async function main(argv: string[]): Promise<number> {
  stopWhenNobodyReads();
  let status = 0;
  const done = (code: number) => {
    status = code;
  };
  const program = new Command('promotion')
    .description(
      'Promotes machine-learning models: compares versions in MLflow, rolls them out on DataRobot Workloads, promotes them and rolls them back.',
    )
    .exitOverride()
    .showHelpAfterError('(run with --help for the options)')
    .addCommand(runCommand(done))
    .addCommand(startCommand(done))
    .addCommand(emulatorsCommand(done))
    .addCommand(historyCommand(done));
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError('(run with --help for the options)');
  try {
    await program.parseAsync(argv);
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError) {
      console.error(error.message);
      return 2;
    }
    console.error(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    return 1;
  }
}

import { CommanderError } from 'commander';
import { exitWhenOutputCloses } from './closed-output.ts';
import { printable } from './printable.ts';
import { type LocalCommands, program } from './program.ts';
import { UsageError } from './usage-error.ts';

/** Runs `promotion` with these commands of the local run. Exit status: 0 success, 1 failure, 2 invalid arguments or input. Never throws. */
export async function runCommand(argv: string[], local: LocalCommands): Promise<number> {
  exitWhenOutputCloses();
  let status = 0;
  const done = (code: number) => {
    status = code;
  };
  try {
    await program(done, local).parseAsync(argv);
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof UsageError) {
      console.error(printable(error.message));
      return 2;
    }
    console.error(printable(error instanceof Error ? `${error.name}: ${error.message}` : String(error)));
    return 1;
  }
}

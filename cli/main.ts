import type { LocalCommands } from './program.ts';
import { runCommand } from './run-command.ts';

/** The commands of the local run: each imports its code when it runs. */
const onThisMachine: LocalCommands = {
  isPackage: false,
  run: async (options) => {
    // Loading takes a second or two: a terminal shows at once that something happens.
    const { progressOn } = await import('./screen/progress.ts');
    const progress = progressOn(process.stderr);
    progress.doing('Loading the emulators and the functions');
    const { run } = await import('./commands/run.ts').finally(() => progress.stop());
    return run(options);
  },
  emulators: async (options) => (await import('./commands/emulators.ts')).emulators(options),
  simulate: async (options) => (await import('./commands/simulate.ts')).simulate(options),
  compare: async (options) => (await import('./commands/compare.ts')).compare(options),
  invoke: async (name, options) => (await import('./commands/invoke.ts')).invoke(name, options),
};

/** Runs `promotion` in a clone of the repository; see `runCommand`. */
export const main = (argv: string[]): Promise<number> => runCommand(argv, onThisMachine);

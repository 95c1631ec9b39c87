import type { LocalCommands } from './program.ts';
import { runCommand } from './run-command.ts';
import { UsageError } from './usage-error.ts';

const inRepository = (command: string) => async (): Promise<number> => {
  throw new UsageError(
    `promotion ${command} needs the emulators and the local run, which are part of the repository and not of the npm package. In a clone of the repository: npm ci, then npx promotion ${command}.`,
  );
};

/** What the npm package has of the local run: it brings no emulators, and no package that they need. */
const inPackage: LocalCommands = {
  isPackage: true,
  run: inRepository('run'),
  emulators: inRepository('emulators'),
  simulate: inRepository('simulate'),
  compare: async (options) => {
    const { comparePackaged } = await import('./commands/invoke-packaged.ts');
    return comparePackaged(options, new URL('../functions/', import.meta.url));
  },
  invoke: async (name, options) => {
    const { invokePackaged } = await import('./commands/invoke-packaged.ts');
    return invokePackaged(name, options, new URL('../functions/', import.meta.url));
  },
};

/** Runs `promotion` as the npm package ships it; see `runCommand`. */
export const main = (argv: string[]): Promise<number> => runCommand(argv, inPackage);

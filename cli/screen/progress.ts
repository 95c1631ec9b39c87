import ora, { type Ora } from 'ora';
import { wrapLines } from './layout.ts';
import { dim } from './timeline-lines.ts';

/** Without a terminal, a line shows that something is in progress, at growing intervals of up to a minute. */
const STILL_RUNNING_MS = 2_000;
const MAX_QUIET_MS = 60_000;

/** Shows what is in progress within two seconds: a spinner in a terminal, else lines with the seconds so far. */
export interface Progress {
  doing(what: string): void;
  stop(): void;
  /** What is in progress; null for nothing. */
  current(): string | null;
}

/** Progress on this stream; `indent` is the number of blanks before a line. */
export function progressOn(stream: NodeJS.WriteStream, indent = 0): Progress {
  // In a terminal of unknown width the spinner erases lines endlessly.
  const canSpin = stream.isTTY && stream.columns > 0;
  const spinner: Ora | null = canSpin ? ora({ stream, discardStdin: false }) : null;
  let ticking: NodeJS.Timeout | undefined;
  let current: string | null = null;
  return {
    doing(what) {
      current = what;
      spinner?.start(dim(what));
      clearTimeout(ticking);
      const since = performance.now();
      const tickAfter = (ms: number) => {
        ticking = setTimeout(() => {
          const line = `${' '.repeat(indent)}${what}: ${Math.round((performance.now() - since) / 1000)} s`;
          stream.write(`${wrapLines(dim(line)).join('\n')}\n`);
          tickAfter(Math.min(ms * 2, MAX_QUIET_MS));
        }, ms);
      };
      if (spinner === null) tickAfter(STILL_RUNNING_MS);
    },
    stop() {
      current = null;
      spinner?.stop();
      clearTimeout(ticking);
    },
    current: () => current,
  };
}

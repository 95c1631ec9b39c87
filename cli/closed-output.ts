let exitOnClose = true;

/**
 * Exits with status 0 when the reader of standard output, such as `head`, closes the pipe. Without this Node reports
 * the closed pipe as an error of the program.
 */
export function exitWhenOutputCloses(): void {
  process.stdout.off('error', onOutputError).on('error', onOutputError);
}

function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  if (exitOnClose) process.exit(0);
}

/** From now on a closed pipe does not exit the process: a promotion on a real system must not stop part-way. */
export function continueAfterOutputCloses(): void {
  exitOnClose = false;
}

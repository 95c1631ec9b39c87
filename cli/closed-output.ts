let exitOnClose = true;

/**
 * A reader of standard output that has seen enough, such as `head`, ends the program quietly. Without this Node
 * reports the closed pipe as an error of the program.
 */
export function exitWhenOutputCloses(): void {
  process.stdout.off('error', onOutputError).on('error', onOutputError);
}

function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  if (exitOnClose) process.exit(0);
}

/** From now on the work goes on to its end, read or not: a promotion on a real system must not stop half-way. */
export function continueAfterOutputCloses(): void {
  exitOnClose = false;
}

let mayStop = true;

/**
 * A reader of standard output that has seen enough, such as `head`, ends the program quietly. Without this Node
 * reports the closed pipe as an error of the program.
 */
export function stopWhenNobodyReads(): void {
  process.stdout.off('error', stop).on('error', stop);
}

function stop(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  if (mayStop) process.exit(0);
}

/** From now on the work goes on to its end, read or not: a promotion on a real system must not stop half-way. */
export function finishUnread(): void {
  mayStop = false;
}

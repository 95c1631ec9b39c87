/** Invalid arguments or input; the message names the problem and its remedy. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError' as const;
}

/** Arguments or input that cannot be used; the message says what, where and what to do. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError' as const;
}

import * as z from 'zod';

/** As Lambda writes the error of a function (its developer guide, "Node.js errors"). */
const LambdaCause = z.object({ errorMessage: z.string() });

/**
 * The message in the `Cause` of an error of Step Functions: Lambda's is JSON with a stack trace, that of the machine
 * itself is the message, and there may be none, which is the empty text.
 */
export function causeMessage(cause: unknown): string {
  const text = typeof cause === 'string' ? cause : (JSON.stringify(cause) ?? '');
  try {
    return LambdaCause.safeParse(JSON.parse(text)).data?.errorMessage ?? text;
  } catch {
    return text;
  }
}

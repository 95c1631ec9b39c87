import * as z from 'zod';

const FromLambda = z.object({ errorMessage: z.string() });
const LONGEST_MESSAGE = 1000;

/**
 * The message in the `Cause` of a failed task: Lambda puts JSON there, with a stack trace; Step Functions itself puts a
 * bare message, or nothing. At most 1,000 characters, empty where there is none.
 */
export function causeMessage(cause: unknown): string {
  const text = typeof cause === 'string' ? cause : cause === undefined ? '' : JSON.stringify(cause);
  let message = text;
  try {
    message = FromLambda.safeParse(JSON.parse(text)).data?.errorMessage ?? text;
  } catch {
    // Not JSON: the text is the message.
  }
  return message.slice(0, LONGEST_MESSAGE);
}

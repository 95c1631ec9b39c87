import * as z from 'zod';
import { isTooDeep, parseJson } from './json.ts';

/** As Lambda writes the error of a function (its developer guide, "Node.js errors"). */
const LambdaCause = z.object({ errorMessage: z.string() });

/**
 * The message in the `Cause` of a Step Functions error: for a Lambda error it is taken from JSON with a stack trace, for an
 * error of the machine it is the text itself; empty if there is none, or if it is
 * nested too deep.
 */
export function causeMessage(cause: unknown): string {
  if (isTooDeep(cause)) return '';
  const text = typeof cause === 'string' ? cause : (JSON.stringify(cause) ?? '');
  try {
    return LambdaCause.safeParse(parseJson(text)).data?.errorMessage ?? text;
  } catch {
    return text;
  }
}

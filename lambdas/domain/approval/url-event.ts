import * as z from 'zod';
import { parseJson, readAs } from '../json.ts';

/** What people send to the function URL. */

/**
 * The event of a function URL, format 2.0. The identity is that which AWS has verified; nothing in the body or the headers
 * is one.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export const DecideEvent = z.object({
  requestContext: z.object({
    authorizer: z.object({ iam: z.object({ userArn: z.string().max(2048) }) }),
  }),
  body: z.string().max(20_000).default(''),
  isBase64Encoded: z.boolean().default(false),
});
export type DecideEvent = z.infer<typeof DecideEvent>;

const execution = z.string().min(1).max(300);

/** The body: a decision, or what is waited for. */
export const DecideCall = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.enum(['approve', 'reject']),
    /** ARN or name. */
    execution,
    /** Of what the person has seen. */
    digest: z.string().regex(/^[0-9a-f]{64}$/, 'must be the digest of the request'),
    reason: z.string().trim().min(1, 'must say why').max(1000),
  }),
  /** One request, or a page of those that wait; only those that the caller may decide. */
  z.strictObject({ action: z.literal('show'), execution }),
  z.strictObject({ action: z.literal('list'), from: z.string().max(300).nullish() }),
]);
export type DecideCall = z.infer<typeof DecideCall>;

/** The body of a call; its problems where it is none. */
export function callIn({ body, isBase64Encoded }: DecideEvent): z.ZodSafeParseResult<DecideCall> {
  const text = isBase64Encoded ? new TextDecoder().decode(bytesOf(body)) : body;
  try {
    return readAs(DecideCall, parseJson(text));
  } catch {
    return readAs(DecideCall, null);
  }
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

import * as z from 'zod';
import { type Authorization, basic, bearer } from '../adapters/authorization.ts';
import { fromSecret, type SecretOptions } from '../adapters/aws/secrets-manager.ts';
import { readAs } from '../domain/json.ts';
import { HeaderText, jsonOrNull } from './environment.ts';

/** `{"username": …, "password": …}`. */
export const Login = z
  .object({ username: z.string().min(1), password: z.string().min(1) })
  .transform(({ username, password }) => basic(username, password));

/** `{"token": …}`. */
export const Token = z.object({ token: HeaderText }).transform(({ token }) => bearer(token));

/** The token as plain text. */
export const BareToken = HeaderText.transform(bearer);

interface Secret extends Omit<SecretOptions, 'arn' | 'read'> {
  arn: string | undefined;
  /** Schema of the secret's content: a JSON document, or the text itself. */
  schema: z.ZodType<Authorization>;
}

/** Credentials from the secret if an ARN is set, else `plain`. Reading throws `InvalidConfiguration`, or the secret's `unavailable` error. */
export function authorizationOf({ arn, schema, ...secret }: Secret, plain: Authorization): Authorization {
  if (arn === undefined) return plain;
  const read = (text: string) => readAs(schema, jsonOrNull(text) ?? text.trim()).data ?? null;
  return fromSecret({ ...secret, arn, read });
}

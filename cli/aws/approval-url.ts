import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { UsageError } from '../usage-error.ts';
import { AwsRefused, AwsUnavailable, explainError } from './problem.ts';

/** Calls of the URL at which people approve, signed by the identity of whoever runs the command. */

/** Header by which the local run is told who calls; AWS knows who has signed. */
export const LOCAL_IDENTITY = 'x-local-identity';

const FUNCTION_URL = /^https:\/\/[a-z0-9]+\.lambda-url\.([a-z0-9-]+)\.on\.aws(?:\.cn)?\/?$/;
const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d{1,5}\/?$/;
const TIMEOUT_MS = 40_000;

const Decision = z.object({ who: z.string(), verdict: z.string(), reason: z.string(), at: z.string() });

/** A request as the function shows it. */
export const ShownRequest = z.object({
  execution: z.string(),
  digest: z.string(),
  status: z.string(),
  count: z.int(),
  missing: z.int(),
  expires_at: z.string(),
  requester: z.string().nullable(),
  requested_by: z.string().nullable(),
  decisions: z.array(Decision),
  subject: z.looseObject({
    model_name: z.string(),
    decision: z.string(),
    champion_version: z.string().nullable(),
    challenger_version: z.string().nullable(),
    policy: z.string(),
    workload_id: z.string().nullable(),
    artifact_id: z.string().nullable(),
  }),
});
export type ShownRequest = z.infer<typeof ShownRequest>;

/** Where approvals are sent, and as whom. */
export interface ApprovalPlace {
  readonly url: URL;
  /** Null for the local run. */
  readonly region: string | null;
  /** Of the local run: `sso:` and a user name, or an ARN. */
  readonly as: string | null;
}

/** Throws `UsageError`. */
export function approvalPlace(
  { url = '', as }: { url?: string | undefined; as?: string | undefined },
  env: NodeJS.ProcessEnv,
): ApprovalPlace {
  const given = url || (env['APPROVAL_URL'] ?? '');
  if (given === '')
    throw new UsageError(
      '--url: is required, or the environment variable APPROVAL_URL: the output ApprovalUrl of the stack',
    );
  const [, region = null] = FUNCTION_URL.exec(given) ?? [];
  if (region === null && !LOOPBACK.test(given))
    throw new UsageError(
      '--url: must be the URL of the function decide-approval, https://….lambda-url.….on.aws/',
    );
  if (region === null && as === undefined)
    throw new UsageError('--as: is required in a local run, such as --as sso:ada@example.com');
  if (region !== null && as !== undefined)
    throw new UsageError('--as: is for local runs only; on AWS you are who your credentials say');
  return { url: new URL(given), region, as: as ?? null };
}

/** The answer of the function. Throws `AwsRefused` and `AwsUnavailable`. */
export async function callApprovals({ url, region, as }: ApprovalPlace, call: object): Promise<unknown> {
  const body = JSON.stringify(call);
  const headers =
    region === null
      ? { 'content-type': 'application/json', [LOCAL_IDENTITY]: as ?? '' }
      : await signed(url, region, body);
  const answer = await fetch(url, {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    throw new AwsUnavailable(`${url.host}: ${error instanceof Error ? error.message : 'no answer'}`, false);
  });
  const text = await answer.text();
  const parsed = parsedOf(text);
  // What the function itself has answered; IAM and the platform answer otherwise.
  if (typeof parsed === 'object' && parsed !== null && ('answer' in parsed || 'who' in parsed)) return parsed;
  if (answer.status === 403)
    throw new AwsRefused(
      'You may not call the URL: it takes lambda:InvokeFunctionUrl and lambda:InvokeFunction on it, which grantApprove of the construct gives',
    );
  throw new AwsUnavailable(`${url.host} answered ${answer.status}: try again`, answer.status === 429);
}

function parsedOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Signature Version 4, with the credentials that the AWS SDK finds. */
async function signed(url: URL, region: string, body: string): Promise<Record<string, string>> {
  const [{ SignatureV4 }, { Sha256 }] = await Promise.all([
    import('@smithy/signature-v4'),
    import('@aws-crypto/sha256-js'),
  ]);
  const { credentials } = new SFNClient({ region }).config;
  const identity = await credentials().catch((error: unknown) => {
    throw explainError(error, 'Credentials', region);
  });
  const signer = new SignatureV4({ service: 'lambda', region, credentials: identity, sha256: Sha256 });
  const request = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host, 'content-type': 'application/json' },
    body,
  });
  const { host: _, ...headers } = request.headers;
  return headers;
}

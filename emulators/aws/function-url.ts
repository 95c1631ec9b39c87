import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';

/** What a function URL hands to its function, with an identity that AWS would have verified. */

const ACCOUNT = '123456789012';

/** The ARN of a session: of `sso:NAME` a person of IAM Identity Center; an ARN is itself. Throws for anything else. */
export function sessionArn(who: string): string {
  if (who.startsWith('arn:')) return who;
  const [, name] = /^sso:([\w+=,.@-]{2,64})$/.exec(who) ?? [];
  if (name === undefined) throw new Error(`${who} is neither an ARN nor sso: and a user name`);
  return `arn:aws:sts::${ACCOUNT}:assumed-role/AWSReservedSSO_Promotion_0123456789abcdef/${name}`;
}

/**
 * The event of a call, format 2.0, as IAM authentication fills it in.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */
export function urlEvent(userArn: string, body: object): object {
  const accountId = userArn.split(':')[4] ?? ACCOUNT;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: '',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': '192.0.2.1' },
    requestContext: {
      accountId,
      apiId: 'local',
      authentication: null,
      authorizer: {
        iam: {
          accessKey: 'AKIALOCAL',
          accountId,
          callerId: 'AIDALOCAL',
          cognitoIdentity: null,
          principalOrgId: null,
          userArn,
          userId: 'AIDALOCAL',
        },
      },
      domainName: 'local.lambda-url.us-east-1.on.aws',
      http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'local' },
      requestId: randomUUID(),
      stage: '$default',
      timeEpoch: 0,
    },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

/** Header that names the caller here; on AWS it is whoever has signed. */
const IDENTITY = 'x-local-identity';

const Answer = z.object({ statusCode: z.int(), headers: z.record(z.string(), z.string()), body: z.string() });

/** A function URL on a free port of 127.0.0.1. */
export async function startFunctionUrl(
  call: (event: object) => Promise<unknown>,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = fastify({ forceCloseConnections: true });
  server.post('/', async (request, reply) => {
    const who = String(request.headers[IDENTITY] ?? '');
    let userArn: string;
    try {
      userArn = sessionArn(who);
    } catch {
      // As IAM refuses a call without a signature.
      return reply.code(403).send({ Message: 'Forbidden' });
    }
    try {
      const { statusCode, headers, body } = Answer.parse(
        await call(urlEvent(userArn, request.body as object)),
      );
      return await reply.code(statusCode).headers(headers).send(body);
    } catch {
      return reply.code(502).send({ Message: 'Internal Server Error' });
    }
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}

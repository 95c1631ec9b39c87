import { randomUUID } from 'node:crypto';

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

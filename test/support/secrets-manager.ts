import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';

/** Secrets Manager as far as reading a secret by its ARN goes (AWS JSON 1.1, `GetSecretValue`). */
export interface LocalSecrets {
  endpoint: string;
  /** Puts another value in the place of a secret, as a rotation does. */
  put(arn: string, text: string): void;
  /** From now on every request is refused so; null ends it. */
  refuse(refusal: { status: number; type: string } | null): void;
  /** From now on answers begin and never end; false ends it. */
  stall(stalled: boolean): void;
  /** ARNs that were asked for, in order. */
  asked: readonly string[];
  close(): Promise<void>;
}

const Ask = z.object({ SecretId: z.string() });

export async function startLocalSecrets(secrets: Record<string, string>): Promise<LocalSecrets> {
  const texts = new Map(Object.entries(secrets));
  const asked: string[] = [];
  let refusal: { status: number; type: string } | null = null;
  let stalled = false;
  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (request, reply) => {
    reply.type('application/x-amz-json-1.1');
    const answer = (status: number, body: object) => reply.code(status).send(JSON.stringify(body));
    const action = String(request.headers['x-amz-target']).split('.')[1];
    if (action !== 'GetSecretValue') return answer(501, { __type: 'NotImplemented', message: `${action}` });
    const { SecretId: arn } = Ask.parse(JSON.parse(String(request.body)));
    asked.push(arn);
    if (stalled) {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).write('{');
      return;
    }
    if (refusal !== null) return answer(refusal.status, { __type: refusal.type, Message: 'refused' });
    const text = texts.get(arn);
    if (text === undefined)
      return answer(400, { __type: 'ResourceNotFoundException', Message: 'There is no such secret' });
    return answer(200, { ARN: arn, Name: arn, SecretString: text, VersionId: 'v', CreatedDate: 0 });
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    put: (arn, text) => void texts.set(arn, text),
    refuse: (given) => {
      refusal = given;
    },
    stall: (given) => {
      stalled = given;
    },
    asked,
    close: () => server.close(),
  };
}

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request } from 'undici';

/** Variables of the functions with the addresses of the systems that they call. */
export const systems = {
  mlflow: 'MLFLOW_TRACKING_URI',
  workload: 'DATAROBOT_ENDPOINT',
  dynamodb: 'AWS_ENDPOINT_URL_DYNAMODB',
  sns: 'AWS_ENDPOINT_URL_SNS',
  states: 'AWS_ENDPOINT_URL_SFN',
} as const;
export type System = keyof typeof systems;
const names = Object.keys(systems) as System[];

/** A request of a function and its answer; bodies in base64. */
export interface Exchange {
  readonly system: System;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
  readonly answerHeaders: Readonly<Record<string, string>>;
  readonly answer: string;
  /** Requests with the same number were under way at the same time. */
  readonly wave: number;
  /** Until the system had answered, in milliseconds. */
  readonly ms: number;
}

/** Stands before every system. Close it to stop. */
export interface Gateway {
  /** These variables, with the addresses of the gateway. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface Recorder extends Gateway {
  /** Begins a new list, which grows as requests arrive. */
  record(): Exchange[];
}

/** Hands requests on to the systems of this environment, and writes them down. */
export async function recorder(env: NodeJS.ProcessEnv): Promise<Recorder> {
  let exchanges: Exchange[] = [];
  let underWay = 0;
  let wave = 0;
  const gateway = await listen(async (system, incoming, body) => {
    const into = exchanges;
    if (underWay === 0) wave += 1;
    const own = wave;
    underWay += 1;
    const { method = 'GET', url = '/' } = incoming;
    const headers = handedOn(incoming);
    const target = new URL(env[systems[system]] ?? '').origin;
    const from = performance.now();
    const answer = await request(target + url, {
      method: method as 'GET',
      headers,
      body: body.length > 0 ? body : null,
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    underWay -= 1;
    const answerHeaders = handedOn(answer);
    into.push({
      ...{ system, method, path: url, headers, body: body.toString('base64'), wave: own },
      ...{ status: answer.statusCode, answerHeaders, answer: bytes.toString('base64') },
      ms: performance.now() - from,
    });
    return { status: answer.statusCode, headers: answerHeaders, bytes };
  }, env);
  return {
    ...gateway,
    record: () => {
      exchanges = [];
      wave = 0;
      return exchanges;
    },
  };
}

export interface Replayer extends Gateway {
  /** Answers the next process as these; `missing` are requests that were not recorded, or more often than that. */
  replay(exchanges: readonly Exchange[]): { readonly missing: string[]; readonly requests: () => number };
}

/** Answers requests as they were answered when they were recorded, each time anew, and without a system behind it. */
export async function replayer(env: NodeJS.ProcessEnv): Promise<Replayer> {
  let left = new Map<string, Exchange[]>();
  let missing: string[] = [];
  let count = 0;
  const gateway = await listen(async (system, incoming) => {
    count += 1;
    const { method = 'GET', url = '/', headers } = incoming;
    const key = keyOf(system, method, url, headers['x-amz-target']);
    const exchange = left.get(key)?.shift();
    if (exchange === undefined) {
      missing.push(key);
      return { status: 500, headers: {}, bytes: Buffer.from('not recorded') };
    }
    const { status, answerHeaders, answer } = exchange;
    return { status, headers: answerHeaders, bytes: Buffer.from(answer, 'base64') };
  }, env);
  return {
    ...gateway,
    replay: (exchanges) => {
      left = new Map();
      for (const each of exchanges) {
        const key = keyOf(each.system, each.method, each.path, each.headers['x-amz-target']);
        left.set(key, [...(left.get(key) ?? []), each]);
      }
      const own: string[] = [];
      missing = own;
      const before = count;
      return { missing: own, requests: () => count - before };
    },
  };
}

const keyOf = (system: System, method: string, path: string, target: unknown): string =>
  `${system} ${method} ${path} ${typeof target === 'string' ? target : ''}`.trim();

type Answer = (
  system: System,
  incoming: IncomingMessage,
  body: Buffer,
) => Promise<{ status: number; headers: Readonly<Record<string, string>>; bytes: Buffer }>;

async function listen(answer: Answer, env: NodeJS.ProcessEnv): Promise<Gateway> {
  const addresses: Record<string, string> = {};
  const servers = await Promise.all(
    names.map(async (system): Promise<Server> => {
      const server = createServer(async (incoming, outgoing) => {
        const { status, headers, bytes } = await answer(system, incoming, await buffer(incoming));
        outgoing.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const { pathname } = new URL(env[systems[system]] ?? 'http://nothing');
      addresses[systems[system]] = `http://127.0.0.1:${port}${pathname === '/' ? '' : pathname}`;
      return server;
    }),
  );
  return {
    env: addresses,
    close: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((done) => server.close(done));
      }
    },
  };
}

const handedOn = ({ headers }: { headers: IncomingMessage['headers'] }): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      ['host', 'connection', 'content-length', 'transfer-encoding'].includes(name) || value === undefined
        ? []
        : [[name, String(value)]],
    ),
  );

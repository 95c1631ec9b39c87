import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { z } from 'zod';
import { Faults } from '../faults.ts';

/** A call that CloudTrail has recorded: who started which execution. Times are milliseconds since 1970. */
export interface RecordedStart {
  executionArn: string;
  /** ARN of the caller. */
  userArn: string;
  at: number;
}

/**
 * The event history of CloudTrail (AWS JSON 1.1: `LookupEvents`), of starts of executions only.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export interface LocalCloudTrail {
  endpoint: string;
  record(start: RecordedStart): void;
  /** Milliseconds after a call until its event can be looked up. */
  delayMs: number;
  faults: Faults;
  reset(): void;
  close(): Promise<void>;
}

const PAGE = 50;

const LookupRequest = z.object({
  LookupAttributes: z
    .array(z.object({ AttributeKey: z.literal('EventName'), AttributeValue: z.string() }))
    .length(1),
  /** Seconds since 1970. */
  StartTime: z.number(),
  EndTime: z.number(),
  MaxResults: z.int().min(1).max(PAGE).default(PAGE),
  NextToken: z.string().optional(),
});

/** Starts the emulator on a free port of 127.0.0.1; `now` is in milliseconds since 1970. */
export async function startLocalCloudTrail(now: () => number): Promise<LocalCloudTrail> {
  let starts: RecordedStart[] = [];
  const server = fastify({ forceCloseConnections: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.post('/', async (request, reply) => {
    reply.type('application/x-amz-json-1.1');
    const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const effect = local.faults.take('POST', action);
    if (effect?.kind === 'answer') return reply.code(effect.status).send(effect.body);
    if (action !== 'LookupEvents')
      return reply.code(501).send(JSON.stringify({ __type: 'UnknownOperationException' }));
    const parsed = LookupRequest.safeParse(JSON.parse(String(request.body)));
    if (!parsed.success)
      return reply
        .code(400)
        .send(JSON.stringify({ __type: 'InvalidLookupAttributesException', message: parsed.error.message }));
    const { LookupAttributes, StartTime, EndTime, MaxResults, NextToken } = parsed.data;
    const found =
      LookupAttributes[0]?.AttributeValue === 'StartExecution'
        ? starts
            .filter(({ at }) => at >= StartTime * 1000 && at <= EndTime * 1000 && at + local.delayMs <= now())
            // The latest first.
            .sort((a, b) => b.at - a.at)
        : [];
    const from = Number(NextToken ?? 0);
    const Events = found.slice(from, from + MaxResults).map(eventOf);
    const next = from + MaxResults < found.length ? { NextToken: String(from + MaxResults) } : {};
    return reply.send(JSON.stringify({ Events, ...next }));
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const local: LocalCloudTrail = {
    endpoint: `http://127.0.0.1:${port}`,
    record: (start) => void starts.push(start),
    delayMs: 0,
    faults: new Faults(),
    reset() {
      starts = [];
      local.delayMs = 0;
      local.faults.clear();
    },
    close: () => server.close(),
  };
  return local;
}

const eventOf = ({ executionArn, userArn, at }: RecordedStart) => ({
  EventName: 'StartExecution',
  EventTime: at / 1000,
  CloudTrailEvent: JSON.stringify({
    eventVersion: '1.11',
    eventSource: 'states.amazonaws.com',
    eventName: 'StartExecution',
    eventTime: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
    userIdentity: { type: userArn.includes(':user/') ? 'IAMUser' : 'AssumedRole', arn: userArn },
    responseElements: { executionArn, startDate: new Date(at).toUTCString() },
  }),
});

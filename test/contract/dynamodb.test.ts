import { buffer } from 'node:stream/consumers';
import { DynamoDBClient, ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { directOutcome } from '../../lambdas/domain/outcome/outcome.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import { cannedServer } from '../support/canned-server.ts';
import { dynamodbClient } from '../support/clients.ts';

let table: LocalTable;
let client: DynamoDBClient;
let store: PromotionStore;

beforeAll(async () => {
  table = await startLocalTable();
  client = dynamodbClient(table);
  store = dynamodbStore(client, table.name);
});
afterAll(async () => {
  client.destroy();
  await table.close();
});

const now = new Date('2026-11-21T10:00:00Z');
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const outcome = (execution: string) => ({
  ...directOutcome({
    status: 'promoted',
    cause: { code: 'promoted', direct: true },
    operation: 'promote',
    execution,
    model_name: 'm',
    recorded_at: now.toISOString(),
  }),
  reason: 'r',
});

describe('the lease of a model', () => {
  it('is given to one owner at a time, who is named to the others', async () => {
    expect(await store.takeLease('one', 'a', now, 60)).toEqual({ taken: true, fence: 1 });
    expect(await store.takeLease('one', 'b', later(30), 60)).toEqual({
      taken: false,
      holder: 'a',
      expiresAt: '2026-11-21T10:01:00.000Z',
    });
  });

  it('keeps its fence when its owner asks again', async () => {
    await store.takeLease('again', 'a', now, 60);
    expect(await store.takeLease('again', 'a', later(10), 60)).toEqual({ taken: true, fence: 1 });
  });

  it('goes on to the next with a higher fence once released or expired', async () => {
    await store.takeLease('next', 'a', now, 60);
    await store.releaseLease('next', 'a');
    expect(await store.takeLease('next', 'b', now, 60)).toEqual({ taken: true, fence: 2 });
    expect(await store.takeLease('next', 'c', later(61), 60)).toEqual({ taken: true, fence: 3 });
    expect(await store.holdsLease('next', 'b', 2, later(61))).toBe(false);
    expect(await store.holdsLease('next', 'c', 3, later(61))).toBe(true);
  });

  it('is extended when its owner asks again: the step that runs again may take its full time', async () => {
    await store.takeLease('longer', 'a', now, 60);
    await store.takeLease('longer', 'a', later(50), 60);
    expect(await store.takeLease('longer', 'b', later(100), 60)).toMatchObject({ taken: false, holder: 'a' });
  });

  it('counts on from a higher fence, for its owner only', async () => {
    await store.takeLease('raised', 'a', now, 60);
    expect(await store.raiseFence('raised', 'b', 8)).toBe(false);
    expect(await store.raiseFence('raised', 'a', 8)).toBe(true);
    expect(await store.holdsLease('raised', 'a', 8, now)).toBe(true);
    expect(await store.takeLease('raised', 'b', later(61), 60)).toEqual({ taken: true, fence: 9 });
  });

  it('is not released by anybody else', async () => {
    await store.takeLease('mine', 'a', now, 60);
    await store.releaseLease('mine', 'b');
    await store.releaseLease('never-taken', 'b');
    expect(await store.holdsLease('mine', 'a', 1, now)).toBe(true);
  });

  it('may be shortened by its owner, and is neither lengthened nor brought back so', async () => {
    await store.takeLease('shorter', 'a', now, 60);
    for (const [owner, seconds] of [
      ['a', 30],
      ['a', 90],
      ['b', 10],
    ] as const)
      await store.endLeaseAt('shorter', owner, later(seconds));
    expect(await store.holdsLease('shorter', 'a', 1, later(30))).toBe(true);
    expect(await store.holdsLease('shorter', 'a', 1, later(31))).toBe(false);
    await store.endLeaseAt('never-taken', 'a', later(30));
    expect(await store.takeLease('never-taken', 'b', now, 60)).toEqual({ taken: true, fence: 1 });
  });

  it('has one holder and a fence that only grows, whoever takes and releases it', async () => {
    const steps = fc.array(
      fc.record({
        owner: fc.constantFrom('a', 'b', 'c'),
        does: fc.constantFrom('take', 'release'),
        after: fc.nat(90),
      }),
      { maxLength: 12 },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        run += 1;
        const model = `property-${run}`;
        let holder: string | null = null;
        let expires = 0;
        let fence = 0;
        let seconds = 0;
        for (const { owner, does, after } of list) {
          seconds += after;
          if (does === 'release') {
            await store.releaseLease(model, owner);
            if (holder === owner) holder = null;
            continue;
          }
          const lease = await store.takeLease(model, owner, later(seconds), 60);
          const free = holder === null || expires < seconds;
          expect(lease.taken).toBe(free || holder === owner);
          if (!lease.taken) continue;
          expect(lease.fence).toBe(free ? fence + 1 : fence);
          if (free) [holder, fence] = [owner, fence + 1];
          expires = seconds + 60;
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe('the outcome of an execution', () => {
  it('is recorded once: whoever comes later is told the first', async () => {
    expect(await store.recordOutcome(outcome('e1'), 'pending')).toMatchObject({
      outcome: { status: 'promoted' },
      alert: 'pending',
    });
    const second = await store.recordOutcome({ ...outcome('e1'), status: 'failed' }, 'none');
    expect(second).toMatchObject({ outcome: { status: 'promoted' }, alert: 'pending' });
  });

  it('may hold numbers that DynamoDB has no room for', async () => {
    const huge = { ...outcome('huge'), confidence: 2e200 };
    await store.recordOutcome(huge, 'pending');
    expect(await store.recordOutcome(outcome('huge'), 'none')).toEqual({
      outcome: huge,
      alert: 'pending',
      first: false,
    });
    expect([await store.hasOutcome('huge'), await store.hasOutcome('never')]).toEqual([true, false]);
  });

  it('is new to the first who records it, and to nobody after', async () => {
    const firsts = [];
    for (const status of ['promoted', 'promoted', 'failed'] as const) {
      const { first } = await store.recordOutcome({ ...outcome('new'), status }, 'none');
      firsts.push(first);
    }
    expect(firsts).toEqual([true, false, false]);
  });

  it('is new to the one whose own write counted, though its answer was lost', async () => {
    const losing = dynamodbClient(table);
    let lost = 0;
    // Next to the wire: the SDK sees a broken connection after a write that was carried out, and repeats it.
    losing.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          const answer = await next(args);
          if (commandName !== 'PutItemCommand' || lost > 0) return answer;
          lost += 1;
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' });
        },
      { step: 'deserialize', priority: 'low' },
    );
    const recorded = await dynamodbStore(losing, table.name).recordOutcome(outcome('lost'), 'pending');
    losing.destroy();
    expect([lost, recorded]).toEqual([1, { outcome: outcome('lost'), alert: 'pending', first: true }]);
  });

  it('has a time, once it is there', async () => {
    await store.recordOutcome(outcome('timed'), 'none');
    expect(await store.outcomeRecordedAt('timed')).toEqual(now);
    expect(await store.outcomeRecordedAt('never')).toBeNull();
  });

  it('counts as pending with all others, however many pages they fill, up to a limit', async () => {
    const large = { reason: 'x'.repeat(300_000) };
    const names = Array.from({ length: 7 }, (_, index) => `large-${index}`);
    for (const name of names) await store.recordOutcome({ ...outcome(name), ...large }, 'pending');
    expect(await store.pendingExecutions(100)).toEqual(expect.arrayContaining(names));
    expect(await store.pendingExecutions(3)).toHaveLength(3);
    for (const name of names) await store.markAlertSent(name);
    expect((await store.pendingExecutions(100)).filter((name) => names.includes(name))).toEqual([]);
  });

  it('is found by the sweep until its alert is sent', async () => {
    await store.recordOutcome(outcome('e2'), 'pending');
    expect((await store.pendingAlerts(10)).map(({ execution }) => execution)).toContain('e2');
    await store.markAlertSent('e2');
    expect((await store.pendingAlerts(10)).map(({ execution }) => execution)).not.toContain('e2');
    expect(await store.recordOutcome(outcome('e2'), 'pending')).toMatchObject({ alert: 'sent' });
  });
});

describe('trouble with the table', () => {
  it('is LeaseStoreUnavailable and names the operation', async () => {
    const documents = mockClient(DynamoDBDocumentClient);
    documents
      .on(UpdateCommand)
      .rejects(new ProvisionedThroughputExceededException({ message: 'slow down', $metadata: {} }));
    await expect(
      dynamodbStore(new DynamoDBClient({}), 't').takeLease('m', 'a', now, 60),
    ).rejects.toMatchObject({
      name: 'LeaseStoreUnavailable',
      message: expect.stringContaining('takeLease: ProvisionedThroughputExceededException'),
    });
    documents.restore();
  });

  const answers = {
    'an empty object': '{}',
    'a page of HTML': '<!doctype html><title>Sign in</title>',
    'truncated JSON': '{"Item": {"pk": {"S": "lea',
    'a list': '[]',
    nothing: '',
    null: 'null',
    'a lease of another server': '{"Item": {"owner": {"S": "somebody"}, "fence": {"N": "9"}}}',
    'deep JSON': `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
  };

  /** Every method, so that none takes another server's answer for DynamoDB's. */
  const methods: Record<keyof PromotionStore, (store: PromotionStore) => Promise<unknown>> = {
    takeLease: (store) => store.takeLease('m', 'a', now, 60),
    holdsLease: (store) => store.holdsLease('m', 'a', 1, now),
    raiseFence: (store) => store.raiseFence('m', 'a', 2),
    endLeaseAt: (store) => store.endLeaseAt('m', 'a', now),
    releaseLease: (store) => store.releaseLease('m', 'a'),
    recordOutcome: (store) => store.recordOutcome(outcome('other'), 'sent'),
    hasOutcome: (store) => store.hasOutcome('other'),
    outcomeRecordedAt: (store) => store.outcomeRecordedAt('other'),
    markAlertSent: (store) => store.markAlertSent('other'),
    pendingAlerts: (store) => store.pendingAlerts(5),
    pendingExecutions: (store) => store.pendingExecutions(5),
  };
  const clientOf = ({ url }: { url: string }, maxAttempts: number) =>
    new DynamoDBClient({
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts,
    });

  it.each(Object.entries(answers))(
    'is also a 200 that is not of DynamoDB, and the request is repeated: %s',
    async (_, body) => {
      const server = await cannedServer((_request, response) =>
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(body),
      );
      const [patient, other] = [clientOf(server, 2), clientOf(server, 1)];
      await expect(methods.holdsLease(dynamodbStore(patient, 't'))).rejects.toThrow(/UnexpectedAnswer/);
      expect(server.requests).toHaveLength(2);
      for (const [name, call] of Object.entries(methods))
        await expect(call(dynamodbStore(other, 't')), name).rejects.toMatchObject({
          name: 'LeaseStoreUnavailable',
          message: `DynamoDB ${name}: UnexpectedAnswer. Check PROMOTION_TABLE.`,
        });
      patient.destroy();
      other.destroy();
      server.close();
    },
  );

  it('of one moment loses no lease: a promotion holds it, or it is unknown whether it does', async () => {
    await store.takeLease('moment', 'a', now, 60);
    let count = 0;
    const server = await cannedServer(async (request, response) => {
      count += 1;
      if (count === 1) return response.end('{}');
      const { host: _, connection: __, ...headers } = request.headers;
      const body = await buffer(request);
      const answer = await fetch(table.endpoint, {
        method: 'POST',
        headers: headers as Record<string, string>,
        body,
      });
      return response.writeHead(answer.status).end(await answer.text());
    });
    const proxied = clientOf(server, 2);
    const { name } = table;
    expect(await dynamodbStore(proxied, name).holdsLease('moment', 'a', 1, now)).toBe(true);
    expect(count).toBe(2);
    proxied.destroy();
    server.close();
  });

  it('keeps a lease whose answer was lost: the repeat finds itself as the owner', async () => {
    expect(await store.takeLease('lost', 'a', now, 60)).toEqual({ taken: true, fence: 1 });
    // The SDK repeats the conditional write, which now fails because of its own first try.
    expect(await store.takeLease('lost', 'a', now, 60)).toEqual({ taken: true, fence: 1 });
  });
});

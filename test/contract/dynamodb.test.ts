import { buffer } from 'node:stream/consumers';
import { DynamoDBClient, ProvisionedThroughputExceededException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { documentStore, dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { ApprovalDecision, ApprovalRequest } from '../../lambdas/domain/approval/request.ts';
import { MAX_HISTORY } from '../../lambdas/domain/limits.ts';
import { directOutcome } from '../../lambdas/domain/outcome/outcome.ts';
import { changeOf } from '../../lambdas/domain/release/opening.ts';
import {
  type Change,
  historyAfter,
  type PastRelease,
  type Release,
  type StoredRelease,
} from '../../lambdas/domain/release/release.ts';
import { emptyItem, type ModelPage, type PromotionStore } from '../../lambdas/domain/release/store.ts';
import { type Need, nextAttempt } from '../../lambdas/domain/retraining/need.ts';
import type { WatchItem } from '../../lambdas/domain/watch/item.ts';
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
    cause: { code: 'promoted', direct: true, workload_unchanged: false },
    operation: 'promote',
    execution,
    model_name: 'm',
    recorded_at: now.toISOString(),
  }),
  reason: 'r',
});

const need: Need = nextAttempt('m', null, {
  ...{ trigger: 'scheduled', id: '0123456789ab', asked_by: 'request', starts: true, newest: null, now },
});

/** The fence with which an owner has the lease; null if somebody else has it. */
const fenceOf = async (model: string, owner: string, at = now): Promise<number | null> => {
  const item = await store.readItem(model);
  const held = item.owner === owner && item.expires_at !== null && item.expires_at >= at;
  return held ? item.fence : null;
};

/** Takes the lease; null if another owner has it. */
const take = async (model: string, owner: string, at = now): Promise<number | null> => {
  const lease = await store.takeLease(model, owner, at, 60);
  return lease.taken ? lease.item.fence : null;
};

describe('the need of retraining of a model', () => {
  it('is put once, and replaced by whoever has read it last', async () => {
    expect(await store.readNeed('n')).toBeNull();
    expect(await store.writeNeed('n', null, need)).toBe(true);
    const first = await store.readNeed('n');
    expect(first).toEqual({ need, rev: 1 });
    expect(await store.writeNeed('n', null, { ...need, id: 'ffffffffffff' })).toBe(false);
    expect(await store.writeNeed('n', first, { ...need, started: true })).toBe(true);
    expect(await store.writeNeed('n', first, { ...need, attempt: 2 })).toBe(false);
    expect(await store.readNeed('n')).toEqual({ need: { ...need, started: true }, rev: 2 });
  });

  it('is written where the answer to this very write was lost', async () => {
    expect(await store.writeNeed('lost', null, need)).toBe(true);
    expect(await store.writeNeed('lost', null, need)).toBe(true);
    expect(await store.readNeed('lost')).toEqual({ need, rev: 1 });
  });
});

describe('the lease of a model', () => {
  it('is given to one owner at a time, who is named to the others (W1)', async () => {
    expect(await take('one', 'a')).toBe(1);
    expect(await store.takeLease('one', 'b', later(30), 60)).toEqual({
      taken: false,
      holder: 'a',
      expiresAt: '2026-11-21T10:01:00.000Z',
    });
  });

  it('keeps its fence when its owner asks again', async () => {
    await take('again', 'a');
    expect(await take('again', 'a', later(10))).toBe(1);
  });

  it('goes on to the next with a higher fence once released or expired', async () => {
    await take('next', 'a');
    await store.releaseLease('next', 'a', now);
    expect(await take('next', 'b')).toBe(2);
    expect(await take('next', 'c', later(61))).toBe(3);
    expect(await fenceOf('next', 'b', later(61))).toBeNull();
    expect(await fenceOf('next', 'c', later(61))).toBe(3);
  });

  it('says when the last owner can have written last: at its release, else at its end', async () => {
    await take('last', 'a');
    await store.releaseLease('last', 'a', later(20));
    await take('last', 'b', later(100));
    expect((await store.readItem('last')).released_at).toEqual(later(20));
    await take('last', 'b', later(110));
    expect((await store.readItem('last')).released_at).toEqual(later(20));
    await take('last', 'c', later(500));
    expect((await store.readItem('last')).released_at).toEqual(later(170));
  });

  it('is extended when its owner asks again: the step that runs again may take its full time', async () => {
    await take('longer', 'a');
    await take('longer', 'a', later(50));
    expect(await store.takeLease('longer', 'b', later(100), 60)).toMatchObject({ taken: false, holder: 'a' });
  });

  it('is taken by the one who asks while it is released', async () => {
    await take('between', 'a');
    const client = dynamodbClient(table);
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          if (commandName === 'GetItemCommand') await store.releaseLease('between', 'a', now);
          return next(args);
        },
      { step: 'initialize' },
    );
    const asking = dynamodbStore(client, table.name);
    expect(await asking.takeLease('between', 'b', later(30), 60)).toMatchObject({
      taken: true,
      item: { owner: 'b', fence: 2, released_at: now },
    });
    client.destroy();
  });

  it('counts on from a higher fence, for its owner only', async () => {
    await take('raised', 'a');
    expect(await store.raiseFence('raised', 'b', 8)).toBe(false);
    expect(await store.raiseFence('raised', 'a', 8)).toBe(true);
    expect(await fenceOf('raised', 'a')).toBe(8);
    expect(await take('raised', 'b', later(61))).toBe(9);
  });

  it('is not released by anybody else', async () => {
    await take('mine', 'a');
    await store.releaseLease('mine', 'b', now);
    await store.releaseLease('never-taken', 'b', now);
    expect(await fenceOf('mine', 'a')).toBe(1);
  });

  it('may be shortened for its owner, and is neither lengthened nor brought back so', async () => {
    await take('shorter', 'a');
    for (const [owner, seconds] of [
      ['a', 30],
      ['a', 90],
      ['b', 10],
    ] as const)
      await store.endLeaseAt('shorter', owner, later(seconds));
    expect(await fenceOf('shorter', 'a', later(30))).toBe(1);
    expect(await fenceOf('shorter', 'a', later(31))).toBeNull();
    await store.endLeaseAt('never-taken', 'a', later(30));
    expect(await take('never-taken', 'b')).toBe(1);
  });

  it('is not taken again by an owner that has been ended: a late copy of a step would prolong it', async () => {
    await take('ended', 'a');
    await store.endLeaseAt('ended', 'a', later(30));
    expect(await store.takeLease('ended', 'a', later(10), 600)).toMatchObject({ taken: false, holder: 'a' });
    expect((await store.readItem('ended')).expires_at).toEqual(later(30));
    expect(await take('ended', 'b', later(31))).toBe(2);
  });

  it('is not taken again by an execution that has given it back; a direct call may be repeated', async () => {
    const execution = 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1';
    await take('given-back', execution);
    await store.releaseLease('given-back', execution, now);
    expect(await take('given-back', execution, later(5))).toBeNull();
    expect(await take('given-back', 'direct:r1', later(6))).toBe(2);
    await store.releaseLease('given-back', 'direct:r1', later(7));
    expect(await take('given-back', 'direct:r1', later(8))).toBe(3);
  });

  it('goes to exactly one of many that ask at the same moment', async () => {
    const owners = Array.from({ length: 8 }, (_, n) => `o${n}`);
    const fences = await Promise.all(owners.map((owner) => take('crowd', owner)));
    expect(fences.filter((fence) => fence !== null)).toEqual([1]);
    const { owner } = await store.readItem('crowd');
    expect(owner).toBe(owners[fences.indexOf(1)]);
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
            await store.releaseLease(model, owner, later(seconds));
            if (holder === owner) holder = null;
            continue;
          }
          const lease = await store.takeLease(model, owner, later(seconds), 60);
          const free = holder === null || expires < seconds;
          expect(lease.taken).toBe(free || holder === owner);
          if (!lease.taken) continue;
          expect(lease.item.fence).toBe(free ? fence + 1 : fence);
          if (free) [holder, fence] = [owner, fence + 1];
          expires = seconds + 60;
        }
      }),
      { numRuns: 25 },
    );
  });
});

/** As DynamoDB counts: names and values in UTF-8, 3 bytes for a map or list, 1 for each of its entries. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return 1;
  const entries = Object.entries(value);
  const names = Array.isArray(value) ? 0 : entries.reduce((sum, [name]) => sum + name.length, 0);
  return 3 + names + entries.reduce((sum, [, each]) => sum + 1 + sizeOf(each), 0);
}

describe('the change of a model', () => {
  const release = (version: string): StoredRelease => ({
    key: `${version}-key`,
    version,
    workload_id: 'w',
    artifact_id: `a${version}`,
    draft: false,
    importance: null,
    change: `seen:${version}`,
    at: now.toISOString(),
    adopted_by: null,
    result: null,
    runtime: { replicas: Number(version) },
  });
  const bareOf = ({ runtime: _, ...rest }: StoredRelease): Release => rest;
  const changeBy = (id: string, more: Partial<Change> = {}): Change => ({
    id,
    kind: 'promote',
    to: '3',
    safe: bareOf(release('2')),
    aim: bareOf(release('3')),
    touched: { versions: ['2', '3'], artifacts: ['a2', 'a3'] },
    left: null,
    opened_at: now.toISOString(),
    turned_at: null,
    attempts: 0,
    next_at: later(300).toISOString(),
    asked: { by: null, reason: null, alarm: null, evidence_digest: null, confidence: null },
    ...more,
  });
  const NONE = { change: null, live: null };
  const by = (model: string, owner: string, fence: number | null, at = now) => ({
    ...{ model, owner, fence, now: at },
  });
  let count = 0;
  /** A model whose lease `a` has, with the change `a` open. */
  async function opened(): Promise<string> {
    const model = `change-${++count}`;
    await take(model, 'a');
    expect(await store.openChange(by(model, 'a', 1), NONE, changeBy('a'), bareOf(release('2')))).toBe(true);
    return model;
  }

  it('is opened with the live release, and found in the index of open changes (W2)', async () => {
    const model = await opened();
    const { change, live, told } = await store.readItem(model);
    expect([change, live, told]).toEqual([changeBy('a'), bareOf(release('2')), null]);
    expect((await store.openChanges(null, 100)).models).toContain(model);
    expect((await store.closedModels(null, 100)).models).not.toContain(model);
  });

  it.each([
    ['another owner', 'b', 1, now],
    ['another fence', 'a', 2, now],
    ['a lease that has run out', 'a', 1, later(60)],
  ])('is not opened, turned or closed with %s', async (_, owner, fence, at) => {
    const model = await opened();
    const holder = by(model, owner, fence, at);
    const seen = { change: 'a', live: 'seen:2' };
    expect(await store.openChange(holder, seen, changeBy('b'), null)).toBe(false);
    expect(await store.turnBack(holder, 'a')).toBe(false);
    expect(await store.closeChange(holder, 'a', bareOf(release('3')), [])).toBe(false);
    expect(await store.adopt(holder, seen, bareOf(release('9')), [])).toBe(false);
    expect((await store.readItem(model)).change).toEqual(changeBy('a'));
  });

  it('is neither taken over nor turned by an owner whose end has been told', async () => {
    const model = await opened();
    await store.endLeaseAt(model, 'a', later(30));
    const seen = { change: 'a', live: 'seen:2' };
    expect(await store.openChange(by(model, 'a', 1), seen, changeBy('b'), null)).toBe(false);
    expect(await store.turnBack(by(model, 'a', 1), 'a')).toBe(false);
    expect((await store.readItem(model)).change).toEqual(changeBy('a'));
  });

  it.each([
    ['no change was seen', { change: null, live: 'seen:2' }],
    ['another change was seen', { change: 'z', live: 'seen:2' }],
    ['another live release was seen', { change: 'a', live: 'seen:1' }],
    ['no live release was seen', { change: 'a', live: null }],
  ])('is not taken over where %s', async (_, seen) => {
    const model = await opened();
    expect(await store.openChange(by(model, 'a', 1), seen, changeBy('b'), null)).toBe(false);
    expect(await store.adopt(by(model, 'a', 1), seen, bareOf(release('9')), [])).toBe(false);
  });

  it('may be taken over by the holder of the lease, which forgets what was told, and keeps the history', async () => {
    const model = await opened();
    await store.markTold(model, 'picture', 'a');
    await store.countAttempt(model, 'a', 0, later(600));
    const seen = { change: 'a', live: 'seen:2' };
    const next = changeBy('b', { kind: 'rollback', left: '3' });
    expect(await store.openChange(by(model, 'a', 1), seen, next, null)).toBe(true);
    expect(await store.readItem(model)).toMatchObject({
      ...{ change: next, told: null, live: bareOf(release('2')), history: [] },
    });
    // The older one finds that it is not its change any more.
    expect(await store.turnBack(by(model, 'a', 1), 'a')).toBe(false);
    expect(await store.closeChange(by(model, 'a', 1), 'a', bareOf(release('3')), [])).toBe(false);
    expect(await store.countAttempt(model, 'a', 1, later(900))).toBe(false);
  });

  it('is turned back, which is written once (W3)', async () => {
    const model = await opened();
    expect(await store.turnBack(by(model, 'a', 1, later(5)), 'z')).toBe(false);
    expect(await store.turnBack(by(model, 'a', 1, later(5)), 'a')).toBe(true);
    expect((await store.readItem(model)).change).toMatchObject({
      aim: { version: '2' },
      turned_at: later(5).toISOString(),
    });
  });

  it('is closed with its aim only, into the history and the index of closed ones (W4)', async () => {
    const model = await opened();
    const live = { ...bareOf(release('3')), change: 'a' };
    const holder = by(model, 'a', 1);
    expect(await store.closeChange(holder, 'a', bareOf(release('2')), [])).toBe(false);
    const past = {
      ...{ key: '2-key', version: '2', workload_id: 'w', artifact_id: 'a2', since: now.toISOString() },
      ...{ left_at: now.toISOString(), left_by: 'a', good: true },
    };
    expect(await store.closeChange(holder, 'a', live, [past])).toBe(true);
    expect(await store.readItem(model)).toMatchObject({ change: null, live, history: [past] });
    // The answer was lost, and the same step closes it again.
    expect(await store.closeChange(holder, 'a', live, [past])).toBe(true);
    expect((await store.closedModels(null, 100)).models).toContain(model);
    expect((await store.openChanges(null, 100)).models).not.toContain(model);
  });

  it('counts each attempt once, and what was told for as long as it is the same change (W5, W7)', async () => {
    const model = await opened();
    expect(await store.countAttempt(model, 'a', 0, later(600))).toBe(true);
    expect(await store.countAttempt(model, 'a', 0, later(900))).toBe(false);
    expect(await store.countAttempt(model, 'z', 1, later(900))).toBe(false);
    expect((await store.readItem(model)).change).toMatchObject({
      attempts: 1,
      next_at: later(600).toISOString(),
    });
    expect(await store.markTold(model, 'picture', null)).toBe(false);
    expect(await store.markTold(model, 'picture', 'z')).toBe(false);
    expect(await store.markTold(model, 'picture', 'a')).toBe(true);
    expect((await store.readItem(model)).told).toBe('picture');
    expect(await store.markTold(model, null, 'a')).toBe(true);
    expect((await store.readItem(model)).told).toBeNull();
    await store.markTold(model, 'picture', 'a');
    await store.turnBack(by(model, 'a', 1), 'a');
    await store.closeChange(by(model, 'a', 1), 'a', { ...bareOf(release('2')), change: 'a' }, []);
    expect((await store.readItem(model)).told).toBeNull();
  });

  it('is ended by adopting what is there (W8)', async () => {
    const model = await opened();
    const live = { ...bareOf(release('9')), change: 'adopting', adopted_by: 'somebody' };
    const seen = { change: 'a', live: 'seen:2' };
    expect(await store.adopt(by(model, 'a', 1), seen, live, [])).toBe(true);
    expect(await store.readItem(model)).toMatchObject({ change: null, live });
  });

  // The longest names of a model: 256 units of UTF-16, in UTF-8 up to 768 bytes, of which a key of an index takes 1024.
  it.each([
    ...['a#b', 'release#x', 'line\nbreak', '../../x?y#z', 'Ä ж 模', ' ', '\u202e\u0000'],
    ...['n'.repeat(256), '模'.repeat(256), '🚀'.repeat(128)],
  ])('is kept under the name %j, apart from others', async (name) => {
    await take(name, 'a');
    await store.openChange(by(name, 'a', 1), NONE, changeBy('a'), null);
    await store.putRelease(name, release('2'));
    expect((await store.readItem(name)).change?.id).toBe('a');
    expect(await openModels()).toContain(name);
    expect(await store.getRelease(name, '2-key')).toEqual(release('2'));
    expect(await store.getRelease(`${name}x`, '2-key')).toBeNull();
  });

  it('is not mistaken for that of a model whose name ends like a key', async () => {
    await store.putRelease('a', { ...release('2'), key: '2-x' });
    expect(await store.getRelease('a#2-x', '')).toBeNull();
    await store.putRelease('a#2-x', { ...release('3'), key: '3-y' });
    expect(await store.getRelease('a', '2-x')).toMatchObject({ version: '2' });
    expect(await store.getRelease('a#2-x', '3-y')).toMatchObject({ version: '3' });
  });

  it('has releases that are written once', async () => {
    await store.putRelease('stored', release('2'));
    await store.putRelease('stored', { ...release('2'), runtime: { replicas: 99 } });
    expect(await store.getRelease('stored', '2-key')).toEqual(release('2'));
  });

  /** Every model of an index, page by page. */
  async function listed(page: (from: string | null) => Promise<ModelPage>): Promise<string[]> {
    const found: string[] = [];
    let from: string | null = null;
    do {
      const { models, next }: ModelPage = await page(from);
      expect(models.length).toBeLessThanOrEqual(2);
      found.push(...models);
      from = next;
    } while (from !== null);
    return found;
  }
  const openModels = () => listed((from) => store.openChanges(from, 2));
  const closedModels = () => listed((from) => store.closedModels(from, 2));

  it('is listed page by page, open ones apart from closed ones', async () => {
    const models = await Promise.all([opened(), opened(), opened(), opened(), opened()]);
    const [first, second] = models;
    for (const model of [first, second]) {
      const live = { ...bareOf(release('3')), change: 'a' };
      await store.closeChange(by(model ?? '', 'a', 1), 'a', live, []);
    }
    const [open, closed] = [await openModels(), await closedModels()];
    expect(open).toEqual(expect.arrayContaining(models.slice(2)));
    expect(closed).toEqual(expect.arrayContaining(models.slice(0, 2)));
    expect(new Set([...open, ...closed]).size).toBe(open.length + closed.length);
    await take(models[4] ?? '', 'a');
    expect(await openModels()).toEqual(open);
  });

  it('is listed as closed from the first lease on, and stays open while others take it', async () => {
    await take('lease-only', 'a');
    expect(await openModels()).not.toContain('lease-only');
    expect(await closedModels()).toContain('lease-only');
    const model = await opened();
    await store.releaseLease(model, 'a', now);
    await take(model, 'b');
    expect(await openModels()).toContain(model);
  });

  it('keeps the item below 10 KB, with a full history, the longest names and the longest texts', async () => {
    const arn = (n: number) =>
      `arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:${'m'.repeat(80)}:${'e'.repeat(78)}${10 + n}`;
    const id = 'f'.repeat(24);
    const long = (version: string) => ({
      ...{ version, workload_id: id, artifact_id: id, draft: false, importance: 'moderate' },
      ...{ runtime: null, change: arn(1), at: now.toISOString(), adopted_by: null, result: null },
      key: `${version}-${'0'.repeat(16)}`,
    });
    // The longest texts that an execution's input may have.
    const text = 'é'.repeat(2000);
    const opening = {
      ...{ kind: 'open' as const, live: null, safe: long('2'), aim: long('3'), left: '3', store: [] },
      touched: { versions: ['2', '3'], artifacts: [id, id] },
    };
    const change = changeOf(
      opening,
      { id: arn(1), since: now, now },
      {
        ...{ kind: 'rollback', to: '2', nextAt: later(300) },
        asked: { by: text, reason: text, alarm: text, evidence_digest: 'a'.repeat(64), confidence: 0.85 },
      },
    );
    await store.takeLease('largest', arn(1), now, 60);
    const { runtime: _, ...live } = long('2');
    let history: PastRelease[] = [];
    for (let n = 0; n <= MAX_HISTORY; n += 1) {
      const left = { at: now.toISOString(), by: arn(n), bad: false };
      history = historyAfter(
        { live: { ...live, version: String(n) }, history },
        { ...live, version: null },
        left,
      );
    }
    expect(history).toHaveLength(MAX_HISTORY);
    expect(await store.openChange(by('largest', arn(1), 1), NONE, change, live)).toBe(true);
    const raw = async () => {
      const documents = DynamoDBDocumentClient.from(client);
      const Key = { pk: 'lease#largest' };
      return (await documents.send(new GetCommand({ TableName: table.name, Key }))).Item;
    };
    await store.markTold('largest', 'f'.repeat(32), arn(1));
    expect(sizeOf({ ...(await raw()), history })).toBeLessThan(10 * 1024);
  });

  describe('an item of the first version, which has a fence and perhaps a lease only', () => {
    const put = async (Item: Record<string, unknown>) => {
      await DynamoDBDocumentClient.from(client).send(new PutCommand({ TableName: table.name, Item }));
    };

    it('is an empty one whose fence goes on', async () => {
      await put({ pk: 'lease#first-version', fence: 41, model_name: 'first-version' });
      expect(await store.readItem('first-version')).toMatchObject({
        ...{ fence: 41, owner: null, live: null, change: null, told: null, history: [], released_at: null },
      });
      expect(await take('first-version', 'a')).toBe(42);
      expect(await store.openChange(by('first-version', 'a', 42), NONE, changeBy('a'), null)).toBe(true);
    });

    it('keeps the lease of its owner until it ends', async () => {
      const expires_at = later(30).getTime() / 1000;
      await put({ pk: 'lease#held-version', fence: 7, owner: 'old', expires_at });
      expect(await store.takeLease('held-version', 'a', now, 60)).toMatchObject({
        taken: false,
        holder: 'old',
      });
      expect(await take('held-version', 'a', later(31))).toBe(8);
      expect((await store.readItem('held-version')).released_at).toEqual(later(30));
    });

    it('is empty where there is none', async () => {
      expect(await store.readItem('never')).toEqual(emptyItem('never'));
      expect(await store.getRelease('never', '2-key')).toBeNull();
    });
  });

  it.each([
    ['a change', { change: { id: 'c' } }],
    ['a live release', { live: 'text' }],
  ])(
    'that cannot be read is an error: an item with another %s must not look like an empty one',
    async (_, more) => {
      const Item = { pk: 'lease#damaged', fence: 1, ...more };
      await DynamoDBDocumentClient.from(client).send(new PutCommand({ TableName: table.name, Item }));
      await expect(store.readItem('damaged')).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
      await expect(store.takeLease('damaged', 'a', now, 60)).rejects.toMatchObject({
        name: 'LeaseStoreUnavailable',
      });
    },
  );

  describe('whose answer is lost after it was written', () => {
    /** A store whose next answer to such a command is lost: the SDK sees a broken connection, and repeats the request. */
    function losing(command: string) {
      const wire = dynamodbClient(table);
      let lost = 0;
      wire.middlewareStack.add(
        (next, { commandName }) =>
          async (args) => {
            const answer = await next(args);
            if (commandName !== command || lost > 0) return answer;
            lost += 1;
            throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', name: 'TimeoutError' });
          },
        { step: 'deserialize', priority: 'low' },
      );
      return { store: dynamodbStore(wire, table.name), lost: () => lost, end: () => wire.destroy() };
    }
    const SEEN = { change: 'a', live: 'seen:2' };
    const adopted = { ...bareOf(release('9')), change: 'adopting' };
    const closed = { ...bareOf(release('3')), change: 'a' };

    it.each<[string, (on: PromotionStore, model: string) => Promise<unknown>, unknown]>([
      ['W1', async (on, model) => (await on.takeLease(model, 'b', later(100), 60)).taken, true],
      ['W2', (on, model) => on.openChange(by(model, 'a', 1), SEEN, changeBy('b'), null), true],
      ['W3', (on, model) => on.turnBack(by(model, 'a', 1), 'a'), true],
      ['W4', (on, model) => on.closeChange(by(model, 'a', 1), 'a', closed, []), true],
      ['W5', (on, model) => on.markTold(model, 'picture', 'a'), true],
      // An attempt whose answer was lost is not started: its number is used up, and the next one comes later.
      ['W7', (on, model) => on.countAttempt(model, 'a', 0, later(600)), false],
      ['W8', (on, model) => on.adopt(by(model, 'a', 1), SEEN, adopted, []), true],
    ])('is settled by reading: %s', async (_, write, answered) => {
      const model = await opened();
      const { store: on, lost, end } = losing('UpdateItemCommand');
      expect(await write(on, model)).toBe(answered);
      expect(lost()).toBe(1);
      end();
    });

    it('is taken with one fence only', async () => {
      const { store: on, end } = losing('UpdateItemCommand');
      expect(await on.takeLease('lost-lease', 'a', now, 60)).toMatchObject({
        taken: true,
        item: { fence: 1 },
      });
      end();
    });

    it('is not taken for written where somebody else has written meanwhile', async () => {
      const model = await opened();
      const { store: on, end } = losing('UpdateItemCommand');
      const closing = on.closeChange(by(model, 'b', 1), 'a', closed, []);
      expect(await closing).toBe(false);
      end();
    });

    it('has releases that are written once', async () => {
      const { store: on, lost, end } = losing('PutItemCommand');
      await on.putRelease('lost-release', release('2'));
      expect(lost()).toBe(1);
      expect(await store.getRelease('lost-release', '2-key')).toEqual(release('2'));
      end();
    });
  });

  it('remembers where the comparison goes on', async () => {
    expect(await store.readCursor()).toEqual({ from: null, next_round_at: null, out_of_step: 0 });
    const cursor = { from: 'm', next_round_at: now.toISOString(), out_of_step: 2 };
    await store.writeCursor(cursor);
    expect(await store.readCursor()).toEqual(cursor);
  });
});

describe('the outcome of an execution', () => {
  it('is recorded once: whoever comes later is told the first', async () => {
    expect(await store.recordOutcome(outcome('e1'), 'pending', null)).toMatchObject({
      outcome: { status: 'promoted' },
      alert: 'pending',
    });
    const second = await store.recordOutcome({ ...outcome('e1'), status: 'failed' }, 'none', null);
    expect(second).toMatchObject({ outcome: { status: 'promoted' }, alert: 'pending' });
  });

  it('may hold numbers that DynamoDB has no room for', async () => {
    const huge = { ...outcome('huge'), confidence: 2e200 };
    await store.recordOutcome(huge, 'pending', null);
    expect(await store.recordOutcome(outcome('huge'), 'none', null)).toEqual({
      outcome: huge,
      alert: 'pending',
      ledger: { state: 'none', from: null, head: null },
      first: false,
    });
    expect([await store.hasOutcome('huge'), await store.hasOutcome('never')]).toEqual([true, false]);
  });

  it('is new to the first who records it, and to nobody after', async () => {
    const firsts = [];
    for (const status of ['promoted', 'promoted', 'failed'] as const) {
      const { first } = await store.recordOutcome({ ...outcome('new'), status }, 'none', null);
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
    const recorded = await dynamodbStore(losing, table.name).recordOutcome(outcome('lost'), 'pending', null);
    losing.destroy();
    expect([lost, recorded]).toEqual([
      1,
      {
        outcome: outcome('lost'),
        alert: 'pending',
        ledger: { state: 'none', from: null, head: null },
        first: true,
      },
    ]);
  });

  it('has a time, once it is there', async () => {
    await store.recordOutcome(outcome('timed'), 'none', null);
    expect(await store.outcomeRecordedAt('timed')).toEqual(now);
    expect(await store.outcomeRecordedAt('never')).toBeNull();
  });

  it('counts as pending with all others, however many pages they fill, up to a limit', async () => {
    const large = { reason: 'x'.repeat(300_000) };
    const names = Array.from({ length: 7 }, (_, index) => `large-${index}`);
    for (const name of names) await store.recordOutcome({ ...outcome(name), ...large }, 'pending', null);
    expect(await store.pendingExecutions(100)).toEqual(expect.arrayContaining(names));
    expect(await store.pendingExecutions(3)).toHaveLength(3);
    for (const name of names) await store.markAlertSent(name);
    expect((await store.pendingExecutions(100)).filter((name) => names.includes(name))).toEqual([]);
  });

  it('that cannot be read does not block the alerts of others, and stays pending', async () => {
    await store.recordOutcome(outcome('e3'), 'pending', null);
    const documents = DynamoDBDocumentClient.from(client);
    const unreadable = ['no JSON', 'null', '"text"', '{}'];
    for (const [at, text] of unreadable.entries()) {
      const Item = {
        pk: `outcome#torn-${at}`,
        outcome: text,
        alert_pending: 'pending',
        recorded_at: `${at}`,
      };
      await documents.send(new PutCommand({ TableName: table.name, Item }));
    }
    expect((await store.pendingOutcomes(100)).map(({ outcome: { execution } }) => execution)).toContain('e3');
    const torn = unreadable.map((_, at) => `torn-${at}`);
    expect(await store.pendingExecutions(100)).toEqual(expect.arrayContaining(torn));
    await Promise.all([...torn, 'e3'].map((each) => store.markAlertSent(each)));
  });

  it('is found by the sweep until its alert is sent', async () => {
    await store.recordOutcome(outcome('e2'), 'pending', null);
    expect((await store.pendingOutcomes(10)).map(({ outcome: { execution } }) => execution)).toContain('e2');
    await store.markAlertSent('e2');
    expect((await store.pendingOutcomes(10)).map(({ outcome: { execution } }) => execution)).not.toContain(
      'e2',
    );
    expect(await store.recordOutcome(outcome('e2'), 'pending', null)).toMatchObject({ alert: 'sent' });
  });
});

describe('the watch of a release', () => {
  const watch = (rev: number, promotion = 'p1'): WatchItem => ({
    ...{ rev, promotion, status: 'closed', state: null, attempt: 0, due_at: null },
    ...{ tells: [], hours: null, before: null },
  });

  it('is what was put last, on condition of what was seen', async () => {
    expect(await store.readWatch('watched')).toBeNull();
    expect(await store.putWatch('watched', watch(1), null)).toBe(true);
    expect(await store.putWatch('watched', watch(1), null)).toBe(false);
    expect(await store.putWatch('watched', watch(2), { promotion: 'p1', rev: 1 })).toBe(true);
    expect(await store.putWatch('watched', watch(2), { promotion: 'p1', rev: 1 })).toBe(false);
    expect(await store.putWatch('watched', watch(3, 'p2'), { promotion: 'p9', rev: 2 })).toBe(false);
    expect(await store.putWatch('watched', watch(3, 'p2'), { promotion: 'p1', rev: 2 })).toBe(true);
    expect(await store.readWatch('watched')).toEqual(watch(3, 'p2'));
  });

  it('is put once by several at the same time', async () => {
    await store.putWatch('contended', watch(1), null);
    const puts = [1, 2, 3, 4].map((attempt) =>
      store.putWatch('contended', { ...watch(2), attempt }, { promotion: 'p1', rev: 1 }),
    );
    expect((await Promise.all(puts)).filter(Boolean)).toHaveLength(1);
  });

  it('whose answer was lost counts as put: the SDK sends it again, and finds itself', async () => {
    const sent: unknown[] = [];
    const documents = DynamoDBDocumentClient.from(client);
    const repeating = documentStore(
      {
        send: async (command: Parameters<typeof documents.send>[0]) => {
          sent.push(command);
          if (command instanceof PutCommand) await documents.send(command);
          return documents.send(command);
        },
      } as unknown as DynamoDBDocumentClient,
      table.name,
    );
    expect(await repeating.putWatch('repeated', watch(1), null)).toBe(true);
    expect(await store.readWatch('repeated')).toEqual(watch(1));
  });

  it('remembers where a round goes on', async () => {
    await store.writeWatchCursor('m7');
    expect(await store.readWatchCursor()).toBe('m7');
    await store.writeWatchCursor(null);
    expect(await store.readWatchCursor()).toBeNull();
  });

  it('finds the outcome of an execution', async () => {
    expect(await store.readOutcome('nobody')).toBeNull();
    await store.recordOutcome(outcome('e9'), 'none', null);
    expect(await store.readOutcome('e9')).toEqual(outcome('e9'));
  });
});

describe('trouble with the table', () => {
  it('is no endless list: a page without rows is the last one, whatever it says of a next', async () => {
    const answer = { Items: [], LastEvaluatedKey: { pk: 'outcome#e1' } };
    const endless = documentStore({ send: async () => answer } as unknown as DynamoDBDocumentClient, 't');
    expect(await endless.pendingExecutions(3)).toEqual([]);
  });

  it('is no endless ledger: an item in answer to another key, or one that is no entry, is not ours', async () => {
    const answering = (item: (pk: string) => object) =>
      documentStore(
        {
          send: async (command: GetCommand) => ({ Item: item(String(command.input.Key?.['pk'])) }),
        } as unknown as DynamoDBDocumentClient,
        't',
      );
    const others = [
      () => ({ pk: 'ledger#m#000000000001', entry: '{}', hash: 'h' }),
      (pk: string) => ({ pk, entry: 7, hash: 'h' }),
    ];
    for (const item of others)
      await expect(answering(item).ledgerEnd('m')).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
    const every = answering((pk) => ({ pk, entry: '{}', hash: 'h' }));
    expect((await every.ledgerEnd('m')).head?.seq).toBe(999_999_999_999);
  });

  it('is an item whose lease ends at no time: nothing is later than that, and nothing earlier', async () => {
    await take('no-time', 'a');
    const Key = { pk: 'lease#no-time' };
    await DynamoDBDocumentClient.from(client).send(
      new UpdateCommand({
        TableName: table.name,
        Key,
        UpdateExpression: 'SET expires_at = :end',
        ExpressionAttributeValues: { ':end': 9e15 },
      }),
    );
    await expect(store.readItem('no-time')).rejects.toMatchObject({ name: 'LeaseStoreUnavailable' });
    await expect(store.takeLease('no-time', 'a', now, 60)).rejects.toMatchObject({
      name: 'LeaseStoreUnavailable',
    });
  });

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

  const holder = { model: 'm', owner: 'a', fence: 1, now };
  const nothing = { change: null, live: null };
  /** Every method, so that none takes another server's answer for DynamoDB's. */
  const methods: Record<
    Exclude<keyof PromotionStore, 'keepsItems'>,
    (store: PromotionStore) => Promise<unknown>
  > = {
    takeLease: (store) => store.takeLease('m', 'a', now, 60),
    readItem: (store) => store.readItem('m'),
    openChange: (store) => store.openChange(holder, nothing, {} as Change, null),
    turnBack: (store) => store.turnBack(holder, 'c'),
    closeChange: (store) => store.closeChange(holder, 'c', {} as Release, []),
    markTold: (store) => store.markTold('m', 'p', null),
    countAttempt: (store) => store.countAttempt('m', 'c', 0, now),
    adopt: (store) => store.adopt(holder, nothing, {} as Release, []),
    putRelease: (store) => store.putRelease('m', {} as StoredRelease),
    getRelease: (store) => store.getRelease('m', 'k'),
    openChanges: (store) => store.openChanges(null, 5),
    closedModels: (store) => store.closedModels(null, 5),
    readCursor: (store) => store.readCursor(),
    writeCursor: (store) => store.writeCursor({ from: null, next_round_at: null, out_of_step: 0 }),
    raiseFence: (store) => store.raiseFence('m', 'a', 2),
    endLeaseAt: (store) => store.endLeaseAt('m', 'a', now),
    releaseLease: (store) => store.releaseLease('m', 'a', now),
    recordOutcome: (store) => store.recordOutcome(outcome('other'), 'sent', null),
    hasOutcome: (store) => store.hasOutcome('other'),
    outcomeRecordedAt: (store) => store.outcomeRecordedAt('other'),
    readOutcome: (store) => store.readOutcome('other'),
    markAlertSent: (store) => store.markAlertSent('other'),
    markInLedger: (store) => store.markInLedger('other', { seq: 1, hash: 'h' }, 'sent'),
    pendingOutcomes: (store) => store.pendingOutcomes(5),
    pendingExecutions: (store) => store.pendingExecutions(5),
    ledgerEnd: (store) => store.ledgerEnd('m'),
    putEntry: (store) => store.putEntry('m', 1, '{}'),
    rememberEnd: (store) => store.rememberEnd('m', { seq: 1, hash: 'h' }),
    entries: (store) => store.entries('m', 1, 1),
    readApproval: (store) => store.readApproval('e'),
    writeApproval: (store) =>
      store.writeApproval(null, { request: { execution: 'e' } as ApprovalRequest, token: null }),
    waitingApprovals: (store) => store.waitingApprovals(null, 5),
    decisionsOn: (store) => store.decisionsOn({ execution: 'e', digest: 'd' }),
    putDecision: (store) => store.putDecision({ execution: 'e', digest: 'd' }, 1, {} as ApprovalDecision),
    readWatch: (store) => store.readWatch('m'),
    putWatch: (store) => store.putWatch('m', {} as WatchItem, null),
    readWatchCursor: (store) => store.readWatchCursor(),
    writeWatchCursor: (store) => store.writeWatchCursor('m'),
    markTableBehind: (store) => store.markTableBehind('m'),
    readNeed: (store) => store.readNeed('m'),
    writeNeed: (store) => store.writeNeed('m', null, need),
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
      await expect(methods.readItem(dynamodbStore(patient, 't'))).rejects.toThrow(/UnexpectedAnswer/);
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
    expect(await dynamodbStore(proxied, name).readItem('moment')).toMatchObject({ owner: 'a', fence: 1 });
    expect(count).toBe(2);
    proxied.destroy();
    server.close();
  });

  it('keeps a lease whose answer was lost: the repeat finds itself as the owner', async () => {
    expect(await take('lost', 'a')).toBe(1);
    // The SDK repeats the conditional write, which now fails because of its own first try.
    expect(await take('lost', 'a')).toBe(1);
  });
});

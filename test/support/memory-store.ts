import { MemoryTable, type TableRequest } from '../../emulators/aws/memory-table.ts';
import { documentStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { Sender } from '../../lambdas/adapters/network.ts';
import { Change, type ModelItem, Release, type StoredRelease } from '../../lambdas/domain/release/release.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';

/** The promotion table in the process, for tests of many changes: the store that is deployed, on the emulator of the table. */
export interface MemoryStore extends PromotionStore {
  readonly table: MemoryTable;
  /** Items that were read so far. */
  reads(): number;
  /** The item as the table has it. */
  item(model: string): ModelItem;
}

/** A store in which these items and releases are. */
export function memoryStore(
  items: readonly ModelItem[],
  releases: readonly StoredRelease[] = [],
): MemoryStore {
  const table = new MemoryTable();
  const execute = (command: string, input: TableRequest) => table.execute(command, input);
  let reads = 0;
  // Of the SDK's client only the command and its input are used.
  const client = {
    send: async (command: { constructor: { name: string }; input: TableRequest }) => {
      if (command.constructor.name === 'GetCommand') reads += 1;
      return execute(command.constructor.name, command.input);
    },
  } as unknown as Parameters<typeof documentStore>[0] & Sender<never>;
  for (const { model, change, live, history, ...more } of items) {
    const { owner, fence, expires_at, released_at, told } = more;
    const state =
      change !== null ? { change_state: 'open' } : live !== null ? { change_state: 'closed' } : {};
    const fields = {
      ...{ pk: `lease#${model}`, fence, history: [...history], ...state },
      ...(owner === null ? {} : { owner }),
      ...(expires_at === null ? {} : { expires_at: expires_at.getTime() / 1000 }),
      ...(released_at === null ? {} : { released_at: released_at.getTime() / 1000 }),
      ...(told === null ? {} : { told }),
      ...(live === null ? {} : { live }),
      ...(change === null ? {} : { change }),
    };
    execute('PutCommand', { Item: JSON.parse(JSON.stringify(fields)) });
    for (const release of releases)
      execute('PutCommand', {
        Item: { pk: `release#${model}#${release.key}`, release: JSON.stringify(release) },
      });
  }
  const time = (seconds: unknown) => (typeof seconds === 'number' ? new Date(seconds * 1000) : null);
  return {
    ...documentStore(client, 'promotion'),
    table,
    reads: () => reads,
    item(model) {
      const found = structuredClone(table.items.get(`lease#${model}`) ?? {});
      return {
        model,
        owner: (found['owner'] as string | undefined) ?? null,
        fence: Number(found['fence'] ?? 0),
        expires_at: time(found['expires_at']),
        released_at: time(found['released_at']),
        live: found['live'] === undefined ? null : Release.parse(found['live']),
        change: found['change'] === undefined ? null : Change.parse(found['change']),
        told: (found['told'] as string | undefined) ?? null,
        history: (found['history'] ?? []) as unknown as ModelItem['history'],
      };
    },
  };
}

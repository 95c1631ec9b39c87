import { afterAll, beforeAll, beforeEach } from 'vitest';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import { type EmulatedHost, type Host, isEmulated, startHost } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';

/** A host on emulators, whose table is in memory: dynalite and the SDK's client would take most of the time. */
export const startEmulatedHost = () => startHost(undefined, undefined, startMemoryTable);

/** A host on emulators for all tests of a file or a block, emptied before each; `use` is given it before the first. */
export function emulatedHost(
  use: (host: EmulatedHost) => void,
  start: () => Promise<Host> = startEmulatedHost,
): void {
  let host: EmulatedHost;
  beforeAll(async () => {
    const started = await start();
    if (!isEmulated(started)) throw new Error('not on emulators');
    host = started;
    use(host);
  });
  afterAll(() => host.close());
  beforeEach(async () => {
    for (const system of [host.mlflow, host.workload, host.sns]) system.reset();
    await host.table.reset();
    host.workload.faults.clear();
  });
}

/** A promotion, and after a week the way back; the clock then goes on until nothing is in progress. */
export async function thereAndBack(host: EmulatedHost) {
  const scenario = scenarios.find(({ name }) => name === 'regretted-a-week-later');
  if (scenario === undefined) throw new Error('no such scenario');
  const documents = await scenario.play(host, { pauseMs: 1 });
  host.clock.skip(3_600_000);
  return documents;
}

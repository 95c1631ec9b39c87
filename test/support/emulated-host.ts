import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type EmulatedHost, type Host, isEmulated, startHost } from '../../local/host.ts';

/** A host on emulators for all tests of a file or a block, emptied before each; `use` is given it before the first. */
export function emulatedHost(
  use: (host: EmulatedHost) => void,
  start: () => Promise<Host> = () => startHost(),
): void {
  let host: EmulatedHost;
  beforeAll(async () => {
    const started = await start();
    if (!isEmulated(started)) throw new Error('not on emulators');
    host = started;
    use(host);
  });
  afterAll(() => host.close());
  beforeEach(() => {
    for (const system of [host.mlflow, host.workload, host.sns]) system.reset();
    host.workload.faults.clear();
  });
}

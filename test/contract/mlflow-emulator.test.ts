import { afterAll, beforeAll } from 'vitest';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { mlflowContract } from './mlflow-api.ts';
import { mlflowTrackingContract } from './mlflow-tracking-api.ts';

// The versions stand for what differs: before aliases of deleted versions were cleared, before pages, and so on.
for (const version of ['3.17.2', '3.11.1', '2.22.5']) {
  let emulator: MlflowEmulator;
  beforeAll(async () => {
    emulator = await startMlflowEmulator({ version });
  });
  afterAll(() => emulator.close());
  mlflowContract(`emulator as ${version}`, () => emulator);
  mlflowTrackingContract(`emulator as ${version}`, () => emulator);
}

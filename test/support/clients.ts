import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach } from 'vitest';
import type { LocalTable } from '../../emulators/aws/dynamodb.ts';
import type { MlflowEmulator } from '../../emulators/mlflow/server.ts';
import { startWorkloadEmulator, type WorkloadEmulator } from '../../emulators/workload/server.ts';
import { LATE_RECORDS } from '../../emulators/workload/world/settings.ts';
import { anonymous, bearer } from '../../lambdas/adapters/authorization.ts';
import type { Documents } from '../../lambdas/adapters/aws/documents.ts';
import { documentStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { httpClient } from '../../lambdas/adapters/http.ts';
import { mlflow } from '../../lambdas/adapters/mlflow/client.ts';
import { workloadApi } from '../../lambdas/adapters/workload-api/client.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import type { Workloads } from '../../lambdas/domain/serving/workloads.ts';
import { at, NOON } from './serving.ts';

/** Limits for servers on this machine, in milliseconds and bytes: no answer is waited for long. */
export const LOOPBACK = {
  connectMs: 500,
  headersMs: 2_000,
  bodyMs: 2_000,
  totalMs: 4_000,
  maxBytes: 4 * 1024 * 1024,
  retries: 0,
  backoffMs: 1,
};

/** For servers that answer late or never on purpose. */
export const IMPATIENT = { ...LOOPBACK, headersMs: 400, bodyMs: 400, totalMs: 2_000, retries: 1 };

/** The functions' client of the MLflow emulator. */
export const mlflowClient = ({ url }: MlflowEmulator) =>
  mlflow({ trackingUri: url, authorization: anonymous, http: httpClient(LOOPBACK) });

/** The functions' store on a table in this process. */
export function storeOf({ documents, name }: LocalTable): PromotionStore {
  if (documents === undefined) throw new Error('a table behind a socket');
  return documentStore(documents as Documents, name);
}

export const dynamodbClient = ({ endpoint }: LocalTable) =>
  new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });

/** The Workload API emulator, whose time passes only when it is told to. */
export interface EmulatedPlatform {
  now: Date;
  emulator: WorkloadEmulator;
  /** Lets so many seconds pass. */
  pass(seconds: number): void;
  /** The functions' client, with another token where one is given. */
  workloads(options?: { token?: string; retries?: number }): Workloads;
}

/** A new one before each test, closed after it. Only tests may use it. */
export function emulatedPlatform(): EmulatedPlatform {
  let emulator: WorkloadEmulator;
  const platform = {
    now: NOON,
    get emulator() {
      return emulator;
    },
    pass(seconds: number) {
      platform.now = at(seconds, platform.now);
    },
    workloads: ({ token = emulator.token, retries = 0 } = {}) =>
      workloadApi({
        endpoint: emulator.url,
        authorization: bearer(token),
        http: httpClient({ ...LOOPBACK, retries }),
      }),
  };
  beforeEach(async () => {
    platform.now = NOON;
    emulator = await startWorkloadEmulator({
      clock: { now: () => platform.now },
      timings: LATE_RECORDS,
    });
  });
  afterEach(() => emulator.close());
  return platform;
}

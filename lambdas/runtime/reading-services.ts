import type { Clock } from '../adapters/clock.ts';
import type { Network } from '../adapters/network.ts';
import type { Registry, RegistryMode } from '../domain/registry.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import { registryServices } from './mlflow-services.ts';
import type { StoreServices } from './store-services.ts';
import { servingServices } from './workload-services.ts';

/** What reading the item and both sides needs. */
export interface ReadingServices extends StoreServices {
  /** Created on first use, as are the Workloads: what is not needed is not connected to. */
  registry: () => { registry: Registry; mode: RegistryMode };
  workloads: () => Workloads;
}

/**
 * What a function needs to say what both sides show. Created on first use: a function that reads nothing connects to
 * nothing, and a missing variable is told as unread.
 */
export function readingServices(
  env: NodeJS.ProcessEnv,
  clock: Clock,
  network: Network = {},
): Omit<ReadingServices, 'store'> {
  let registry: ReturnType<typeof registryServices> | undefined;
  let workloads: ReturnType<typeof servingServices> | undefined;
  return {
    registry: () => {
      registry ??= registryServices(env, clock, network);
      return registry;
    },
    workloads: () => {
      workloads ??= servingServices(env, clock, network);
      return workloads.workloads;
    },
  };
}

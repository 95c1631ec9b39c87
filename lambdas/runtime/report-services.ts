import type { Clock } from '../adapters/clock.ts';
import type { Mlflow } from '../adapters/mlflow/client.ts';
import type { Network } from '../adapters/network.ts';
import { reportCall } from '../domain/limits.ts';
import { registryServices } from './mlflow-services.ts';

/** The runs that reports of decisions are attached to. */
export interface ReportRuns extends Pick<Mlflow, 'getVersion' | 'getRun' | 'putFile'> {
  /** Address of the server, and of its UI. */
  readonly server: string;
}

/** What attaching reports needs; null where the files of runs are in no server's proxy, as on SageMaker. */
export interface ReportServices {
  /** Created on first use. Throws `InvalidConfiguration`. */
  reports?: () => ReportRuns | null;
}

/** Calls of their own, with a short time: an alert waits for them. */
export function reportServices(
  env: NodeJS.ProcessEnv,
  clock: Clock,
  network: Network = {},
): Required<ReportServices> {
  let made: ReportRuns | null | undefined;
  return {
    reports: () => {
      if (made === undefined) {
        const { registry, server } = registryServices(env, clock, network, reportCall);
        made = server === null ? null : { ...registry, server };
      }
      return made;
    },
  };
}

import { once } from 'node:events';
import { startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { startWorkloadEmulator } from '../../emulators/workload/server.ts';
import { MODEL, seedPascalStrategy, seedServing, WORKLOAD } from '../../local/scenarios/seed.ts';
import { UsageError } from '../usage-error.ts';

/** The options of `promotion emulators`, parsed. */
export interface EmulatorsOptions {
  mlflowPort: number;
  workloadPort: number;
  seed?: true;
}

/**
 * `promotion emulators`: runs the emulators for any client until Ctrl-C; returns the exit status. Throws `UsageError`
 * when a port is taken.
 */
export async function emulators({ mlflowPort, workloadPort, seed }: EmulatorsOptions): Promise<number> {
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const mlflow = await listening('--mlflow-port', mlflowPort, startMlflowEmulator({ port: mlflowPort }));
  try {
    const workload = await listening(
      '--workload-port',
      workloadPort,
      startWorkloadEmulator({ port: workloadPort }),
    );
    try {
      // Lines that a shell can evaluate; everything else is a comment.
      console.log(`export MLFLOW_TRACKING_URI=${mlflow.url}`);
      console.log(`export DATAROBOT_ENDPOINT=${workload.url}`);
      console.log(`export DATAROBOT_API_TOKEN=${workload.token}`);
      if (seed) {
        seedPascalStrategy(mlflow);
        const { workloadId, artifacts } = seedServing({ mlflow, workload });
        const { endpoint } = workload.direct.workload(workloadId);
        console.log(`# Model ${MODEL}: version 2 in Production, version 3 in Staging`);
        console.log(`# Workload ${WORKLOAD}: ${workloadId}, endpoint ${endpoint}`);
        console.log(`# Artifacts: version 2 ${artifacts[2]}, version 3 ${artifacts[3]}`);
      } else {
        console.log(`# Both are empty; --seed adds the model ${MODEL} and Workload ${WORKLOAD}.`);
      }
      console.log('# Clients of MLflow, Terraform, dr and the Python SDK take these variables as they are:');
      console.log('# docs/local-run.md, "With other clients".');
      console.log('# Ctrl-C stops both; no data is kept.');
      await stopped;
    } finally {
      await workload.close();
    }
  } finally {
    await mlflow.close();
  }
  return 0;
}

async function listening<T>(option: string, number: number, start: Promise<T>): Promise<T> {
  try {
    return await start;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot listen on 127.0.0.1:${number}: ${why}. Choose another ${option}.`);
  }
}

import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { startWorkloadEmulator } from '../../emulators/workload/server.ts';
import { seedPascalStrategy, seedServing, WORKLOAD } from '../../local/scenarios/seed.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  mlflowPort: number;
  workloadPort: number;
  seed?: true;
}

/** `promotion emulators`: the emulators alone, for any other client, until Ctrl-C. */
export function emulatorsCommand(done: (status: number) => void): Command {
  return new Command('emulators')
    .description(
      "run the emulators of MLflow's registry and of DataRobot's Workload API alone, for any other client, until Ctrl-C",
    )
    .option(
      '--mlflow-port <port>',
      'port of the MLflow emulator on 127.0.0.1; 0 takes a free one',
      port,
      5000,
    )
    .option(
      '--workload-port <port>',
      'port of the Workload API emulator on 127.0.0.1; 0 takes a free one',
      port,
      8080,
    )
    .option(
      '--seed',
      `start with the model PascalStrategy (1 Archived, 2 Production, 3 Staging), served by Workload ${WORKLOAD}`,
    )
    .action(async (options: Options) => done(await emulators(options)));
}

async function emulators({ mlflowPort, workloadPort, seed }: Options): Promise<number> {
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const mlflow = await listening('--mlflow-port', mlflowPort, startMlflowEmulator({ port: mlflowPort }));
  try {
    const workload = await listening(
      '--workload-port',
      workloadPort,
      startWorkloadEmulator({ port: workloadPort }),
    );
    try {
      // Lines that a shell can evaluate; what is not for it stands behind a #.
      console.log(`export MLFLOW_TRACKING_URI=${mlflow.url}`);
      console.log(`export DATAROBOT_ENDPOINT=${workload.url}`);
      console.log(`export DATAROBOT_API_TOKEN=${workload.token}`);
      if (seed) {
        seedPascalStrategy(mlflow);
        const { workloadId, artifacts } = seedServing({ mlflow, workload });
        console.log(`# Workload ${WORKLOAD}: ${workloadId}`);
        console.log(`# Artifacts: version 2 ${artifacts[2]}, version 3 ${artifacts[3]}`);
      }
      console.log('# Ctrl-C stops both; nothing is kept.');
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

function port(value: string): number {
  const number = Number(value);
  if (/^\d{1,5}$/.test(value) && number <= 65535) return number;
  throw new InvalidArgumentError('must be a port number from 0 to 65535.');
}

import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { startMlflowEmulator } from '../infra/emulators/mlflow.ts';
import { seedPascalStrategy } from '../infra/local/seed.ts';
import { UsageError } from './usage-error.ts';

/** `promotion emulators`: the emulators alone, for any other client, until Ctrl-C. */
export function emulatorsCommand(done: (status: number) => void): Command {
  return new Command('emulators')
    .description("run the emulator of MLflow's registry alone, for any other client, until Ctrl-C")
    .option(
      '--mlflow-port <port>',
      'port of the MLflow emulator on 127.0.0.1; 0 takes a free one',
      port,
      5000,
    )
    .option('--seed', 'start with the model PascalStrategy (1 Archived, 2 Production, 3 Staging)')
    .action(async (options: { mlflowPort: number; seed?: true }) => done(await emulators(options)));
}

async function emulators({ mlflowPort, seed }: { mlflowPort: number; seed?: true }): Promise<number> {
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const mlflow = await startMlflowEmulator({ port: mlflowPort }).catch((error: unknown) => {
    throw new UsageError(
      `Cannot listen on 127.0.0.1:${mlflowPort}: ${error instanceof Error ? error.message : String(error)}. Choose another --mlflow-port.`,
    );
  });
  if (seed) seedPascalStrategy(mlflow);
  console.log(`MLflow    ${mlflow.url}    export MLFLOW_TRACKING_URI=${mlflow.url}`);
  console.log('Ctrl-C stops it; nothing is kept.');
  await stopped;
  await mlflow.close();
  return 0;
}

function port(value: string): number {
  const number = Number(value);
  if (/^\d{1,5}$/.test(value) && number <= 65535) return number;
  throw new InvalidArgumentError('must be a port number from 0 to 65535.');
}

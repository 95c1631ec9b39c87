import { type FunctionName, functionNames } from '../../../lambdas/domain/limits.ts';
import { callAs } from '../../../local/approving.ts';
import { type ExecutionRun, execute } from '../../../local/execution.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../../local/host.ts';
import { type LocalFunction, localStateMachine } from '../../../local/machine/state-machine.ts';
import { ADA } from '../../../local/scenarios/approval.ts';
import { promote, rollback } from '../../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../../local/scenarios/seed.ts';
import { type Exchange, recorder } from '../exchanges.ts';

/** The first call of a function in a promotion of a served model, or in what follows it. */
export interface RecordedCall {
  readonly name: FunctionName;
  readonly event: unknown;
  readonly exchanges: readonly Exchange[];
}

/** What the recorded calls need in their environment, besides the addresses of the systems. */
export interface Recording {
  readonly env: NodeJS.ProcessEnv;
  readonly calls: readonly RecordedCall[];
}

/**
 * Plays a promotion of a served model, looks after it and rolls it back, on emulators; answers the first call of each
 * function, and what it asked of other systems.
 */
export async function recordCalls(): Promise<Recording> {
  const host = await startHost();
  if (!isEmulated(host)) throw new Error('The figures need the emulators');
  const env = { ...host.env };
  const gateway = await recorder(env);
  // The functions read these variables on their first call.
  Object.assign(host.env, gateway.env);
  const calls: RecordedCall[] = [];
  const functions = Object.fromEntries(
    functionNames.map((name): [FunctionName, LocalFunction] => [
      name,
      async (event) => {
        if (calls.some((call) => call.name === name)) return host.functions[name](event);
        await host.clock.whenArrived();
        const exchanges = gateway.record();
        calls.push({ name, event, exchanges });
        try {
          return await host.functions[name](event);
        } finally {
          gateway.record();
        }
      },
    ]),
  ) as Record<FunctionName, LocalFunction>;
  try {
    await playOn({ ...host, functions, machine: localStateMachine(functions) });
  } finally {
    await host.close();
    await gateway.close();
  }
  const missing = functionNames.filter((name) => !calls.some((call) => call.name === name));
  if (missing.length > 0) throw new Error(`Not called: ${missing.join(', ')}`);
  return { env, calls };
}

const HOUR_MS = 3_600_000;

async function playOn(host: EmulatedHost): Promise<void> {
  const run: ExecutionRun = { pauseMs: 0 };
  seedPascalStrategy(host.mlflow);
  seedServing(host);
  await execute(host, promote, run);
  await callAs(host, ADA, { action: 'list' });
  await host.functions['sweep-promotions']({ sweep: true });
  host.clock.skip(2 * HOUR_MS);
  await host.functions['watch-releases']({ watch: true });
  await host.functions['check-retraining-needed']({ model_name: MODEL });
  await execute(host, rollback, run);
}

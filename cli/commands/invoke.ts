import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { startHost } from '../../local/host.ts';
import { invokeFunction } from '../../local/invocation.ts';
import { seedEmulators } from '../../local/scenarios/seed.ts';
import { continueAfterOutputCloses } from '../closed-output.ts';
import { showInvocation } from '../screen/invocation.ts';
import { UsageError } from '../usage-error.ts';
import { readInput } from './read-input.ts';
import { checkConnections, checkEnvironment, namedSystems } from './real-systems.ts';
import { detectedMode } from './registry-mode.ts';

/** The options of `promotion invoke`. */
export interface InvokeOptions {
  input: string;
  json?: true;
  verbose?: true;
}

/**
 * `promotion invoke`: calls one function on this machine; returns the exit status: 0 when it answered, 1 when it threw, 2
 * when it did not accept its input. Throws `UsageError`.
 */
export async function invoke(name: string, { input, json }: InvokeOptions): Promise<number> {
  if (!isFunction(name))
    throw new UsageError(`There is no function "${name}". Functions: ${functionNames.join(', ')}`);
  const event = await readInput(input);
  const real = namedSystems(process.env);
  checkEnvironment(real, process.env);
  await checkConnections(real, process.env);
  if (real.mlflow || real.workload) continueAfterOutputCloses();
  const registryMode = await detectedMode(real, event, process.env);
  const host = await startHost({ ...real, registryMode });
  try {
    seedEmulators(host);
    const document = await invokeFunction(host, name, event);
    if (json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    else showInvocation(document);
    if (document.error?.name === 'InvalidInput') return 2;
    return document.status === 'answered' ? 0 : 1;
  } finally {
    await host.close();
  }
}

const isFunction = (name: string): name is FunctionName => functionNames.some((each) => each === name);

import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { InvocationDocument } from '../../local/invocation.ts';
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

/** Checks everything that can be known before the function is called. Throws `UsageError`. */
export async function invokeRequest(name: string, { input }: InvokeOptions, env: NodeJS.ProcessEnv) {
  if (!isFunction(name))
    throw new UsageError(`There is no function "${name}". Functions: ${functionNames.join(', ')}`);
  const event = await readInput(input);
  return { name, event, ...(await checkedSystems(event, env)) };
}

/** The systems that the environment names, once they have answered, and the mode of the registry. Throws `UsageError`. */
export async function checkedSystems(event: unknown, env: NodeJS.ProcessEnv) {
  const real = namedSystems(env);
  checkEnvironment(real, env);
  await checkConnections(real, env);
  if (real.mlflow || real.workload) continueAfterOutputCloses();
  return { ...real, registryMode: await detectedMode(real, event, env) };
}

/** Prints what came of it; returns the exit status: 0 answered, 1 threw, 2 did not accept its input. */
export function reportInvocation(document: InvocationDocument, { json }: InvokeOptions): number {
  if (json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  else showInvocation(document);
  if (document.error?.name === 'InvalidInput') return 2;
  return document.status === 'answered' ? 0 : 1;
}

const isFunction = (name: string): name is FunctionName => functionNames.some((each) => each === name);

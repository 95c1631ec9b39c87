import { z } from 'zod';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import {
  AlertEnvironment,
  CompareEnvironment,
  configuration,
  MlflowEnvironment,
  RollbackEnvironment,
  WorkloadEnvironment,
  withOneLogin,
  withOneToken,
} from '../../lambdas/runtime/environment.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import { type Host, isEmulated, type RealSystems, startHost } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import type { Scenario } from '../../local/scenarios/scenario.ts';
import { seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { continueAfterOutputCloses } from '../closed-output.ts';
import { exitStatus } from '../exit-status.ts';
import { printLine } from '../screen/layout.ts';
import { timeline } from '../screen/timeline.ts';
import { UsageError } from '../usage-error.ts';
import { readInput } from './read-input.ts';

/** The options of `promotion run`. */
export interface RunOptions {
  list?: true;
  scenario?: string;
  input?: string;
  json?: true;
  verbose?: true;
}

/** Real length of waits and pauses in a run on emulators: long enough to be visible in the timeline. */
const SHORT_PAUSE_MS = 50;

/** `promotion run` (also `npm start`): runs executions on this machine; returns the exit status. Throws `UsageError`. */
export async function run(options: RunOptions): Promise<number> {
  if (options.list) {
    const width = Math.max(...scenarios.map(({ name }) => name.length));
    for (const { name, about } of scenarios) printLine(`${name.padEnd(width)}  ${about}`, width + 2);
    return 0;
  }
  if (options.input !== undefined && options.scenario !== undefined) {
    throw new UsageError('--input and --scenario exclude each other: a scenario has its own input');
  }
  const scenario = options.input === undefined ? scenarioNamed(options.scenario ?? 'challenger-wins') : null;
  const input = options.input === undefined ? null : await readInput(options.input);
  const real: RealSystems = {
    mlflow: scenario === null && isSet('MLFLOW_TRACKING_URI'),
    workload: scenario === null && isSet('DATAROBOT_ENDPOINT'),
  };
  checkEnvironment(real);
  if (real.mlflow || real.workload) continueAfterOutputCloses();
  if (options.verbose) logToStandardError();

  const show = timeline({ quiet: options.json === true });
  const host = await startHost(real);
  try {
    show.begin(scenario, {
      mlflow: real.mlflow ? hostOf('MLFLOW_TRACKING_URI') : null,
      workload: real.workload ? hostOf('DATAROBOT_ENDPOINT') : null,
    });
    const documents = await play(host, scenario, input, show);
    show.end(documents);
    if (options.json) console.log(JSON.stringify(documentOf(documents), null, 2));
    if (real.mlflow && !real.workload && documents.some(failedForMissingWorkload))
      printMissingWorkloadAdvice(options.json === true);
    return Math.max(...documents.map(({ status, output }) => exitStatus(status, output)));
  } finally {
    show.stop();
    await host.close();
  }
}

async function play(
  host: Host,
  scenario: Scenario | null,
  input: unknown,
  show: ReturnType<typeof timeline>,
): Promise<ExecutionDocument[]> {
  // The clock of a real system cannot be advanced.
  const follow = { onEvent: show.event, pauseMs: isEmulated(host) ? SHORT_PAUSE_MS : null };
  if (scenario !== null && isEmulated(host)) return scenario.play(host, follow);
  if (host.mlflow !== null) seedPascalStrategy(host.mlflow);
  if (isEmulated(host)) seedServing(host);
  return [await execute(host, input, follow)];
}

const isSet = (name: string) => (process.env[name] ?? '') !== '';
const hostOf = (name: string) => new URL(process.env[name] ?? '').host;

function documentOf(documents: ExecutionDocument[]): unknown {
  return documents.length === 1 ? documents[0] : { executions: documents };
}

/** Whether an execution failed because its Workload does not exist on the (empty) emulator. */
export function failedForMissingWorkload({ output }: Pick<ExecutionDocument, 'output'>): boolean {
  const { error, rollback_error } = readStateDocument(output);
  return [error?.name, rollback_error?.name].includes('WorkloadNotFound');
}

const MISSING_WORKLOAD_ADVICE =
  'This run uses an emulator of the Workload API, which has no such Workload: set DATAROBOT_ENDPOINT and DATAROBOT_API_TOKEN to the platform that has it.';

function printMissingWorkloadAdvice(json: boolean): void {
  if (json) process.stderr.write(`${MISSING_WORKLOAD_ADVICE}\n`);
  else printLine(MISSING_WORKLOAD_ADVICE);
}

function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `There is no scenario "${name}". Scenarios: ${scenarios.map((s) => s.name).join(', ')}`,
  );
}

/** What every run reads from the environment; the host sets the rest. */
const EveryRun = z.object({
  ...CompareEnvironment.shape,
  ...RollbackEnvironment.shape,
  ...AlertEnvironment.omit({ ALERT_SNS_TOPIC_ARN: true }).shape,
  ...MlflowEnvironment.pick({ MLFLOW_REGISTRY_MODE: true }).shape,
});

/** Throws `UsageError` with every problem of the environment, before anything starts. */
function checkEnvironment({ mlflow, workload }: RealSystems): void {
  try {
    const needed = z.object({
      ...EveryRun.shape,
      ...(mlflow ? MlflowEnvironment.shape : {}),
      ...(workload ? WorkloadEnvironment.shape : {}),
    });
    const loggedIn = mlflow ? withOneLogin(needed) : needed;
    configuration(workload ? withOneToken(loggedIn) : loggedIn, process.env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Standard output is reserved for the timeline or the JSON document. */
function logToStandardError(): void {
  process.env['POWERTOOLS_LOG_LEVEL'] = 'INFO';
  process.env['POWERTOOLS_DEV'] = 'true';
  console.log = console.info = console.warn = console.debug = console.error;
}

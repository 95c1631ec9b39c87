import { sessionArn, startFunctionUrl } from '../../emulators/aws/function-url.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../../local/execution.ts';
import { type Host, isEmulated, startHost } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import type { Scenario } from '../../local/scenarios/scenario.ts';
import { seedEmulators } from '../../local/scenarios/seed.ts';
import { continueAfterOutputCloses } from '../closed-output.ts';
import { exitStatus } from '../exit-status.ts';
import { checkReportFile, writeReports } from '../report-file.ts';
import { printLine } from '../screen/layout.ts';
import { timeline } from '../screen/timeline.ts';
import { UsageError } from '../usage-error.ts';
import {
  checkedInput,
  givenFlags,
  INPUT_OPTIONS,
  type InputSource,
  nothingStarted,
} from './input-options.ts';
import { readInput } from './read-input.ts';
import { checkConnections, checkEnvironment, namedSystems } from './real-systems.ts';
import { detectedMode } from './registry-mode.ts';

/** The options of `promotion run`. */
export interface RunOptions extends InputSource {
  list?: true;
  scenario?: string;
  json?: true;
  /** Waits for people where an approval is needed. */
  wait?: true;
  /** Who starts the executions. */
  as?: string;
  report?: string;
  verbose?: true;
}

/** Options that a scenario excludes. */
const OF_ONES_OWN = { ...INPUT_OPTIONS, input: '--input' };

/** Real length of waits and pauses in a run on emulators: long enough to be visible in the timeline. */
const SHORT_PAUSE_MS = 50;

/** `promotion run` (also `npm start`): runs executions on this machine; returns the exit status. Throws `UsageError`. */
export async function run(options: RunOptions): Promise<number> {
  if (options.list) {
    const width = Math.max(...scenarios.map(({ name }) => name.length));
    for (const { name, about } of scenarios) printLine(`${name.padEnd(width)}  ${about}`, width + 2);
    return 0;
  }
  const own = givenFlags(options, OF_ONES_OWN);
  if (own.length > 0 && options.scenario !== undefined)
    throw new UsageError(`--scenario excludes ${own.join(', ')}: a scenario has its own input`);
  if (options.report !== undefined) await checkReportFile(options.report);
  const scenario = own.length === 0 ? scenarioNamed(options.scenario ?? 'challenger-wins') : null;
  const input = own.length === 0 ? null : await inputOf(options);
  const real = scenario === null ? namedSystems(process.env) : { mlflow: false, workload: false };
  checkEnvironment(real, process.env);
  await checkConnections(real, process.env);
  if (real.mlflow || real.workload) continueAfterOutputCloses();

  const show = timeline({ quiet: options.json === true });
  const registryMode = await detectedMode(real, input, process.env);
  // Before the host starts, which takes as long again as what was loaded.
  show.begin(scenario, {
    mlflow: real.mlflow ? `${hostOf('MLFLOW_TRACKING_URI')}${modeText(registryMode)}` : null,
    workload: real.workload ? hostOf('DATAROBOT_ENDPOINT') : null,
  });
  const host = await startHost({ ...real, registryMode });
  try {
    const documents = await play(host, { scenario, input }, show, options);
    show.end(documents);
    // Not by the console, which `--verbose` leaves to the log lines.
    if (options.json) process.stdout.write(`${JSON.stringify(documentOf(documents), null, 2)}\n`);
    if (options.report !== undefined) await report(options.report, documents);
    if (real.mlflow && !real.workload && documents.some(failedForMissingWorkload))
      printMissingWorkloadAdvice(options.json === true);
    return Math.max(...documents.map(({ status, output }) => exitStatus(status, output)));
  } finally {
    show.stop();
    await host.close();
  }
}

/** Writes the reports of what was decided, and says where they are. */
async function report(file: string, documents: readonly ExecutionDocument[]): Promise<void> {
  const files = await writeReports(file, documents, new Date());
  if (files.length === 0) process.stderr.write('No versions were compared: no report was written.\n');
  for (const each of files) process.stderr.write(`Report: ${each}\n`);
}

/**
 * The input of one's own execution. That of a file is left to the execution, which answers a mistake as on AWS; one that is
 * made of options is validated before. Throws `UsageError` with every problem.
 */
async function inputOf(options: RunOptions): Promise<unknown> {
  if (options.input !== undefined && givenFlags(options, INPUT_OPTIONS).length === 0)
    return readInput(options.input);
  const problems: string[] = [];
  const input = await checkedInput(options, problems);
  if (input === null) throw nothingStarted(problems);
  return input;
}

async function play(
  host: Host,
  { scenario, input }: { scenario: Scenario | null; input: unknown },
  show: ReturnType<typeof timeline>,
  { wait, as }: RunOptions,
): Promise<ExecutionDocument[]> {
  const url =
    wait === true ? await startFunctionUrl((event) => host.functions['decide-approval'](event)) : null;
  const note = (text: string, execution: string) =>
    show.event({ kind: 'noted', at: host.clock.now().getTime(), note: text }, execution);
  const follow: ExecutionRun = {
    onEvent: show.event,
    // The clock of a real system cannot be advanced.
    pauseMs: isEmulated(host) ? SHORT_PAUSE_MS : null,
    ...(as === undefined ? {} : { startedBy: sessionArn(as) }),
    ...(url === null
      ? {}
      : {
          onApproval: async (execution) => {
            for (const line of waitingLines(execution, url.url)) note(line, execution);
            return 'wait' as const;
          },
        }),
  };
  try {
    return await playWith(host, scenario, input, follow);
  } finally {
    await url?.close();
  }
}

function waitingLines(execution: string, url: string): string[] {
  const name = execution.slice(execution.lastIndexOf(':') + 1);
  return [
    'waits for approval; in another terminal:',
    `npx promotion approve ${name} --url ${url} --as sso:ada@example.com --reason "…"`,
  ];
}

async function playWith(
  host: Host,
  scenario: Scenario | null,
  input: unknown,
  follow: ExecutionRun,
): Promise<ExecutionDocument[]> {
  if (scenario !== null && isEmulated(host)) return scenario.play(host, follow);
  seedEmulators(host);
  return [await execute(host, input, follow)];
}

const modeText = (mode: string | null) => (mode === null ? '' : ` (mode ${mode})`);
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

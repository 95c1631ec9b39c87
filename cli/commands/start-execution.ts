import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { claimExecution, type FoundExecution } from '../aws/claim-execution.ts';
import { executionName } from '../aws/execution-name.ts';
import { executionReport } from '../aws/execution-report.ts';
import { type AwsExecutions, awsExecutions } from '../aws/executions.ts';
import { followExecution } from '../aws/follow-execution.ts';
import { exitStatus } from '../exit-status.ts';
import { checkReportFile, writeReports } from '../report-file.ts';
import { followLines, foundLines, progressPrinter, stoppedLine } from '../screen/start-lines.ts';
import { type Timeline, timeline } from '../screen/timeline.ts';
import { UsageError } from '../usage-error.ts';
import { regionToFollow, type StartOptions, type StartRequest, startRequest } from './start-request.ts';

const INTERRUPTED = 130;

/** Environment variables and waiting; tests replace both. */
export interface StartContext {
  env: NodeJS.ProcessEnv;
  wait: (ms: number, signal: AbortSignal) => Promise<unknown>;
}
const systemContext: StartContext = {
  env: process.env,
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
};

/**
 * `promotion start`: starts or finds the execution and follows it; returns the exit status. Throws `UsageError`,
 * `AwsRefused`, `AwsUnavailable`, `NoSuchExecution`.
 */
export async function start(
  options: StartOptions,
  { env, wait }: StartContext = systemContext,
): Promise<number> {
  const json = options.json === true;
  const file = options.report ?? null;
  if (file !== null) await checkReportFile(file);
  const request = options.follow === undefined ? await startRequest(options, env) : null;
  const region = request?.machine.region ?? regionToFollow(options);
  const stop = new AbortController();
  const interrupt = () => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  };
  // Not `once`: the spinner's clean-up ends the process when no other listener is left.
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const show = timeline({ quiet: json });
  const pause = async (ms: number) => void (await wait(ms, stop.signal));
  let found: FoundExecution | null = null;
  try {
    const aws = awsExecutions(region, stop.signal);
    const looking = 'Looking for an execution with this input';
    if (json) console.error(looking);
    else show.doing(looking);
    found =
      request === null
        ? await findByArn(aws, options.follow ?? '')
        : await claim(aws, request, options.again === true, pause);
    show.stop();
    const lines = foundLines(found, request?.input ?? null);
    for (const line of lines) (json ? console.error : console.log)(line);
    // The end of an execution that has succeeded is reported with --detach as well.
    if (!options.detach || found.by === 'succeeded')
      return await follow(aws, found, { json, show, pause, file });
    if (json) console.log(JSON.stringify(executionReport(found).running(), null, 2));
    else for (const line of followLines(found.execution)) console.log(line);
    return 0;
  } catch (error) {
    show.stop();
    if (!stop.signal.aborted && found === null) throw error;
    if (stop.signal.aborted) console.error(stoppedLine(found));
    if (found !== null) for (const line of followLines(found.execution)) console.error(line);
    if (stop.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    show.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function claim(
  aws: AwsExecutions,
  { machine, input }: StartRequest,
  again: boolean,
  pause: (ms: number) => Promise<void>,
): Promise<FoundExecution> {
  const text = canonicalJson(input);
  const version = input.challenger_version ?? input.target_version ?? null;
  const nameOf = (attempt: number) => executionName(input.model_name, version, text, attempt);
  const wanted = { stateMachine: machine.arn, executions: machine.executions, nameOf, input: text, again };
  return claimExecution(aws, wanted, pause);
}

async function findByArn(aws: AwsExecutions, execution: string): Promise<FoundExecution> {
  if ((await aws.describe(execution)) !== null)
    return { execution, attempt: null, by: 'running', ended: null };
  throw new UsageError(
    `--follow: Step Functions has no execution ${execution}. Executions are deleted 90 days after their end.`,
  );
}

async function follow(
  aws: AwsExecutions,
  found: FoundExecution,
  {
    json,
    show,
    pause,
    file,
  }: { json: boolean; show: Timeline; pause: (ms: number) => Promise<void>; file: string | null },
): Promise<number> {
  const { execution, by } = found;
  const report = executionReport(found);
  const progress = json ? progressPrinter() : null;
  show.doing('Waiting for the first state');
  const end = await followExecution(aws, execution, {
    onEvent: (event) => {
      report.add(event);
      // Of an execution that succeeded earlier, only the end is shown.
      if (by === 'succeeded') return;
      show.event(event, execution);
      progress?.(event);
    },
    note: (note) => {
      if (json) console.error(note);
      else show.event({ kind: 'noted', at: Date.now(), note }, execution);
    },
    pause,
  });
  const document = report.ended(end);
  show.end([document]);
  if (json) console.log(JSON.stringify(document, null, 2));
  if (file !== null) {
    const files = await writeReports(file, [document], new Date());
    if (files.length === 0) console.error('No versions were compared: no report was written.');
    for (const each of files) console.error(`Report: ${each}`);
  }
  return exitStatus(document.status, document.output);
}

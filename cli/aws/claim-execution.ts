import { MAX_ATTEMPTS } from './execution-name.ts';
import type { AwsExecutions } from './executions.ts';
import { NoSuchExecution } from './problem.ts';

/** The execution that serves the request. */
export interface ClaimedExecution {
  execution: string;
  attempt: number;
  /** How it was found; `started` also when another client started the same execution at the same moment. */
  by: 'started' | 'running' | 'succeeded';
  /** End of an execution that has succeeded; null otherwise. */
  ended: Date | null;
}

/** As `ClaimedExecution`; `attempt` is null for an execution that was named by its ARN. */
export type FoundExecution = Omit<ClaimedExecution, 'attempt'> & { attempt: number | null };

/** Which execution to find or start. */
export interface ClaimRequest {
  stateMachine: string;
  /** Prefix of the ARNs of its executions. */
  executions: string;
  nameOf: (attempt: number) => string;
  /** Canonical JSON: Step Functions treats a start as repeated only when the text is identical. */
  input: string;
  /** Whether to start a new attempt after one that has succeeded. */
  again: boolean;
}

/** `DescribeExecution` is eventually consistent: it may return a new execution only a moment after its start. */
const MAX_DESCRIBES = 5;
const DESCRIBE_INTERVAL_MS = 1_000;

/**
 * Returns the execution with this input that is running, or has succeeded, or else starts a new attempt: attempts that
 * failed, timed out, were aborted or found the model busy are skipped. Idempotent: concurrent and repeated calls get the
 * same execution. Throws what the calls throw, and an `Error` when no attempt is left.
 */
export async function claimExecution(
  { describe, start }: Pick<AwsExecutions, 'describe' | 'start'>,
  { stateMachine, executions, nameOf, input, again }: ClaimRequest,
  pause: (ms: number) => Promise<void>,
): Promise<ClaimedExecution> {
  let succeeded: ClaimedExecution | null = null;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const name = nameOf(attempt);
    const execution = `${executions}${name}`;
    const claimed = (by: ClaimedExecution['by'], ended: Date | null = null) => ({
      execution,
      attempt,
      by,
      ended,
    });
    const existing = await describe(execution);
    if (existing?.status === 'RUNNING' || existing?.status === 'PENDING_REDRIVE') return claimed('running');
    // A later attempt may be running, started with --again.
    if (existing?.status === 'SUCCEEDED' && !existing.busy) succeeded = claimed('succeeded', existing.ended);
    if (existing !== null) continue;
    if (succeeded !== null && !again) return succeeded;
    // Deleted by Step Functions, 90 days after its end, while a later attempt still exists.
    if ((await describe(`${executions}${nameOf(attempt + 1)}`)) !== null) continue;
    if ((await start(stateMachine, name, input)) === 'started') return claimed('started');
    // Started a moment ago: by this command, with a lost response, or by another client with the same request.
    await waitUntilVisible(describe, execution, pause);
    return claimed('running');
  }
  if (succeeded !== null && !again) return succeeded;
  throw new Error(
    `${MAX_ATTEMPTS} executions with this input have already ended. Find the cause before starting more; a different --reason makes it a different input.`,
  );
}

async function waitUntilVisible(
  describe: AwsExecutions['describe'],
  execution: string,
  pause: (ms: number) => Promise<void>,
): Promise<void> {
  for (let describes = 1; (await describe(execution)) === null; describes += 1) {
    if (describes === MAX_DESCRIBES)
      throw new NoSuchExecution(
        `Step Functions reports that ${execution} exists but does not return it yet. Run the same command again in a minute.`,
      );
    await pause(DESCRIBE_INTERVAL_MS);
  }
}

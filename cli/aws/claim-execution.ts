import { MAX_ATTEMPTS } from './execution-name.ts';
import type { AwsExecutions } from './executions.ts';
import { NoSuchExecution } from './problem.ts';

/** The execution that does what was asked for. */
export interface ClaimedExecution {
  execution: string;
  attempt: number;
  /** How it was found; `started` also when somebody else started the same at the same moment. */
  by: 'started' | 'running' | 'succeeded';
  /** When one that has succeeded ended. */
  ended: Date | null;
}

/** The same of one that was named by its ARN: which attempt it is, nobody has counted. */
export type FoundExecution = Omit<ClaimedExecution, 'attempt'> & { attempt: number | null };

export interface ClaimRequest {
  stateMachine: string;
  /** Prefix of the ARNs of its executions. */
  executions: string;
  nameOf: (attempt: number) => string;
  /** Canonical: Step Functions takes a start for a repetition only when the text is the same. */
  input: string;
  /** Whether to start it although it has succeeded before. */
  again: boolean;
}

/** Looks for an execution whose start AWS has confirmed, which its description may show a moment later. */
const MAX_DESCRIBES = 5;
const DESCRIBE_INTERVAL_MS = 1_000;

/**
 * The execution with this input that is running, or else has succeeded, or else a new one: attempts that failed, timed
 * out, were aborted or found the model busy are counted and left behind. Two that do this at once get the same execution,
 * and so does one whose answer was lost. Throws what the calls throw, and an `Error` when no attempt is left.
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
    // Forgotten by Step Functions, 90 days after its end, while a later attempt is still known.
    if ((await describe(`${executions}${nameOf(attempt + 1)}`)) !== null) continue;
    if ((await start(stateMachine, name, input)) === 'started') return claimed('started');
    // It was not there a moment ago: ours, whose answer was lost, or of somebody who was quicker. However it ends, it
    // is the one that was asked for.
    await waitUntilVisible(describe, execution, pause);
    return claimed('running');
  }
  if (succeeded !== null && !again) return succeeded;
  throw new Error(
    `${MAX_ATTEMPTS} executions with this input have ended already. Find out why before starting more; another --reason makes it another input.`,
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
        `Step Functions says that ${execution} exists, and does not show it. Run the same command again in a minute.`,
      );
    await pause(DESCRIBE_INTERVAL_MS);
  }
}

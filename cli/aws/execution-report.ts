import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import type { ExecutionDocument } from '../../local/execution.ts';
import type { TimelineEvent } from '../screen/timeline.ts';
import type { FoundExecution } from './claim-execution.ts';
import { consoleUrl } from './execution-arn.ts';
import type { HistoryEnd } from './execution-history.ts';

/** An execution on AWS as `promotion start --json` prints it: the fields of `promotion run` that AWS provides. */
export interface ExecutionReport extends Pick<ExecutionDocument, 'execution' | 'output' | 'states'> {
  /** Its page in the AWS console; null in a partition without a known console. */
  console: string | null;
  /** Which attempt with its input it is; null when it was followed by its ARN. */
  attempt: number | null;
  /** Whether it was started now, or found running or succeeded. */
  found: 'started' | 'running' | 'succeeded';
  aws_status: 'RUNNING' | HistoryEnd['status'];
  /** Null while the execution is running. */
  status: OutcomeStatus | null;
  reason: string | null;
}

/** The report of an execution that has ended. */
export type EndedReport = ExecutionReport & { status: OutcomeStatus; reason: string };

/** Collects the events of an execution for its report. */
export function executionReport({ execution, attempt, by }: FoundExecution) {
  const states: ExecutionReport['states'] = [];
  let last: unknown = null;
  const known = { execution, console: consoleUrl(execution), attempt, found: by };

  return {
    add(event: TimelineEvent): void {
      if (event.kind !== 'exited') return;
      last = event.output;
      states.push({ name: event.state, entered: new Date(event.at - event.ms).toISOString(), ms: event.ms });
    },
    running: (): ExecutionReport => ({
      ...known,
      aws_status: 'RUNNING',
      status: null,
      reason: null,
      output: null,
      states,
    }),
    ended(end: HistoryEnd): EndedReport {
      const output = end.output ?? last;
      const { ending } = readStateDocument(output);
      const { status, reason } = ending ?? { status: 'failed', reason: reasonOf(end) };
      return { ...known, aws_status: end.status, status, reason, output, states };
    },
  };
}

/** The reason for an execution that did not record its own outcome. */
function reasonOf({ status, error }: HistoryEnd): string {
  const cleanedUp = 'The clean-up of the deployed stack undoes incomplete changes and sends an alert';
  if (status === 'ABORTED') return `The execution was aborted. ${cleanedUp}`;
  if (status === 'TIMED_OUT') return `The execution exceeded its time-out. ${cleanedUp}`;
  const why = [error?.name, error?.message].filter(Boolean).join(': ');
  return `The execution ended ${status}${why === '' ? '' : `: ${why}`}`;
}

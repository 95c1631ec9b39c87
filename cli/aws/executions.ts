import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type GetExecutionHistoryInput,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { jsonOrNull } from '../../lambdas/runtime/environment.ts';
import { explainError } from './problem.ts';

/** The calls to Step Functions that `promotion start` needs. All throw the errors of `explainError`. */
export interface AwsExecutions {
  /**
   * Null when there is no execution with this ARN, or none any more: Step Functions deletes them 90 days after their end.
   * `busy`: it succeeded without a change, because another execution held the model's lease.
   */
  describe(execution: string): Promise<{ status: ExecutionStatus; ended: Date | null; busy: boolean } | null>;
  /**
   * Idempotent: a second start with the same name and input while the execution is running returns the same answer.
   * `exists`: an execution with this name has a different input, or has ended.
   */
  start(stateMachine: string, name: string, input: string): Promise<'started' | 'exists'>;
  /** The events after the one with this id (0: all), oldest first, without gaps. Not retried. */
  history(execution: string, after: number): Promise<HistoryEvent[]>;
}

/** Page sizes for a whole history, and for its newest part. */
const WHOLE_PAGE = 1000;
const NEWEST_PAGE = 100;

const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };

/** The calls to Step Functions in one region; aborting the signal cancels them. */
export function awsExecutions(region: string, abortSignal: AbortSignal): AwsExecutions {
  const retrying = new SFNClient({ region, maxAttempts: 5, requestHandler });
  // The caller polls again and reports the problem.
  const single = new SFNClient({ region, maxAttempts: 1, requestHandler });
  const explaining = <T>(action: string, answer: Promise<T>) =>
    answer.catch((error: unknown) => {
      throw explainError(error, action, region);
    });

  return {
    async describe(executionArn) {
      const found = await explaining(
        'DescribeExecution',
        retrying.send(new DescribeExecutionCommand({ executionArn }), { abortSignal }).catch(nullIfMissing),
      );
      if (found === null) return null;
      const { status = 'RUNNING', stopDate = null, output } = found;
      return {
        status,
        ended: stopDate,
        busy: readStateDocument(jsonOrNull(output ?? '')).ending?.status === 'busy',
      };
    },

    async start(stateMachineArn, name, input) {
      const command = new StartExecutionCommand({ stateMachineArn, name, input });
      const answer = retrying.send(command, { abortSignal }).then(
        () => 'started' as const,
        (error: unknown) => {
          if (error instanceof ExecutionAlreadyExists) return 'exists' as const;
          throw error;
        },
      );
      return explaining('StartExecution', answer);
    },

    async history(executionArn, after) {
      const whole = { executionArn, includeExecutionData: true, maxResults: WHOLE_PAGE };
      // The API cannot filter by time: the newest events are read first, until one is known.
      const newest = { ...whole, maxResults: NEWEST_PAGE, reverseOrder: true };
      const events: HistoryEvent[] = [];
      let nextToken: string | undefined;
      do {
        const input: GetExecutionHistoryInput = after === 0 ? whole : newest;
        const command = new GetExecutionHistoryCommand({ ...input, nextToken });
        const page = await explaining('GetExecutionHistory', single.send(command, { abortSignal }));
        events.push(...(page.events ?? []));
        nextToken = page.nextToken;
        if (after > 0 && (page.events ?? []).some(({ id }) => idOf(id) <= after)) break;
      } while (nextToken !== undefined && nextToken !== '');
      return withoutGaps(events, after);
    },
  };
}

function nullIfMissing(error: unknown): null {
  if (error instanceof ExecutionDoesNotExist) return null;
  throw error;
}

const idOf = (id: number | undefined) => id ?? 0;

/** Events are numbered from 1; events that a stale page lacks are returned by the next call. */
function withoutGaps(events: HistoryEvent[], after: number): HistoryEvent[] {
  const following: HistoryEvent[] = [];
  for (const event of events.sort((a, b) => idOf(a.id) - idOf(b.id)))
    if (event.id === after + following.length + 1) following.push(event);
  return following;
}

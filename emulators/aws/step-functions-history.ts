/** The events that a runner emits, in order; `at` in milliseconds since 1970. */
export type ExecutionEvent =
  | { kind: 'entered'; state: string; type: string; at: number }
  /** `output` is the whole state document as the state leaves it. */
  | { kind: 'exited'; state: string; type: string; at: number; output: unknown }
  | { kind: 'failed'; at: number; error: string; message: string }
  | { kind: 'retried'; at: number }
  | { kind: 'aborted'; at: number }
  /** Ignored: Step Functions has no event for them. */
  | { kind: 'started' | 'caught' | 'noted' | 'alerted' | 'answered'; at: number };

/** An event of `GetExecutionHistory` in its wire format: the time in seconds since 1970. */
export interface WireEvent {
  id: number;
  previousEventId: number;
  timestamp: number;
  type: string;
  [details: `${string}EventDetails`]: object;
}

/** Status of an execution that has ended. */
export type FinalStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** The history of one execution in the wire format of Step Functions. */
export interface WireHistory {
  /** Oldest first. */
  events: readonly WireEvent[];
  /** Null while the execution is running. */
  status: FinalStatus | null;
  /** Seconds since 1970; null while the execution is running. */
  stopDate: number | null;
  /** JSON; null unless SUCCEEDED. */
  output: string | null;
  add(event: ExecutionEvent): void;
  /** Ends an execution that is still running; otherwise does nothing. */
  end(status: FinalStatus, at: number, why?: { error: string; cause: string }): void;
}

const untruncated = { truncated: false };
const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function';

/**
 * The history that Step Functions would return, from the runner's events. Tasks call their function directly, so their
 * events are those of Lambda functions. Input and output of the functions are omitted. The cause of a failure is Lambda's
 * JSON, with a made-up trace. `startedAt`: milliseconds since 1970.
 */
export function wireHistory(input: string, startedAt: number): WireHistory {
  const events: WireEvent[] = [];
  let document = input;
  let state = { name: '', type: '' };
  /** The last attempt of the running state, if it failed. */
  let failure: { error: string; cause: string } | null = null;

  const put = (type: string, at: number, details: object = {}, key = type) => {
    const id = events.length + 1;
    const event: WireEvent = { id, previousEventId: id - 1, timestamp: at / 1000, type };
    event[`${key.charAt(0).toLowerCase()}${key.slice(1)}EventDetails`] = details;
    events.push(event);
  };
  const call = (at: number) => {
    put('LambdaFunctionScheduled', at, { resource: `${FUNCTION}:${state.name}`, input: '{}' });
    put('LambdaFunctionStarted', at);
  };

  const history: WireHistory = {
    events,
    status: null,
    stopDate: null,
    output: null,
    add(event) {
      if (history.status !== null) return;
      const { at } = event;
      if (event.kind === 'entered') {
        state = { name: event.state, type: event.type };
        failure = null;
        put(
          `${event.type}StateEntered`,
          at,
          { name: event.state, input: document, inputDetails: untruncated },
          'StateEntered',
        );
        if (event.type === 'Task') call(at);
      } else if (event.kind === 'retried') {
        failure = null;
        call(at);
      } else if (event.kind === 'failed') {
        const { error, message } = event;
        failure = { error, cause: message };
        if (state.type === 'Fail') history.end('FAILED', at, failure);
        else if (error === 'States.Timeout') put('LambdaFunctionTimedOut', at, { error });
        else put('LambdaFunctionFailed', at, { error, cause: causeOf(failure) });
      } else if (event.kind === 'exited') {
        document = JSON.stringify(event.output);
        if (event.type === 'Task' && failure === null) put('LambdaFunctionSucceeded', at);
        put(
          `${event.type}StateExited`,
          at,
          { name: event.state, output: document, outputDetails: untruncated },
          'StateExited',
        );
        if (event.type === 'Succeed') history.end('SUCCEEDED', at);
      } else if (event.kind === 'aborted') history.end('ABORTED', at);
    },
    end(status, at, why = failure ?? undefined) {
      if (history.status !== null) return;
      history.status = status;
      history.stopDate = at / 1000;
      if (status === 'SUCCEEDED') {
        history.output = document;
        put('ExecutionSucceeded', at, { output: document, outputDetails: untruncated });
      } else if (status === 'FAILED') put('ExecutionFailed', at, why);
      else put(status === 'ABORTED' ? 'ExecutionAborted' : 'ExecutionTimedOut', at);
    },
  };
  put('ExecutionStarted', startedAt, {
    input,
    inputDetails: untruncated,
    roleArn: 'arn:aws:iam::123456789012:role/promotion',
  });
  return history;
}

const causeOf = ({ error, cause }: { error: string; cause: string }) =>
  JSON.stringify({ errorType: error, errorMessage: cause, trace: [`${error}: ${cause}`, '    at handler'] });

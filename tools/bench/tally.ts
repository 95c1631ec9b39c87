import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { LocalEvent } from '../../local/machine/state-machine.ts';

/** What Step Functions records and charges of one execution. */
export interface Steps {
  /** What Standard workflows are charged by: every state that is entered, and every retry. */
  transitions: number;
  history: readonly HistoryEventType[];
}

const CALL = ['LambdaFunctionScheduled', 'LambdaFunctionStarted'] as const satisfies HistoryEventType[];

/** Events that a state writes when it is entered and left; a `Fail` is never left. */
const entered: Record<string, HistoryEventType> = {
  Task: 'TaskStateEntered',
  Choice: 'ChoiceStateEntered',
  Pass: 'PassStateEntered',
  Wait: 'WaitStateEntered',
  Succeed: 'SucceedStateEntered',
  Fail: 'FailStateEntered',
};
const exited: Record<string, HistoryEventType> = {
  Task: 'TaskStateExited',
  Choice: 'ChoiceStateExited',
  Pass: 'PassStateExited',
  Wait: 'WaitStateExited',
  Succeed: 'SucceedStateExited',
};

/** The events of one state that runs once and succeeds. */
export function eventsOf(type: string): HistoryEventType[] {
  const calls: HistoryEventType[] = type === 'Task' ? [...CALL, 'LambdaFunctionSucceeded'] : [];
  return [entered[type], ...calls, exited[type]].filter((event) => event !== undefined);
}

/** An attempt that fails and is made again. */
export const EVENTS_OF_A_RETRY = [...CALL, 'LambdaFunctionFailed'].length;

/**
 * The history that Step Functions would write of an execution that ran like this (a task with a function's ARN as its
 * resource). A task whose error is caught is left like any other.
 */
export function stepsOf(events: readonly LocalEvent[], succeeded: boolean): Steps {
  let transitions = 0;
  /** The running attempt of a task, which nobody has seen fail. */
  let calling = false;
  const history: HistoryEventType[] = ['ExecutionStarted'];
  const add = (...more: (HistoryEventType | undefined)[]) =>
    history.push(...more.filter((event) => event !== undefined));
  const call = () => {
    calling = true;
    add(...CALL);
  };
  for (const event of events) {
    if (event.kind === 'entered') {
      transitions += 1;
      add(entered[event.type]);
      if (event.type === 'Task') call();
    } else if (event.kind === 'retried') {
      transitions += 1;
      call();
    } else if (event.kind === 'failed') {
      if (calling) add('LambdaFunctionFailed');
      calling = false;
    } else if (event.kind === 'exited') {
      if (calling) add('LambdaFunctionSucceeded');
      calling = false;
      add(exited[event.type]);
    }
  }
  add(succeeded ? 'ExecutionSucceeded' : 'ExecutionFailed');
  return { transitions, history };
}

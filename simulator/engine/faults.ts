/** What can go wrong, and what decides when it does. */

/** Systems that the functions call. */
export const systems = ['mlflow', 'workload', 'dynamodb', 'sns', 'step-functions'] as const;
export type System = (typeof systems)[number];

/** What can happen to one request. */
export const callFaults = [
  /** No connection; not executed. */
  'refused',
  /** Not executed, and no answer in time. */
  'hangs',
  /** Executed, but the answer comes after the client's time-out. */
  'slow',
  /** Executed only after the client has given up. */
  'late',
  /** Executed, and the connection breaks before the answer. */
  'lost',
  /** Something on the way repeats the request: executed twice. */
  'twice',
  /** 429, not executed. */
  'throttled',
  /** 500, not executed. */
  'broken',
  /** 503, not executed. */
  'unavailable',
  /** A gateway answers 504, but the server has executed it. */
  'gateway-timeout',
  /** 200 with a page of HTML; not executed. */
  'html',
  /** Executed, and the second half of the answer is missing. */
  'truncated',
  /** 200 with JSON that is not this API's; not executed. */
  'hostile',
  /** Executed, and 200 with JSON that is not this API's. */
  'hostile-after',
  /** The process ends before it sends the request. */
  'dies-before',
  /** The process ends when the request was executed, before the answer. */
  'dies-after',
  /** The process stands still for some seconds before it sends the request. */
  'stalls',
] as const;
export type CallFault = (typeof callFaults)[number];

/** What can happen to one invocation of a function. */
export const invocationFaults = [
  /** Lambda throttles: not started. */
  'not-started',
  /** Lambda answers an error of its own: not started. */
  'service-error',
  /** The process ends before the first line. */
  'crashes-at-start',
  /** Everything was done, but the process ends before its answer. */
  'crashes-at-end',
  /** The caller gets an error while the function runs on, up to its own time-out. */
  'runs-on',
  /** The function ends as usual, but its caller never gets the answer. */
  'never-answers',
  /** Everything was done, but the answer is larger than the state machine takes. */
  'too-large',
] as const;
export type InvocationFault = (typeof invocationFaults)[number];

/** How a whole system is away. */
export const outageKinds = ['refused', 'unavailable', 'hangs'] as const;
export type OutageKind = (typeof outageKinds)[number];

/** A place where something may go wrong: the same in every play of a story, whatever else is left out. */
export interface Site {
  /** Invocation and number of the call in it. */
  id: string;
  /** Null where the function itself is called. */
  number: number | null;
  functionName: string;
  /** Null where the function itself is called. */
  system: System | null;
  /** Method and path, or the command. */
  call: string;
}

/** One fault that a story is about: it happens at this place, however rare other faults are. */
export interface Aim {
  functionName: string;
  /** Number of the request in each invocation, from 0, or what it asks; null where the function itself is called. */
  call: number | string | null;
  kind: CallFault | InvocationFault;
  /** Not in the first so many invocations. */
  after: number;
  /** In so many invocations. */
  times: number;
}

/** A fault that happened. */
export interface FaultRecord extends Site {
  kind: CallFault | InvocationFault;
  /** For so many more requests of its process to the same system. */
  again: number;
}

/** How often each fault is chosen where one happens. */
export const callWeights: Record<CallFault, number> = {
  refused: 3,
  hangs: 3,
  slow: 3,
  late: 2,
  lost: 4,
  twice: 2,
  throttled: 2,
  broken: 2,
  unavailable: 3,
  'gateway-timeout': 2,
  html: 2,
  truncated: 2,
  hostile: 1,
  'hostile-after': 1,
  'dies-before': 3,
  'dies-after': 4,
  stalls: 2,
};

export const invocationWeights: Record<InvocationFault, number> = {
  'not-started': 2,
  'service-error': 2,
  'crashes-at-start': 1,
  'crashes-at-end': 3,
  'runs-on': 4,
  'never-answers': 2,
  'too-large': 1,
};

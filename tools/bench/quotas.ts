import type { Seen } from './prices.ts';

export interface Quota {
  what: string;
  limit: number;
  unit: string;
  /** Can be raised on request. */
  soft: boolean;
  seen: Seen;
  source: string;
}

const STEP_FUNCTIONS = 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html';
const LAMBDA = 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html';
const DYNAMODB = 'https://repost.aws/knowledge-center/on-demand-table-throttling-dynamodb';

/** Default quotas of us-east-1 for an account that is in use; a new account starts with lower ones. */
export const quotas = {
  startsBurst: {
    what: 'Step Functions, StartExecution at once (bucket)',
    limit: 1_300,
    unit: 'starts',
    soft: true,
    seen: 'AWS, old edition',
    source: STEP_FUNCTIONS,
  },
  starts: {
    what: 'Step Functions, StartExecution',
    limit: 300,
    unit: 'a second',
    soft: true,
    seen: 'AWS, old edition',
    source: STEP_FUNCTIONS,
  },
  transitions: {
    what: 'Step Functions, state transitions (bucket 5,000)',
    limit: 1_500,
    unit: 'a second',
    soft: true,
    seen: 'AWS, old edition',
    source: STEP_FUNCTIONS,
  },
  openExecutions: {
    what: 'Step Functions, open executions',
    limit: 1_000_000,
    unit: 'at a time',
    soft: true,
    seen: 'AWS',
    source: STEP_FUNCTIONS,
  },
  history: {
    what: 'Step Functions, events in the history of an execution',
    limit: 25_000,
    unit: 'events',
    soft: false,
    seen: 'AWS',
    source: STEP_FUNCTIONS,
  },
  executionSeconds: {
    what: 'Step Functions, duration of an execution',
    limit: 365 * 24 * 3600,
    unit: 'seconds',
    soft: false,
    seen: 'AWS',
    source: STEP_FUNCTIONS,
  },
  payload: {
    what: 'Step Functions, payload between states',
    limit: 262_144,
    unit: 'bytes',
    soft: false,
    seen: 'AWS',
    source: STEP_FUNCTIONS,
  },
  concurrency: {
    what: 'Lambda, concurrent executions of all functions of the account',
    limit: 1_000,
    unit: 'at a time',
    soft: true,
    seen: 'AWS',
    source: LAMBDA,
  },
  scaling: {
    what: 'Lambda, new environments of one function in 10 s',
    limit: 1_000,
    unit: 'in 10 s',
    soft: false,
    seen: 'AWS',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html',
  },
  partitionWrites: {
    what: 'DynamoDB, writes to one partition',
    limit: 1_000,
    unit: 'units a second',
    soft: false,
    seen: 'AWS',
    source: DYNAMODB,
  },
  partitionReads: {
    what: 'DynamoDB, reads of one partition',
    limit: 3_000,
    unit: 'units a second',
    soft: false,
    seen: 'AWS',
    source: DYNAMODB,
  },
  tableWrites: {
    what: 'DynamoDB, writes to a new table on demand',
    limit: 4_000,
    unit: 'units a second',
    soft: true,
    seen: 'AWS',
    source: DYNAMODB,
  },
  publishes: {
    what: 'SNS, publish',
    limit: 30_000,
    unit: 'a second',
    soft: true,
    seen: 'others',
    source: 'https://docs.aws.amazon.com/general/latest/gr/sns.html',
  },
  emails: {
    what: 'SNS, email to one subscription (faster: SNS switches it off)',
    limit: 10,
    unit: 'a second',
    soft: false,
    seen: 'AWS',
    source: 'https://repost.aws/knowledge-center/sns-email-subscription-disabled',
  },
} as const satisfies Record<string, Quota>;

export type Verdict = 'fits' | 'tight' | 'does not fit';

/** From half of a limit on it is tight: a second environment, a retry storm or a bad day uses the other half. */
const TIGHT = 0.5;

export interface Judged {
  verdict: Verdict;
  /** Share of the limit that is needed; above 1 it does not fit. */
  share: number;
}

export function judge(need: number, limit: number): Judged {
  const share = need / limit;
  return { verdict: share > 1 ? 'does not fit' : share >= TIGHT ? 'tight' : 'fits', share };
}

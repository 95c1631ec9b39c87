import type { TableUse } from './counting-table.ts';

/** On what a figure of AWS rests that could only be read in stored copies of pages. */
export type Seen =
  /** A page of AWS says it. */
  | 'AWS'
  /** A page of AWS says it, in an edition that is years old: AWS raises quotas over time. */
  | 'AWS, old edition'
  /** Pages of others say it, of 2025 or 2026; the copy of AWS' own page shows no numbers. */
  | 'others';

export interface Price {
  what: string;
  /** US dollars for so many. */
  usd: number;
  per: number;
  unit: string;
  seen: Seen;
  source: string;
}

/** When all figures of AWS were looked at. */
export const LOOKED_AT = '2026-11-21';

/** List prices of us-east-1 in US dollars, without free tiers and without discounts for large volumes. */
export const prices = {
  stateTransition: {
    what: 'Step Functions Standard, state transition (every state entered, every retry)',
    usd: 0.025,
    per: 1_000,
    unit: 'transitions',
    seen: 'AWS',
    source: 'https://aws.amazon.com/step-functions/pricing/',
  },
  lambdaCompute: {
    what: 'Lambda on ARM, duration times memory',
    usd: 0.0000133334,
    per: 1,
    unit: 'GB-second',
    seen: 'others',
    source: 'https://aws.amazon.com/lambda/pricing/',
  },
  lambdaRequest: {
    what: 'Lambda, request',
    usd: 0.2,
    per: 1_000_000,
    unit: 'requests',
    seen: 'others',
    source: 'https://aws.amazon.com/lambda/pricing/',
  },
  tableWrite: {
    what: 'DynamoDB on demand, write (1 KB)',
    usd: 0.625,
    per: 1_000_000,
    unit: 'units',
    seen: 'others',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  tableRead: {
    what: 'DynamoDB on demand, read (4 KB, consistent)',
    usd: 0.125,
    per: 1_000_000,
    unit: 'units',
    seen: 'others',
    source: 'https://aws.amazon.com/dynamodb/pricing/on-demand/',
  },
  publish: {
    what: 'SNS, publish (64 KB)',
    usd: 0.5,
    per: 1_000_000,
    unit: 'requests',
    seen: 'others',
    source: 'https://aws.amazon.com/sns/pricing/',
  },
  email: {
    what: 'SNS, email',
    usd: 2,
    per: 100_000,
    unit: 'emails',
    seen: 'others',
    source: 'https://aws.amazon.com/sns/pricing/',
  },
  logs: {
    what: 'CloudWatch Logs, ingestion',
    usd: 0.5,
    per: 1,
    unit: 'GB',
    seen: 'others',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  trace: {
    what: 'X-Ray, trace recorded',
    usd: 5,
    per: 1_000_000,
    unit: 'traces',
    seen: 'AWS',
    source: 'https://aws.amazon.com/xray/pricing/',
  },
  keyRequest: {
    what: 'KMS, request',
    usd: 0.03,
    per: 10_000,
    unit: 'requests',
    seen: 'others',
    source: 'https://aws.amazon.com/kms/pricing/',
  },
  secretRequest: {
    what: 'Secrets Manager, request',
    usd: 0.05,
    per: 10_000,
    unit: 'requests',
    seen: 'others',
    source: 'https://aws.amazon.com/secrets-manager/pricing/',
  },
  event: {
    what: 'EventBridge, event of an AWS service (clean-up, alarms, schedule)',
    usd: 0,
    per: 1,
    unit: 'event',
    seen: 'AWS',
    source: 'https://aws.amazon.com/eventbridge/pricing/',
  },
  alarmMetric: {
    what: 'CloudWatch, metric of an alarm',
    usd: 0.1,
    per: 1,
    unit: 'month',
    seen: 'others',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  customMetric: {
    what: 'CloudWatch, custom metric',
    usd: 0.3,
    per: 1,
    unit: 'month',
    seen: 'others',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  dashboard: {
    what: 'CloudWatch, dashboard',
    usd: 3,
    per: 1,
    unit: 'month',
    seen: 'others',
    source: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  key: {
    what: 'KMS, key (1 USD more after each of its first two yearly rotations)',
    usd: 1,
    per: 1,
    unit: 'month',
    seen: 'AWS',
    source: 'https://aws.amazon.com/kms/pricing/',
  },
  secret: {
    what: 'Secrets Manager, secret',
    usd: 0.4,
    per: 1,
    unit: 'month',
    seen: 'others',
    source: 'https://aws.amazon.com/secrets-manager/pricing/',
  },
} as const satisfies Record<string, Price>;

export type PriceName = keyof typeof prices;

/** How much of what is charged. */
export type Bill = Partial<Record<PriceName, number>>;

export const costOf = (bill: Bill): number =>
  Object.entries(bill).reduce((sum, [name, amount]) => {
    const { usd, per } = prices[name as PriceName];
    return sum + (amount * usd) / per;
  }, 0);

/** What cannot be measured on one machine, and so is assumed; every assumption is printed. */
export interface Assumptions {
  /** Milliseconds that a call of a function is charged for: remote systems answer slower than emulators. */
  callMs: number;
  memoryMb: number;
  /** Addresses that get every alert. */
  emails: number;
  /** Bytes of log that a call of a function writes, Lambda's own lines included. */
  logBytesPerCall: number;
  /** Bytes of log for each event of an execution's history; execution data is not logged. */
  logBytesPerEvent: number;
  /** Calls of KMS for each message that is published: one to encrypt, one to deliver. */
  keyRequestsPerMessage: number;
}

/** What an execution used. */
export interface Usage {
  transitions: number;
  historyEvents: number;
  calls: number;
  /** Secrets that its functions read, as far as none of them has read it before. */
  secretReads: number;
  published: number;
  table: TableUse;
}

const GB = 1_000_000_000;

/** Everything that an execution is charged for, by the service on whose bill it stands. */
export function billOf(usage: Usage, assumed: Assumptions): Record<Service, Bill> {
  const { transitions, historyEvents, calls, secretReads, published, table } = usage;
  const logBytes = calls * assumed.logBytesPerCall + historyEvents * assumed.logBytesPerEvent;
  return {
    'Step Functions': { stateTransition: transitions },
    Lambda: {
      lambdaRequest: calls,
      lambdaCompute: (calls * assumed.callMs * assumed.memoryMb) / 1000 / 1024,
    },
    DynamoDB: { tableRead: table.readUnits, tableWrite: table.writeUnits + table.indexWriteUnits },
    SNS: { publish: published, email: published * assumed.emails },
    Logs: { logs: logBytes / GB },
    Others: {
      trace: 1,
      keyRequest: published * assumed.keyRequestsPerMessage,
      secretRequest: secretReads,
    },
  };
}

export const services = ['Step Functions', 'Lambda', 'DynamoDB', 'SNS', 'Logs', 'Others'] as const;
export type Service = (typeof services)[number];

/** What is charged whether or not anything is promoted; one environment, one month of 30 days. */
export interface Standing {
  alarmMetrics: number;
  customMetrics: number;
  keys: number;
  secrets: number;
  sweepsPerMonth: number;
}

export function standingBill(standing: Standing, assumed: Assumptions): { what: string; bill: Bill }[] {
  const { alarmMetrics, customMetrics, keys, secrets, sweepsPerMonth } = standing;
  return [
    { what: `${alarmMetrics} metrics of alarms`, bill: { alarmMetric: alarmMetrics } },
    {
      what: `${customMetrics} custom metrics, if each is written every hour`,
      bill: { customMetric: customMetrics },
    },
    { what: '1 dashboard', bill: { dashboard: 1 } },
    { what: `${keys} keys, before their first rotation`, bill: { key: keys } },
    { what: `${secrets} secrets`, bill: { secret: secrets } },
    {
      what: `${sweepsPerMonth.toLocaleString('en-US')} sweeps`,
      bill: {
        lambdaRequest: sweepsPerMonth,
        lambdaCompute: (sweepsPerMonth * assumed.callMs * assumed.memoryMb) / 1000 / 1024,
        // An index is read eventually consistent: half a unit.
        tableRead: sweepsPerMonth / 2,
        trace: sweepsPerMonth,
        logs: (sweepsPerMonth * assumed.logBytesPerCall) / GB,
      },
    },
  ];
}

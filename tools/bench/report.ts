import { SWEEP_MINUTES } from '../../infra/event-rules.ts';
import { needs as needsOfFunctions } from '../../infra/functions/permissions.ts';
import { alarmMetricCount } from '../../infra/operations/alarms.ts';
import {
  type FunctionName,
  functionMemoryMegabytes,
  functionNames,
  machineTimeoutSeconds,
} from '../../lambdas/domain/limits.ts';
import { metricNames } from '../../lambdas/domain/outcome/metrics.ts';
import type { Longest } from './longest.ts';
import { EVERY_DAY, type Measured, measure } from './measure.ts';
import {
  type Assumptions,
  billOf,
  costOf,
  LOOKED_AT,
  prices,
  type Service,
  type Standing,
  services,
  standingBill,
} from './prices.ts';
import { type Judged, judge, quotas } from './quotas.ts';
import { EVENTS_OF_A_RETRY } from './tally.ts';
import { bottleneck, burstSeconds, type Need, needsOf, type Profile } from './volume.ts';

export const defaultAssumptions: Assumptions = {
  callMs: 500,
  memoryMb: functionMemoryMegabytes,
  emails: 1,
  logBytesPerCall: 1_500,
  logBytesPerEvent: 500,
  keyRequestsPerMessage: 2,
};

export const defaultProfile: Omit<Profile, 'callMs'> = {
  models: 10_000,
  peakHours: 1,
  mlflowCallMs: 250,
  mlflowCachedCallMs: 10,
  mlflowWorkers: 4,
};

/** What one environment of the stack has; a test counts them in the synthesised template. */
export const standing: Standing = {
  alarmMetrics: alarmMetricCount,
  customMetrics: metricNames.length,
  keys: 2,
  secrets: 2,
  sweepsPerMonth: (30 * 24 * 60) / SWEEP_MINUTES,
};

/** One kind of execution with what it costs, in US dollars for each one. */
export interface Priced extends Measured {
  cost: Record<Service, number>;
  total: number;
}

export interface Report {
  lookedAt: string;
  assumptions: Assumptions;
  profile: Profile;
  executions: readonly Priced[];
  standing: readonly { what: string; cost: number }[];
  longest: Longest & { events: number; retriesThatFit: number; judged: Judged };
  /** Of the whole state machine, in seconds. */
  machineTimeout: Judged & { seconds: number };
  largestPayload: Judged & { bytes: number };
  needs: readonly Need[];
  bottleneck: string;
  burstSeconds: number;
  /** US dollars. */
  month: { executions: number; standing: number };
  prices: typeof prices;
  quotas: typeof quotas;
}

/** Runs and reckons everything. */
export async function reportOf(
  assumptions: Assumptions,
  profile: Omit<Profile, 'callMs'>,
  tell: (kind: string) => void = () => {},
): Promise<Report> {
  const measured = await measure(tell);
  // Loaded only now: the functions' log is as loud as the environment says when it is loaded, and the host silences it.
  const { longest } = await import('./longest.ts');
  const executions = measured.map((one) => priced(one, assumptions));
  const everyDay = executions.find(({ kind }) => kind === EVERY_DAY);
  if (everyDay === undefined) throw new Error(`No figures of "${EVERY_DAY}"`);
  const whole: Profile = { ...profile, callMs: assumptions.callMs };
  const needs = needsOf(whole, everyDay);
  const costs = standingBill(standing, assumptions).map(({ what, bill }) => ({ what, cost: costOf(bill) }));
  const bytes = Math.max(...executions.map(({ largestPayload }) => largestPayload));
  return {
    lookedAt: LOOKED_AT,
    assumptions,
    profile: whole,
    executions,
    standing: costs,
    longest: judgedLongest(await longest()),
    machineTimeout: {
      seconds: machineTimeoutSeconds,
      ...judge(machineTimeoutSeconds, quotas.executionSeconds.limit),
    },
    largestPayload: { bytes, ...judge(bytes, quotas.payload.limit) },
    needs,
    bottleneck: bottleneck(needs)?.what ?? '',
    burstSeconds: burstSeconds(whole),
    month: {
      executions: 30 * profile.models * everyDay.total,
      standing: costs.reduce((sum, { cost }) => sum + cost, 0),
    },
    prices,
    quotas,
  };
}

function priced(measured: Measured, assumptions: Assumptions): Priced {
  const calls = Object.values(measured.invocations).reduce((sum, count) => sum + count, 0);
  const bill = billOf({ ...measured, calls, secretReads: secretReads(measured.invocations) }, assumptions);
  const cost = Object.fromEntries(services.map((service) => [service, costOf(bill[service])])) as Record<
    Service,
    number
  >;
  return { ...measured, cost, total: Object.values(cost).reduce((sum, part) => sum + part, 0) };
}

/** At most: each function that is called reads its secrets anew, as if nobody had called it for minutes. */
function secretReads(invocations: Record<FunctionName, number>): number {
  const called = functionNames.filter((name) => invocations[name] > 0);
  return called.reduce((sum, name) => {
    const { mlflow, workloads } = needsOfFunctions[name];
    return sum + (mlflow.length > 0 ? 1 : 0) + (workloads === true ? 1 : 0);
  }, 0);
}

function judgedLongest(found: Longest): Report['longest'] {
  const events = found.waitings.reduce((sum, waiting) => sum + waiting.events, found.otherEvents);
  const left = Math.max(0, quotas.history.limit - events);
  return {
    ...found,
    events,
    retriesThatFit: Math.floor(left / EVENTS_OF_A_RETRY),
    judged: judge(events, quotas.history.limit),
  };
}

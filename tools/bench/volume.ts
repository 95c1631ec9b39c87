import type { Measured } from './measure.ts';
import { judge, quotas, type Verdict } from './quotas.ts';

/** How many models, when, and on what MLflow. */
export interface Profile {
  /** Models a day, each promoted with a rollout. */
  models: number;
  /** All are started within so many hours, evenly. */
  peakHours: number;
  /** Processor time of the MLflow server for one call, in milliseconds. */
  mlflowCallMs: number;
  /** The same where the server remembers passwords it has checked. */
  mlflowCachedCallMs: number;
  /** Calls that the server works on side by side: its workers, each on a core of its own. */
  mlflowWorkers: number;
  /** Milliseconds that a call of a function takes. */
  callMs: number;
}

/** Something that there is only so much of. */
export interface Need {
  what: string;
  unit: string;
  /** If the starts were spread over the whole day. */
  average: number;
  /** While they come within the hours of the profile. */
  peak: number;
  /** Null where nobody publishes one. */
  limit: number | null;
  /** Of the limit, at the peak; null without one. */
  share: number | null;
  verdict: Verdict | 'not known';
  /** Models that fit into the hours of the profile before the limit is reached; null without one. */
  mostModels: number | null;
}

const DAY_SECONDS = 24 * 3600;

/** What so many models take, against what there is; `one` is what one of them takes. */
export function needsOf(profile: Profile, one: Measured): Need[] {
  const { models, peakHours, callMs, mlflowWorkers } = profile;
  const calls = Object.values(one.invocations).reduce((sum, count) => sum + count, 0);
  const peakSeconds = peakHours * 3600;
  const need = (what: string, unit: string, limit: number | null, at: (window: number) => number): Need => {
    const [average, peak] = [at(DAY_SECONDS), at(peakSeconds)];
    const needed = { what, unit, limit, average, peak };
    if (limit === null) return { ...needed, share: null, verdict: 'not known', mostModels: null };
    const judged = judge(peak, limit);
    return { ...needed, ...judged, mostModels: Math.floor(models / judged.share) };
  };
  const quota = (name: keyof typeof quotas, what: string, at: (window: number) => number) =>
    need(what, quotas[name].unit, quotas[name].limit, at);
  const aSecond = (perModel: number) => (window: number) => (models * perModel) / window;
  const mlflow = (what: string, callMilliseconds: number) =>
    need(what, 'calls a second', (mlflowWorkers * 1000) / callMilliseconds, aSecond(one.mlflowCalls));
  return [
    mlflow('MLflow: calls/s, passwords hashed', profile.mlflowCallMs),
    mlflow('MLflow: calls/s, passwords remembered', profile.mlflowCachedCallMs),
    need('Workload API: calls/s', 'calls a second', null, aSecond(one.workloadCalls)),
    quota('starts', 'Step Functions: starts/s', aSecond(1)),
    quota('transitions', 'Step Functions: transitions/s', aSecond(one.transitions)),
    // While one runs, so many more begin; never more than there are.
    quota('openExecutions', 'Step Functions: open executions', (window) =>
      Math.min(models, (models * one.seconds) / window),
    ),
    quota('concurrency', 'Lambda: calls at a time', aSecond((calls * callMs) / 1000)),
    // At worst every call that runs needs an environment that was not there ten seconds before.
    quota('scaling', 'Lambda: new environments in 10 s', aSecond((calls * callMs) / 1000)),
    quota('tableWrites', 'DynamoDB: writes/s to the table', aSecond(one.table.writeUnits)),
    // The index of pending alerts has one partition; the table has one item for each model and each execution.
    quota('partitionWrites', 'DynamoDB: writes/s to the index', aSecond(one.table.indexWriteUnits)),
    quota('partitionReads', 'DynamoDB: reads/s, if of one partition', aSecond(one.table.readUnits)),
    quota('publishes', 'SNS: messages/s', aSecond(one.published)),
    quota('emails', 'SNS: emails/s to one address', aSecond(one.published)),
  ];
}

/** The need that is the first not to fit as models become more. */
export const bottleneck = (needs: readonly Need[]): Need | undefined =>
  [...needs].sort((a, b) => (b.share ?? 0) - (a.share ?? 0))[0];

/** Seconds until all of them are started, if whoever starts them tries as fast as it can. */
export const burstSeconds = ({ models }: Profile): number =>
  Math.max(0, models - quotas.startsBurst.limit) / quotas.starts.limit;

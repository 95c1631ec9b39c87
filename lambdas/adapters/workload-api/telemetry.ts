import * as z from 'zod';
import { readAs } from '../../domain/json.ts';
import type {
  ContainerState,
  Proton,
  ReplicaState,
  StatusDetails,
  WorkloadEvent,
} from '../../domain/serving/workloads.ts';
import { list, page, Status, Text } from './answers.ts';

/** Schemas of the Workload API's monitoring responses: protons, their details, events, statistics, logs. */

const LogTail = list(z.string());
const Count = z
  .number()
  .nullish()
  .transform((value) => value ?? 0);

const ProtonAnswer = z
  .object({
    id: z.string(),
    artifactId: Text,
    role: Text,
    status: Status,
    statusDetails: z.object({ logTail: LogTail }).nullish(),
  })
  .transform(({ statusDetails, ...p }): Proton => ({ ...p, logTail: statusDetails?.logTail ?? [] }));

const Ended = z.object({ reason: Text, exitCode: z.number().nullish(), message: Text }).nullish();
const Container = z
  .object({
    name: Text,
    status: Status,
    ready: z.boolean().nullish(),
    restartCount: Count,
    reason: Text,
    exitCode: z.number().nullish(),
    message: Text,
    lastState: Ended,
  })
  .transform(
    (c): ContainerState => ({
      name: c.name ?? '',
      status: c.status,
      ready: c.ready ?? false,
      restarts: c.restartCount,
      // In a crash loop the current reason is `CrashLoopBackOff`; the cause is in the last state.
      reason: [c.reason, c.lastState?.reason ?? null].filter((word) => word !== null).join(', ') || null,
      exitCode: c.exitCode ?? c.lastState?.exitCode ?? null,
      message: c.message ?? c.lastState?.message ?? null,
    }),
  );
/** Older releases send `met`, newer ones `value`. */
const Condition = z.object({
  value: z.boolean().nullish(),
  met: z.boolean().nullish(),
  reason: Text,
  message: Text,
});
const Replica = z
  .object({ name: Text, status: Status, containers: list(Container), conditions: list(Condition) })
  .transform(
    (r): ReplicaState => ({
      name: r.name ?? '',
      status: r.status,
      containers: r.containers,
      unmet: r.conditions.flatMap(({ value, met, reason, message }) =>
        (value ?? met) === false && reason !== null ? [{ reason, message }] : [],
      ),
    }),
  );

export const StatusDetailsAnswer = z
  .object({
    overallStatus: z.object({ state: Text, summary: Text }).nullish(),
    replicas: list(Replica),
    logTail: LogTail,
  })
  .transform(
    (d): StatusDetails => ({
      state: d.overallStatus?.state ?? null,
      summary: d.overallStatus?.summary ?? null,
      replicas: d.replicas,
      logTail: d.logTail,
    }),
  );

const EventDetails = z.object({
  artifactId: Text,
  message: Text,
  protonStatuses: z.record(z.string(), z.object({ replicas: list(Replica) }).nullish()).nullish(),
});
const EventAnswer = z
  .object({ id: Text, timestamp: Text, eventType: Status, details: z.unknown() })
  .transform((e): WorkloadEvent => {
    // The API documents the shape of `details` as provisional: unknown details must not lose the event.
    const details = readAs(EventDetails, e.details).data;
    const protons = Object.entries(details?.protonStatuses ?? {});
    return {
      id: e.id ?? '',
      timestamp: e.timestamp ?? '',
      eventType: e.eventType,
      artifactId: details?.artifactId ?? null,
      message: details?.message ?? null,
      protons: Object.fromEntries(protons.map(([id, status]) => [id, status?.replicas ?? []])),
    };
  });

export const StatsAnswer = z
  .object({
    metrics: z.object({
      totalRequests: Count,
      userErrors: Count,
      serverErrors: Count,
      slowRequests: Count,
      responseTime: Count,
    }),
  })
  .transform(({ metrics }) => metrics);

const Line = z
  .string()
  .nullish()
  .transform((value) => value ?? '');

/** Made once: a schema takes longer to make than a page takes to read. */
export const ProtonPage = page(ProtonAnswer);
export const EventPage = page(EventAnswer);
export const LogPage = page(z.object({ timestamp: Status, level: Status, message: Line }));

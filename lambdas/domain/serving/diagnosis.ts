import { publicMessage, visible } from '../visible-text.ts';
import type { ContainerReport, Diagnosis } from './payloads.ts';
import type { LogLine, Proton, ReplicaState, StatusDetails, WorkloadEvent } from './workloads.ts';

/** What was read about protons that did not become ready. Its texts come from containers and are untrusted. */
export interface Findings {
  /** The platform's message about the replacement. */
  readonly message: string | null;
  readonly protons: readonly { id: string; proton: Proton | null; details: StatusDetails | null }[];
  /** The newest event about the artifact; it has the containers' last states when the protons are gone. */
  readonly event: WorkloadEvent | null;
  readonly logs: readonly LogLine[];
  readonly unavailable: readonly string[];
}

const MAX_CONTAINERS = 20;
const MAX_LINES = 20;
const LINE = 300;
const WORD = 80;

/** The findings, bounded in size for the state of an execution and safe to show. */
export function diagnosisOf(findings: Findings): Diagnosis {
  const reports = findings.protons.flatMap(({ id, details }) => reportsOf(id, details?.replicas ?? []));
  const kept = Object.entries(findings.event?.protons ?? {}).flatMap(([id, replicas]) =>
    reportsOf(id, replicas),
  );
  const tail = findings.protons.flatMap(({ proton, details }) => {
    const detailed = details?.logTail ?? [];
    return detailed.length > 0 ? detailed : (proton?.logTail ?? []);
  });
  const logged = findings.logs.map(({ timestamp, level, message }) => `${timestamp} ${level} ${message}`);
  const lines = tail.length > 0 ? tail : logged;
  const message = findings.message ?? findings.event?.message ?? null;
  return {
    message: message === null ? null : publicMessage(message, LINE),
    protons: findings.protons.map(({ id, proton, details }) => ({
      id: visible(id, WORD),
      role: proton?.role == null ? null : visible(proton.role, WORD),
      status: visible(proton?.status ?? details?.state ?? 'gone', WORD),
      summary: details?.summary == null ? null : publicMessage(details.summary, LINE),
      unmet: (details?.replicas ?? []).flatMap(({ unmet }) => unmet.map(unmetText)).slice(0, MAX_CONTAINERS),
    })),
    containers: (reports.length > 0 ? reports : kept).slice(0, MAX_CONTAINERS),
    log_lines: lines.slice(-MAX_LINES).map((line) => publicMessage(line, LINE)),
    log_source: lines.length === 0 ? null : tail.length > 0 ? 'status_details' : 'otel',
    unavailable: findings.unavailable.map((why) => publicMessage(why, LINE)),
  };
}

/** Merges two diagnoses. Later reads often find the protons gone; their earlier states are then kept. */
export function mergeDiagnoses(now: Diagnosis, before: Diagnosis | null): Diagnosis {
  if (before === null) return now;
  const useLogs = now.log_lines.length > 0;
  return {
    ...now,
    message: now.message ?? before.message,
    protons: now.containers.length > 0 || before.protons.length === 0 ? now.protons : before.protons,
    containers: now.containers.length > 0 ? now.containers : before.containers,
    log_lines: useLogs ? now.log_lines : before.log_lines,
    log_source: useLogs ? now.log_source : before.log_source,
  };
}

const unmetText = ({ reason, message }: { reason: string; message: string | null }) =>
  message === null ? visible(reason, WORD) : `${visible(reason, WORD)}: ${publicMessage(message, LINE)}`;

function reportsOf(protonId: string, replicas: readonly ReplicaState[]): ContainerReport[] {
  const short = (name: string) => visible(name.replace(`lrs-${protonId}-`, ''), WORD);
  return replicas.flatMap((replica) =>
    replica.containers.map((container) => ({
      replica: short(replica.name),
      container: short(container.name),
      status: visible(container.status, WORD),
      ready: container.ready,
      restarts: container.restarts,
      reason: container.reason === null ? null : visible(container.reason, WORD),
      exit_code: container.exitCode,
      message: container.message === null ? null : publicMessage(container.message, LINE),
    })),
  );
}

import type { z } from 'zod';

/**
 * The port to DataRobot's Workload API; `adapters/workload-api/client.ts` implements it. Every status is an open string:
 * the platform has renamed its states more than once. https://docs.datarobot.com/en/docs/workload-api/
 */

export type Json = z.core.util.JSONType;
export type JsonObject = Readonly<Record<string, Json>>;

export interface Workload {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly importance: string | null;
  readonly type: string | null;
  readonly artifactId: string | null;
  /** Status of that artifact in the Workload's document; null if it is missing there. */
  readonly artifactStatus: string | null;
  readonly endpoint: string | null;
  readonly runtime: JsonObject | null;
}

export interface ContainerGroup {
  readonly name: string;
  readonly containers: readonly string[];
}

export interface Artifact {
  readonly id: string;
  readonly name: string;
  readonly type: string | null;
  /** `draft` or `locked`; an open string. */
  readonly status: string;
  /** Null while it is a draft. */
  readonly version: number | null;
  readonly groups: readonly ContainerGroup[];
  /** `spec.containerGroups` as answered, for writing it back whole. */
  readonly containerGroups: readonly Json[];
}

export interface Replacement {
  readonly id: string;
  readonly candidateArtifactId: string;
  readonly candidateProtonIds: readonly string[];
  readonly previousProtonIds: readonly string[];
  readonly status: string;
  readonly message: string | null;
  /** ISO 8601. */
  readonly switchedAt: string | null;
  readonly createdAt: string | null;
}

export interface Proton {
  readonly id: string;
  readonly artifactId: string | null;
  /** `active`, `candidate`, or null once it is neither; an open string. */
  readonly role: string | null;
  readonly status: string;
  readonly logTail: readonly string[];
}

export interface ContainerState {
  readonly name: string;
  readonly status: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** A reason of Kubernetes such as `CrashLoopBackOff`, of the current state, else of the last one. */
  readonly reason: string | null;
  readonly exitCode: number | null;
  readonly message: string | null;
}

export interface ReplicaState {
  readonly name: string;
  readonly status: string;
  readonly containers: readonly ContainerState[];
  /** Unmet conditions with a reason, such as `Unschedulable`. */
  readonly unmet: readonly { readonly reason: string; readonly message: string | null }[];
}

export interface StatusDetails {
  readonly state: string | null;
  readonly summary: string | null;
  readonly replicas: readonly ReplicaState[];
  readonly logTail: readonly string[];
}

export interface WorkloadEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly eventType: string;
  readonly artifactId: string | null;
  readonly message: string | null;
  readonly protons: Readonly<Record<string, readonly ReplicaState[]>>;
}

export interface Stats {
  readonly totalRequests: number;
  readonly userErrors: number;
  readonly serverErrors: number;
  readonly slowRequests: number;
  /** Milliseconds. */
  readonly responseTime: number;
}

export interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
}

export interface StartReplacement {
  readonly artifactId: string;
  readonly strategy: 'rolling';
  readonly config: { readonly warmupDurationMinutes: number; readonly keepOldVersionMinutes: number };
  /** Left out: the current runtime is kept. */
  readonly runtime?: JsonObject;
}

export type Importance = 'critical' | 'high' | 'moderate' | 'low';

/**
 * The Workload API, as a port. Every method throws `WorkloadApiUnavailable`, `WorkloadApiRefused` or
 * `WorkloadApiInvalidResponse`. `promote`, `startReplacement` and `cloneArtifact` are sent once: after a lost
 * response the caller reads the state to find whether the request took effect.
 */
export interface Workloads {
  /** Null when it does not exist or the caller may not see it. */
  getWorkload(id: string): Promise<Workload | null>;
  setImportance(id: string, importance: Importance): Promise<void>;
  /** Promotion in place: locks the artifact, wipes the statistics, ends the lifetime limit. Cannot be undone. */
  promote(id: string): Promise<void>;
  /** Of one proton, by default the current one; requests of a period, both ends of which belong to it, by default a week. */
  stats(id: string, protonId?: string, period?: { start: Date; end: Date }): Promise<Stats>;
  /** Newest first as the API returns them; at most `most`. */
  events(id: string, most: number): Promise<WorkloadEvent[]>;
  /** Past replacements, newest first as the API returns them; at most `most`. */
  history(id: string, most: number): Promise<Replacement[]>;
  getArtifact(id: string): Promise<Artifact | null>;
  /** Cannot be undone. */
  lockArtifact(id: string): Promise<void>;
  /** Replaces the whole list of container groups of a draft. */
  setContainerGroups(id: string, containerGroups: readonly Json[]): Promise<void>;
  /** Artifacts whose name, description or id holds the text (at most 100 characters). */
  findArtifacts(text: string): Promise<Artifact[]>;
  /** A new draft with the same content. */
  cloneArtifact(id: string, name: string): Promise<Artifact>;
  startReplacement(workloadId: string, request: StartReplacement): Promise<Replacement>;
  /** Null when none is in progress and no settled one is still readable. */
  getReplacement(workloadId: string): Promise<Replacement | null>;
  /** Does nothing when none is in progress. */
  cancelReplacement(workloadId: string): Promise<void>;
  protons(workloadId: string): Promise<Proton[]>;
  /** Null until the platform's first report. */
  statusDetails(workloadId: string, protonId: string): Promise<StatusDetails | null>;
  /** Oldest first; of one proton when it is named. */
  logs(workloadId: string, most: number, protonId?: string): Promise<LogLine[]>;
}

import type { Script } from './settings.ts';

/** Times are milliseconds since 1970 throughout; documents are written from these in `api/shapes.ts`. */
export type ArtifactType = 'service' | 'nim' | 'agent' | 'mcp';
export type ArtifactStatus = 'draft' | 'locked';
export type Importance = 'critical' | 'high' | 'moderate' | 'low';

export type ProtonStatus =
  | 'unknown'
  | 'submitted'
  | 'provisioning'
  | 'launching'
  | 'running'
  | 'initializing'
  | 'warming'
  | 'draining'
  | 'restarting'
  | 'suspended'
  | 'interrupted'
  | 'stopping'
  | 'stopped'
  | 'errored'
  | 'terminated';

export type WorkloadStatus = Exclude<ProtonStatus, 'initializing' | 'warming' | 'draining' | 'restarting'>;

/** The emulator's own names; a variant maps them to the API's. */
export type ReplacementState =
  | 'submitted'
  | 'initializing'
  | 'staged'
  | 'promoting'
  | 'finalizing'
  | 'completed'
  | 'errored'
  | 'deleting';

export type EnvVar =
  | { source: 'string'; name: string; value: string }
  | { source: 'dr-credential'; name: string; drCredentialId: string; key: string }
  | { source: 'api-key'; name?: string | undefined };

export interface CodeRef {
  datarobot: { catalogId: string; catalogVersionId: string };
}

export interface Container {
  name: string | null;
  imageUri: string | null;
  imageBuildConfig: { codeRef?: CodeRef | null | undefined } | null;
  primary: boolean | null;
  environmentVars: EnvVar[];
  build?: { artifactImageBuildId: string; status: string; createdAt: string } | null;
}

export interface ContainerGroup {
  name: string;
  containers: Container[];
}

export interface ArtifactSpec {
  type?: ArtifactType | undefined;
  containerGroups: ContainerGroup[];
}

export interface Allocation {
  cpu: number | null;
  gpu: number | null;
  /** Bytes. */
  memory: number | null;
  gpuMemory: number | null;
}

export interface Autoscaling {
  enabled: boolean;
  minReplicaCount: number;
  maxReplicaCount: number;
  cooldownPeriodMinutes: number | null;
  policies: { scalingMetric: string; target: number; priority: number | null }[];
}

export interface GroupRuntime {
  name: string;
  replicaCount: number | null;
  autoscaling: Autoscaling | null;
  resourceBundles: string[];
  bundleSelectionPolicy: 'availability' | null;
  containers: { name: string; resourceAllocation: Allocation | null }[];
}

export interface Runtime {
  containerGroups: GroupRuntime[];
  enclaveSelectionPolicy?: string | undefined;
  enclaves?: string[] | undefined;
}

export interface SharedRole {
  id: string;
  name: string | null;
  role: string;
  shareRecipientType: string;
}

export interface Repository {
  id: string;
  name: string;
  type: ArtifactType;
  lastVersionNumber: number;
  roles: SharedRole[];
  createdAt: number;
  updatedAt: number;
}

export interface Build {
  id: string;
  codeKey: string;
  createdAt: number;
  cancelledAt: number | null;
}

export interface Artifact {
  id: string;
  name: string;
  description: string;
  type: ArtifactType;
  status: ArtifactStatus;
  version: number | null;
  repositoryId: string;
  spec: ArtifactSpec;
  builds: Build[];
  roles: SharedRole[];
  createdAt: number;
  updatedAt: number;
}

export interface Proton {
  id: string;
  workloadId: string;
  artifactId: string;
  role: 'active' | 'candidate' | null;
  /** Copied at the launch: a later PATCH of a draft changes nothing that runs. */
  groups: ContainerGroup[];
  runtime: Runtime;
  script: Script;
  /** Which status begins when, in order; what is in the future has not happened yet. */
  plan: { at: number; status: ProtonStatus }[];
  createdAt: number;
  /** Leaves the lists then. */
  removedAt: number | null;
}

export interface Replacement {
  id: string;
  workloadId: string;
  candidateArtifactId: string;
  /** It changes the runtime of the artifact in service. */
  isSettingsChange: boolean;
  candidateProtonIds: string[];
  previousProtonIds: string[] | null;
  state: ReplacementState;
  config: { warmupDurationMinutes: number; keepOldVersionMinutes: number };
  runtime: Runtime;
  message: string | null;
  switchedAt: number | null;
  createdAt: number;
  updatedAt: number;
  deletedAt: number | null;
}

export interface WorkloadEvent {
  id: string;
  timestamp: number;
  eventType: string;
  artifactId: string;
  message: string;
  candidateProtonIds: string[];
  protonStatuses: Record<string, unknown> | null;
}

/** `count` requests to the endpoint with the same result. */
export interface Served {
  at: number;
  protonId: string;
  status: number;
  milliseconds: number;
  count: number;
  method: string;
  path: string;
}

export interface Workload {
  id: string;
  name: string;
  description: string | null;
  importance: Importance;
  type: ArtifactType;
  artifactId: string;
  runtime: Runtime;
  protons: Proton[];
  replacement: Replacement | null;
  queued: Replacement[];
  history: Replacement[];
  events: WorkloadEvent[];
  served: Served[];
  /** The proton that the endpoint routes to, with the start time. */
  routed: { at: number; protonId: string }[];
  roles: SharedRole[];
  /** The last start, from which a draft's hours are counted. */
  startedAt: number;
  logsClearedAt: number;
  createdAt: number;
  updatedAt: number;
}

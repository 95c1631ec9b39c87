import { type Bundle, bundles, smallestBundle } from './bundles.ts';
import type { Artifact, Autoscaling, GroupRuntime, Runtime } from './entities.ts';
import { ApiError, invalid, type World } from './world.ts';

/** A runtime as clients write it, in either dialect. */
export interface RuntimeInput {
  containerGroups: {
    name?: string | undefined;
    replicaCount?: number | null | undefined;
    autoscaling?: AutoscalingInput | null | undefined;
    resourceBundles?: string[] | undefined;
    bundleSelectionPolicy?: 'availability' | undefined;
    resolvedBundle?: unknown;
    containers?: { name: string; resourceAllocation?: AllocationInput | null | undefined }[] | undefined;
  }[];
  enclaveSelectionPolicy?: string | undefined;
  enclaves?: string[] | undefined;
}

interface AutoscalingInput {
  enabled: boolean;
  minReplicaCount?: number | undefined;
  maxReplicaCount?: number | undefined;
  cooldownPeriodMinutes?: number | null | undefined;
  policies: {
    scalingMetric: string;
    target: number;
    minCount?: number | undefined;
    maxCount?: number | undefined;
    priority?: number | null | undefined;
  }[];
}

type Size = string | number | null | undefined;

interface AllocationInput {
  cpu?: number | null | undefined;
  gpu?: number | null | undefined;
  memory?: Size;
  gpuMemory?: Size;
}

type GroupInput = RuntimeInput['containerGroups'][number];

/** Checks a runtime and writes it as the API keeps it: bounds hoisted, memory in bytes. */
export function readRuntime(world: World, input: RuntimeInput): Runtime {
  const containerGroups = input.containerGroups.map((group, index) =>
    readGroup(world, group, `runtime.containerGroups.${index}`),
  );
  const { enclaveSelectionPolicy, enclaves } = input;
  return {
    containerGroups,
    ...(enclaveSelectionPolicy === undefined ? {} : { enclaveSelectionPolicy }),
    ...(enclaves === undefined ? {} : { enclaves }),
  };
}

function readGroup(world: World, group: GroupInput, path: string): GroupRuntime {
  const autoscaling = group.autoscaling ? readAutoscaling(group.autoscaling, `${path}.autoscaling`) : null;
  const scales = autoscaling?.enabled === true;
  const replicas = group.replicaCount ?? null;
  if (scales && replicas !== null) {
    throw invalid(`${path}.replicaCount`, 'replicaCount cannot be used together with enabled autoscaling');
  }
  const { maxWorkloadReplicas: most } = world.settings.limits;
  if (most > 0 && (replicas ?? 0) > most) {
    throw new ApiError(403, `Requested replicas (${replicas}) exceeds the maximum allowed (${most}).`);
  }
  const containers = (group.containers ?? []).map(({ name, resourceAllocation }) => ({
    name,
    resourceAllocation: resourceAllocation ? readAllocation(world, resourceAllocation, path) : null,
  }));
  const resourceBundles = group.resourceBundles ?? [];
  if (world.variants.bundles === 'exclusive') {
    if (resourceBundles.length > 0 && containers.some((each) => each.resourceAllocation !== null)) {
      throw invalid(`${path}.resourceBundles`, 'Use either resourceBundles or resourceAllocation');
    }
    if (group.resolvedBundle !== undefined) {
      throw invalid(`${path}.resolvedBundle`, 'Extra inputs are not permitted', 'extra_forbidden');
    }
  }
  return {
    name: group.name ?? 'default',
    replicaCount: scales ? null : (replicas ?? 1),
    autoscaling,
    resourceBundles,
    bundleSelectionPolicy: group.bundleSelectionPolicy ?? null,
    containers,
  };
}

/** Bounds of the older form stand in each policy; the newer form has them once. */
function readAutoscaling(input: AutoscalingInput, path: string): Autoscaling {
  const least = input.minReplicaCount ?? min(input.policies.map(({ minCount }) => minCount)) ?? 1;
  const most =
    input.maxReplicaCount ?? max(input.policies.map(({ maxCount }) => maxCount)) ?? Math.max(1, least);
  if (least > most) throw invalid(path, 'The lower bound of replicas is above the upper bound');
  const onCpu = input.policies.some(({ scalingMetric }) => scalingMetric === 'cpuAverageUtilization');
  if (onCpu && least === 0) throw invalid(path, 'cpuAverageUtilization cannot scale to zero');
  return {
    enabled: input.enabled,
    minReplicaCount: least,
    maxReplicaCount: most,
    cooldownPeriodMinutes: input.cooldownPeriodMinutes ?? null,
    policies: input.policies.map(({ scalingMetric, target, priority }) => ({
      scalingMetric,
      target,
      priority: priority ?? null,
    })),
  };
}

const given = (values: (number | undefined)[]) => values.filter((value) => value !== undefined);
const min = (values: (number | undefined)[]) =>
  given(values).length === 0 ? undefined : Math.min(...given(values));
const max = (values: (number | undefined)[]) =>
  given(values).length === 0 ? undefined : Math.max(...given(values));

const readAllocation = (world: World, { cpu, gpu, memory, gpuMemory }: AllocationInput, path: string) => ({
  cpu: cpu ?? null,
  gpu: gpu ?? null,
  memory: bytes(world, memory, path),
  gpuMemory: bytes(world, gpuMemory, path),
});

function bytes({ variants }: World, size: Size, path: string): number | null {
  if (size === undefined || size === null) return null;
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?$/i.exec(String(size));
  if (match === null) throw invalid(`${path}.containers`, `'${size}' is not an amount of memory`);
  const base = variants.memoryUnits === 'decimal' ? 1000 : 1024;
  const power = ['', 'K', 'M', 'G', 'T'].indexOf((match[2] ?? '').toUpperCase());
  return Math.round(Number(match[1]) * base ** power);
}

const namesOf = (artifact: Artifact) =>
  new Map(
    artifact.spec.containerGroups.map((group) => [
      group.name,
      group.containers.map(({ name }) => name ?? group.name),
    ]),
  );

/** A container group that the runtime names and the artifact lacks; null when it fits. */
export function misfit(artifact: Artifact, runtime: Runtime): string | null {
  const names = namesOf(artifact);
  for (const group of runtime.containerGroups) {
    const containers = names.get(group.name);
    if (containers === undefined) return `container group '${group.name}' is not in the artifact`;
    const stranger = group.containers.find(({ name }) => !containers.includes(name));
    if (stranger !== undefined) return `container '${stranger.name}' is not in the artifact`;
  }
  const missing = [...names.keys()].find(
    (name) => !runtime.containerGroups.some((group) => group.name === name),
  );
  return missing === undefined ? null : `container group '${missing}' has no runtime`;
}

/** A new Workload's resources where its creator leaves them to the cluster. */
export function withDefaults(artifact: Artifact, runtime: Runtime | null): Runtime {
  const wanted = runtime?.containerGroups ?? [];
  const groups = [...namesOf(artifact)].map(([name, containers]) => {
    const group = wanted.find((each) => each.name === name);
    const base = {
      name,
      replicaCount: 1,
      autoscaling: null,
      resourceBundles: [],
      bundleSelectionPolicy: null,
    };
    if (group !== undefined && signal(group) !== 'none') return group;
    const resourceAllocation = { cpu: 1, gpu: null, memory: 512_000_000, gpuMemory: null };
    return { ...base, ...group, containers: containers.map((each) => ({ name: each, resourceAllocation })) };
  });
  return { ...runtime, containerGroups: groups };
}

const hasAllocations = ({ containers }: Pick<GroupRuntime, 'containers'>) =>
  containers.length > 0 && containers.every(({ resourceAllocation }) => resourceAllocation !== null);

/** Whether a group says what it needs: for every container, for some, or not at all. */
function signal({ resourceBundles, containers }: GroupRuntime): 'all' | 'some' | 'none' {
  if (resourceBundles.length > 0) return 'all';
  const known = containers.filter(({ resourceAllocation }) => resourceAllocation !== null).length;
  if (known === 0) return 'none';
  return known === containers.length ? 'all' : 'some';
}

/** The same over a whole runtime; containers that it does not mention count as unknown. */
export function resourceSignal(artifact: Artifact, runtime: Runtime): 'all' | 'some' | 'none' {
  const names = namesOf(artifact);
  const signals = runtime.containerGroups.map((group) => {
    const expected = names.get(group.name)?.length ?? 0;
    const own = signal(group);
    return own === 'all' && group.resourceBundles.length === 0 && group.containers.length < expected
      ? 'some'
      : own;
  });
  if (signals.includes('none')) return 'none';
  return signals.includes('some') ? 'some' : 'all';
}

/** The bundle that a group is given stands beside what was asked for, and is inferred where only allocations were. */
export function writeRuntime({ variants }: World, runtime: Runtime) {
  const containerGroups = runtime.containerGroups.map(({ bundleSelectionPolicy, autoscaling, ...group }) => {
    const isInferred = variants.bundles === 'inferred';
    const resourceBundles = isInferred ? bundlesOf(group) : group.resourceBundles;
    const bundle = bundles.find(({ id }) => id === resourceBundles[0]);
    const selection =
      bundleSelectionPolicy ?? (isInferred && resourceBundles.length > 0 ? 'availability' : null);
    return {
      ...group,
      resourceBundles,
      ...(selection === null ? {} : { bundleSelectionPolicy: selection }),
      autoscaling: autoscaling === null ? null : scaling(variants.autoscaling, autoscaling),
      ...(bundle === undefined ? {} : { resolvedBundle: resolved(bundle) }),
    };
  });
  const written = { ...runtime, containerGroups };
  return variants.unsetRuntime === 'null' ? written : withoutNulls(written);
}

const withoutNulls = <Written>(written: Written): Written =>
  JSON.parse(JSON.stringify(written), (_, value) => value ?? undefined);

function bundlesOf(group: Pick<GroupRuntime, 'resourceBundles' | 'containers'>): string[] {
  if (group.resourceBundles.length > 0 || !hasAllocations(group)) return group.resourceBundles;
  const bundle = smallestBundle(
    group.containers.flatMap(({ resourceAllocation }) => resourceAllocation ?? []),
  );
  return bundle === undefined ? [] : [bundle.id];
}

const resolved = ({ id, cpuCount, memoryBytes }: Bundle) => ({
  id,
  cpuCount,
  memoryBytes,
  gpuCount: 0,
  gpuMaker: null,
  gpuTypeLabel: null,
});

function scaling(dialect: World['variants']['autoscaling'], autoscaling: Autoscaling) {
  if (dialect === 'hoisted') return autoscaling;
  const { enabled, minReplicaCount: minCount, maxReplicaCount: maxCount, policies } = autoscaling;
  return { enabled, policies: policies.map((policy) => ({ ...policy, minCount, maxCount })) };
}

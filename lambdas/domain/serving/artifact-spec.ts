import type { Json } from './workloads.ts';

/** The fields in which a derived artifact differs from its source. */
export interface PrimaryContainer {
  readonly environment: Readonly<Record<string, string>>;
  /** Null keeps the image. */
  readonly imageUri: string | null;
}

/**
 * The container groups with the primary container's environment (and image) set and everything else unchanged: the
 * platform replaces the whole list. The primary container is the one flagged so, else the first. Null without containers.
 */
export function withPrimary(groups: readonly Json[], primaryFields: PrimaryContainer): Json[] | null {
  const all = groups.flatMap((group) => containersOf(group));
  const primary = all.find((container) => objectOf(container)?.['primary'] === true) ?? all[0];
  if (primary === undefined) return null;
  return groups.map((group) => {
    const fields = objectOf(group);
    if (fields === null || !containersOf(group).includes(primary)) return group;
    const containers = containersOf(group).map((c) => (c === primary ? changed(c, primaryFields) : c));
    return { ...fields, containers };
  });
}

/** True when the primary container already has these fields. */
export function hasPrimary(groups: readonly Json[], primaryFields: PrimaryContainer): boolean {
  const after = withPrimary(groups, primaryFields);
  return after !== null && JSON.stringify(after) === JSON.stringify(groups);
}

function changed(container: Json, { environment, imageUri }: PrimaryContainer): Json {
  const fields = objectOf(container) ?? {};
  const before = fields['environmentVars'];
  const kept = Array.isArray(before) ? before : [];
  const environmentVars = Object.entries(environment).reduce<Json[]>(withVariable, kept);
  if (imageUri === null || fields['imageUri'] === imageUri) return { ...fields, environmentVars };
  // An image is either given or built: the platform refuses an image beside a build configuration.
  const { imageBuildConfig: _configuration, build: _build, ...rest } = fields;
  return { ...rest, environmentVars, imageUri };
}

function withVariable(variables: readonly Json[], [name, value]: [string, string]): Json[] {
  const variable = { source: 'string', name, value };
  const at = variables.findIndex((v) => objectOf(v)?.['name'] === name);
  if (at === -1) return [...variables, variable];
  const same = objectOf(variables[at] ?? null)?.['value'] === value;
  return same ? [...variables] : variables.with(at, variable);
}

const objectOf = (value: Json): Readonly<Record<string, Json>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;

function containersOf(group: Json): readonly Json[] {
  const containers = objectOf(group)?.['containers'];
  return Array.isArray(containers) ? containers : [];
}

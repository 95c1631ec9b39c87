import * as z from 'zod';
import { JsonValue, readAs } from '../../domain/json.ts';
import type { Artifact, Replacement, Workload } from '../../domain/serving/workloads.ts';

/**
 * Schemas of the Workload API's responses, lenient: only fields that decisions need are required. Statuses are open
 * strings, fields change between releases, and lists may be left out.
 */

/** Releases write an absent text as null or as an empty one, or leave it out. */
export const Text = z
  .string()
  .nullish()
  .transform((value) => value || null);
const Unknown = 'unknown';
export const Status = z
  .string()
  .nullish()
  .transform((value) => value || Unknown);
/** A longer list is refused before zod reports on each of its rows. */
const MAX_ROWS = 2_000;
const rows = <T extends z.ZodType>(row: T) => z.array(z.unknown()).max(MAX_ROWS).pipe(z.array(row));
export const list = <T extends z.ZodType>(row: T) =>
  rows(row)
    .nullish()
    .transform((value) => value ?? []);
const JsonObject = z.record(z.string(), JsonValue);

export const WorkloadAnswer = z
  .object({
    id: z.string(),
    name: Text,
    status: Status,
    importance: Text,
    type: Text,
    artifactId: Text,
    artifact: z.object({ id: Text, status: Text, type: Text }).nullish(),
    endpoint: Text,
    runtime: JsonObject.nullish(),
  })
  .transform(
    (w): Workload => ({
      id: w.id,
      name: w.name ?? '',
      status: w.status,
      importance: w.importance,
      type: w.type ?? w.artifact?.type ?? null,
      artifactId: w.artifactId ?? w.artifact?.id ?? null,
      artifactStatus: w.artifact?.status ?? null,
      endpoint: w.endpoint,
      runtime: w.runtime ?? null,
    }),
  );

const NamedGroup = z.object({ name: Text, containers: list(z.object({ name: Text })) });
export const ArtifactAnswer = z
  .object({
    id: z.string(),
    name: Text,
    type: Text,
    status: z.string(),
    version: z.number().nullish(),
    spec: z.object({ containerGroups: list(JsonValue) }).nullish(),
  })
  .transform((a): Artifact => {
    const containerGroups = a.spec?.containerGroups ?? [];
    return {
      id: a.id,
      name: a.name ?? '',
      type: a.type,
      status: a.status,
      version: a.version ?? null,
      groups: containerGroups.flatMap((group) => {
        const parsed = readAs(NamedGroup, group).data;
        if (parsed === undefined) return [];
        const containers = parsed.containers.flatMap(({ name }) => (name === null ? [] : [name]));
        return [{ name: parsed.name ?? 'default', containers }];
      }),
      containerGroups,
    };
  });

export const ReplacementAnswer = z
  .object({
    id: z.string(),
    candidateArtifactId: Text,
    artifactId: Text,
    candidateProtonIds: list(z.string()),
    previousProtonIds: list(z.string()),
    status: Status,
    message: Text,
    switchedAt: Text,
    createdAt: Text,
  })
  .transform(
    ({ artifactId, ...r }): Replacement => ({
      ...r,
      // Written as `artifactId`, read as `candidateArtifactId`.
      candidateArtifactId: r.candidateArtifactId ?? artifactId ?? '',
    }),
  );

/** One page of a list. */
export interface Page<T> {
  totalCount?: number | null | undefined;
  data: T[];
}
/** The API sends `data` with every page, also with an empty one: an answer without it is not a page. */
export const page = <T extends z.ZodType>(row: T) =>
  z.object({ totalCount: z.number().nullish(), data: rows(row) });
export const ArtifactPage = page(ArtifactAnswer);
export const ReplacementPage = page(ReplacementAnswer);
export const Anything = z.object({});

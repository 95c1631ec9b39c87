import { z } from 'zod';
import type { SharedRole } from '../world/entities.ts';
import type { World } from '../world/world.ts';
import { json, noContent, page } from './answers.ts';
import { artifactStatus, importance, roleChange } from './bodies.ts';
import { type Route, route } from './router.ts';

/** Queries; closed as well. A parameter that may be repeated is a list. */
const integer = (least: number, most: number, otherwise: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'Input should be a valid integer')
    .transform(Number)
    .pipe(z.int().min(least).max(most))
    .default(otherwise);

export const paging = { offset: integer(0, Number.MAX_SAFE_INTEGER, 0), limit: integer(1, 100, 10) };
export const telemetryPaging = { offset: paging.offset, limit: integer(1, 1000, 10) };

export const many = <Item extends z.ZodType>(item: Item) => z.array(item).optional();

export const sorting = <const Names extends readonly string[]>(...names: Names) =>
  z.enum(names.flatMap((each) => [each, `-${each}`])).optional();

export const searching = {
  createdBy: z.string().optional(),
  ids: many(z.string()),
  search: z.string().max(100).optional(),
  tagKeys: many(z.string()),
  tagValues: many(z.string()),
};

export const artifactFilters = {
  ...searching,
  repositoryId: z.string().optional(),
  type: many(z.string()),
  status: many(artifactStatus),
  orderBy: sorting('name', 'createdAt', 'updatedAt', 'status'),
};

export const repositoryFilters = {
  ...searching,
  type: many(z.string()),
  orderBy: sorting('name', 'createdAt', 'updatedAt'),
};

const flag = z.enum(['true', 'false', 'True', 'False']).transform((value) => value.toLowerCase() === 'true');

export const workloadFilters = {
  ...searching,
  repositoryId: z.string().optional(),
  type: many(z.string()),
  enclave: many(z.string()),
  status: many(z.string()),
  artifactStatus: many(artifactStatus),
  importance: many(importance),
  artifactId: z.string().optional(),
  serviceStats: flag.optional(),
  orderBy: sorting('name', 'createdAt', 'updatedAt', 'status', 'importance'),
};

const instant = z
  .string()
  .transform((text, context) => {
    const at = Date.parse(text.replace(/^(\S+) (\d\d:\d\d)$/, '$1+$2').replace(/(\.\d{3})\d+/, '$1'));
    if (Number.isNaN(at) || !/^\d{4}-\d\d-\d\d/.test(text))
      context.addIssue({ code: 'custom', message: 'Input should be a valid datetime' });
    return at;
  })
  .optional();

export const timeRange = { startTime: instant, endTime: instant };

const decimal = (most: number, otherwise: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'Input should be a valid number')
    .transform(Number)
    .pipe(z.number().min(0).max(most))
    .default(otherwise);

export const statsQuery = {
  ...timeRange,
  protonId: z.string().optional(),
  responseTimeQuantile: decimal(1, 0.5),
  slowRequestsThreshold: decimal(Number.MAX_SAFE_INTEGER, 2000),
};

/** The filters that all lists share. */
export interface Filters {
  createdBy?: string | undefined;
  ids?: string[] | undefined;
  search?: string | undefined;
  tagKeys?: string[] | undefined;
  tagValues?: string[] | undefined;
}

/** Whether an entity meets the filters that all lists share. Nothing here has tags. */
export function found(
  world: World,
  { id, name, description }: { id: string; name: string; description: string | null },
  { createdBy, ids, search, tagKeys, tagValues }: Filters,
): boolean {
  const text = search?.toLowerCase() ?? '';
  return (
    (createdBy === undefined || createdBy === world.userId) &&
    (ids === undefined || ids.includes(id)) &&
    [id, name, description ?? ''].some((each) => each.toLowerCase().includes(text)) &&
    (tagKeys ?? tagValues) === undefined
  );
}

/** By a field, descending with a leading minus; as created where none is named. */
export function ordered<Item extends object>(items: Item[], by: string | undefined): Item[] {
  if (by === undefined) return items;
  const field = by.replace(/^-/, '');
  const sign = by.startsWith('-') ? -1 : 1;
  const value = (item: Item) => String(Object.entries(item).find(([key]) => key === field)?.[1] ?? '');
  return items.toSorted((a, b) => sign * (value(a) < value(b) ? -1 : Number(value(a) > value(b))));
}

/** GET shows the roles; PATCH replaces the whole list, so that leaving out the owner takes the role away. */
export function sharedRoleRoutes(
  path: `${string}/:id/sharedRoles`,
  find: (world: World, id: string) => { roles: SharedRole[] },
): Route[] {
  return [
    route('GET', path, { query: paging }, ({ world, params, query, url }) =>
      json(page(find(world, params['id']).roles, { url, ...query })),
    ),
    route('PATCH', path, { body: roleChange }, ({ world, params, body }) => {
      find(world, params['id']).roles = body.roles
        .filter(({ role }) => role !== 'NO_ROLE')
        .map(({ id, username, role, shareRecipientType }) => ({
          id: id ?? world.userId,
          name: username ?? null,
          role,
          shareRecipientType,
        }));
      return noContent;
    }),
  ];
}

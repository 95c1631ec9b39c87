import { protonDocument, statusDetailsDocument } from '../monitor/documents.ts';
import type { Proton, Workload } from '../world/entities.ts';
import { listed } from '../world/protons.ts';
import { writeRuntime } from '../world/runtime.ts';
import {
  cancelReplacement,
  changeSettings,
  NO_REPLACEMENT,
  replace,
  visibleReplacement,
} from '../world/workloads.ts';
import { ApiError, type World } from '../world/world.ts';
import { json, noContent, page } from './answers.ts';
import { newReplacement, settingsChange } from './bodies.ts';
import { paging } from './lists.ts';
import { type Route, route } from './router.ts';
import { eventDocument, replacementDocument } from './shapes.ts';

export const rolloutRoutes: Route[] = [
  route('GET', 'workloads/:id/replacement', {}, ({ world, params }) => {
    const replacement = visibleReplacement(world, world.workload(params.id));
    if (replacement === null) throw new ApiError(404, NO_REPLACEMENT);
    return json(replacementDocument(world, replacement));
  }),
  route('POST', 'workloads/:id/replacement', { body: newReplacement }, ({ world, params, body }) =>
    json(replacementDocument(world, replace(world, world.workload(params.id), body)), 202),
  ),
  route('DELETE', 'workloads/:id/replacement', {}, ({ world, params }) => {
    const replacement = cancelReplacement(world, world.workload(params.id));
    const { cancelStatus } = world.variants;
    return cancelStatus === 204 ? noContent : json(replacementDocument(world, replacement), cancelStatus);
  }),
  route('GET', 'workloads/:id/settings', {}, ({ world, params }) => {
    const workload = world.workload(params.id);
    const replacement = visibleReplacement(world, workload);
    return json({
      runtime: writeRuntime(world, workload.runtime),
      replacement: replacement === null ? null : replacementDocument(world, replacement),
    });
  }),
  route('PATCH', 'workloads/:id/settings', { body: settingsChange }, ({ world, params, body }) =>
    json(replacementDocument(world, changeSettings(world, world.workload(params.id), body.runtime)), 202),
  ),
  route('GET', 'workloads/:id/history', { query: paging }, ({ world, params, query, url }) => {
    const entries = world.workload(params.id).history.map((each) => replacementDocument(world, each));
    return json(page(entries, { url, ...query }));
  }),
  route('GET', 'workloads/:id/events', { query: paging }, ({ world, params, query, url }) => {
    const { id, events } = world.workload(params.id);
    return json(
      page(
        events.map((each) => eventDocument(world, id, each)),
        { url, ...query },
      ),
    );
  }),
  route('GET', 'workloads/:id/protons', { query: paging }, ({ world, params, query, url, base }) => {
    const protons = listed(world.workload(params.id), world.now).toReversed();
    const { next, previous, ...rest } = page(
      protons.map((each) => protonDocument(world, base, each)),
      { url, ...query },
    );
    return json(world.variants.protonPageLinks === 'present' ? { next, previous, ...rest } : rest);
  }),
  route('GET', 'workloads/:id/protons/:proton', {}, ({ world, params, base }) =>
    json(protonDocument(world, base, protonOf(world, world.workload(params.id), params.proton))),
  ),
  route('GET', 'workloads/:id/protons/:proton/statusDetails', {}, ({ world, params }) => {
    const details = statusDetailsDocument(world, protonOf(world, world.workload(params.id), params.proton));
    return details === null ? noContent : json(details);
  }),
];

function protonOf(world: World, workload: Workload, id: string): Proton {
  const proton = listed(workload, world.now).find((each) => each.id === id);
  if (proton === undefined) throw new ApiError(404, 'Proton not found');
  return proton;
}

import type { Proton, Replacement, Workload } from '../world/entities.ts';
import type { World } from '../world/world.ts';
import { containersOf, lastStateDocument } from './containers.ts';

/** Adds a replacement that has ended to the history, with an event. */
export function record(
  world: World,
  workload: Workload,
  replacement: Replacement,
  eventType: string,
  message: string,
): void {
  workload.history.unshift(replacement);
  addEvent(world, workload, replacement, eventType, message);
}

/** Adds an event of a single step, which only one of the API's sources documents. */
export function recordStep(
  world: World,
  workload: Workload,
  replacement: Replacement,
  eventType: string,
): void {
  if (world.variants.events === 'story') addEvent(world, workload, replacement, eventType, `${eventType}.`);
}

/** Cleaning up touches the record of an outcome: an event's timestamp is that of its last update. */
export function touchOutcome(world: World, { events }: Workload, { candidateProtonIds }: Replacement): void {
  const outcome = events.find(
    (event) =>
      event.eventType === 'Replacement Completed' &&
      event.candidateProtonIds.some((id) => candidateProtonIds.includes(id)),
  );
  if (outcome !== undefined) outcome.timestamp = world.now;
}

function addEvent(
  world: World,
  workload: Workload,
  replacement: Replacement,
  eventType: string,
  message: string,
) {
  const { candidateArtifactId: artifactId, candidateProtonIds } = replacement;
  const protons = workload.protons.filter(({ id }) => candidateProtonIds.includes(id));
  const states = protons.map((proton) => [proton.id, replicas(world, proton)] as const);
  workload.events.unshift({
    id: world.id(),
    timestamp: world.now,
    eventType,
    artifactId,
    message,
    candidateProtonIds: [...candidateProtonIds],
    protonStatuses: states.length === 0 ? null : Object.fromEntries(states),
  });
}

function replicas(world: World, proton: Proton) {
  const containers = containersOf(proton, world.now, world.timings).map(
    ({ name, ready, restartCount, reason, lastState }) => ({
      name,
      ready,
      restartCount,
      reason,
      lastState: lastState === null ? null : lastStateDocument(lastState),
    }),
  );
  return { replicas: [{ containers }] };
}

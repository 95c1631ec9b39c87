import { scripts } from '../../emulators/workload/world/settings.ts';
import { outageKinds, systems } from '../engine/faults.ts';
import type { RegistryMode } from '../engine/functions.ts';
import { Random } from '../random.ts';
import { aimOf } from './aims.ts';
import type { Landmark } from './chronicle.ts';
import type { Action, Step, Story } from './story.ts';
import type { Beginning } from './world.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DRAFT_LIFE_MS = 3 * HOUR;

/** Operations, people, faults and outages of every kind, at moments that have nothing to do with each other. */
export function mixedStory(seed: string): Story {
  const random = new Random(`${seed}/story`);
  const beginning = beginningOf(random);
  const isLong = random.chance(0.01);
  const operations = isLong ? 30 : random.pick([1, 1, 2, 2, 3, 4]);
  const withPeople = random.chance(0.35);
  const steps = stepsOf(random, { operations, withPeople, mode: beginning.mode, beginning });
  const last = steps.at(-1)?.at ?? 0;
  return {
    seed,
    family: 'mixed',
    beginning,
    neighbours: [],
    table: random.chance(0.97),
    steps,
    outages: outagesOf(random, last),
    faultRate: random.pick([0, 0.003, 0.01, 0.02, 0.05]),
    faultBudget: random.pick([1, 1, 2, 3, 5, 10]),
    aims: random.chance(0.4) ? [aimOf(random)] : [],
  };
}

/** A world before its story. */
export function beginningOf(random: Random): Beginning {
  const mode = random.weighted<RegistryMode>({ stages: 5, aliases: 3, both: 4 });
  return {
    mode,
    workload: (['locked', 'locked', 'draft', null] as const)[random.below(4)] ?? null,
    versions: random.pick([1, 2, 2, 2, 3]),
    pace: random.pick([60, 60, 60, 60, 60, 20, 20, 4, 1, 0.2]),
    twoProtons: random.chance(0.05),
  };
}

interface Length {
  operations: number;
  withPeople: boolean;
  mode: RegistryMode;
  beginning: Pick<Beginning, 'workload'>;
}

/** What happens to one model. */
export function stepsOf(random: Random, { operations, withPeople, mode, beginning }: Length): Step[] {
  const steps: Step[] = [];
  let at = 0;
  const add = (action: Action, upon: Step['upon'] = null) =>
    steps.push({ id: `s${steps.length}`, at: Math.round(at), upon, action });
  for (let number = 0; number < operations; number += 1) {
    const upon = number > 0 && random.chance(0.1) ? landmark(random) : null;
    if (number > 0 && upon === null) at += gap(random);
    if (number > 0 && random.chance(0.5)) {
      const start = random.chance(0.8) ? 'healthy' : random.pick(scripts);
      add({ kind: 'register', quality: random.chance(0.9) ? 'better' : 'worse', start });
      at += 5;
    }
    add(operation(random), upon);
    if (random.chance(0.12)) {
      const upon = random.chance(0.4) ? landmark(random) : null;
      if (upon === null) at += random.unit() ** 2 * 15 * MINUTE;
      const isAborted = random.chance(0.6);
      add({ kind: isAborted ? 'abort' : 'again' }, upon);
      // What it has left is taken up by another operation, as soon as the lease has ended.
      if (isAborted && random.chance(0.5)) {
        at += random.unit() * 5 * MINUTE;
        add({ kind: 'register', quality: 'better', start: 'healthy' });
        at += 5;
        add(
          random.chance(0.3)
            ? { kind: 'direct-promote', version: random.below(3) }
            : waiting(operation(random)),
        );
      }
    }
    if (random.chance(0.1)) {
      at += random.unit() * 5 * MINUTE;
      add({ kind: 'sweep' });
    }
    if (random.chance(0.04)) {
      at += random.unit() * 2 * SECOND;
      add({ kind: 'evidence', accuracy: random.pick([0.4, 0.99, 0.7]) });
    }
    if (random.chance(0.04)) {
      at += random.unit() * 30 * SECOND;
      add({ kind: 'forge', tag: random.pick(['fence', 'far fence', 'record', 'result']) });
    }
    if (withPeople && random.chance(0.6)) {
      const upon = random.chance(0.4) ? landmark(random) : null;
      if (upon === null) at += random.chance(0.5) ? random.unit() * 5 * SECOND : gap(random);
      add(personsAction(random, mode, beginning), upon);
      if (random.chance(0.2)) {
        at += gap(random);
        add({ kind: 'adopt' });
      }
      if (random.chance(0.3)) {
        at += HOUR * (1 + random.unit());
        add(personsAction(random, mode, beginning));
      }
    }
  }
  // After eight hours the platform stops a Workload that serves a draft.
  return steps.filter(({ at: when }) => beginning.workload !== 'draft' || when < DRAFT_LIFE_MS);
}

/** Within the seconds after something that the functions do. */
const landmark = (random: Random): Step['upon'] => ({
  landmark: random.pick<Landmark>(['move', 'replacement', 'opened', 'turned', 'closed', 'closed']),
  delay: Math.round(random.chance(0.6) ? 200 * random.unit() ** 2 : 20 * SECOND * random.unit() ** 2),
});

/** The operation, waiting for the lease. */
const waiting = (action: Action): Action =>
  action.kind === 'promote' || action.kind === 'rollback' ? { ...action, waitMinutes: 10 } : action;

function gap(random: Random): number {
  switch (random.weighted({ together: 25, during: 35, after: 34, later: 6 })) {
    case 'together':
      return random.unit() * 3 * SECOND;
    case 'during':
      return random.unit() * 3 * MINUTE;
    case 'after':
      return 10 * MINUTE + random.unit() * 40 * MINUTE;
    case 'later':
      return HOUR + random.unit() * 40 * HOUR;
  }
}

function operation(random: Random): Action {
  const version = random.chance(0.7) ? null : random.below(8);
  const waitMinutes = random.chance(0.3) ? random.pick([1, 10, 60]) : 0;
  switch (
    random.weighted({
      promote: 57,
      rollback: 23,
      alarm: 3,
      adopt: 2,
      'direct-promote': 10,
      'direct-rollback': 5,
    })
  ) {
    case 'promote':
      return {
        kind: 'promote',
        version,
        waitMinutes,
        lock: random.pick([null, null, true]),
        adopt: random.chance(0.06),
        rollout: random.chance(0.08) ? rolloutOf(random) : null,
      };
    case 'alarm':
      return { kind: 'alarm' };
    case 'adopt':
      return { kind: 'adopt' };
    case 'rollback':
      return {
        kind: 'rollback',
        target: random.chance(0.6) ? null : random.below(8),
        emergency: random.chance(0.6),
        waitMinutes,
      };
    case 'direct-promote':
      return { kind: 'direct-promote', version };
    case 'direct-rollback':
      return { kind: 'direct-rollback', target: random.chance(0.5) ? null : random.below(8) };
  }
}

const rolloutOf = (random: Random) => ({
  warmupDurationMinutes: random.pick([0, 1, 15]),
  keepOldVersionMinutes: random.pick([0, 1, 40, 200]),
});

function personsAction(
  random: Random,
  mode: RegistryMode,
  { workload }: Pick<Beginning, 'workload'>,
): Action {
  const kind = random.weighted({
    stage: mode === 'aliases' ? 0 : 4,
    alias: mode === 'stages' ? 0 : 3,
    race: mode === 'aliases' ? 0 : 2,
    serve: workload === null ? 0 : 4,
    cancel: workload === null ? 0 : 2,
    delete: 0.6,
    restore: 0.6,
  });
  const version = random.below(8);
  switch (kind) {
    case 'stage':
      return {
        kind,
        version,
        stage: random.pick(['Production', 'Production', 'Archived', 'Staging']),
        archive: random.chance(0.7),
      };
    case 'alias':
      return { kind, version };
    case 'race':
      return { kind, version, archive: random.chance(0.8) };
    case 'delete':
      return { kind, version, what: workload === null || random.chance(0.7) ? 'version' : 'workload' };
    case 'restore':
      return { kind, backup: random.chance(0.3) ? null : random.unit() ** 2 * HOUR };
    case 'serve':
      return { kind, version: random.chance(0.6) ? version : null };
    case 'cancel':
      return { kind };
  }
}

/** Systems that are away, from any moment on until minutes after the last step. */
export function outagesOf(random: Random, last: number): Story['outages'] {
  const count = random.weighted({ none: 70, one: 22, two: 8 });
  return Array.from({ length: { none: 0, one: 1, two: 2 }[count] }, (_, index) => {
    const from = Math.round(random.unit() * (last + 5 * MINUTE));
    const length = random.pick([20 * SECOND, 3 * MINUTE, 20 * MINUTE, 2 * HOUR]);
    return {
      id: `o${index}`,
      system: random.pick(systems),
      kind: random.pick(outageKinds),
      from,
      until: from + Math.round(random.unit() * length),
    };
  });
}

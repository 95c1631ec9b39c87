import type { Script } from '../../emulators/workload/world/settings.ts';
import type { Aim } from '../engine/faults.ts';
import type { Outage } from '../engine/play.ts';
import type { Landmark } from './chronicle.ts';
import type { Watching } from './watching.ts';
import type { Beginning, ModelBeginning } from './world.ts';

/** Something that somebody does. Versions are counted modulo those that exist. */
export type Action =
  /** `start`: what becomes of a candidate with its artifact. */
  | { kind: 'register'; quality: 'better' | 'worse'; start: Script }
  | {
      kind: 'promote';
      version: number | null;
      waitMinutes: number;
      lock: boolean | null;
      adopt: boolean;
      rollout: { warmupDurationMinutes: number; keepOldVersionMinutes: number } | null;
    }
  | { kind: 'rollback'; target: number | null; emergency: boolean; waitMinutes: number }
  /** A rollback that an alarm starts. */
  | { kind: 'alarm' }
  /** What both sides show is taken as live. */
  | { kind: 'adopt' }
  | { kind: 'direct-promote'; version: number | null }
  | { kind: 'direct-rollback'; target: number | null }
  /** The same input as the last execution, under a new name. */
  | { kind: 'again' }
  | { kind: 'abort' }
  | { kind: 'sweep' }
  /** The function that watches releases is called, beside its schedule. */
  | { kind: 'watch' }
  /** Between two steps, the lease comes to its end so many milliseconds later, however long its owner goes on. */
  | { kind: 'end-lease'; leftMs: number }
  /** Somebody decides on the promotion that waits, or that has waited last. */
  | { kind: 'decide'; who: string; verdict: 'approve' | 'reject' }
  /** Somebody rings the bell of what waits: the token stands in the history of the execution. */
  | { kind: 'ring' }
  /** Other numbers are logged on the run of the newest version. */
  | { kind: 'evidence'; accuracy: number }
  /** Somebody writes tags such as ours: a fence, a record or its result, dated ahead. */
  | { kind: 'forge'; tag: 'fence' | 'far fence' | 'record' | 'result' }
  /** A person moves a version by hand. */
  | { kind: 'stage'; version: number; stage: 'Production' | 'Archived' | 'Staging'; archive: boolean }
  | { kind: 'alias'; version: number }
  /** A person moves a version at the instant of our next move; MLflow reads both before it writes either. */
  | { kind: 'race'; version: number; archive: boolean }
  | { kind: 'delete'; what: 'version' | 'workload'; version: number }
  /** The table is restored from a backup of so many milliseconds before; null: it is lost. */
  | { kind: 'restore'; backup: number | null }
  /** A person replaces the Workload's artifact: that of a version, or a hotfix. */
  | { kind: 'serve'; version: number | null }
  /** A person cancels the replacement. */
  | { kind: 'cancel' }
  /** A person changes the settings of what is served: a replacement by the same artifact. */
  | { kind: 'settings' };

/** One action at its moment, in milliseconds after the beginning. */
export interface Step {
  /** The same in every play of the story. */
  id: string;
  at: number;
  /** From `at` on: so many milliseconds after a landmark is passed next. Null: at that moment. */
  upon: { landmark: Landmark; delay: number } | null;
  action: Action;
  /** The model that it is about: a neighbour, from 1; the first model where it is left out. */
  model?: number;
}

/** Everything about a story that is decided before it is played. */
export interface Story {
  seed: string;
  /** The situation that it is about; `mixed`: none. */
  family: string;
  beginning: Beginning;
  /** Other models beside the one that most stories are about. */
  neighbours: readonly ModelBeginning[];
  table: boolean;
  steps: Step[];
  /** `from` and `until` in milliseconds after the beginning. */
  outages: (Outage & { id: string })[];
  faultRate: number;
  faultBudget: number;
  /** Faults that the story is about; none in many of them. */
  aims: readonly Aim[];
  /** How releases of the first model are watched; left out where nobody watches. */
  watch?: Watching;
}

/** Actions of people, beside and against the functions. */
export const isPersons = ({ kind }: Action): boolean =>
  ['stage', 'alias', 'race', 'serve', 'cancel', 'settings', 'delete', 'restore'].includes(kind);

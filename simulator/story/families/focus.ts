import type { FunctionName } from '../../../lambdas/domain/limits.ts';
import type { Aim, CallFault, InvocationFault } from '../../engine/faults.ts';
import type { Outage } from '../../engine/play.ts';
import type { Random } from '../../random.ts';
import type { Landmark } from '../chronicle.ts';
import type { Action, Step } from '../story.ts';
import type { Watching } from '../watching.ts';
import type { Beginning } from '../world.ts';

/** What stories about one situation are made of. */

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A step before it has its name. */
interface Moment {
  at: number;
  upon?: Step['upon'];
  action: Action;
}

/** What a family decides of a story; the rest is as in any other. */
export interface Focus {
  beginning?: Partial<Beginning>;
  moments: readonly Moment[];
  aims?: readonly Aim[];
  outages?: readonly Outage[];
  /** Share of the places with a fault that the story is not about. */
  faultRate?: number;
  /** How its releases are watched. */
  watch?: Watching;
}

/** Stories that differ in their details. */
export type Family = (random: Random, beginning: Beginning) => Focus;

/** A promotion of the challenger. */
export const promote = (more: Partial<Extract<Action, { kind: 'promote' }>> = {}): Action => ({
  kind: 'promote',
  version: null,
  waitMinutes: 0,
  lock: null,
  adopt: false,
  rollout: null,
  ...more,
});

/** A rollback to a version, counted from 0; null: to the newest good one. */
export const rollback = (target: number | null, waitMinutes = 0): Action => ({
  kind: 'rollback',
  target,
  emergency: true,
  waitMinutes,
});

/** A new version, which is better. */
export const register: Action = { kind: 'register', quality: 'better', start: 'healthy' };

/** So many milliseconds after a landmark. */
export const upon = (landmark: Landmark, delay: number): Step['upon'] => ({
  landmark,
  delay: Math.round(delay),
});

/** A fault at a request, or at the function itself where there is none. */
export const aim = (
  functionName: FunctionName,
  call: string | null,
  kind: CallFault | InvocationFault,
  { after = 0, times = 1 } = {},
): Aim => ({ functionName, call, kind, after, times });

const STAGE = 'mlflow POST model-versions/transition-stage';
const ALIAS = 'mlflow POST registered-models/alias';
export const REPLACE = 'workload POST workloads/*/replacement';

/** The first write that moves the registry. */
export const moveIn = ({ mode }: Beginning): string => (mode === 'aliases' ? ALIAS : STAGE);

/** A write by which a promotion moves one side, and the function that sends it. */
export const forwardMove = (random: Random, beginning: Beginning): [FunctionName, string] =>
  beginning.workload !== null && random.chance(0.5)
    ? ['replace-workload', REPLACE]
    : ['promote-model', moveIn(beginning)];

import * as z from 'zod';

const version = z.string().nullable();

/** Why a rollback changes nothing. */
export const RollbackRefusal = z.enum([
  /** The registered model does not exist. */
  'no-model',
  /** Another owner holds the lease: `held`, until `until` (ISO 8601). */
  'lease-held',
  /** No version is in Production. */
  'no-champion',
  /** No record names a version to roll back to. */
  'no-known-good',
  /** The target version does not exist. */
  'target-missing',
  /** The target version is not READY; `held` is its status. */
  'not-ready',
  /** The target version was itself rolled back; `emergency` overrides this. */
  'rolled-back',
  /** The last rollback was less than `hours` ago, until `until` (ISO 8601); `emergency` overrides this. */
  'cooling',
  /** The artifact of the target does not exist, or the owner of the token cannot see it: `held` is its id. */
  'artifact-gone',
  /** The target has never been live, and no artifact is known for it. */
  'no-artifact',
  /** The platform takes no draft over the locked artifact in service: `held` is the target's artifact. */
  'locked-in-place',
  /** The target's artifact is of another type than the Workload: `held` is that type. */
  'other-type',
  /** The release was last served by the Workload `held`, and another one serves the model now; a named version is served by that. */
  'other-workload',
  /** A draft is served, which the platform does not replace by the locked artifact `held`: it has to be promoted first. */
  'served-is-draft',
  /** Without a table, a model that a Workload serves cannot be rolled back. */
  'no-table',
]);
export type RollbackRefusal = z.infer<typeof RollbackRefusal>;

/** What a rollback found and did in the registry. Terminal unless stated otherwise. */
export const RollbackFinding = z.discriminatedUnion('code', [
  /** A dry run: `to` would be moved to Production, `from` archived, and the Workload would serve `artifact` again. */
  z.object({
    code: z.literal('would-move'),
    from: z.string(),
    to: z.string(),
    workload: z.string().nullable(),
    artifact: z.string().nullable(),
  }),
  /** A dry run: `to` is the champion already. */
  z.object({ code: z.literal('would-settle'), to: z.string() }),
  /** Not terminal: the Workload is rolled back first; its progress is in `serving`. */
  z.object({ code: z.literal('serving-in-progress'), from: version, to: version }),
  /** `to` is back in Production; `from` is archived and marked. */
  z.object({ code: z.literal('moved'), from: z.string(), to: z.string() }),
  /** `to` was in Production throughout: `from` never replaced it there. The Workload may have gone back. */
  z.object({ code: z.literal('unmoved'), from: version, to: version }),
  /** `to` was the champion already, and nothing had to be changed on any side. */
  z.object({ code: z.literal('settled'), from: version, to: z.string() }),
  z.object({
    code: z.literal('refused'),
    why: RollbackRefusal,
    from: version,
    to: version,
    /** The holder of the lease, or the status of the target. */
    held: z.string().nullable(),
    /** ISO 8601. */
    until: z.string().nullable(),
    hours: z.number().nullable(),
  }),
  /** The change that was to be undone was complete: both sides showed its aim, and it was closed. */
  z.object({ code: z.literal('completed'), from: version, to: version }),
  /** Terminal for this execution: the change towards `to` stays open, and the sweep starts further attempts. */
  z.object({
    code: z.literal('open'),
    from: version,
    to: version,
    /** The first champion stays: there is no earlier version, and the attempts go on forward. */
    first_champion: z.boolean(),
  }),
  z.object({
    code: z.literal('contested'),
    why: z.enum([
      /** The live release came after the alarm that requested the rollback. */
      'after-alarm',
      /** The sides show something that no change put there; `champions` are in Production now. */
      'moved-on',
      /** Another actor moved the registry at the same time. */
      'lost-race',
      /** The rollback was to happen only while `from` is the champion: it is not, or a change is open (`held`). */
      'other-champion',
      /** No release is recorded, and the sides do not agree on one. */
      'unrecorded',
      /** Another operation has opened or closed a change since; `held` names it. */
      'superseded',
    ]),
    from: version,
    to: version,
    champions: z.array(z.string()),
    held: version.optional(),
  }),
]);
export type RollbackFinding = z.infer<typeof RollbackFinding>;

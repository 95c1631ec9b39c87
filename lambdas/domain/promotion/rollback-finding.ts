import * as z from 'zod';

const version = z.string().nullable();

/** Why a rollback changes nothing. */
export const RollbackRefusal = z.enum([
  /** The registered model does not exist. */
  'no-model',
  /** Somebody else holds the lease; `held` names the holder, `until` when the lease ends. */
  'lease-held',
  /** Reason `ROLLOUT_FAILED` without a target, and no promotion is open. */
  'nothing-interrupted',
  /** No version is in Production. */
  'no-champion',
  /** No record says which version to go back to. */
  'no-known-good',
  /** The target version does not exist. */
  'target-missing',
  /** The target version is not READY; `held` is its status. */
  'not-ready',
  /** The target version carries the mark of a rollback itself; `emergency` passes it. */
  'rolled-back',
  /** The last rollback is too recent; `hours` and `until` say for how long; `emergency` passes it. */
  'cooling',
  /** The version to undo was the champion before (`to`), never reached Production (no `to`), or is not in it any more. */
  'nothing-to-undo',
  /** The version is the first champion: there is none to go back to, and it stays. */
  'first-champion',
]);
export type RollbackRefusal = z.infer<typeof RollbackRefusal>;

/** What a rollback found in the registry, and what it did there. Terminal unless it says otherwise. */
export const RollbackFinding = z.discriminatedUnion('code', [
  /** A dry run: `to` would return to Production, `from` be archived, and the Workload get `artifact` back. */
  z.object({
    code: z.literal('would-move'),
    from: z.string(),
    to: z.string(),
    workload: z.string().nullable(),
    artifact: z.string().nullable(),
  }),
  /** A dry run: `to` is the champion already. */
  z.object({ code: z.literal('would-settle'), to: z.string() }),
  /** Not terminal: the Workload goes back first, and `serving` says how far it is. */
  z.object({ code: z.literal('serving-in-progress'), from: version, to: version }),
  /** `to` is back in Production; `from` is archived and marked. */
  z.object({ code: z.literal('moved'), from: z.string(), to: z.string() }),
  /** `to` was the champion already; nothing more was changed. */
  z.object({ code: z.literal('settled'), from: version, to: z.string() }),
  z.object({
    code: z.literal('refused'),
    why: RollbackRefusal,
    from: version,
    to: version,
    /** Who has the lease, or the status of the target. */
    held: z.string().nullable(),
    /** ISO 8601. */
    until: z.string().nullable(),
    hours: z.number().nullable(),
  }),
  z.object({
    code: z.literal('contested'),
    why: z.enum([
      /** The champion came into Production after the alarm that asks. */
      'after-alarm',
      /** Somebody else has moved the registry since; `champions` are in Production now. */
      'moved-on',
      /** Somebody else moved the registry at the same time. */
      'lost-race',
    ]),
    from: version,
    to: version,
    champions: z.array(z.string()),
  }),
]);
export type RollbackFinding = z.infer<typeof RollbackFinding>;

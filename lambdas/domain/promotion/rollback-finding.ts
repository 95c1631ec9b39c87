import * as z from 'zod';

const version = z.string().nullable();

/** Why a rollback changes nothing. */
export const RollbackRefusal = z.enum([
  /** The registered model does not exist. */
  'no-model',
  /** Another owner holds the lease: `held`, until `until` (ISO 8601). */
  'lease-held',
  /** Reason `ROLLOUT_FAILED` without a target, and no promotion is open. */
  'nothing-interrupted',
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
  /** The version to undo was the champion before (`to`), never reached Production (no `to`), or is no longer in it. */
  'nothing-to-undo',
  /** The version is the first champion: there is no earlier version, and it stays in Production. */
  'first-champion',
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
  /** `to` was the champion already; nothing more was changed. */
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
  z.object({
    code: z.literal('contested'),
    why: z.enum([
      /** The champion was promoted after the alarm that requested the rollback. */
      'after-alarm',
      /** Another actor moved the registry; `champions` are in Production now. */
      'moved-on',
      /** Another actor moved the registry at the same time. */
      'lost-race',
    ]),
    from: version,
    to: version,
    champions: z.array(z.string()),
  }),
]);
export type RollbackFinding = z.infer<typeof RollbackFinding>;

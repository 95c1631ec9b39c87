import * as z from 'zod';

/**
 * What one step of a rollout found or did. Ids, names and types are the platform's. Its texts (`state`, `message`,
 * `detail`) are on one line and bounded. `words/rollout.ts` turns a finding into a sentence.
 */

const Id = z.string();
const State = z.string();

/** The rollout is in progress: none of these is terminal, and the next step reads the state again. */
export const RolloutWaiting = z.discriminatedUnion('code', [
  /** Another actor changes settings of the Workload; the rollout starts after that. */
  z.object({ code: z.literal('settings-change'), state: State }),
  /** The desired artifact is a draft where a locked one is served: it is being locked, as requested. */
  z.object({ code: z.literal('locking'), artifact: Id }),
  /** The replacement was requested, and the platform accepted it. */
  z.object({ code: z.literal('starting'), artifact: Id }),
  /** The answer to the request for the replacement was lost: whether it took effect is not known yet. */
  z.object({ code: z.literal('start-unconfirmed') }),
  /** The replacement was requested and is not visible; after a grace time it is requested again, or has failed. */
  z.object({ code: z.literal('start-not-visible') }),
  /** The platform refused the request, and no other replacement is visible: requested again, or refused for good. */
  z.object({ code: z.literal('start-refused-for-now'), detail: z.string() }),
  /** The platform refused the request because another replacement began before it: the next step reads which one it is. */
  z.object({ code: z.literal('start-overtaken'), detail: z.string() }),
  /** The replacement with the desired artifact is in progress, whoever started it. */
  z.object({ code: z.literal('replacing'), state: State }),
  /** The replacement had switched when the deadline was over and can no longer be cancelled: its end is awaited. */
  z.object({ code: z.literal('switched-by-deadline'), state: State }),
  /** The deadline is over before the switch: the replacement is being cancelled. */
  z.object({ code: z.literal('cancelling'), state: State }),
  /** The cancelled replacement is gone, and the previous artifact is not yet confirmed on every active proton. */
  z.object({ code: z.literal('cancelled') }),
  /** The Workload names the desired artifact; not all of its active protons run it yet. */
  z.object({ code: z.literal('activating'), running: z.int(), active: z.int() }),
  /** The served artifact is a draft, and the platform promotes none while a replacement is in progress. */
  z.object({ code: z.literal('promotion-blocked') }),
  /** The draft that is served is promoted in place, which cannot be undone. */
  z.object({ code: z.literal('promoting') }),
  /** Promotion in place was requested, and the artifact is a draft still. */
  z.object({ code: z.literal('promotion-requested') }),
  /** The answer to the request for promotion in place was lost: the next step reads whether it took effect. */
  z.object({ code: z.literal('promotion-unconfirmed') }),
  /** The artifact is served; the Workload's importance is set as requested. */
  z.object({ code: z.literal('setting-importance'), importance: z.string() }),
  /** The last look is too long ago to act on it: the next step looks again. */
  z.object({ code: z.literal('looking-again') }),
  /** A request that was sent before may not be visible yet: the next step looks again. */
  z.object({ code: z.literal('settling') }),
  /** Another rollout of the same change has switched: the platform takes no other replacement before its end. */
  z.object({ code: z.literal('rollout-switched'), state: State }),
  /** Another rollout of the same change has not switched, and this step cancels it. */
  z.object({ code: z.literal('rollout-cancelled'), state: State }),
  /** The platform is removing the cancelled rollout. */
  z.object({ code: z.literal('rollout-leaving'), state: State }),
]);
export type RolloutWaiting = z.infer<typeof RolloutWaiting>;

/** Terminal: the Workload serves the desired artifact, locked; in a change, which locks it last, it may be a draft still. */
export const RolloutDone = z.object({
  code: z.literal('serves'),
  artifact: Id,
  /** The Workload's importance where it was to be changed and the deadline was over; null otherwise. */
  importance_left: z.string().nullable(),
});
export type RolloutDone = z.infer<typeof RolloutDone>;

const notRunning = [
  /** The Workload is stopped, stopping, terminated or suspended. */
  z.object({ code: z.literal('workload-not-running'), workload: Id, state: State }),
  /** No proton of the Workload is active, so there is nothing to replace. */
  z.object({ code: z.literal('no-active-proton'), workload: Id, state: State }),
] as const;

/** What can be wrong once the desired artifact is served. */
const Unhealthy = z.discriminatedUnion('code', [
  ...notRunning,
  /** An active proton of the artifact has errored, or was stopped. */
  z.object({ code: z.literal('proton-down'), proton: Id, state: State }),
]);

/** The state of the rollout when its deadline passed. */
const AtDeadline = z.discriminatedUnion('code', [
  /** A settings change was in progress all the time; nothing was started. */
  z.object({ code: z.literal('settings-change'), state: State }),
  /** The warm-up (minutes) would end after the deadline; nothing was started. */
  z.object({ code: z.literal('warm-up'), minutes: z.number() }),
  /** The replacement was cancelled; the previous artifact is confirmed. */
  z.object({ code: z.literal('cancelled'), artifact: Id.nullable() }),
  /** Switched, and not all active protons ran the artifact. */
  z.object({ code: z.literal('activating'), running: z.int(), active: z.int() }),
  /** Served, and not yet promoted in place. */
  z.object({ code: z.literal('draft') }),
  /** Another rollout of the same change had switched, and its old version was still kept. */
  z.object({ code: z.literal('rollout-switched'), state: State }),
  /** The platform was still removing another rollout of the same change. */
  z.object({ code: z.literal('rollout-leaving'), state: State }),
]);

/**
 * Why a rollout failed, or must not be started: all are terminal, and the machine goes on to the rollback. A new cause
 * gets a new code.
 */
export const RolloutFailure = z.discriminatedUnion('code', [
  /** The desired artifact does not exist, or the owner of the token cannot see it. */
  z.object({ code: z.literal('artifact-not-found'), artifact: Id }),
  /** One of the two artifacts is neither draft nor locked; `served_status` is null if unknown. */
  z.object({
    code: z.literal('artifact-status-unknown'),
    artifact: Id,
    status: z.string(),
    served_status: z.string().nullable(),
  }),
  /** The platform replaces an artifact only by one of the same type. */
  z.object({
    code: z.literal('type-mismatch'),
    artifact: Id,
    type: z.string(),
    workload: Id,
    workload_type: z.string(),
  }),
  ...notRunning,
  /** A draft cannot replace a locked artifact, and the input does not ask to lock it. */
  z.object({ code: z.literal('draft-onto-locked'), artifact: Id, served: Id.nullable() }),
  /** A locked artifact cannot replace a draft. */
  z.object({ code: z.literal('locked-onto-draft'), artifact: Id, served: Id.nullable() }),
  /** The runtime names a group, or a container in it, that the artifact lacks; `has` is what it has, at most eight. */
  z.object({
    code: z.literal('unknown-container'),
    artifact: Id,
    group: z.string(),
    /** Null where the whole group is unknown. */
    container: z.string().nullable(),
    has: z.array(z.string()),
  }),
  /** Minutes of the rollout that are not a whole number from 0 to `most`. */
  z.object({
    code: z.literal('minutes-out-of-range'),
    field: z.string(),
    minutes: z.number(),
    most: z.number(),
  }),
  /** A replacement with an artifact that is neither desired nor served is in progress; it was not changed. */
  z.object({ code: z.literal('foreign-replacement'), artifact: Id, replacement: Id, state: State }),
  /** The platform refused to start the replacement: with 400 at once, with 404, 409 or 422 when it did so again. */
  z.object({ code: z.literal('start-refused'), http_status: z.int(), detail: z.string() }),
  /** The platform refused to lock the artifact. */
  z.object({ code: z.literal('lock-refused'), http_status: z.int(), detail: z.string() }),
  /** The platform refused promotion in place. */
  z.object({ code: z.literal('promote-refused'), http_status: z.int(), detail: z.string() }),
  /** Every request for the replacement lost its response, and no replacement became visible. */
  z.object({ code: z.literal('not-started'), attempts: z.int() }),
  /** The platform reports the replacement as failed; the previous artifact is served. */
  z.object({ code: z.literal('candidate-failed'), state: State, message: z.string().nullable() }),
  /** The replacement ended without a switch: in this state, or (null) gone without any; `served` as it is then. */
  z.object({ code: z.literal('candidate-dropped'), state: State.nullable(), served: Id.nullable() }),
  /** The artifact is served and does not run. */
  z.object({ code: z.literal('active-unhealthy'), problem: Unhealthy }),
  /** The switch changed the Workload's endpoint, so requests to the old one fail. */
  z.object({ code: z.literal('endpoint-changed'), from: z.string(), to: z.string().nullable() }),
  /** Another actor put `served` in service, after this rollout switched or before it did. */
  z.object({ code: z.literal('superseded'), served: Id.nullable(), switched: z.boolean() }),
  /** The deadline was over before the rollout was complete. */
  z.object({ code: z.literal('deadline'), at: AtDeadline }),
  /** The cancellation after the deadline is not confirmed: still in `replacement`, or (null) the protons do not agree. */
  z.object({
    code: z.literal('cancel-unconfirmed'),
    replacement: z.object({ id: Id, state: State }).nullable(),
  }),
  /** A change of the model is open, and the Workload is changed by it alone: nothing was read. */
  z.object({ code: z.literal('change-open'), model: z.string(), holder: z.string() }),
  /** Another owner holds the lease until then (ISO 8601): nothing was read. */
  z.object({ code: z.literal('lease-held'), model: z.string(), holder: z.string(), until: z.string() }),
]);
export type RolloutFailure = z.infer<typeof RolloutFailure>;

/** The holder of the lease that a direct call needs. */
export type LeaseHeld = Extract<RolloutFailure, { code: 'lease-held' }>;

/** Why a Workload cannot take a replacement as it is. */
export type NotRunning = Extract<RolloutFailure, { code: 'workload-not-running' | 'no-active-proton' }>;

export const RolloutFinding = z.discriminatedUnion('code', [
  ...RolloutWaiting.options,
  RolloutDone,
  ...RolloutFailure.options,
]);
export type RolloutFinding = z.infer<typeof RolloutFinding>;

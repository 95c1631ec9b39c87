/** The behaviour of a proton; see `scripts`. */
export type Script = (typeof scripts)[number];

export const scripts = [
  'healthy',
  /** Becomes ready, but late (`timings.slowStartMs`). */
  'slow',
  /** Its container runs but never passes the readiness probe. */
  'never-ready',
  'crash-loop',
  'image-pull-failure',
  /** The replacement disappears without an outcome; the old artifact stays in service. */
  'silently-dropped',
  /** Healthy as a candidate; after the switch it responds with errors. */
  'bad-after-switch',
] as const;

/** One setting for each point where the published sources of the API disagree; the default is its first value. */
export const variantValues = {
  /** Names of the states of a replacement. */
  replacementStatuses: ['tutorial', 'terraform', 'openapi'],
  replacementFailure: ['errored', 'failed'],
  /** A second POST while a replacement is in progress. */
  secondReplacement: [422, 409, 'queue'],
  /** A draft candidate for a locked artifact, or the reverse. */
  statusMismatch: [400, 422],
  /** DELETE of a replacement whose switch has happened: refused (404), or accepted without any effect. */
  cancelAfterSwitch: ['refused', 'ignored'],
  cancelStatus: [202, 200, 204],
  promoteStatus: [202, 200],
  cloneStatus: [200, 201],
  /** `status: locked` in the POST of an artifact: locks it, or is ignored. */
  lockOnCreation: ['locked', 'ignored'],
  /** `spec.type`: left out of responses and ignored in a PATCH, or shown and refused there. */
  specType: ['ignored', 'refused'],
  /**
   * A group's runtime names an allocation as well as a bundle, inferred where none was given, and may be sent back so; or
   * it has only one of them, and its resolved bundle is refused.
   */
  bundles: ['inferred', 'exclusive'],
  /** How a runtime writes what is not set, such as autoscaling beside a number of replicas. */
  unsetRuntime: ['null', 'absent'],
  /** DELETE of a repository with locked artifacts that no Workload uses. */
  lockedRepository: [204, 409],
  /** PATCH of an artifact that is locked already with `status: locked`. */
  relock: [403, 409],
  /** A second active Workload on one draft artifact. */
  draftInUse: [422, 409],
  /** The first DELETE of a running Workload finds a proton that does not stop. */
  stuckDelete: ['off', 502, 200],
  /** How a draft's eight hours end. */
  ttlEnd: ['stopped', 'terminated'],
  autoscaling: ['hoisted', 'per-policy'],
  conditions: ['captured', 'openapi'],
  /** How a proton's details write that a condition or a container has no reason or no message. */
  absentTexts: ['empty', 'null'],
  /** Whether a proton's endpoint has the slash before its query. */
  protonEndpoint: ['bare', 'slash'],
  /** Whether a replacement that changes only settings names the artifact in service as its candidate. */
  settingsCandidate: ['named', 'absent'],
  /** The outcomes alone, or also created, candidate running, switched and drained. */
  events: ['outcomes', 'story'],
  /** `path`, `message`, `code`, or pydantic's own `loc`, `msg`, `type`. */
  validationErrors: ['gateway', 'pydantic'],
  /** Whether lists and single protons carry `statusDetails.logTail`. */
  protonDetails: ['absent', 'embedded'],
  /** Captured lists of protons lack `next` and `previous`. */
  protonPageLinks: ['present', 'absent'],
  /** What `KB`, `MB`, `GB` and their binary spellings mean. */
  memoryUnits: ['decimal', 'binary'],
  /** Rates of the statistics: 0..1 or 0..100. */
  rates: ['fraction', 'percent'],
  /** OTel routes without their trailing slash. */
  otelSlash: ['redirect', 'optional'],
} as const;

/** The value of each setting; see `variantValues`. */
export type Variants = {
  -readonly [Name in keyof typeof variantValues]: (typeof variantValues)[Name][number];
};

export const defaultVariants = Object.fromEntries(
  Object.entries(variantValues).map(([name, [first]]) => [name, first]),
) as Variants;

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/**
 * How long things take, in milliseconds. The defaults follow one recorded rollout: candidate running after 27 s,
 * document switched after 110 s, endpoint switched after 171 s, old proton drained after 530 s.
 */
export const defaultTimings = {
  /** For so long after the POST, a replacement is not found by a GET; older clients take that for its end. */
  recordHiddenMs: 0,
  /** From the POST to the candidate proton, and to `initializing`. */
  candidateCreatedMs: 2 * SECOND,
  initializingMs: 3 * SECOND,
  /** From a proton's creation. */
  provisioningMs: 3 * SECOND,
  launchingMs: 8 * SECOND,
  readyMs: 25 * SECOND,
  slowStartMs: 6 * MINUTE,
  /** A proton that crashes or lacks its image is `errored` so long after its creation. */
  giveUpMs: 2 * MINUTE,
  /** From the candidate's `errored` to the replacement's. */
  failMs: 30 * SECOND,
  /** From the candidate's creation to the silent end. */
  silentDropMs: 1 * MINUTE,
  crashEveryMs: 20 * SECOND,
  /** From a healthy, warm candidate to the switch (`staged`). */
  stagedMs: 83 * SECOND,
  promotingMs: 5 * SECOND,
  finalizingMs: 60 * SECOND,
  /** The endpoint follows the document so much later. */
  endpointLagMs: 61 * SECOND,
  /** The old proton drains at least so long after the switch. */
  drainMs: 7 * MINUTE,
  stopMs: 20 * SECOND,
  /** A stopped proton leaves the list. */
  retiredListedMs: 10 * MINUTE,
  completedVisibleMs: 1 * SECOND,
  erroredVisibleMs: 5 * MINUTE,
  deletingMs: 10 * SECOND,
  cancelFinalizingMs: 10 * SECOND,
  /** A candidate has to be ready within this of the POST; the warm-up is not counted. */
  rollingWindowMs: 30 * MINUTE,
  /** `statusDetails` answers 204 until then. */
  firstReportMs: 15 * SECOND,
  ttlMs: 8 * 60 * MINUTE,
  ttlSweepMs: 1 * MINUTE,
  buildMs: 2 * MINUTE,
  /** So much later a proton that has scaled to zero answers its first request. */
  coldStartMs: 25 * SECOND,
  /** A proton with a minimum of no replicas scales to zero after so long without a request, unless it names its own time. */
  idleMs: 5 * MINUTE,
  /** Requests are counted, and telemetry is found, so much later. */
  statsLagMs: 5 * SECOND,
  otelLagMs: 15 * SECOND,
};

/** As some releases are: a record is not found for a moment after its POST, which our own client has to endure. */
export const LATE_RECORDS: Partial<Timings> = { recordHiddenMs: 1 * SECOND };

/** Milliseconds, by what takes them; see `defaultTimings`. */
export type Timings = typeof defaultTimings;

export interface Limits {
  /** 0: no limit. */
  maxConcurrentWorkloads: number;
  maxWorkloadReplicas: number;
}

export const defaultLimits: Limits = { maxConcurrentWorkloads: 50, maxWorkloadReplicas: 3 };

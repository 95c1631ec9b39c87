/**
 * Errors of the Workload API itself. A rollout that fails or cannot start is an outcome and never thrown.
 */
abstract class ServingError extends Error {
  abstract override readonly name: string;
}

/** The Workload API could not be reached, timed out, or answered 429 or 5xx. Retrying can help. */
export class WorkloadApiUnavailable extends ServingError {
  override readonly name = 'WorkloadApiUnavailable' as const;
  /** True when the request may have taken effect: read the state before repeating it. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, facts: { outcomeUnknown: boolean; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.outcomeUnknown = facts.outcomeUnknown;
  }
}

/** The Workload API rejected the request: 400, 401, 403, 404, 409 or 422. Retrying cannot help. */
export class WorkloadApiRefused extends ServingError {
  override readonly name = 'WorkloadApiRefused' as const;
  /** HTTP status. */
  readonly status: number;
  /** The API's message on one line, without secrets. */
  readonly detail: string;
  constructor(message: string, facts: { status: number; detail: string; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.status = facts.status;
    this.detail = facts.detail;
  }
}

/**
 * The response is not the Workload API's: HTML, invalid JSON, an unexpected shape, too large. Retrying can help: a proxy may
 * answer like this for a moment.
 */
export class WorkloadApiInvalidResponse extends ServingError {
  override readonly name = 'WorkloadApiInvalidResponse' as const;
  /** True when the request may have taken effect: read the state before repeating it. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, facts: { outcomeUnknown?: boolean; cause?: unknown } = {}) {
    super(message, { cause: facts.cause });
    this.outcomeUnknown = facts.outcomeUnknown ?? false;
  }
}

/** The Workload does not exist, or the owner of the token cannot see it: the API answers 404 in both cases. */
export class WorkloadNotFound extends ServingError {
  override readonly name = 'WorkloadNotFound' as const;
}

export const servingErrorNames = [
  'WorkloadApiUnavailable',
  'WorkloadApiRefused',
  'WorkloadApiInvalidResponse',
  'WorkloadNotFound',
] as const;

/**
 * What can go wrong with the Workload API itself. A rollout that fails, or that must not be started, is an outcome
 * and never thrown.
 */
abstract class ServingError extends Error {
  abstract override readonly name: string;
}

/** The Workload API could not be reached, timed out, or answered 429 or 5xx. Retrying can help. */
export class WorkloadApiUnavailable extends ServingError {
  override readonly name = 'WorkloadApiUnavailable' as const;
  /** True when the request may have been carried out all the same: the next thing to do is to look. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, facts: { outcomeUnknown: boolean; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.outcomeUnknown = facts.outcomeUnknown;
  }
}

/** The Workload API understood and said no: 400, 401, 403, 404, 409 or 422. Retrying cannot help. */
export class WorkloadApiRefused extends ServingError {
  override readonly name = 'WorkloadApiRefused' as const;
  readonly status: number;
  /** What the API said, on one line and without anything secret. */
  readonly detail: string;
  constructor(message: string, facts: { status: number; detail: string; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.status = facts.status;
    this.detail = facts.detail;
  }
}

/** An answer that is not the Workload API's: HTML, broken JSON, an unexpected shape, too many bytes. */
export class WorkloadApiInvalidResponse extends ServingError {
  override readonly name = 'WorkloadApiInvalidResponse' as const;
}

/** There is no such Workload, or the token's owner cannot see it: the API answers 404 to both. */
export class WorkloadNotFound extends ServingError {
  override readonly name = 'WorkloadNotFound' as const;
}

export const servingErrorNames = [
  'WorkloadApiUnavailable',
  'WorkloadApiRefused',
  'WorkloadApiInvalidResponse',
  'WorkloadNotFound',
] as const;

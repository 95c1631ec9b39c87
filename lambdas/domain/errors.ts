import { servingErrorNames } from './serving/errors.ts';

/**
 * The closed set of errors that handlers throw. Outcomes ("the challenger lost", "the lease is taken") are
 * data and never thrown. Every `name` is a literal, because the state machine retries and catches by name.
 */
abstract class PromotionError extends Error {
  abstract override readonly name: string;
}

/** What is known of a request without a usable answer. */
interface WithoutAnswer {
  /** True for a write that was sent once and may have taken effect; default false. */
  outcomeUnknown?: boolean;
  cause?: unknown;
}

/** MLflow could not be reached, timed out, or answered 429, 5xx or `INTERNAL_ERROR`. Retrying can help. */
export class MlflowUnavailable extends PromotionError {
  override readonly name = 'MlflowUnavailable' as const;
  /** True when the request may have taken effect: read the state before repeating it. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, { outcomeUnknown = false, cause }: WithoutAnswer = {}) {
    super(message, { cause });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/**
 * MLflow rejected the request: 400, 401, 403, 404 or 409, or a 5xx with an error code other than `INTERNAL_ERROR` and
 * `TEMPORARILY_UNAVAILABLE`. Retrying cannot help.
 */
export class MlflowRefused extends PromotionError {
  override readonly name = 'MlflowRefused' as const;
  /** HTTP status. */
  readonly status: number;
  /** MLflow's `error_code`; null if the response has none. */
  readonly errorCode: string | null;
  constructor(message: string, facts: { status: number; errorCode: string | null; cause?: unknown }) {
    super(message, { cause: facts.cause });
    this.status = facts.status;
    this.errorCode = facts.errorCode;
  }
}

/**
 * The response is not MLflow's: HTML, invalid JSON, an unexpected shape, too large. Retrying can help: a proxy may answer
 * like this for a moment.
 */
export class MlflowInvalidResponse extends PromotionError {
  override readonly name = 'MlflowInvalidResponse' as const;
  /** True when the request may have taken effect: read the state before repeating it. */
  readonly outcomeUnknown: boolean;
  constructor(message: string, { outcomeUnknown = false, cause }: WithoutAnswer = {}) {
    super(message, { cause });
    this.outcomeUnknown = outcomeUnknown;
  }
}

/** The lease table could not be read or written. Retrying can help. */
export class LeaseStoreUnavailable extends PromotionError {
  override readonly name = 'LeaseStoreUnavailable' as const;
}

/** Step Functions could not start, list or describe executions. Retrying can help. */
export class StateMachineUnavailable extends PromotionError {
  override readonly name = 'StateMachineUnavailable' as const;
}

/** Another owner holds the lease with a higher fence; the caller must not write. Never leads to a rollback. */
export class StaleFence extends PromotionError {
  override readonly name = 'StaleFence' as const;
}

/** The environment is incomplete or wrong; the message lists every variable at once and no value. */
export class InvalidConfiguration extends PromotionError {
  override readonly name = 'InvalidConfiguration' as const;
}

/** A payload does not match its schema; the message lists every problem. */
export class InvalidInput extends PromotionError {
  override readonly name = 'InvalidInput' as const;
}

/** The registered model or the requested version does not exist. */
export class ModelNotFound extends PromotionError {
  override readonly name = 'ModelNotFound' as const;
}

/** No policy file has that name; the message lists the known policies. */
export class UnknownPolicy extends PromotionError {
  override readonly name = 'UnknownPolicy' as const;
}

/** A policy file is invalid; the message lists every mistake with its path. */
export class InvalidPolicy extends PromotionError {
  override readonly name = 'InvalidPolicy' as const;
}

/** A Workload serves the model, and no artifact is known for the challenger: not passed, not tagged, not derivable. */
export class ArtifactNotResolved extends PromotionError {
  override readonly name = 'ArtifactNotResolved' as const;
}

export const errorNames = [
  'MlflowUnavailable',
  'MlflowRefused',
  'MlflowInvalidResponse',
  'LeaseStoreUnavailable',
  'StateMachineUnavailable',
  'StaleFence',
  'InvalidConfiguration',
  'InvalidInput',
  'ModelNotFound',
  'UnknownPolicy',
  'InvalidPolicy',
  'ArtifactNotResolved',
  ...servingErrorNames,
] as const;

/** The names a `Retry` or `Catch` may use; `statemachines/` takes names of this type only. */
export type ErrorName = (typeof errorNames)[number];

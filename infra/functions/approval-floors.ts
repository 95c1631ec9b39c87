import type { ApprovalProps } from '../props.ts';

/** Bytes of the variables of a function at most, with room for the others (Lambda quotas: 4 KB). */
export const MAX_FLOORS_LENGTH = 2500;

/** The floors as the functions read them. */
export const floorsOf = (approval: readonly ApprovalProps[]): object[] =>
  approval.map(({ models, approvers, when, count, notRequester, expiresAfterHours, remindAfterHours }) => ({
    models,
    approvers,
    ...(when === undefined ? {} : { when }),
    ...(count === undefined ? {} : { count }),
    ...(notRequester === undefined ? {} : { not_requester: notRequester }),
    ...(expiresAfterHours === undefined ? {} : { expires_after_hours: expiresAfterHours }),
    ...(remindAfterHours === undefined ? {} : { remind_after_hours: remindAfterHours }),
  }));

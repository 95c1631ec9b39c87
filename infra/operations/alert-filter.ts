import { SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import type { EmailProps } from '../props.ts';

/**
 * Filters of subscriptions: each compares an attribute of the message with a list, and all must match. SNS allows at most 150
 * combinations of values in one policy, and by default 200 policies for a topic (SNS developer guide, "Filter policy
 * constraints").
 */
export const MAX_COMBINATIONS = 150;

/** Matches an alert without the attribute. Not an alarm, which has no attribute at all (SNS developer guide, "Key matching"). */
const ABSENT = { exists: false };

const conditionsOf = (patterns: readonly string[]) =>
  patterns.map((pattern) =>
    pattern.endsWith('*') ? { prefix: pattern.slice(0, -1).normalize() } : pattern.normalize(),
  );

/** The conditions of an address, by the attribute that they are about. Empty if it receives everything. */
function filterOf({ models, owners, kinds }: EmailProps): Readonly<Record<string, readonly unknown[]>> {
  return {
    ...(models === undefined ? {} : { model: conditionsOf(models) }),
    // An alert whose owner is not known may be for anybody.
    ...(owners === undefined ? {} : { owner: [...conditionsOf(owners), ABSENT] }),
    ...(kinds === undefined ? {} : { kind: kinds }),
  };
}

/** Number of combinations of values, as SNS counts them. */
export const combinationsOf = ({ models, owners, kinds }: EmailProps): number =>
  (models?.length ?? 1) * ((owners?.length ?? 0) + 1) * (kinds?.length ?? 1);

/** The filter policy of an address; undefined if it receives everything. */
export function filterPolicyOf(email: EmailProps): Record<string, SubscriptionFilter> | undefined {
  const filters = Object.entries(filterOf(email));
  if (filters.length === 0) return undefined;
  return Object.fromEntries(
    filters.map(([attribute, conditions]) => [attribute, new SubscriptionFilter([...conditions])]),
  );
}

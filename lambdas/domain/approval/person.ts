/**
 * Who called, by the identity that AWS verified: one name for one person, whatever role or session it came with. Session
 * names of other roles are chosen by the caller, so such a role counts as one person.
 */

/** The role that IAM Identity Center makes for a permission set: nobody else can make a role of its path. */
const SSO_ROLE = /^AWSReservedSSO_[\w+=,.@-]{1,32}_[0-9a-f]{16}$/;

const ASSUMED = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([^/]+)\/([^/]+)$/;
const USER = /^arn:aws[a-z-]*:iam::\d{12}:user\/[^\s:]+$/;

/**
 * `sso:` and the user name, the ARN of a user, or that of a role without its path, which the session's ARN does not have.
 * Null for what is no person: the root user, a federated user, whose name its maker chose, and anything unknown.
 */
export function personOf(arn: unknown): string | null {
  if (typeof arn !== 'string' || arn.length > 2048) return null;
  if (USER.test(arn)) return arn;
  const [, partition, account, role = '', session = ''] = ASSUMED.exec(arn) ?? [];
  if (partition === undefined) return null;
  return SSO_ROLE.test(role) ? `sso:${session}` : `arn:${partition}:iam::${account}:role/${role}`;
}

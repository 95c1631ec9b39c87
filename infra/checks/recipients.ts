import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { problemMessages } from '../../lambdas/domain/problems.ts';
import { alertKinds } from '../../lambdas/words/alert/kinds.ts';
import { combinationsOf, MAX_COMBINATIONS } from '../operations/alert-filter.ts';
import type { AlertProps, EmailProps } from '../props.ts';
import { unlessToken } from './unless-token.ts';

/** Who receives alerts. */

const Address = unlessToken(z.email('must be an email address'));
const PATTERN = 'must be a name, or the beginning of names followed by *';
const Patterns = z.array(unlessToken(z.string(PATTERN).regex(/^[^*]{1,256}\*?$/, PATTERN))).min(1);

const Filtered = z
  .strictObject({
    address: Address,
    models: Patterns.optional(),
    owners: Patterns.optional(),
    kinds: z.array(z.enum(alertKinds)).min(1).optional(),
  })
  .refine((email) => combinationsOf(email as EmailProps) <= MAX_COMBINATIONS, {
    error: `has too many filters: the numbers of models, of owners and one more, and of kinds must multiply to at most ${MAX_COMBINATIONS}, as SNS allows no more`,
  });

/** Not a union, whose message would list every alternative. */
const Email = z.custom<string | EmailProps>().superRefine((given, context) => {
  const schema = typeof given === 'object' && given !== null ? Filtered : Address;
  for (const { message, path } of schema.safeParse(given, problemMessages).error?.issues ?? [])
    context.addIssue({ code: 'custom', message, path });
});

/** The prop `alerts.emails`. */
export const Emails = z.array(Email);

/** Problems of the recipients together: nobody receives everything, or an address stands there twice. */
export function recipientProblems(alerts: AlertProps | undefined): string[] {
  const emails = Array.isArray(alerts?.emails) ? alerts.emails : [];
  const receivesAll = emails.some((email) => typeof email === 'string' || isUnfiltered(email));
  const isReached = receivesAll || alerts?.slack !== undefined || alerts?.topic !== undefined;
  return [
    ...(isReached
      ? []
      : emails.length === 0
        ? ['alerts needs emails, slack or topic: without a recipient no notification is delivered']
        : [
            'alerts.emails needs an address without filters, as nobody else receives alarms, which name no model; or add slack or topic',
          ]),
    ...repeatedAddresses(emails),
    ...(alerts?.topic?.fifo === true || alerts?.failureTopic?.fifo === true
      ? ['alerts.topic and alerts.failureTopic must be standard topics: a FIFO topic delivers no email']
      : []),
  ];
}

/** True for an address that receives everything. */
export const isUnfiltered = ({ models, owners, kinds }: EmailProps): boolean =>
  (models ?? owners ?? kinds) === undefined;

/** SNS keeps one subscription for an address, with one filter. */
function repeatedAddresses(emails: readonly (string | EmailProps)[]): string[] {
  const addresses = emails.map((email) => (typeof email === 'string' ? email : email?.address));
  return addresses.flatMap((address, index) => {
    if (typeof address !== 'string' || Token.isUnresolved(address)) return [];
    const same = (other: unknown) => String(other).toLowerCase() === address.toLowerCase();
    return addresses.findIndex(same) < index
      ? [`alerts.emails.${index} repeats an address: SNS keeps one subscription for each, with one filter`]
      : [];
  });
}

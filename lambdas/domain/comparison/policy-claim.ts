import * as z from 'zod';
import { describe, oneLine, positive } from './policy-fields.ts';

/** What a policy claims of one metric. */
export const ClaimFields = z.strictObject({
  kind: describe(
    z.enum(['superiority', 'non_inferiority']),
    'superiority: the challenger has to be shown to be better, by more than the margin. non_inferiority: it has to be shown that it is not worse by the margin or more; for a scheduled refresh.',
  ),
  primary: describe(oneLine(100), 'Name of the rule whose metric decides.'),
  margin: describe(z.number().min(0).default(0), 'In units of that metric.'),
  worthwhile: describe(
    positive.default(0.01),
    'The smallest gain for which a person is asked where neither better nor worse is shown, in units of that metric.',
  ),
});
export type PolicyClaim = z.infer<typeof ClaimFields>;

/** A rule, as far as a claim depends on it. */
interface ClaimedRule {
  readonly name: string;
  readonly against_champion?: boolean;
  readonly margin?: number | undefined;
}

/** The rule that decides has to compare, and every other one that compares needs a margin. */
export function checkClaim(
  claim: PolicyClaim,
  rules: readonly ClaimedRule[],
  context: z.RefinementCtx,
): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const primary = rules.find((rule) => rule?.name === claim.primary);
  if (primary === undefined) refuse(['claim', 'primary'], `no rule is called "${claim.primary}"`);
  else if (primary.against_champion === false)
    refuse(['claim', 'primary'], `rule "${claim.primary}" does not compare with the champion`);
  if (claim.kind === 'non_inferiority' && claim.margin === 0)
    refuse(['claim', 'margin'], 'non_inferiority needs a margin above 0');
  rules.forEach((rule, index) => {
    if (rule?.against_champion === false || rule?.margin !== undefined || rule === primary) return;
    refuse(['rules', index, 'margin'], 'is needed in a policy with a claim: how much worse it may be');
  });
}

import { type Allocation, allocateAlpha, type Counted } from './budget.ts';
import { type ClaimDecision, decideClaim } from './claims.ts';
import type { Policy } from './policy.ts';
import type { PolicyClaim } from './policy-claim.ts';
import type { EvaluatedRule } from './rules.ts';

/** The claim of a policy, tested on evaluated rules. */

/** A claim as it was tested. */
export interface ClaimTested {
  readonly rowsNeeded: number | null;
  /** The risk at which it was tested, and what that takes from the budget of the year. */
  readonly allocation: Allocation;
}

/** Where the finding of a claim leads. */
export const FINDING_OF_CLAIM = {
  shown: 'promote',
  'guardrail-worse': 'guardrail-worse',
  'guardrail-open': 'guardrail-open',
  'not-better': 'not-better',
  'not-worthwhile': 'not-worthwhile',
  open: 'open',
} as const satisfies Record<ClaimDecision['code'], string>;

/** What a claim is decided on; `lacking` are rules without a measure of uncertainty. */
type ClaimResult =
  | { readonly lacking: readonly EvaluatedRule[] }
  | { readonly decided: ClaimDecision; readonly allocation: Allocation; readonly about: EvaluatedRule[] };

/** The risk of a policy's claim, by what was counted. */
export const allocationFor = (
  { kind }: PolicyClaim,
  { alpha, budget }: Policy,
  { others, ...counted }: Counted,
) => allocateAlpha({ ...counted, claim: kind, alpha, budget, maxT: others !== undefined });

/** Tests the claim of a policy: its primary rule, and every other rule that was compared as a guardrail. */
export function testClaim(
  claim: PolicyClaim,
  evaluated: readonly EvaluatedRule[],
  policy: Policy,
  counted: Counted,
): ClaimResult | null {
  const compared = evaluated.filter(({ gain }) => gain !== null);
  const primary = compared.find(({ rule }) => rule.name === claim.primary);
  if (primary === undefined) return null;
  const lacking = compared.filter(({ gain }) => gain?.test == null);
  if (lacking.length > 0 || primary.gain?.test == null) return { lacking };
  const others = compared.filter((one) => one !== primary);
  const guardrails = others.flatMap(({ rule, gain }) =>
    gain?.test == null ? [] : [{ name: rule.name, margin: -gain.needed, test: gain.test }],
  );
  const allocation = allocationFor(claim, policy, counted);
  const { alpha } = allocation;
  const { worthwhile } = claim;
  const decided = decideClaim({ claim, primary: primary.gain.test, guardrails, alpha, worthwhile });
  const named = others.filter(({ rule }) => decided.guardrails.includes(rule.name));
  return { decided, allocation, about: named.length > 0 ? named : [primary] };
}

import * as z from 'zod';
import { ApprovalFields, approvalMistakes } from '../approval/policy-approval.ts';
import { InvalidPolicy } from '../errors.ts';
import { checkGates, gateFields } from '../gates/policy-gates.ts';
import { readAs } from '../json.ts';
import { WatchFields } from '../watch/policy-watch.ts';
import { Measure } from './measure.ts';
import { ClaimFields, checkClaim } from './policy-claim.ts';
import { describe, Keys, oneLine, positive } from './policy-fields.ts';
import { RowsFields } from './policy-rows.ts';
import { Folds, Sample } from './policy-sample.ts';

/** The schema of a policy file, `policies/<name>.json`; the file's name is the policy's name. */

/** Steps of the ladder of evidence, best first. */
export const grades = ['A', 'B', 'C', 'D', 'E'] as const;
export const Grade = z.enum(grades);
export type Grade = z.infer<typeof Grade>;

/** Relative gains divide by at least this, so that a champion at exactly zero still gives a number. */
const MIN_RELATIVE_SCALE = 1e-9;

/** Contradictions are checked even if a field is invalid, so that every mistake is listed at once. */
const always = { when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null };

const RuleFields = z.strictObject({
  name: describe(oneLine(100), 'Shown in answers and alerts; unique within the policy.'),
  metric: describe(
    Keys,
    'Key of the metric in the MLflow runs; of several, the first that a run has, and the answer says which.',
  ),
  direction: describe(z.enum(['higher', 'lower']), 'Which way is better.'),
  limit: describe(
    z.number().optional(),
    'Absolute: the challenger needs at least this (direction higher) or at most this (lower).',
  ),
  against_champion: describe(
    z.boolean().default(true),
    'False: only the limit is checked, whatever the champion has.',
  ),
  strict: describe(z.boolean().default(false), 'True: reaching the needed gain exactly is not enough.'),
  min_gain: describe(positive.optional(), 'How much better it must be, in units of the metric.'),
  min_relative_gain: describe(
    positive.optional(),
    "How much better it must be, as a share of the champion's value.",
  ),
  margin: describe(positive.optional(), 'How much worse it may be, in units of the metric.'),
  relative_margin: describe(
    positive.optional(),
    "How much worse it may be, as a share of the champion's value.",
  ),
  relative_scale: describe(
    positive.optional(),
    `Relative amounts are shares of the champion's absolute value or of this, whichever is larger; default ${MIN_RELATIVE_SCALE}.`,
  ),
  critical: describe(z.boolean().default(false), 'True: failing this rule decides.'),
  weight: describe(positive.max(1e6).default(1), 'Share of this rule among all rules.'),
  when_missing: describe(
    z.enum(['investigate', 'fail', 'skip']).default('investigate'),
    'When a number is missing: investigate decides INVESTIGATE; fail counts the rule as failed for a challenger without it; skip leaves out a rule whose metric the champion does not have either. Every other missing number, and a number that is logged but not finite, decides INVESTIGATE.',
  ),
  measure: describe(
    Measure.optional(),
    'How the metric is computed from rows, where both runs hold them; default: by the usual names of the metric. mean: of the column loss; series: likewise, for rows in the order of time that depend on each other; series_total: their sum.',
  ),
  folds: describe(
    Folds.optional(),
    'The metric on folds, seeds or random splits that both runs share, logged one by one (grade B): it says which way of training is better, not which fitted version.',
  ),
  sample: describe(
    Sample.optional(),
    'What the metric is, so that an interval can be computed (grade C) where the runs hold these numbers.',
  ),
});

/** Pairs of mutually exclusive fields of a rule, with the reason; reported at the first field. */
const contradictions = [
  ['margin', 'min_gain', 'a rule either requires a gain or allows a loss'],
  ['margin', 'min_relative_gain', 'a rule either requires a gain or allows a loss'],
  ['relative_margin', 'min_gain', 'a rule either requires a gain or allows a loss'],
  ['relative_margin', 'min_relative_gain', 'a rule either requires a gain or allows a loss'],
  ['margin', 'strict', 'strictly better and worse by a margin are mutually exclusive'],
  ['relative_margin', 'strict', 'strictly better and worse by a margin are mutually exclusive'],
] as const;
/** Fields about the comparison, which have no effect in a rule that does not compare. */
const comparing = [
  'strict',
  'min_gain',
  'min_relative_gain',
  'margin',
  'relative_margin',
  'relative_scale',
  'measure',
  'folds',
  'sample',
] as const;

const Rule = RuleFields.superRefine((rule, context) => {
  const refuse = (path: keyof typeof rule, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const given = (key: keyof typeof rule) => rule[key] !== undefined && rule[key] !== false;
  for (const [field, other, reason] of contradictions) {
    if (given(field) && given(other)) refuse(field, `contradicts ${other}: ${reason}`);
  }
  if (rule.critical && rule.when_missing === 'skip') {
    refuse('when_missing', 'contradicts critical: a critical rule cannot be skipped');
  }
  if (rule.against_champion !== false) {
    if (!given('relative_scale') || given('min_relative_gain') || given('relative_margin')) return;
    refuse('relative_scale', 'has no effect without min_relative_gain or relative_margin');
    return;
  }
  if (!given('limit')) refuse('limit', 'is needed when against_champion is false');
  for (const key of comparing.filter(given)) refuse(key, 'has no effect when against_champion is false');
}, always);
export type Rule = z.infer<typeof Rule>;

export const PolicyFile = z
  .strictObject({
    $schema: z.string().optional(),
    description: z.string().max(2000).optional(),
    min_confidence: describe(
      z.number().min(0).max(1).optional(),
      'Confidence and weighted share of passed rules that PROMOTE needs; default: MIN_CONFIDENCE_THRESHOLD.',
    ),
    accepted_grades: describe(
      z.array(Grade).min(1),
      'Grades of evidence on which PROMOTE is allowed. E has no measure of uncertainty.',
    ),
    alpha: describe(
      z.number().positive().lt(0.5).default(0.05),
      'One-sided risk of calling an equal challenger better, where the evidence allows an interval.',
    ),
    dataset: z
      .strictObject({
        contexts: describe(
          z.array(oneLine(250)).min(1).optional(),
          'Contexts (tag mlflow.data.context) of the dataset inputs that must be equal; default: every input.',
        ),
        when_missing: describe(
          z.enum(['allow', 'investigate']).default('allow'),
          'When neither run names its data. If allowed, the answer states it. Data named by one run only are never allowed.',
        ),
      })
      .default({ when_missing: 'allow' }),
    serving: z
      .strictObject({
        derive_artifact: describe(
          z.boolean().default(false),
          'True: a version without an artifact gets a copy of the one in service, with its model in it.',
        ),
      })
      .default({ derive_artifact: false }),
    rows: describe(
      RowsFields.optional(),
      'Which file of a run holds one row for each evaluated example, and its columns. Absent: usual names are looked for.',
    ),
    claim: describe(
      ClaimFields.optional(),
      'One metric decides by a test, and every other rule that compares must be shown not to be worse by its margin. Absent: the weighted share of passed rules decides.',
    ),
    budget: describe(
      positive.max(1000).nullable().default(0.5),
      'Needless promotions in a year that claims of superiority may cost; null: no budget. Has no effect without a claim.',
    ),
    ...gateFields,
    watch: describe(
      WatchFields.optional(),
      'How a release is watched after its promotion; absent: it is not.',
    ),
    approval: describe(
      ApprovalFields.optional(),
      'Who has to approve a promotion; absent: nobody, unless the deployment asks for it.',
    ),
    rules: z.array(Rule).min(1).max(100),
  })
  .superRefine(({ claim, rules, approval, ...policy }, context) => {
    for (const { field, message } of ApprovalFields.safeParse(approval).success && approval
      ? approvalMistakes(approval)
      : [])
      context.addIssue({ code: 'custom', path: ['approval', field], message });
    checkGates(policy, Array.isArray(rules) ? rules : [], context);
    if (claim !== undefined && Array.isArray(rules)) checkClaim(claim, rules, context);
    const names = Array.isArray(rules) ? rules.map((rule) => rule?.name) : [];
    names.forEach((name, index) => {
      if (name === undefined || names.indexOf(name) === index) return;
      context.addIssue({
        code: 'custom',
        path: ['rules', index, 'name'],
        message: `"${name}" is used twice`,
      });
    });
  }, always);
export type Policy = z.infer<typeof PolicyFile> & { readonly name: string };

/** A file that stands for one of several policies, by what the challenger's run logs. */
export const PolicyChoice = z.strictObject({
  $schema: z.string().optional(),
  description: z.string().max(2000).optional(),
  first_of: describe(
    z
      .array(z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be the name of a policy'))
      .min(1)
      .max(20),
    "Names of policies: the first for which the challenger's run has the metrics that decide; the first of all where it has those of none.",
  ),
});
export type PolicyChoice = z.infer<typeof PolicyChoice>;

/** What decides whether a policy applies to a run: its critical rules or, without any, all rules that are not skipped. */
export function decisiveMetrics({ rules }: Policy): Keys[] {
  const critical = rules.filter((rule) => rule.critical);
  const deciding = critical.length > 0 ? critical : rules.filter((rule) => rule.when_missing !== 'skip');
  return deciding.map(({ metric }) => metric);
}

const isChoice = (content: unknown) =>
  typeof content === 'object' && content !== null && 'first_of' in content;

/** Parses the content of a policy file. Throws `InvalidPolicy` with every mistake and its path. */
export function parsePolicyFile(name: string, content: unknown): Policy | PolicyChoice {
  if (!isChoice(content)) return parsePolicy(name, content);
  return parsed(name, readAs(PolicyChoice, content));
}

/** Parses a policy. Throws `InvalidPolicy` with every mistake and its path. */
export const parsePolicy = (name: string, content: unknown): Policy => ({
  ...parsed(name, readAs(PolicyFile, content)),
  name,
});

/** A mistake of a policy file: the path of the field, empty for the whole file, and what is wrong there. */
export interface PolicyMistake {
  path: string;
  message: string;
}

/** Every mistake in the content of a policy file; empty when it is valid. */
export function policyMistakes(content: unknown): PolicyMistake[] {
  const result = readAs<unknown>(isChoice(content) ? PolicyChoice : PolicyFile, content);
  return result.success ? [] : mistakesOf(result.error);
}

const mistakesOf = ({ issues }: z.ZodError): PolicyMistake[] =>
  issues.map(({ path, message }) => ({ path: path.join('.'), message }));

function parsed<T>(name: string, result: z.ZodSafeParseResult<T>): T {
  if (result.success) return result.data;
  const mistakes = mistakesOf(result.error).map(({ path, message }) => `${path || '(top)'}: ${message}`);
  throw new InvalidPolicy(`Policy "${name}" has ${mistakes.length} mistake(s): ${mistakes.join('; ')}`);
}

/**
 * The signed gain over the champion that a rule requires, in units of the metric: zero by default, negative if the rule
 * allows a loss. If it sets an absolute and a relative amount, both must hold.
 */
export function neededGain(rule: Rule, champion: number): number {
  const scale = Math.max(Math.abs(champion), rule.relative_scale ?? MIN_RELATIVE_SCALE);
  const amounts = [
    rule.min_gain,
    rule.min_relative_gain === undefined ? undefined : rule.min_relative_gain * scale,
    rule.margin === undefined ? undefined : -rule.margin,
    rule.relative_margin === undefined ? undefined : -rule.relative_margin * scale,
  ].filter((amount) => amount !== undefined);
  return amounts.length === 0 ? 0 : Math.max(...amounts);
}

/** How much better the challenger is, in units of the metric; negative if it is worse. */
export function gainOf(rule: Rule, champion: number, challenger: number): number {
  return rule.direction === 'higher' ? challenger - champion : champion - challenger;
}

import * as z from 'zod';
import { describe, oneLine, positive } from '../comparison/policy-fields.ts';

/** The gates of a policy beyond metrics, and its checks of the evidence. */

const own = {
  name: describe(oneLine(100), 'Shown in answers and alerts; unique among the gates.'),
  dry_run: describe(z.boolean().default(false), 'True: judged and shown, but a failure blocks nothing.'),
};

const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const WeekTime = z
  .string()
  .regex(new RegExp(`^${DAY} ${TIME}$`), 'must be a time of the week such as "Fri 16:00"');
const isDate = (text: string) => !Number.isNaN(Date.parse(`${text.slice(0, 10)}T00:00Z`));
const LocalTime = z
  .string()
  .regex(
    new RegExp(`^\\d{4}-\\d{2}-\\d{2}(?:T${TIME})?$`),
    'must be a date such as "2026-12-20", or with a time "2026-12-20T16:00"',
  )
  .refine(isDate, 'is no date');

const TimeZone = z.string().max(100).refine(isTimeZone, 'is no time zone of the IANA database');

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The regular expression that a whole value matches. Throws `SyntaxError`. */
export const wholeValue = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'u');

const Pattern = z.string().min(1).max(300).refine(isPattern, 'is no regular expression');

function isPattern(text: string): boolean {
  try {
    wholeValue(text);
    return true;
  } catch {
    return false;
  }
}

const tag = z.strictObject({
  key: describe(oneLine(250), 'Key of the tag.'),
  pattern: describe(
    Pattern.optional(),
    'Regular expression that the whole value has to match; default: any value that is not empty.',
  ),
});

const TagsGate = z.strictObject({
  ...own,
  kind: describe(
    z.literal('tags'),
    'Tags that have to be there, such as owner, licence, intended use, privacy review, data retention.',
  ),
  on: describe(
    z.enum(['version', 'model', 'either']).default('either'),
    'Where: on the model version, on the registered model, or on one of them, the version first.',
  ),
  tags: z
    .array(z.union([oneLine(250), tag]))
    .min(1)
    .max(50),
});
const LineageGate = z.strictObject({
  ...own,
  kind: describe(z.literal('lineage'), 'The version has to name where it is from.'),
  needs: describe(
    z
      .array(z.enum(['run', 'commit', 'data']))
      .min(1)
      .max(3)
      .default(['run', 'commit', 'data']),
    'run: a run that has finished; commit: its tag mlflow.source.git.commit; data: a fingerprint of its rows, or a dataset digest.',
  ),
});
const SignatureGate = z.strictObject({
  ...own,
  kind: describe(
    z.literal('signature'),
    'By the file MLmodel the challenger takes every input that the champion takes, and returns the same outputs.',
  ),
});
const DigestsGate = z.strictObject({
  ...own,
  kind: describe(z.literal('digests'), 'What the run recorded at training is what is there now.'),
  of: describe(
    z
      .array(z.enum(['data', 'model']))
      .min(1)
      .max(2)
      .default(['data']),
    'data: tag promotion.fingerprint, against the rows; model: tag promotion.mlmodel_sha256, against the file MLmodel.',
  ),
});
const AgeGate = z.strictObject({
  ...own,
  kind: describe(
    z.literal('min_age'),
    'The challenger has been in Staging for so long; without stages, registered.',
  ),
  hours: positive.max(24 * 365),
});
const Weekly = z.strictObject({ from: WeekTime, to: WeekTime });
const Dates = z.strictObject({
  from: LocalTime,
  to: describe(LocalTime, 'A date is included; at a time the freeze has ended.'),
});
const FreezeGate = z.strictObject({
  ...own,
  kind: describe(z.literal('freeze'), 'Times in which nothing is promoted.'),
  time_zone: describe(TimeZone, 'Of the IANA database, such as "Europe/Berlin".'),
  weekly: z.array(Weekly).max(20).default([]),
  dates: z.array(Dates).max(50).default([]),
});
const HoldGate = z.strictObject({
  ...own,
  kind: describe(
    z.literal('hold'),
    'The registered model has no tag promotion.hold; its value says by whom and why.',
  ),
});
const QuarantineGate = z.strictObject({
  ...own,
  kind: describe(
    z.literal('quarantine'),
    'The challenger has no tag promotion.quarantine; its value says by whom and why.',
  ),
});

/** One gate of a policy. */
export const Gate = z.discriminatedUnion('kind', [
  TagsGate,
  LineageGate,
  SignatureGate,
  DigestsGate,
  AgeGate,
  FreezeGate,
  HoldGate,
  QuarantineGate,
]);
export type Gate = z.infer<typeof Gate>;
export type GateOf<K extends Gate['kind']> = Extract<Gate, { kind: K }>;

const Slices = z.strictObject({
  margin: describe(z.number().min(0), 'How much worse a slice may be, in units of the metric.'),
  min_rows: describe(z.int().min(10).max(100_000).default(50), 'A slice with fewer rows is not judged.'),
  rule: describe(
    oneLine(100).optional(),
    'Name of the rule by whose metric; default: the primary one of the claim, else the first critical rule that compares, else the first that does.',
  ),
});

/** The fields of a policy about gates and checks. */
export const gateFields = {
  gates: describe(
    z.array(Gate).min(1).max(20).optional(),
    'Rules beyond metrics, which have to hold for a promotion. One that fails turns PROMOTE into INVESTIGATE.',
  ),
  slices: describe(
    Slices.optional(),
    'No part of the rows (column slice) may be shown to be worse by more than a margin.',
  ),
  max_age_days: describe(
    positive.max(3650).optional(),
    'The metrics of both versions must not have been logged longer ago.',
  ),
  max_overlap: describe(
    z.number().min(0).lt(1).optional(),
    'Share of the evaluation rows that may have been in training, where the run has a Bloom filter of its training rows; default: none.',
  ),
};

/** What gates and checks depend on of a policy. */
export interface GatePolicy {
  readonly gates?: readonly Gate[] | undefined;
  readonly slices?: z.infer<typeof Slices> | undefined;
  readonly max_age_days?: number | undefined;
  readonly max_overlap?: number | undefined;
}

/** Names of gates are unique, a freeze names a time, and slices a rule that compares. */
export function checkGates(
  { gates, slices }: GatePolicy,
  rules: readonly { readonly name: string; readonly against_champion?: boolean }[],
  context: z.RefinementCtx,
): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const list = Array.isArray(gates) ? gates : [];
  const names = list.map((gate) => gate?.name);
  list.forEach((gate, index) => {
    if (gate?.name !== undefined && names.indexOf(gate.name) !== index)
      refuse(['gates', index, 'name'], `"${gate.name}" is used twice`);
    if (gate?.kind !== 'freeze') return;
    const [weekly, dates] = [gate.weekly ?? [], gate.dates ?? []];
    if (weekly.length + dates.length === 0) refuse(['gates', index], 'a freeze needs weekly times or dates');
    if (!Array.isArray(dates)) return;
    dates.forEach((range, at) => {
      if (range?.from > range?.to) refuse(['gates', index, 'dates', at, 'to'], 'ends before it begins');
    });
  });
  const named = slices?.rule;
  if (named === undefined) return;
  const rule = rules.find((each) => each?.name === named);
  if (rule === undefined) refuse(['slices', 'rule'], `no rule is called "${named}"`);
  else if (rule.against_champion === false)
    refuse(['slices', 'rule'], `rule "${named}" does not compare with the champion`);
}

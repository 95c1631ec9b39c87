import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { digitsApart, show, signed } from '../../lambdas/words/numbers.ts';
import type { Replayed } from '../commands/replay-decisions.ts';
import { bold, dim, good, printable, warning } from './timeline-lines.ts';

/** What `promotion replay` prints. */

const WIDTHS = [16, 11, 12, 12, 5] as const;
const laidOut = (cells: readonly string[]) =>
  cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join('  ')
    .trimEnd();

/** A table by model, with the lines below a decision that say on what, and why it would be another one. */
export function replayLines(replayed: readonly Replayed[], policy: string): string[] {
  const models = [...new Set(replayed.map(({ model }) => model))];
  return [
    ...models.flatMap((model) => [
      bold(printable(model)),
      dim(laidOut(['when (UTC)', 'versions', 'decided then', 'would be now', 'grade'])),
      ...replayed.filter((each) => each.model === model).flatMap(linesOf),
      '',
    ]),
    summary(replayed, policy),
  ];
}

function linesOf(each: Replayed): string[] {
  const { at, champion_version: champion, challenger_version: challenger, before, now } = each;
  const row = laidOut([
    `${at.slice(0, 10)} ${at.slice(11, 16)}`,
    `${champion ?? 'none'} → ${challenger}`,
    before.decision,
    now?.decision ?? '–',
    now === null ? '–' : (now.evidence_grade ?? 'none'),
  ]);
  const shown = printable(row);
  if (now === null) return [shown, `    ${warning(goneText(each))}`];
  const facts = [...(each.dry_run ? ['dry run'] : []), ...estimateText(now)];
  return [
    differs(each) ? bold(shown) : shown,
    ...(facts.length === 0 ? [] : [dim(`    ${printable(facts.join('; '))}`)]),
    ...(differs(each) ? [`    ${printable(now.recommendation)}`] : []),
  ];
}

/** True where the other policy decides otherwise. */
const differs = ({ before, now }: Replayed) => now !== null && now.decision !== before.decision;

const goneText = ({ gone }: Replayed) =>
  gone.length === 0
    ? 'cannot be compared again: the registered model is gone from MLflow'
    : `cannot be compared again: ${gone.map((each) => `version ${printable(each)}`).join(' and ')} or its run is gone from MLflow`;

/** The gain of the rule that decides, with its interval where there is one; none where no rule was compared. */
function estimateText({ rules }: Pick<Comparison, 'rules'>): string[] {
  const compared = rules.filter(({ champion, challenger }) => champion !== null && challenger !== null);
  const rule =
    compared.find(({ critical, test }) => critical && test !== undefined) ??
    compared.find(({ test }) => test !== undefined) ??
    compared.find(({ critical }) => critical) ??
    compared[0];
  if (rule === undefined) return [];
  const { name, test, champion, challenger } = rule;
  if (test === undefined) {
    const digits = digitsApart(champion, challenger);
    return [`${name} ${show(champion ?? 0, digits)} → ${show(challenger ?? 0, digits)}, no interval`];
  }
  const { estimate, lower, upper, level, n } = test;
  const interval = `${show(100 * level, 3)}% interval ${signed(lower, 3)} to ${signed(upper, 3)}`;
  return [`${name} gain ${signed(estimate)}, ${interval}, n = ${n}`];
}

function summary(replayed: readonly Replayed[], policy: string): string {
  if (replayed.length === 0) return 'The ledger holds no decision to compare again.';
  const unread = replayed.filter(({ now }) => now === null).length;
  const others = replayed.filter(differs).length;
  const same = replayed.length - others - unread;
  const parts = [
    `${same} the same`,
    ...(others === 0 ? [] : [`${others} different`]),
    ...(unread === 0 ? [] : [`${unread} cannot be compared again`]),
  ];
  const of = `${replayed.length} ${replayed.length === 1 ? 'decision' : 'decisions'} by policy ${printable(policy)}`;
  return `${others === 0 ? good(of) : bold(of)}: ${parts.join(', ')}`;
}

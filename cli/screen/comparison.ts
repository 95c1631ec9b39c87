import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { confidenceText } from '../../lambdas/words/confidence.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { printable } from '../printable.ts';
import { columns, printLine } from './layout.ts';
import { bold, dim, good } from './timeline-lines.ts';

/** Prints a decision with its evidence. */
export function showComparison(comparison: Comparison): void {
  const { decision, recommendation, rules, evidence_digest: digest, policy } = comparison;
  const shown = decision === 'PROMOTE' ? good(decision) : bold(decision);
  printLine(`${shown}  ${printable(recommendation)}`, decision.length + 2);
  printLine(dim(`confidence: ${printable(confidenceText(comparison))}`), 12);
  if (rules.length > 0)
    for (const line of evidenceTable(comparison, { width: columns() }).split('\n')) printLine(line);
  printLine(dim(printable(`policy ${policy}, evidence ${digest}`)));
}

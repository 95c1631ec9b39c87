import * as z from 'zod';
import { Comparison } from '../../lambdas/domain/payloads.ts';
import type { InvocationDocument } from '../../local/invocation.ts';
import { checkReportFile, comparisonReport, writeReport } from '../report-file.ts';
import { showComparison } from '../screen/comparison.ts';

/** The options of `promotion compare`. */
export interface CompareOptions {
  model: string;
  champion?: string;
  challenger?: string;
  policy?: string;
  json?: true;
  report?: string;
  verbose?: true;
}

/** The payload of `compare-models` that the options make; checks the file of the report. Throws `UsageError`. */
export async function compareEvent({
  model,
  champion,
  challenger,
  policy,
  report,
}: CompareOptions): Promise<object> {
  if (report !== undefined) await checkReportFile(report);
  return {
    model_name: model,
    ...(champion === undefined ? {} : { champion_version: champion }),
    ...(challenger === undefined ? {} : { challenger_version: challenger }),
    ...(policy === undefined ? {} : { policy }),
  };
}

const Failure = z.object({ name: z.string(), message: z.string() });

/** Prints what was decided, and writes the report; returns the exit status: 0 PROMOTE or KEEP, 1 INVESTIGATE or an error, 2 unusable input. */
export async function reportComparison(
  { answer, error }: Pick<InvocationDocument, 'answer' | 'error'>,
  { model, json, report }: CompareOptions,
): Promise<number> {
  if (error !== null) {
    const { name, message } = Failure.parse(error);
    console.error(`${name}: ${message}`);
    return name === 'InvalidInput' ? 2 : 1;
  }
  const comparison = Comparison.parse(answer);
  if (json) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else showComparison(comparison);
  if (report !== undefined) {
    await writeReport(report, comparisonReport(model, comparison));
    console.error(`Report: ${report}`);
  }
  return comparison.decision === 'INVESTIGATE' ? 1 : 0;
}

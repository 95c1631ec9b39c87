import { constants } from 'node:fs';
import { access, open, writeFile } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { parseHead } from '../lambdas/domain/ledger/entry.ts';
import { outcomeOf } from '../lambdas/domain/outcome/outcome.ts';
import type { Outcome } from '../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison } from '../lambdas/domain/payloads.ts';
import { readStateDocument } from '../lambdas/domain/state-document.ts';
import { inWords } from '../lambdas/words/reasons.ts';
import { renderDecision } from '../lambdas/words/report/decision-page.ts';
import { decisionReport } from '../lambdas/words/report/document.ts';
import type { ExecutionDocument } from '../local/execution.ts';
import { UsageError } from './usage-error.ts';

/** Files that `--report` writes: a page (`.html`) or a document (`.json`), in place of an earlier report only. */

/** A report in both forms. */
export interface Rendered {
  readonly html: string;
  readonly json: string;
}

/** Bytes of a file in which a report shows that it is one. */
const HEAD = 2_000;
const MARKS = { '.html': '<meta name="generator" content="model-promotion">', '.json': '"model-promotion/' };

const formOf = (file: string): keyof typeof MARKS | null => {
  const form = extname(file).toLowerCase();
  return form === '.html' || form === '.json' ? form : null;
};

/** Checks before anything starts that the file can be written. Throws `UsageError`. */
export async function checkReportFile(file: string, option = '--report'): Promise<void> {
  const form = formOf(file);
  if (form === null) throw new UsageError(`${option} ${file}: must end in .html or .json`);
  const folder = dirname(resolve(file));
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(`${option} ${file}: ${folder} cannot be written to (${codeOf(error)})`);
  }
  const head = await headOf(file, option);
  if (head !== null && head !== '' && !head.includes(MARKS[form]))
    throw new UsageError(
      `${option} ${file}: this file exists and is no report; name another one, or remove it`,
    );
}

/** The first bytes of a file; null where there is none. */
async function headOf(file: string, option: string): Promise<string | null> {
  try {
    const opened = await open(file, 'r+');
    try {
      const { buffer, bytesRead } = await opened.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new UsageError(`${option} ${file}: it cannot be written (${codeOf(error)})`);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error ? String((error as NodeJS.ErrnoException).code ?? error.message) : String(error);

/** Writes a report in the form that the name of the file asks for. */
export async function writeReport(file: string, report: Rendered): Promise<void> {
  try {
    await writeFile(file, formOf(file) === '.json' ? report.json : report.html);
  } catch (error) {
    throw new Error(`The report was not written to ${file}: ${codeOf(error)}`);
  }
}

/** What is known of an execution that has ended. */
export type Ended = Pick<ExecutionDocument, 'execution' | 'status' | 'reason' | 'output'> & {
  readonly alerts?: readonly unknown[];
};

/**
 * Writes the report of each execution that compared versions: the first to this file, the others with a number before the
 * extension. Answers the files.
 */
export async function writeReports(file: string, documents: readonly Ended[], now: Date): Promise<string[]> {
  const written: string[] = [];
  for (const document of documents) {
    const report = reportOf(document, now);
    if (report === null) continue;
    const name = numbered(file, written.length + 1);
    await checkReportFile(name);
    await writeReport(name, report);
    written.push(name);
  }
  return written;
}

const numbered = (file: string, number: number) =>
  number === 1 ? file : file.replace(/(\.\w+)$/, `-${number}$1`);

function reportOf(document: Ended, now: Date): Rendered | null {
  const { comparison, model_name: model } = readStateDocument(document.output);
  if (comparison === null || model === null) return null;
  const { execution, status, reason } = document;
  const decided = inWords(outcomeOf(document.output, { execution, ending: null }, now));
  const outcome: Outcome = { ...decided, status, reason };
  return renderDecision(
    decisionReport(model, comparison, { outcome, ledgerFrom: numberIn(document.alerts) }),
  );
}

/** The number of the entry in the ledger, as an alert names it. */
function numberIn(alerts: readonly unknown[] = []): number | null {
  for (const alert of alerts) {
    const { attributes } = alert as { attributes?: { ledger?: string } };
    const head = parseHead(attributes?.ledger ?? '');
    if (head !== null) return head.seq;
  }
  return null;
}

/** The report of a comparison without an execution. */
export const comparisonReport = (model: string, comparison: Comparison): Rendered =>
  renderDecision(decisionReport(model, comparison));

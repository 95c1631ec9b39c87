import { createHash } from 'node:crypto';
import { belongsInLedger } from '../../domain/ledger/entry.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { proxyFolder, reportPath, runPage } from '../../domain/promotion/report-place.ts';
import type { RecordedOutcome } from '../../domain/release/store.ts';
import { log, logError } from '../../runtime/log.ts';
import type { ReportServices } from '../../runtime/report-services.ts';
import type { RunPage } from '../../words/alert/wording.ts';

/** The report of a recorded decision: made from what is recorded alone, so that it is the same bytes each time. */

/** The page of a decision and its SHA-256, hexadecimal. */
export interface MadeReport {
  readonly page: string;
  readonly sha256: string;
}

/** True for a decision of the ledger that compared two versions, or one to be approved; a dry run writes nothing to MLflow. */
const isDue = (outcome: Outcome): boolean => {
  const { comparison, dry_run: dryRun, challenger_version: challenger } = outcome;
  const compared = comparison !== null && !comparison.same_version && challenger !== null;
  return compared && !dryRun && (belongsInLedger(outcome) || outcome.status === 'awaiting_approval');
};

/** The report of an outcome; null where none is due. Never throws: nothing of an execution waits for it. */
export async function makeReport({ outcome, ledger }: RecordedOutcome): Promise<MadeReport | null> {
  if (!isDue(outcome)) return null;
  try {
    const { recordedPage } = await import('../../words/report/decision-page.ts');
    const page = recordedPage({ outcome, ledgerFrom: ledger.from });
    return page === null ? null : { page, sha256: createHash('sha256').update(page).digest('hex') };
  } catch (error) {
    log().error('the report was not made', { execution: outcome.execution, error: logError(error) });
    return null;
  }
}

/**
 * Writes the report to the challenger's run, where that exists and its files are behind the server's proxy. Answers the page of
 * the run; null if that is not known. Never throws, and takes a few seconds at most.
 */
export async function attachReport(
  { execution, model_name: model, challenger_version: version }: Outcome,
  { page, sha256 }: MadeReport,
  { reports }: ReportServices,
): Promise<RunPage | null> {
  if (reports === undefined || model === null || version === null) return null;
  const skipped = (why: 'no-proxy' | 'no-run') => {
    log().info('the report was not attached', { execution, why });
    return null;
  };
  let url: string | null = null;
  try {
    const runs = reports();
    if (runs === null) return skipped('no-proxy');
    const runId = (await runs.getVersion(model, version))?.runId ?? null;
    const run = runId === null ? null : await runs.getRun(runId);
    if (run === null || run.runId !== runId) return skipped('no-run');
    url = runPage(runs.server, run);
    const folder = proxyFolder(run);
    if (folder === null) skipped('no-proxy');
    else {
      const path = reportPath(execution);
      await runs.putFile(`${folder}/${path}`, { type: 'text/html; charset=utf-8', content: page });
      log().info('report attached', { execution, run: runId, path, sha256 });
      return url === null ? null : { url, report: path };
    }
  } catch (error) {
    log().warn('the report was not attached', { execution, error: logError(error) });
  }
  return url === null ? null : { url, report: null };
}

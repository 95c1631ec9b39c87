import type { Run } from '../registry.ts';
import { recordId } from './record.ts';

/** Where the report of a decision is: among the files of the challenger's run. */

/** Path of an execution's report below the run's artifacts. */
export const reportPath = (execution: string): string => `promotion/${recordId(execution)}.html`;

/**
 * Folder of the run's artifacts behind the server's own proxy; null where they are elsewhere: in a store that clients write to
 * themselves, behind another server, or in a folder that is not the run's.
 */
export function proxyFolder({ runId, artifactUri }: Pick<Run, 'runId' | 'artifactUri'>): string | null {
  const [, folder] = /^mlflow-artifacts:\/{1,3}([^/].{0,1000})$/s.exec(artifactUri ?? '') ?? [];
  if (folder === undefined || /^mlflow-artifacts:\/\/[^/]/.test(artifactUri ?? '')) return null;
  const parts = folder.split('/');
  const isOwn = parts.at(-1) === 'artifacts' && parts.at(-2) === runId;
  return isOwn && !parts.some((part) => part === '' || part === '.' || part === '..') ? folder : null;
}

const ID = /^[\w-]{1,100}$/;

/** Address of the run's files in MLflow's UI; null where one of the ids is none. `server` is the tracking URI. */
export function runPage(
  server: string,
  { runId, experimentId }: Pick<Run, 'runId' | 'experimentId'>,
): string | null {
  if (experimentId === undefined || !ID.test(experimentId) || !ID.test(runId)) return null;
  return `${server.replace(/\/+$/, '')}/#/experiments/${experimentId}/runs/${runId}/artifacts`;
}

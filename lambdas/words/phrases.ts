import type { RegistryMode } from '../domain/registry.ts';
import { quoted, visible } from '../domain/visible-text.ts';

/** Parts that several sentences share. */

/** Characters of an execution's ARN or another holder's id. */
export const MAX_ID = 300;

/** Version numbers in one sentence; more are counted. */
const MAX_VERSIONS = 5;

/** `version 2`, or `versions 3 and 2`: numbers as MLflow has them, so in visible form, and bounded. */
export function versionsText(versions: readonly string[]): string {
  const shown = versions.slice(0, MAX_VERSIONS).map((version) => visible(version, 20));
  const left = versions.length - shown.length;
  const listed = [...shown, ...(left > 0 ? [`${left} more`] : [])].join(' and ');
  return `${versions.length === 1 ? 'version' : 'versions'} ${listed}`;
}

/**
 * Which versions are champion, for within a sentence. The word holds in every mode of the registry: what is in stage
 * Production, what the alias names, or both.
 */
export const championIs = (versions: readonly string[]) =>
  versions.length === 0
    ? 'no version is the champion'
    : `${versionsText(versions)} ${versions.length === 1 ? 'is the champion' : 'are champions'}`;

/** No version was named, and none waits as challenger. For stages the words are fixed by source document 003. */
export const noChallenger = (mode: RegistryMode) =>
  mode === 'aliases' ? 'No version has the alias @challenger' : 'No Staging version found';

/** How a person ends what is contested. Adopting needs both sides to agree on one release. */
export const settle = (agreed: boolean) =>
  `To settle it, start a rollback with "target_version"${agreed ? ', or adopt what is there with "operation": "adopt"' : ''}`;

/** A Workload is changed only where the table protects it. */
export const needsTable = (workload: string) =>
  `Workload ${quoted(workload)} serves the model, which takes a promotion table (PROMOTION_TABLE); nothing was changed`;

import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import type { ServingUndo } from '../../domain/serving/payloads.ts';
import { versionText } from '../../domain/visible-text.ts';
import { servesPrevious } from '../rollout.ts';
import type { Line } from './wording.ts';

/** The lines of an alert about the Workload that serves the model. */

/** What is served; empty without a Workload. */
export function servedLines(outcome: Outcome): Line[] {
  const { cause, rollback, serving } = outcome;
  const undo = rollback?.serving ?? null;
  if (undo !== null) return [{ label: 'Workload', value: servedText(undo, outcome) }];
  if (serving === null) return [];
  const { workload_id: id, artifact_id: artifact, endpoint, status } = serving;
  if (status !== 'completed') {
    const seen = cause?.code === 'rollout-failed' ? '' : `; last known: ${serving.reason}`;
    return [{ label: 'Workload', value: `${id}: check which artifact it serves${seen}` }];
  }
  const served = { label: 'Workload', value: `${id} serves artifact "${artifact}"` };
  return endpoint === null ? [served] : [served, { label: 'Endpoint', value: endpoint }];
}

function servedText(undo: ServingUndo, { rollback }: Outcome): string {
  const { workload_id: id, undone, contested, finding, reason } = undo;
  if (undone === null) return `${id}: the served artifact is unknown; last known: ${reason}`;
  if (isLocked(undo)) {
    return `${id} still serves the artifact that was promoted${rollback?.from_version ? ` with ${versionText(rollback.from_version)}` : ''}; it is locked in place`;
  }
  if (undone && finding?.code === 'serves-previous') return `${id} ${servesPrevious(finding)}`;
  return undone || contested
    ? `${id}: ${reason}`
    : `${id}: check which artifact it serves; last response: ${reason}`;
}

/** True when the promotion in place stands: it cannot be undone. */
export const isLocked = ({ finding }: ServingUndo) => finding?.code === 'locked-in-place';

/** True when the rollback failed on the Workload and no automatic step is left. */
export const isStuck = ({ rollback }: Outcome): boolean => rollback?.serving?.undone === false;

/** What a rollback did on the Workload; empty without a Workload. */
export function undoLines({ rollback }: Outcome): string[] {
  const undo = rollback?.serving ?? null;
  if (undo === null) return [];
  if (undo.undone === null) return ['The rollback on the Workload did not finish.'];
  if (undo.undone) return [DONE[undo.action]];
  const mismatch = rollback?.rolled_back
    ? ['The registry was rolled back but the Workload was not: they differ now.']
    : [];
  if (undo.contested)
    return ['Another actor changed what the Workload serves; that change was kept.', ...mismatch];
  if (isLocked(undo))
    return ['The artifact was promoted in place on the Workload, which cannot be undone.', ...mismatch];
  return ['The previous artifact could not be restored on the Workload.', ...mismatch];
}

/** What a completed rollback did on the Workload; empty where nothing had to be done. */
export function doneLines({ rollback }: Outcome): string[] {
  const undo = rollback?.serving ?? null;
  if (undo?.undone !== true || undo.action === 'none' || undo.action === 'left') return [];
  return [
    undo.action === 'cancelled'
      ? DONE.cancelled
      : `A replacement put the artifact of ${versionText(rollback?.to_version ?? null)} in service.`,
  ];
}

const DONE: Readonly<Record<ServingUndo['action'], string>> = {
  none: 'There was nothing to undo on the Workload.',
  left: 'There was nothing to undo on the Workload.',
  cancelled: 'The rollout on the Workload was cancelled before it switched.',
  replaced: 'The previous artifact was restored on the Workload by a replacement.',
};

/** Manual steps on the Workload; empty if none are needed. */
export function manualUndoSteps({ rollback, rollback_error: error }: Outcome): string[] {
  const undo = rollback?.serving ?? null;
  if (undo === null || undo.undone === true) return [];
  if (undo.undone === null && error === null) return [];
  const harm =
    'The Workload was not stopped. If the served version does harm, stop the Workload or redirect its callers.';
  // Without a finding it may be locked: these steps are right in either case.
  if (isLocked(undo) || (undo.undone === false && undo.finding === null && !undo.contested)) {
    return [
      'Find the artifact of the version to be served, and lock it if it is a draft: a draft cannot replace a locked artifact.',
      'Then start a replacement of the Workload with that artifact in DataRobot.',
      harm,
    ];
  }
  if (undo.contested) {
    return [
      'Check in DataRobot which artifact the Workload serves and who started that replacement; agree on the artifact to be served.',
    ];
  }
  return [
    'Open the Workload in DataRobot and check which artifact it serves and whether a replacement is in progress.',
    'If none is in progress, start a replacement with the artifact of the version to be served.',
    harm,
  ];
}

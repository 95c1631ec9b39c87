import type { Outcome } from '../domain/outcome/outcome-schema.ts';
import type { ServingUndo } from '../domain/rollout/serving-rollback.ts';
import { versionText } from '../domain/visible-text.ts';
import { servesPrevious } from './rollout.ts';
import type { Line } from './wording.ts';

/** What an outcome says about the Workload that serves the model. */

/** Lines on what is served; none where no Workload is concerned. */
export function servedLines(outcome: Outcome): Line[] {
  const { cause, rollback, serving } = outcome;
  const undo = rollback?.serving ?? null;
  if (undo !== null) return [{ label: 'Workload', value: servedText(undo, outcome) }];
  if (serving === null) return [];
  const { workload_id: id, artifact_id: artifact, endpoint, status } = serving;
  if (status !== 'completed') {
    const seen = cause?.code === 'rollout-failed' ? '' : `; last seen: ${serving.reason}`;
    return [{ label: 'Workload', value: `${id}: look up what it serves${seen}` }];
  }
  const served = { label: 'Workload', value: `${id} serves artifact "${artifact}"` };
  return endpoint === null ? [served] : [served, { label: 'Endpoint', value: endpoint }];
}

function servedText(undo: ServingUndo, { rollback }: Outcome): string {
  const { workload_id: id, undone, contested, finding, reason } = undo;
  if (undone === null) return `${id}: what it serves is not known; last seen: ${reason}`;
  if (isLocked(undo)) {
    return `${id} still serves the artifact that was promoted${rollback?.from_version ? ` with ${versionText(rollback.from_version)}` : ''}; it is locked in place`;
  }
  if (undone && finding?.code === 'serves-previous') return `${id} ${servesPrevious(finding)}`;
  return undone || contested ? `${id}: ${reason}` : `${id}: look up what it serves; last answer: ${reason}`;
}

/** True when the promotion in place stands: it cannot be undone. */
export const isLocked = ({ finding }: ServingUndo) => finding?.code === 'locked-in-place';

/** True when the Workload is not as it was and no automatic step is left. */
export const isStuck = ({ rollback }: Outcome): boolean => rollback?.serving?.undone === false;

/** What a rollback did on the Workload; empty where no Workload is concerned. */
export function undoLines({ rollback }: Outcome): string[] {
  const undo = rollback?.serving ?? null;
  if (undo === null) return [];
  if (undo.undone === null) return ['On the Workload the way back was not brought to its end.'];
  if (undo.undone) return [DONE[undo.action]];
  const disagree = rollback?.rolled_back
    ? ['The registry went back and the Workload did not: they disagree now.']
    : [];
  if (undo.contested)
    return ['On the Workload somebody else has changed what is served; that was left alone.', ...disagree];
  if (isLocked(undo))
    return ['On the Workload the artifact was promoted in place, which cannot be undone.', ...disagree];
  return ['On the Workload the previous artifact could not be put back.', ...disagree];
}

const DONE: Readonly<Record<ServingUndo['action'], string>> = {
  none: 'On the Workload there was nothing to undo.',
  left: 'On the Workload there was nothing to undo.',
  cancelled: 'On the Workload the rollout was cancelled before it switched.',
  replaced: 'On the Workload the previous artifact was put back by a replacement.',
};

/** What somebody has to do about the Workload by hand; empty where nothing is left to do. */
export function manualUndoSteps({ rollback, rollback_error: error }: Outcome): string[] {
  const undo = rollback?.serving ?? null;
  if (undo === null || undo.undone === true) return [];
  if (undo.undone === null && error === null) return [];
  const harm =
    'The Workload was not stopped. If what it serves does harm, stop it, or lead its callers elsewhere.';
  if (isLocked(undo)) {
    return [
      'Find the artifact of the version that is to serve, and lock it if it is a draft: a Workload that serves a locked artifact takes no draft.',
      'When it is locked, roll it out by a new replacement of the Workload in DataRobot.',
      harm,
    ];
  }
  if (undo.contested) {
    return [
      'See in DataRobot which artifact the Workload serves and who started that replacement; agree on what is to be served.',
    ];
  }
  return [
    'Open the Workload in DataRobot and see which artifact it serves and whether a replacement is in progress.',
    'When none is in progress, put the artifact of the version that is to serve back by a new replacement.',
    harm,
  ];
}

import { LAST_WRITE_SECONDS } from '../../domain/limits.ts';
import { isLockedOut } from '../../domain/outcome/outcome.ts';
import type { Ending, Outcome } from '../../domain/outcome/outcome-schema.ts';
import { versionText } from '../../domain/visible-text.ts';
import { isOwnChange, type OpenChange, situationOf } from './current-state.ts';

/** What to do, for each situation at the end of an execution. Every step works when it is followed to the letter. */

/** A further field of an execution input; with the version where its number is valid. */
export const inputField = (name: string, version: string | null, joint = 'and') =>
  ` ${joint} "${name}"${version !== null && /^\d{1,10}$/.test(version) ? `: "${version}"` : ''}`;

const EMERGENCY = '"emergency": true passes the cool-down';

/** The input of a rollback to a version. */
export const rollbackTo = (version: string | null) =>
  `start an execution with "operation": "rollback"${inputField('target_version', version)}`;

export const FIX_AND_START_AGAIN: readonly string[] = [
  'Fix the cause named in this message.',
  'Then start a new execution. It reads the current state and does not repeat completed steps.',
];
const START_AGAIN = 'Start a new execution if the change is still needed.';
const SWEEP_COMPARES =
  'Nothing else needs to be done now: an open change goes on by itself, and a sweep compares both sides with the live release every hour.';

/** The steps after an execution that did not complete its change; null where nothing was read. */
export function stepsFor(outcome: Outcome): readonly string[] | null {
  const situation = situationOf(outcome);
  const { ending } = outcome;
  switch (situation) {
    case null:
      return null;
    case 'open':
      return openSteps(outcome);
    case 'foreign':
    case 'moved':
      return ending === null ? null : outOfStepSteps(ending);
    case 'unrecorded':
      return ending === null ? null : unrecordedSteps(outcome, ending);
    case 'in-step':
      return againSteps(outcome);
    case 'unread':
      return [SWEEP_COMPARES, ...againSteps(outcome)];
  }
}

function againSteps(outcome: Outcome): readonly string[] {
  const { status, cause } = outcome;
  if (isLockedOut(outcome)) return lockSteps(outcome);
  if (cause?.code === 'stopped') return [START_AGAIN, busyUntil(outcome)];
  if (status !== 'failed') return [START_AGAIN];
  return FIX_AND_START_AGAIN;
}

/** A clean-up lets the lease end when no function of the stopped execution can write any more. */
function busyUntil({ recorded_at }: Outcome): string {
  const until = minuteOf(Date.parse(recorded_at) + LAST_WRITE_SECONDS * 1000 + 60_000);
  return `Executions that are started before ${until ?? 'the lease of the model has ended'} can end busy.`;
}

/** To the minute, in UTC; null for an invalid time. */
function minuteOf(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function openSteps(outcome: Outcome): string[] {
  const change = outcome.ending?.change ?? null;
  const locked = isLockedOut(outcome);
  const own = change === null || isOwnChange(change, outcome);
  return [
    ...(locked ? lockSteps(outcome) : []),
    waitFor(change, outcome),
    ...(own && !locked ? ['If the next attempts fail as well, fix the cause that their alerts name.'] : []),
    otherWay(change),
    ...(own ? [] : [START_AGAIN]),
  ];
}

/** When the sweep goes on with the open change, and where to: an attempt turns a promotion back that is not complete. */
function waitFor(change: OpenChange | null, { recorded_at: now }: Outcome): string {
  const due = change?.next_at ?? null;
  const later = due !== null && Date.parse(due) > Date.parse(now) ? minuteOf(Date.parse(due)) : null;
  const next =
    later === null
      ? 'the sweep starts an attempt within a few minutes'
      : `the sweep starts an attempt at about ${later}`;
  return `Wait: the open change goes on by itself${change === null ? '' : aimText(change)}; ${next}.`;
}

function aimText({ kind, turned, to, aim, safe }: OpenChange): string {
  if (kind === 'rollback' || turned) return `, to ${versionText(aim)}`;
  if (safe === null) return `, to ${versionText(to)} if that is the champion already`;
  return `, back to ${versionText(safe)} unless both sides show ${versionText(to)} already`;
}

/** How to overrule the open change: another operation takes it over. */
const otherWay = (change: OpenChange | null): string =>
  change?.kind === 'promote'
    ? `To promote ${versionText(change.to)} after all, start a promotion${inputField('challenger_version', change.to, 'with')}.`
    : `To have another version live instead, ${rollbackTo(null)} (${EMERGENCY}).`;

/** The platform replaces a locked artifact by a locked one only, so that the draft has to be locked by hand. */
function lockSteps({ rollback, operation }: Outcome): string[] {
  const to = versionText(rollback?.to_version ?? null);
  return [
    `Lock the artifact of ${to} in DataRobot: a draft cannot replace the locked artifact in service.`,
    ...(rollback?.status === 'open' || operation !== 'rollback'
      ? []
      : ['Then start the rollback again with the same input.']),
    'The Workload was not stopped. If the served version does harm, stop the Workload or redirect its callers.',
  ];
}

const ADOPT = '"operation": "adopt" (or run: promotion adopt MODEL)';

/** The registered model does not exist: nothing can be moved, nor taken as live. */
const MODEL_GONE: readonly string[] = [
  'If the registered model was deleted or renamed on purpose, nothing else is to be done: what is recorded for it is left alone.',
  'Otherwise restore it, or check that the functions use the right MLflow server and can see the model. A sweep then goes on, or tells that both sides are in step again.',
];

/** The recorded Workload does not exist: a person says which one serves the model now. */
const workloadGone = (back: string | null): readonly string[] => [
  'If the Workload was not deleted, give the owner of the token access to it again: nothing else is to be done then.',
  'Otherwise set the tag "workload.id" of the registered model to the Workload that serves it now, or to an empty text if none does.',
  `Then start an execution with ${ADOPT}. The champion and the artifact in service must be the right ones.`,
  `If they are not: ${rollbackTo(back)} and "workload_id".`,
];

/** Somebody has changed the model: a person decides which release is to be live. */
function outOfStepSteps(ending: Ending): readonly string[] {
  const { change, live, agreed } = ending;
  const both = sidesShow(ending);
  const back = change === null ? (live?.version ?? null) : change.safe;
  const next = change?.kind === 'promote' ? change.to : null;
  if (ending.champions === null) return MODEL_GONE;
  if (ending.workload?.missing) return workloadGone(back);
  const goesOn = change === null ? '' : ', and the open change is then closed';
  return [
    `Find out who changed the model, and decide which version is to be live${change === null ? '.' : ': until then the open change waits.'}`,
    ...(agreed === null
      ? []
      : [
          `To keep ${versionText(agreed.version)}, as ${both} it: ${pointerStep(ending)}start an execution with ${ADOPT}${goesOn}.`,
        ]),
    ...(back === null
      ? [`To have another version live: ${rollbackTo(null)}.`]
      : [`To go back to ${versionText(back)}: ${rollbackTo(back)} (${EMERGENCY}).`]),
    ...(agreed === null || next === null || agreed.version === next
      ? []
      : [
          `To promote ${versionText(next)} from there: start a promotion with "adopt": true${inputField('challenger_version', next)}.`,
        ]),
    change === null
      ? 'Or undo the other change by hand: then nothing else is to be done.'
      : 'Or undo the other change by hand: the open change then goes on by itself.',
  ];
}

/** Mode `both`: what adopting waits for, where one of the pointers is not set. */
function pointerStep({ pointers, agreed }: Ending): string {
  if (pointers === null || agreed === null) return '';
  const version = versionText(agreed.version);
  if (pointers.alias === null) return `set the alias "champion" to ${version} in MLflow, then `;
  return pointers.stage.length === 0 ? `move ${version} to stage Production in MLflow, then ` : '';
}

const sidesShow = ({ workload }: Ending) => (workload === null ? 'the registry shows' : 'both sides show');

/** No release is recorded: the first change needs both sides to agree on one. */
function unrecordedSteps(outcome: Outcome, ending: Ending): readonly string[] {
  const { agreed, workload } = ending;
  const refused = outcome.operation === 'rollback' && agreed === null;
  if (outcome.status !== 'contested' && !refused) return againSteps(outcome);
  if (agreed !== null)
    return [
      START_AGAIN,
      `If it is contested again: ${pointerStep(ending)}take ${versionText(agreed.version)}, as ${sidesShow(ending)} it, as live with ${ADOPT}.`,
    ];
  return [
    `Decide which version is to be live, and ${rollbackTo(null)}: it brings ${workload === null ? 'the registry to that version' : 'both sides to that version, and to the artifact in its tag "workload.artifact_id"'}.`,
    START_AGAIN,
  ];
}

import type { Ending, Outcome } from '../../domain/outcome/outcome-schema.ts';
import { quoted, versionText, visible } from '../../domain/visible-text.ts';
import type { Line } from './wording.ts';

/** The lines of an alert about what both sides showed after the last write, compared with what is recorded. */

/** How the sides stand to what is recorded; it decides what there is to do. */
export type Situation =
  /** No change is open, and both sides show the live release. */
  | 'in-step'
  /** A change is open, and the sweep goes on with it. */
  | 'open'
  /** A change is open, and the sides show something that it did not put there: it waits. */
  | 'foreign'
  /** No change is open, and the sides show something else than the live release. */
  | 'moved'
  /** No release is recorded as live, and no change is open. */
  | 'unrecorded'
  /** Something could not be read. */
  | 'unread';

/** Null for an outcome without a reading: of the first version, of a direct call, or where nothing was to be changed. */
export function situationOf({ ending, rollback }: Outcome): Situation | null {
  if (ending === null) return rollback?.status === 'open' ? 'open' : null;
  const { change, live, in_step, known, unread } = ending;
  if (unread.includes('table')) return 'unread';
  if (change !== null) return known === false ? 'foreign' : 'open';
  if (live === null) return 'unrecorded';
  if (in_step === null) return 'unread';
  return in_step ? 'in-step' : 'moved';
}

export type OpenChange = NonNullable<Ending['change']>;

/** True for the change of this execution, and for the one that an attempt of the sweep goes on with. */
export const isOwnChange = ({ id }: OpenChange, { execution, operation }: Outcome): boolean =>
  id === execution || operation === 'resume';

/** True where the sides show what no operation put there: only a person can say which release is to be live. */
export const isOutOfStep = (situation: Situation | null): boolean =>
  situation === 'moved' || situation === 'foreign';

/** What both sides showed, what is recorded, and what could not be read. */
export function endingLines(outcome: Outcome, ending: Ending): Line[] {
  return [
    ...championLines(outcome, ending),
    ...pointerLines(ending),
    ...workloadLines(outcome, ending),
    ...recordedLines(outcome, ending),
    ...unreadLines(ending),
  ];
}

/** Version numbers in one sentence; more are counted. */
const MAX_VERSIONS = 5;

/** `version 2`, or `version 3 and version 2`; bounded, whatever the registry holds. */
function versionsText(versions: readonly string[]): string {
  const shown = versions.slice(0, MAX_VERSIONS).map(versionText);
  const left = versions.length - shown.length;
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(' and ') || 'no version';
}

/** MLflow has no compare-and-set: a move can archive what somebody has just put there. */
export const overwrittenLines = ({ overwritten }: Outcome): string[] =>
  overwritten.length === 0
    ? []
    : [`It archived ${versionsText(overwritten)}, which another actor had just made the champion.`];

/** What there is to do about it. */
export const overwrittenSteps = ({ overwritten }: Outcome): string[] =>
  overwritten.length === 0
    ? []
    : [`Agree with whoever moved ${versionsText(overwritten)} which version is to be live.`];

function championLines({ champion_before: before, cause }: Outcome, { champions, unread }: Ending): Line[] {
  // A sweep compares with the live release, which has a line of its own.
  const earlier =
    cause?.code === 'out-of-step' || cause?.code === 'in-step-again'
      ? []
      : [`Champion before: ${before === null ? 'none or unknown' : versionText(before)}.`];
  if (champions === null)
    return unread.includes('registry')
      ? ['Champion now: unknown.', ...earlier]
      : ['Champion now: none, as the registered model does not exist.'];
  const [champion, ...others] = champions;
  if (champion === undefined)
    return before === null ? ['Champion: none.'] : ['Champion now: none.', ...earlier];
  if (others.length > 0)
    return [`Champion now: ${versionsText(champions)}.`, 'There must be exactly one champion.', ...earlier];
  if (champion === before) return [`Champion: ${versionText(champion)}, as before.`];
  return [`Champion now: ${versionText(champion)}.`, ...earlier];
}

/** Mode `both`: the stage and the alias, where they do not name the same single version. */
function pointerLines({ pointers }: Ending): Line[] {
  if (pointers === null) return [];
  const { stage, alias } = pointers;
  if (stage.length === (alias === null ? 0 : 1) && (stage[0] ?? null) === alias) return [];
  const named = alias === null ? 'is not set' : `names ${versionText(alias)}`;
  return [`Stage Production names ${versionsText(stage)}, and alias "champion" ${named}.`];
}

function workloadLines({ serving }: Outcome, { workload }: Ending): Line[] {
  if (workload === null) return [];
  const { workload_id: id, artifact_id: artifact, in_flight: flying, missing } = workload;
  if (missing)
    return [
      {
        label: 'Workload',
        value: `${visible(id, 120)} does not exist, or the owner of the token cannot see it`,
      },
    ];
  const serves = artifact === null ? 'serves no artifact' : `serves artifact ${quoted(artifact)}`;
  // With the artifact in service: a rollout that has switched, or somebody who changes settings.
  const inFlight =
    flying === null
      ? ''
      : flying === artifact
        ? '; its replacement has not ended yet'
        : `; a replacement with artifact ${quoted(flying)} is in progress`;
  const line = { label: 'Workload', value: `${visible(id, 120)} ${serves}${inFlight}` };
  const endpoint =
    serving?.workload_id === id && serving.artifact_id === artifact && serving.status === 'completed'
      ? serving.endpoint
      : null;
  return endpoint === null ? [line] : [line, { label: 'Endpoint', value: endpoint }];
}

/** The live release and the open change, and whether both sides are in step with them. */
function recordedLines(outcome: Outcome, ending: Ending): Line[] {
  const { live, change, workload } = ending;
  const liveLine = live === null ? [] : [{ label: 'Live release', value: liveText(live) }];
  switch (situationOf(outcome)) {
    case 'in-step':
      return [`In step: ${workload === null ? 'the registry shows' : 'both sides show'} the live release.`];
    case 'moved':
      return [...liveLine, 'Not in step: the sides do not show the live release.'];
    case 'open':
    case 'foreign':
      return change === null
        ? liveLine
        : [
            ...liveLine,
            { label: 'Open change', value: changeText(change, outcome) },
            ...(ending.known === false
              ? ['Not in step: the sides show something that the open change did not put there.']
              : []),
          ];
    case 'unrecorded':
      return ['Live release: none is recorded.'];
    case 'unread':
    case null:
      return liveLine;
  }
}

const liveText = ({ version, artifact_id: artifact }: NonNullable<Ending['live']>) =>
  `${versionText(version)}${artifact === null ? '' : ` with artifact ${quoted(artifact)}`}`;

/** The change with its direction, its attempts, and who opened it if that was another execution. */
function changeText(change: OpenChange, { execution }: Outcome): string {
  const { kind, to, aim, turned, attempts, id } = change;
  const what = kind === 'promote' ? `promotion of ${versionText(to)}` : `rollback to ${versionText(to)}`;
  return [
    what,
    ...(turned ? [`on its way back to ${versionText(aim)}`] : []),
    ...(attempts > 0 ? [`${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} so far`] : []),
    ...(id === execution ? [] : [`opened by ${visible(id, 300)}`]),
  ].join(', ');
}

const PARTS = { table: 'the promotion table', registry: 'the registry', workload: 'the Workload' } as const;

function unreadLines({ unread }: Ending): Line[] {
  if (unread.length === 0) return [];
  const names: string[] = [...new Set(unread)].map((part) => PARTS[part]);
  // The table and the registry name the Workload.
  const last = unread.includes('workload') ? [] : ['the Workload, if one serves the model'];
  return [`Not read: ${[...names, ...last].join(' and ')}.`];
}

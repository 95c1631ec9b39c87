import { isLockedOut } from '../../domain/outcome/outcome.ts';
import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { versionText } from '../../domain/visible-text.ts';
import { FIX_AND_START_AGAIN, stepsFor } from './advice.ts';
import {
  isOutOfStep,
  isOwnChange,
  type OpenChange,
  overwrittenLines,
  overwrittenSteps,
  situationOf,
} from './current-state.ts';
import { operationName, type Words } from './wording.ts';
import { isStuck, manualUndoSteps, undoLines } from './workload.ts';

/** The words for an execution that did not succeed. Loud where no attempt of the sweep can bring it to its end. */
export function failed(outcome: Outcome): Words {
  const steps = stepsFor(outcome);
  if (steps === null) return failedUnread(outcome);
  const locked = isLockedOut(outcome);
  const loud = locked || isOutOfStep(situationOf(outcome));
  const title = locked ? 'Workload Not Rolled Back' : titleOf(outcome);
  return {
    kind: 'failed',
    emoji: loud ? 'rotating_light' : 'x',
    title: loud ? `ACTION NEEDED: ${title}` : title,
    loud,
    happened: [
      whatFailed(outcome),
      ...overwrittenLines(outcome),
      ...(locked ? ['The artifact in service is locked, and the one to go back to is a draft.'] : []),
    ],
    todo: [...overwrittenSteps(outcome), ...steps],
  };
}

/** The open change that this execution was to complete. */
const ownChange = (outcome: Outcome): OpenChange | null => {
  const change = outcome.ending?.change ?? null;
  return change !== null && isOwnChange(change, outcome) ? change : null;
};

function titleOf(outcome: Outcome): string {
  const change = ownChange(outcome);
  if (change?.turned) return 'Promotion Failed';
  if (change !== null) return `${change.kind === 'promote' ? 'Promotion' : 'Rollback'} Not Complete`;
  return `${operationName(outcome)} ${outcome.rollback?.status === 'open' ? 'Not Complete' : 'Failed'}`;
}

function whatFailed(outcome: Outcome): string {
  const { operation, rollback } = outcome;
  const change = ownChange(outcome);
  if (change?.turned)
    return `The promotion of ${versionText(change.to)} failed, and the way back to ${versionText(change.aim)} is not complete.`;
  if (change !== null)
    return `The ${change.kind === 'promote' ? 'promotion of' : 'rollback to'} ${versionText(change.to)} is not complete.`;
  if (rollback?.status === 'open') return `The way to ${versionText(rollback.to_version)} is not complete.`;
  switch (operation) {
    case 'promote':
      return `The promotion of ${challengerOf(outcome)} failed.`;
    case 'rollback':
      return rollback?.finding?.code === 'refused'
        ? 'The requested rollback was refused, and nothing was changed.'
        : 'The requested rollback failed.';
    case 'resume':
      return 'An attempt of the sweep at an open change failed.';
    case 'adopt':
      return 'Nothing was adopted.';
  }
}

/** The words where nothing was read at the end: for outcomes of the first version, and for direct calls. */
function failedUnread(outcome: Outcome): Words {
  if (outcome.rollback_error !== null) return rollbackFailed(outcome);
  if (isStuck(outcome)) return workloadNotBack(outcome);
  return {
    kind: 'failed',
    emoji: 'x',
    title: `${operationName(outcome)} Failed`,
    happened: [whatFailed(outcome), ...undoLines(outcome)],
    todo: FIX_AND_START_AGAIN,
  };
}

const challengerOf = ({ challenger_version: challenger }: Outcome) =>
  challenger === null ? 'an unknown challenger' : versionText(challenger);

/** The rollback failed on the Workload, and no automatic step is left. */
function workloadNotBack(outcome: Outcome): Words {
  return {
    kind: 'failed',
    emoji: 'rotating_light',
    title: 'ACTION NEEDED: Workload Not Rolled Back',
    loud: true,
    happened: [
      outcome.operation === 'rollback'
        ? 'The requested rollback failed on the Workload.'
        : `The promotion of ${challengerOf(outcome)} failed and could not be undone on the Workload.`,
      ...undoLines(outcome),
    ],
    todo: manualUndoSteps(outcome),
  };
}

/** The rollback failed: the registry may be inconsistent, and no automatic step is left. */
function rollbackFailed(outcome: Outcome): Words {
  const { champion_before: before, champion_after: after } = outcome;
  const isRequested = outcome.operation === 'rollback';
  return {
    kind: 'failed',
    emoji: 'rotating_light',
    title: 'ACTION NEEDED: Rollback Failed',
    loud: true,
    happened: [
      isRequested
        ? 'The requested rollback failed.'
        : `The promotion of ${challengerOf(outcome)} failed, and its rollback failed too.`,
      'No automatic step is left: check the registry now.',
      ...undoLines(outcome),
    ],
    where: [
      `Champion before: ${before === null ? 'none or unknown' : versionText(before)}.`,
      after === null
        ? `Champion now: unknown.${possible(outcome)}`
        : `Champion now, as last read: ${versionText(after)}. It may have changed since.`,
    ],
    todo: [
      'Open the model in MLflow and check which versions are champion. There must be exactly one.',
      ...(isRequested ? manualRepeatSteps(before) : manualRollbackSteps(outcome)),
      ...manualUndoSteps(outcome),
    ],
  };
}

function possible({ operation, champion_before: before, challenger_version: bad }: Outcome): string {
  if (operation === 'rollback' || before === null || bad === null || before === bad) return '';
  return ` It can be ${versionText(before)}, ${versionText(bad)} or both.`;
}

const BY_HAND =
  'the only champion in MLflow: alone in stage Production, or named by the alias "champion", whichever the functions use';

function manualRollbackSteps({ champion_before: before, challenger_version: bad }: Outcome): string[] {
  const target = before === null ? ' and the "target_version" of your choice' : targetOf(before);
  return [
    `When MLflow is available again, start an execution with "operation": "rollback"${target}. Repeating it is safe.`,
    `If that fails too, make ${before === null ? 'the version to be served' : versionText(before)} ${BY_HAND}.`,
    ...(bad === null || bad === before ? [] : [markBad(bad)]),
  ];
}

const targetOf = (version: string) =>
  /^\d{1,10}$/.test(version) ? ` and "target_version": "${version}"` : '';

/** In a requested rollback, the champion before is the unwanted version, not the one to roll back to. */
function manualRepeatSteps(unwanted: string | null): string[] {
  return [
    'When MLflow is available again, start the rollback again with the same input. Repeating it is safe.',
    `If that fails too, make the version to be served ${BY_HAND}.`,
    ...(unwanted === null ? [] : [markBad(unwanted)]),
  ];
}

const markBad = (version: string) =>
  `If ${versionText(version)} is bad, set its tag "rolled_back" to the reason: automatic runs then do not promote it.`;

/** The words for an execution with invalid input. */
export function refused(outcome: Outcome): Words {
  return {
    kind: 'failed',
    emoji: 'x',
    title: `${operationName(outcome)} Not Started`,
    happened: ['The execution input is invalid.', 'Nothing was changed.'],
    where: ['Champion: not read.'],
    todo: ['Correct every listed problem and start a new execution.'],
  };
}

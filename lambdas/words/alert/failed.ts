import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { versionText } from '../../domain/visible-text.ts';
import type { Words } from './wording.ts';
import { isStuck, manualUndoSteps, undoLines } from './workload.ts';

/** The words for a failed execution; the registry is unchanged, or was rolled back. */
export function failed(outcome: Outcome): Words {
  if (outcome.rollback_error !== null) return rollbackFailed(outcome);
  if (isStuck(outcome)) return workloadNotBack(outcome);
  const isRequested = outcome.operation === 'rollback';
  return {
    kind: 'failed',
    emoji: 'x',
    title: isRequested ? 'Rollback Failed' : 'Promotion Failed',
    happened: [
      isRequested ? 'The requested rollback failed.' : `The promotion of ${challengerOf(outcome)} failed.`,
      ...undoLines(outcome),
    ],
    todo: [
      'Fix the cause named in this message.',
      'Then start a new execution. It reads the current state and does not repeat completed steps.',
    ],
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
      `In Production before: ${before === null ? 'none or unknown' : versionText(before)}.`,
      after === null
        ? `In Production now: unknown.${possible(outcome)}`
        : `In Production now, as last read: ${versionText(after)}. It may have changed since.`,
    ],
    todo: [
      'Open the model in MLflow and check which versions are in Production. There must be exactly one.',
      ...(isRequested ? manualRepeatSteps(before) : manualRollbackSteps(outcome)),
      ...manualUndoSteps(outcome),
    ],
  };
}

function possible({ operation, champion_before: before, challenger_version: bad }: Outcome): string {
  if (operation === 'rollback' || before === null || bad === null || before === bad) return '';
  return ` It can be ${versionText(before)}, ${versionText(bad)} or both.`;
}

const BY_HAND = 'to stage Production in MLflow and archive the others (with aliases: set "champion" to it)';

function manualRollbackSteps({ champion_before: before, challenger_version: bad }: Outcome): string[] {
  const target = before === null ? ' and the "target_version" of your choice' : targetOf(before);
  return [
    `When MLflow is available again, start an execution with "operation": "rollback"${target}. Repeating it is safe.`,
    `If that fails too, move ${before === null ? 'the version to be served' : versionText(before)} ${BY_HAND}.`,
    ...(bad === null || bad === before ? [] : [markBad(bad)]),
  ];
}

const targetOf = (version: string) =>
  /^\d{1,10}$/.test(version) ? ` and "target_version": "${version}"` : '';

/** In a requested rollback, the champion before is the unwanted version, not the one to roll back to. */
function manualRepeatSteps(unwanted: string | null): string[] {
  return [
    'When MLflow is available again, start the rollback again with the same input. Repeating it is safe.',
    `If that fails too, move the version to be served ${BY_HAND}.`,
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
    title: outcome.operation === 'rollback' ? 'Rollback Not Started' : 'Promotion Not Started',
    happened: ['The execution input is invalid.', 'Nothing was changed.'],
    where: ['In Production: not read.'],
    todo: ['Correct every listed problem and start a new execution.'],
  };
}

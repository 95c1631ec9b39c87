import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { versionText } from '../../domain/visible-text.ts';
import { stepsFor } from './advice.ts';
import { isOutOfStep, overwrittenLines, overwrittenSteps, situationOf } from './current-state.ts';
import { operationName, type Words } from './wording.ts';
import { doneLines, isStuck, manualUndoSteps, undoLines } from './workload.ts';

/** The words for a completed rollback, requested or after a failed promotion. */
export function rolledBack(outcome: Outcome): Words {
  return {
    kind: 'rolled_back',
    emoji: 'leftwards_arrow_with_hook',
    title: outcome.operation === 'promote' ? 'Promotion Rolled Back' : 'Model Rolled Back',
    happened: [
      howRolledBack(outcome),
      ...overwrittenLines(outcome),
      ...(outcome.ending === null ? undoLines : doneLines)(outcome),
    ],
    todo: [
      ...overwrittenSteps(outcome),
      `Find the cause in ${leftBy(outcome)} or in its promotion.`,
      markStep(outcome),
    ],
  };
}

const leftBy = ({ rollback, challenger_version: challenger }: Outcome) =>
  versionText(rollback?.from_version ?? challenger);

function howRolledBack(outcome: Outcome): string {
  const { operation, rollback, ending } = outcome;
  if (operation === 'rollback')
    return `The requested rollback is complete.${rollback?.already_rolled_back === true ? ' An earlier attempt completed it; this message reports it.' : ''}`;
  if (ending === null) return `The promotion of ${leftBy(outcome)} failed and was undone.`;
  const live = versionText(ending.live?.version ?? rollback?.to_version ?? null);
  return operation === 'resume'
    ? `An attempt of the sweep completed the open change: ${live} is live.`
    : `The promotion of ${leftBy(outcome)} failed, and ${live} is live.`;
}

/** Whether automatic runs promote the version again: its tag bars them. */
function markStep(outcome: Outcome): string {
  const version = leftBy(outcome);
  return outcome.operation === 'promote' && outcome.rollback?.finding?.code === 'unmoved'
    ? `The tag "rolled_back" was not set, so that an automatic run can try ${version} again.`
    : `Automatic runs do not promote ${version} while its tag "rolled_back" has a value.`;
}

/** The words when another actor changed the registry or the Workload. Loud where only a person can go on. */
export function contested(outcome: Outcome): Words {
  const steps = stepsFor(outcome);
  const title =
    outcome.cause?.code === 'out-of-step' ? 'Model Out of Step' : `${operationName(outcome)} Contested`;
  const loud = steps === null ? isStuck(outcome) : isOutOfStep(situationOf(outcome));
  return {
    kind: 'contested',
    emoji: loud ? 'rotating_light' : 'warning',
    title: loud ? `ACTION NEEDED: ${title}` : title,
    loud,
    happened: [
      howContested(outcome),
      ...overwrittenLines(outcome),
      ...(steps === null ? undoLines(outcome) : []),
    ],
    todo: [
      ...overwrittenSteps(outcome),
      ...(steps ?? [
        'Check in MLflow which versions are champion and who moved them. There must be exactly one.',
        ...manualUndoSteps(outcome),
        'Then start a new execution if the change is still needed.',
      ]),
    ],
  };
}

function howContested(outcome: Outcome): string {
  if (outcome.cause?.code === 'out-of-step') return 'A sweep compared both sides with what is recorded.';
  const situation = situationOf(outcome);
  if (situation === null || isOutOfStep(situation))
    return 'Another actor changed the registry or the Workload; those changes were kept.';
  return situation === 'unrecorded'
    ? 'The execution stopped and changed nothing.'
    : 'Something else changed while this execution ran, so it stopped.';
}

const NOTHING_CHANGED = 'This was a dry run: nothing was changed.';

/** The words for a dry run, which must not read like a change, whatever its status. */
export function dryRun(outcome: Outcome, words: Words): Words {
  if (words.kind === 'failed' || words.kind === 'busy') return words;
  const kind = words.kind === 'promoted' || words.kind === 'rolled_back' ? 'kept' : words.kind;
  const dryWords = { ...words, kind, emoji: 'test_tube', loud: false } as const;
  const { rollback, operation } = outcome;
  if (operation === 'promote' || rollback === null) {
    return { ...dryWords, ...dryPromotion(outcome), happened: [NOTHING_CHANGED] };
  }
  const found = rollback.finding?.code;
  if (found === undefined) {
    return {
      ...dryWords,
      title: 'Dry Run of a Rollback',
      happened: [NOTHING_CHANGED],
      todo: ['Read the reason before you start the execution without "dry_run".'],
    };
  }
  if (found !== 'would-move' && found !== 'would-settle') {
    return {
      ...dryWords,
      title: 'Dry Run: Rollback Not Possible',
      happened: [NOTHING_CHANGED, 'The rollback would not be possible.'],
      todo: ['Fix the cause named in this message, then start the dry run again.'],
    };
  }
  if (found === 'would-settle') {
    return {
      ...dryWords,
      title: 'Dry Run: Nothing to Roll Back',
      happened: [NOTHING_CHANGED, 'The rollback would change nothing.'],
      where: [`Champion: ${versionText(rollback.to_version)}.`],
      todo: ['No action needed.'],
    };
  }
  return {
    ...dryWords,
    title: 'Dry Run of a Rollback',
    happened: [NOTHING_CHANGED, 'The rollback would be possible.'],
    todo: ['To apply this change, start the execution without "dry_run".'],
  };
}

function dryPromotion({ comparison, operation }: Outcome): Pick<Words, 'title' | 'todo'> {
  const title = operation === 'rollback' ? 'Dry Run of a Rollback' : 'Dry Run of a Promotion';
  if (comparison === null || comparison.decision === 'PROMOTE') {
    return { title, todo: ['To apply this change, start the execution without "dry_run".'] };
  }
  return { title, todo: ['Without "dry_run" nothing would be promoted either.'] };
}

import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { versionText } from '../../domain/visible-text.ts';
import type { Words } from './wording.ts';
import { isStuck, manualUndoSteps, undoLines } from './workload.ts';

/** The words for a completed rollback, requested or after a failed promotion. */
export function rolledBack(outcome: Outcome): Words {
  const from = versionText(outcome.rollback?.from_version ?? outcome.challenger_version);
  const isRequested = outcome.operation === 'rollback';
  const isRepeated = outcome.rollback?.already_rolled_back === true;
  return {
    kind: 'rolled_back',
    emoji: 'leftwards_arrow_with_hook',
    title: isRequested ? 'Model Rolled Back' : 'Promotion Rolled Back',
    happened: [
      isRequested
        ? `The requested rollback is complete.${isRepeated ? ' An earlier attempt completed it; this message reports it.' : ''}`
        : `The promotion of ${from} failed and was undone.`,
      ...undoLines(outcome),
    ],
    todo: [
      `Find the cause in ${from} or in its promotion.`,
      `Automatic runs do not promote ${from} while its tag "rolled_back" has a value.`,
    ],
  };
}

/** The words when another actor changed the registry or the Workload during the execution. */
export function contested(outcome: Outcome): Words {
  const title = outcome.operation === 'rollback' ? 'Rollback Contested' : 'Promotion Contested';
  const stuck = isStuck(outcome);
  return {
    kind: 'contested',
    emoji: stuck ? 'rotating_light' : 'warning',
    title: stuck ? `ACTION NEEDED: ${title}` : title,
    loud: stuck,
    happened: [
      'Another actor changed the registry or the Workload while this execution ran; those changes were kept.',
      ...undoLines(outcome),
    ],
    todo: [
      'Check in MLflow which versions are in Production and who moved them. There must be exactly one.',
      ...manualUndoSteps(outcome),
      'Then start a new execution if the change is still needed.',
    ],
  };
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
      where: [`In Production: ${versionText(rollback.to_version)}.`],
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

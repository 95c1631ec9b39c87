import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { sentence, versionText } from '../../domain/visible-text.ts';
import { rollbackTo } from './advice.ts';
import type { Words } from './wording.ts';

/** The words for what the watch of a release has found. */

const UNCHANGED = 'Nothing was changed.';

const versions = ({ watch, champion_after: after }: Outcome) => ({
  ours: versionText(watch?.new ?? after),
  old: watch === undefined ? 'the one before it' : versionText(watch.old),
});

/** The release is not worse by the margin. */
export function confirmed(outcome: Outcome): Words {
  const { ours, old } = versions(outcome);
  return {
    kind: 'confirmed',
    emoji: 'white_check_mark',
    title: 'Release Confirmed',
    happened: [
      `${sentence(ours)} is not worse than ${old} by the margin of its policy.`,
      'It is watched on for later changes.',
    ],
    todo: ['No action needed.'],
  };
}

/** The release is worse, and the policy does not have it rolled back for that; or it has become worse later. */
export function degraded(outcome: Outcome): Words {
  const { ours, old } = versions(outcome);
  const late = outcome.cause?.code === 'watch' && outcome.cause.found === 'guard_alarm';
  return {
    kind: 'degraded',
    emoji: 'warning',
    title: late ? 'Champion Degraded' : 'Release Degraded',
    happened: [
      late
        ? `${sentence(ours)} has become worse since its watch ended.`
        : `${sentence(ours)} does worse than ${old} did.`,
      UNCHANGED,
    ],
    todo: [
      'Find out whether the version is the reason, or what it is asked: a rollback helps against the first only.',
      `To roll back, ${rollbackTo(outcome.watch?.old ?? null)}.`,
    ],
  };
}

/** The watch has ended without a verdict. */
export function unproven(outcome: Outcome): Words {
  const { ours, old } = versions(outcome);
  return {
    kind: 'unproven',
    emoji: 'grey_question',
    title: 'Release Kept, Unproven',
    happened: [
      `The watch of ${ours} has ended: it was shown neither to be worse than ${old} nor not to be.`,
      'It stays, and is watched on for later changes.',
    ],
    todo: ['Read the interval: it says how much worse the version may still be.'],
  };
}

/** The watch has ended, and nothing could be compared. */
export function unverified(outcome: Outcome): Words {
  const { ours } = versions(outcome);
  return {
    kind: 'unverified',
    emoji: 'grey_question',
    title: 'Release Not Verified',
    happened: [`The watch of ${ours} has ended, and nothing could be compared.`, UNCHANGED],
    todo: [
      'Check that the version gets requests, and that outcomes are written for it. Nobody has seen how it does.',
    ],
  };
}

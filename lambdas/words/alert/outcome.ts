import type { Outcome } from '../../domain/outcome/outcome-schema.ts';
import { sentence, versionText } from '../../domain/visible-text.ts';
import { inputField, rollbackTo } from './advice.ts';
import { endingLines, overwrittenLines, overwrittenSteps } from './current-state.ts';
import { failed, refused } from './failed.ts';
import { contested, dryRun, rolledBack } from './rolled-back.ts';
import { confirmed, degraded, unproven, unverified } from './watched.ts';
import type { Line, Wording, Words } from './wording.ts';
import { servedLines } from './workload.ts';

const UNCHANGED = 'Nothing was changed.';

/** The words for an outcome, by its status. */
export function wordingOf(outcome: Outcome): Wording {
  const plain = byStatus[outcome.status](outcome);
  const words = outcome.dry_run ? dryRun(outcome, plain) : plain;
  return { ...words, where: currentState(outcome, words) };
}

/** As read after the last write; without a reading, as the steps left it. */
function currentState(outcome: Outcome, { where }: Words): readonly Line[] {
  if (where === undefined && outcome.ending !== null) return endingLines(outcome, outcome.ending);
  return [...(where ?? championLines(outcome)), ...servedLines(outcome)];
}

const byStatus: Readonly<Record<Outcome['status'], (outcome: Outcome) => Words>> = {
  promoted,
  already_promoted: promoted,
  kept,
  declined,
  awaiting_approval: awaitingApproval,
  adopted,
  in_step: inStep,
  needs_investigation: needsInvestigation,
  failed,
  invalid_input: refused,
  rolled_back: rolledBack,
  contested,
  busy,
  confirmed,
  degraded,
  unproven,
  unverified,
};

/** The champion before and after; an unknown champion is never shown as none. */
function championLines({ champion_before: before, champion_after: after }: Outcome): string[] {
  if (after === null && before === null) return ['Champion: none or unknown.'];
  if (after === null) {
    return [`Champion before: ${versionText(before)}.`, 'Champion now: unknown; check MLflow.'];
  }
  if (after === before) return [`Champion: ${versionText(after)}, unchanged.`];
  const earlier = before === null ? 'none or unknown' : versionText(before);
  return [`Champion now: ${versionText(after)}.`, `Champion before: ${earlier}.`];
}

function promoted(outcome: Outcome): Words {
  const { champion_before: before, champion_after: after, challenger_version: challenger } = outcome;
  const version = versionText(after ?? challenger);
  const earlier = before !== null && before !== after ? before : null;
  return {
    kind: 'promoted',
    emoji: 'white_check_mark',
    title: 'Model Promoted',
    happened: [howPromoted(outcome, version, earlier), ...overwrittenLines(outcome)],
    todo: [
      ...afterPromotion(outcome),
      before === null
        ? 'No earlier champion is known for a rollback.'
        : `To roll back${earlier === null ? '' : ` to ${versionText(earlier)}`}, ${rollbackTo(earlier)}.`,
    ],
  };
}

function afterPromotion(outcome: Outcome): string[] {
  const { cause, champion_after: after, challenger_version: challenger } = outcome;
  const steps = [
    ...overwrittenSteps(outcome),
    ...(cause?.code === 'promoted' && cause.workload_unchanged
      ? [
          `To have the Workload serve it as well, start an execution with "artifact_id"${inputField('challenger_version', after ?? challenger)}.`,
        ]
      : []),
  ];
  return steps.length === 0
    ? ['Monitor the model. No other action needed.']
    : ['Monitor the model.', ...steps];
}

function howPromoted({ status, operation }: Outcome, version: string, earlier: string | null): string {
  if (status === 'already_promoted')
    return `${sentence(version)} was the champion already: an earlier attempt made it so, and this message reports it.`;
  if (operation === 'resume') return `An attempt of the sweep completed the promotion of ${version}.`;
  const replaced = earlier === null ? '' : ` and replaced ${versionText(earlier)}`;
  return `${sentence(version)} was promoted${replaced}.`;
}

function adopted({ ending }: Outcome): Words {
  const live = ending?.live ?? null;
  return {
    kind: 'adopted',
    emoji: 'white_check_mark',
    title: 'Release Adopted',
    happened: [
      live === null
        ? 'What both sides show was recorded as live.'
        : `${sentence(versionText(live.version))} was recorded as live, as both sides show it.`,
      'Nothing else was changed.',
    ],
    todo: ['No action needed.'],
  };
}

function inStep({ ending }: Outcome): Words {
  const live = ending?.live ?? null;
  return {
    kind: 'in_step',
    emoji: 'white_check_mark',
    title: 'Model In Step Again',
    happened: [
      `A sweep compared both sides with what is recorded: they show ${live === null ? 'the live release' : versionText(live.version)} again.`,
      'An earlier message said that they did not. Nothing was changed.',
    ],
    todo: ['No action needed. The earlier message is settled.'],
  };
}

function kept(outcome: Outcome): Words {
  const { cause, challenger_version: challenger, champion_before: champion } = outcome;
  if (cause?.code === 'gates') return keptByGates(outcome);
  const what = `the challenger, ${versionText(challenger)},`;
  const lost =
    champion === null ? 'did not meet the policy' : `did not beat the champion, ${versionText(champion)}`;
  return {
    kind: 'kept',
    emoji: 'heavy_minus_sign',
    title: 'Champion Kept',
    happened: [sentence(`${what} ${lost}.`), UNCHANGED],
    todo: ['No action needed.', 'Before the next training, read the reason and the rules that failed.'],
  };
}

function declined({ cause, challenger_version: challenger }: Outcome): Words {
  const what = `the challenger, ${versionText(challenger)},`;
  const isLate = cause?.code === 'not-approved' && cause.status === 'expired';
  return {
    kind: 'kept',
    emoji: 'heavy_minus_sign',
    title: 'Promotion Declined',
    happened: [
      sentence(isLate ? `${what} was not approved in time.` : `${what} was declined by an approver.`),
      UNCHANGED,
    ],
    todo: [
      isLate
        ? 'Start a new execution if the challenger is still to be promoted: it asks for approval again.'
        : 'No action needed. Read the reason before the next training.',
    ],
  };
}

function awaitingApproval({
  cause,
  challenger_version: challenger,
  champion_before: champion,
}: Outcome): Words {
  const reminds = cause?.code === 'approval' && cause.occasion === 'reminder';
  const instead = champion === null ? '' : ` in place of ${versionText(champion)}`;
  return {
    kind: 'awaiting_approval',
    emoji: 'raised_hand',
    title: reminds ? 'Approval Still Needed' : 'Approval Needed',
    happened: [
      sentence(`${versionText(challenger)} is to be promoted${instead}, and waits for approval.`),
      UNCHANGED,
    ],
    todo: [
      'Read the evidence, and decide with one of the commands above; the reason is recorded.',
      'Without enough approvals in time the promotion ends, and nothing is changed.',
    ],
  };
}

/** The evidence speaks for the challenger, and nobody has to train again. */
const keptByGates = ({ challenger_version: challenger }: Outcome): Words => ({
  kind: 'kept',
  emoji: 'heavy_minus_sign',
  title: 'Champion Kept',
  happened: [
    sentence(
      `the comparison spoke for the challenger, ${versionText(challenger)}, but not all gates passed.`,
    ),
    UNCHANGED,
  ],
  todo: ['When the reason is gone, start a new execution. Nothing is promoted until then.'],
});

function needsInvestigation(outcome: Outcome): Words {
  const { challenger_version: challenger, champion_before: champion } = outcome;
  if (outcome.cause?.code === 'no-new-version') return noNewVersionCame(outcome.cause.attempts);
  const pair = `${versionText(challenger)} with ${champion === null ? 'no champion' : versionText(champion)}`;
  return {
    kind: 'needs_investigation',
    emoji: 'mag',
    title: 'Needs Investigation',
    happened: [
      challenger === null
        ? 'There was no challenger to compare.'
        : `The comparison of ${pair} was inconclusive.`,
      UNCHANGED,
    ],
    todo: [
      'Read the reason and fix what it names: missing or different data, too few rows, an unfinished run, conflicting rules.',
      'Then start a new execution. Nothing is promoted until then.',
    ],
  };
}

const noNewVersionCame = (attempts: number): Words => ({
  kind: 'needs_investigation',
  emoji: 'mag',
  title: 'Retraining Brings No Version',
  happened: [
    `Retraining is needed, and ${attempts} attempts at it have registered no new version. Another attempt begins now.`,
    UNCHANGED,
  ],
  todo: [
    'Read the log of the training, and check that it registers a version of this model.',
    'Nothing else is to be done: attempts go on, with longer pauses, until a version is registered.',
  ],
});

function busy(): Words {
  return {
    kind: 'busy',
    emoji: 'hourglass',
    title: 'Model Busy',
    happened: ['Another execution holds the lease of this model.', UNCHANGED],
    todo: [
      'Start a new execution when the holder has ended, or pass "wait_for_lease_minutes" to wait for it.',
    ],
  };
}

import type { ApprovalSubject } from '../domain/approval/request.ts';
import type { ChangedPart } from '../domain/comparison/digests.ts';
import type { ChangeSinceComparison, PrepareRefusal } from '../domain/promotion/promotion-plan.ts';
import { champions } from '../domain/registry.ts';
import { ARTIFACT_TAG } from '../domain/release/found.ts';
import { type Look, shownBy, shows } from '../domain/release/look.ts';
import type { OpeningContest } from '../domain/release/opening.ts';
import type { ModelItem } from '../domain/release/release.ts';
import type { RolloutFinding } from '../domain/serving/rollout-finding.ts';
import { quoted, visible } from '../domain/visible-text.ts';
import { gateLine } from './gates.ts';
import { championIs, MAX_ID, needsTable, settle, versionsText } from './phrases.ts';
import { CONCURRENT_CHANGE } from './reasons.ts';
import { rolloutReason } from './rollout.ts';

/** The sentences in the `reason` of what `prepare-promotion` and `close-promotion` answer, for people only. */

/** Why `prepare-promotion` refuses a promotion. */
export function prepareRefused(refusal: PrepareRefusal): string {
  switch (refusal.code) {
    case 'version-missing':
      return `Version ${refusal.version} does not exist`;
    case 'not-ready':
      return `Version ${refusal.version} is ${refusal.status}, not READY`;
    case 'no-table':
      return needsTable(refusal.workload);
    case 'not-approved':
      return `This promotion has to be approved, and ${NOT_APPROVED[refusal.status ?? 'none']}. Start a new execution`;
  }
}

const NOT_APPROVED = {
  none: 'nobody was asked: name its artifact in "artifact_id" if the version is live already',
  investigate: 'nobody may approve what the evidence leaves open',
  waiting: 'not enough people have approved it',
  // What was enough when it was asked.
  approved: 'not enough people have approved it',
  rejected: 'an approver has rejected it',
  expired: 'nobody decided in time',
  void: 'its execution has ended',
} as const satisfies Record<string, string>;

/** Why a change is not opened: what both sides show, and what was recorded. */
export function openingContested(why: OpeningContest, look: Look, { live, change }: ModelItem): string {
  const shown = shownText(look);
  const agreed = shownBy(look, ARTIFACT_TAG);
  const settled = settle(agreed !== null && agreed.version !== null && shows(look, agreed));
  switch (why) {
    case 'unrecorded':
      return `No release is recorded as live, and it is not clear which one is: ${shown}. ${settled}`;
    case 'unfinished':
      return `No release is recorded as live, and an earlier promotion has no result: ${shown}. ${settled}`;
    case 'moved':
      return `Another actor changed the model: ${liveText(live)} is recorded as live, but ${shown}. ${settled}`;
    case 'foreign':
      return `Another actor changed the model while a change by ${visible(change?.id ?? 'another operation', MAX_ID)} is open: ${shown}. ${settled}`;
    case 'overtaken':
      return 'Another operation changed the model after this one was requested, so this one changed nothing';
    case 'in-flight':
      return `It is not known what is served with the live version: ${shown}. Wait until the replacement has ended, and start again`;
    case 'after-alarm':
      return 'The live version became the champion after the alarm, so the alarm cannot be about it; nothing was changed';
  }
}

const liveText = (live: ModelItem['live']) =>
  live === null || live.version === null
    ? 'no version'
    : `version ${live.version}${live.artifact_id === null ? '' : ` with artifact ${quoted(live.artifact_id)}`}`;

/** What both sides show, for within a sentence. */
function shownText({ registry, mode, serving }: Look): string {
  const named = champions(registry, mode);
  if (serving === null) return championIs(named);
  const flying =
    serving.in_flight === null
      ? ''
      : `, and a replacement with artifact ${quoted(serving.in_flight.artifact_id)} is in progress`;
  const tagged = registry.versions.find(({ version }) => version === named[0])?.tags[ARTIFACT_TAG] || null;
  const tag = tagged === null || named.length !== 1 ? '' : ` with artifact ${quoted(tagged)} in its tag`;
  return `${championIs(named)}${tag}; Workload ${quoted(serving.workload_id)} serves artifact ${quoted(serving.artifact_id ?? 'none')}${flying}`;
}

/** Why `prepare-promotion` does nothing for an execution that was started before an update of the stack. */
export const EARLIER_DEFINITION =
  'The execution was started by an earlier definition of the state machine; nothing was changed. Start it again';

/** Why `prepare-promotion` waits: a request of the last owner may not be visible on the Workload yet. */
export const settling = (seconds: number) =>
  `An earlier operation left a change open, and its last request can still take effect for ${seconds} s`;

/** Why `prepare-promotion` answers `contested`. */
export function changedSince(change: ChangeSinceComparison): string {
  switch (change.code) {
    case 'champion-changed':
      return `The champion changed after the comparison: now ${versionsText(change.champions)}, compared with ${change.compared_with ?? 'none'}`;
    case 'decision-changed':
      return `A second comparison decided ${change.decision}: ${change.recommendation}`;
    case 'evidence-changed':
      return `The evidence changed after the comparison: ${change.parts.map((part) => CHANGED_PART[part]).join(', ')}`;
    case 'approved-otherwise':
      return `What was approved is not what would be promoted now: ${change.parts.map((part) => SUBJECT_PART[part]).join(', ')} changed`;
    case 'gates-failed':
      return `The evidence is the same, but not all gates pass any more: ${change.gates.map(gateLine).join('; ')}`;
  }
}

const SUBJECT_PART = {
  model_name: 'the model',
  decision: 'the decision',
  champion_version: 'the champion',
  challenger_version: 'the challenger',
  policy: 'the policy',
  inputs_digest: 'the evidence',
  workload_id: 'the Workload',
  artifact_id: 'the artifact',
  image_uri: 'the image',
  importance: 'the importance',
  lock_artifact: 'the lock of the artifact',
  rollout: 'the settings of the rollout',
} as const satisfies Record<keyof ApprovalSubject, string>;

const CHANGED_PART = {
  policy: 'the policy',
  metrics: 'what the versions and their runs hold',
  rows: 'the files with rows',
  budget: 'what the risk is divided by (the ledger, or the number of candidates)',
} as const satisfies Record<ChangedPart, string>;

/** Why `prepare-promotion` answers `busy`; `until` is ISO 8601. */
export const modelBusy = (model: string, holder: string, until: string) =>
  `Another execution is changing ${quoted(model)}: ${holder} holds the lease until ${until} at the latest`;

/** What `close-promotion` found; `holder` has the open change, where it is another's. */
export function closingReason(
  result:
    | { kind: 'closed' }
    | { kind: 'contested'; why: string }
    | { kind: 'waiting' | 'failed'; finding: RolloutFinding },
  holder: string | null,
): string {
  switch (result.kind) {
    case 'closed':
      return 'What was promoted is live';
    case 'contested':
      if (result.why === 'superseded')
        return `The change was taken over by ${holder === null ? 'another operation' : visible(holder, MAX_ID)}`;
      return result.why === 'lost-race'
        ? CONCURRENT_CHANGE
        : 'The registry or the Workload shows something that this promotion did not put there';
    case 'failed':
    case 'waiting':
      return rolloutReason(result.finding);
  }
}

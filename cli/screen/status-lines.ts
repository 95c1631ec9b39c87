import { styleText } from 'node:util';
import { visible } from '../../lambdas/domain/visible-text.ts';
import type { ModelStatus, OpenChange, RecordedRelease } from '../commands/model-status.ts';
import { wrapLines } from './layout.ts';
import { bold, dim, printable } from './timeline-lines.ts';
import { WATCH_MARKS } from './watch-lines.ts';

/** What `promotion status` prints. */

const MARKS = {
  in_step: styleText('green', 'in step'),
  open: styleText('yellow', 'change open'),
  out_of_step: styleText('red', 'out of step'),
  unrecorded: styleText('yellow', 'nothing recorded'),
  unknown: styleText('red', 'unknown'),
} as const satisfies Record<ModelStatus['status'], string>;

/** What to do, and the command for it; nothing where nothing is. */
function adviceFor({ status, change, model }: ModelStatus): string[] {
  const adopt = `  npx promotion adopt ${visible(model, 256)}`;
  if (status === 'unrecorded')
    return ['', 'The first promotion records what is live. To record what both sides show now:', adopt];
  if (status !== 'out_of_step' && change?.known !== false) return [];
  const what =
    'A side shows something that no promotion or rollback put there. Put it back, roll back to a version by name, or take what is there as live:';
  return ['', ...wrapLines(what), adopt];
}

const id = (text: string | null) => visible(text ?? 'unknown', 200);
const version = (number: string | null) => (number === null ? 'no version' : `version ${id(number)}`);
const row = (title: string, text: string) => `${title.padEnd(10)}${text}`;

function releaseText({ version: number, workload_id, artifact_id }: RecordedRelease): string {
  if (artifact_id === null) return bold(version(number));
  return `${bold(version(number))}, artifact ${id(artifact_id)} on Workload ${id(workload_id)}`;
}

/** One model in full. */
export function statusLines(status: ModelStatus): string[] {
  const { live, change, lease, unread } = status;
  return [
    `${bold(visible(status.model, 256))}  ${MARKS[status.status]}`,
    row('Live', live === null ? 'nothing recorded' : `${releaseText(live)}, since ${live.at}`),
    ...(live === null ? [] : [row('', dim(originText(live)))]),
    row('Registry', registryText(status)),
    row('Workload', workloadText(status)),
    ...(change === null ? [row('Change', 'none open')] : changeLines(change)),
    row('Lease', lease === null ? 'nobody holds it' : leaseText(lease)),
    row('Rollback', rollbackText(status)),
    ...watchRows(status),
    ...retrainingRows(status),
    ...unread.map(({ part, error }) => styleText('red', row('Not read', `${part}: ${printable(error)}`))),
    ...adviceFor(status),
  ];
}

/** Prefix of the change of a release that an operation found in service, and did not put there. */
const SEEN = 'seen:';

function originText({ change, adopted_by }: RecordedRelease): string {
  if (adopted_by !== null) return `adopted by ${printable(adopted_by)}`;
  return change.startsWith(SEEN)
    ? `found in service by ${id(change.slice(SEEN.length))}`
    : `by ${id(change)}`;
}

const isUnread = ({ unread }: ModelStatus, part: ModelStatus['unread'][number]['part']) =>
  unread.some((each) => each.part === part);

function registryText(status: ModelStatus): string {
  const { registry } = status;
  if (registry === null)
    return isUnread(status, 'registry') ? 'could not be read' : 'the registered model does not exist';
  const staged = registry.production.length === 0 ? 'none' : registry.production.map(id).join(' and ');
  const aliases = Object.entries(registry.aliases).map(([alias, number]) => `@${alias} ${number}`);
  // A model that uses aliases alone has nothing in a stage.
  const stages = registry.production.length === 0 && aliases.length > 0 ? [] : [`in Production: ${staged}`];
  return printable([...stages, ...aliases].join(' · '));
}

function workloadText(status: ModelStatus): string {
  const { workload } = status;
  if (workload === null) {
    if (isUnread(status, 'workload')) return 'could not be read';
    return isUnread(status, 'table') || isUnread(status, 'registry') ? 'not read' : 'none serves the model';
  }
  const flying =
    workload.in_flight === null ? '' : `; artifact ${id(workload.in_flight)} is being rolled out`;
  return `${id(workload.workload_id)} serves artifact ${id(workload.artifact_id)} (${id(workload.artifact_status)})${flying}`;
}

function rollbackText({ live, change, rollback_to }: ModelStatus): string {
  if (rollback_to === null) return 'no release to go back to is recorded';
  return change === null && rollback_to === live?.version
    ? `${version(rollback_to)} is live after a rollback; to go further back, name a version`
    : `without a version goes to ${version(rollback_to)}`;
}

function changeLines(change: OpenChange): string[] {
  const { kind, to, aim, opened_at, turned_at, attempts, next_attempt_at, known, requested_by, reason } =
    change;
  const direction = turned_at === null ? '' : `, which failed at ${turned_at}`;
  const asked = [
    requested_by === null ? null : `requested by ${printable(requested_by)}`,
    reason === null ? null : printable(reason),
  ].filter((text) => text !== null);
  const next =
    known === false
      ? 'none while a side shows what this change did not put there'
      : `the next one not before ${next_attempt_at ?? 'the next sweep'}`;
  return [
    row('Change', styleText('yellow', `${kind} to ${version(to)}, opened at ${opened_at}${direction}`)),
    ...(asked.length === 0 ? [] : [row('', dim(asked.join('; ')))]),
    row('', `both sides are to show ${releaseText(aim)}`),
    row('', `attempts so far: ${attempts}; ${next}`),
    row('', dim(`id ${id(change.id)}`)),
  ];
}

function leaseText({ holder, expires_at, fence, expired }: NonNullable<ModelStatus['lease']>): string {
  const until = expired ? `expired at ${expires_at}` : `until ${expires_at}`;
  return `${id(holder)} ${until}, fence ${fence ?? 'none'}`;
}

function watchRows({ watch }: ModelStatus): string[] {
  if (watch === null || watch.status === 'closed') return [];
  const until = watch.status === 'watching' && watch.ends_at !== null ? `, until ${watch.ends_at}` : '';
  const due = watch.due_at === null ? '' : ` at ${printable(watch.due_at)}`;
  return [row('Watch', `${WATCH_MARKS[watch.status]}${due}${until}`)];
}

function retrainingRows({ retraining }: ModelStatus): string[] {
  if (retraining === null) return [];
  const { trigger, opened_at, attempt, next_at, execution } = retraining;
  const needed = `needed since ${printable(opened_at)} (${trigger})`;
  return [
    row('Retrain', styleText('yellow', needed)),
    row('', `attempt ${attempt}; the next one not before ${printable(next_at)}`),
    ...(execution === null ? [] : [row('', dim(`execution ${id(execution)}`))]),
  ];
}

/** Many models, one line each. */
export function statusTable(all: readonly ModelStatus[]): string[] {
  const widest = Math.max(0, ...all.map(({ model }) => Math.min(60, visible(model, 60).length)));
  return all.map((status) => {
    const name = visible(status.model, 60).padEnd(widest);
    const { live, change } = status;
    const facts = [
      live === null ? 'nothing live' : version(live.version),
      change === null
        ? null
        : `${change.kind} to ${version(change.to)} since ${change.opened_at}, ${change.attempts} attempts`,
      ...status.unread.map(({ part }) => `${part} not read`),
    ].filter((text) => text !== null);
    return `${name}  ${MARKS[status.status]}  ${facts.join('; ')}`;
  });
}

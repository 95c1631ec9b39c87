import { styleText } from 'node:util';
import type { Comparison, PromoteAnswer } from '../../lambdas/domain/payloads.ts';
import type { CloseAnswer } from '../../lambdas/domain/release/payloads.ts';
import type { ReplaceAnswer } from '../../lambdas/domain/serving/payloads.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import { changeLines } from '../../lambdas/words/changes.ts';
import { confidenceText } from '../../lambdas/words/confidence.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { gateLines } from '../../lambdas/words/gates.ts';
import { riskText } from '../../lambdas/words/risk.ts';
import type { RegistryState, WorkloadState } from '../../local/watch/both-systems.ts';
import type { EndpointAnswer, EndpointReport } from '../../local/watch/endpoint-client.ts';
import { columns, indented, shortIds } from './layout.ts';

/**
 * The lines of the timeline: each safe to print, whatever the systems returned. Values from outside are made printable one by
 * one, before anything is coloured.
 */

const MAX_TEXT_LENGTH = 400;
/** Indent of the lines below a state. */
const INDENT = 11;
export const dim = (text: string) => styleText('dim', text);
export const bold = (text: string) => styleText('bold', text);
export const good = (text: string) => styleText('green', text);
export const bad = (text: string) => styleText('red', text);
export const warning = (text: string) => styleText('yellow', text);
/** Text from outside, without control characters, at most 400 characters. */
export const printable = (text: string) => visible(text, MAX_TEXT_LENGTH);

/** A duration by the local clock: milliseconds below one second, then seconds. */
export const formatDuration = (ms: number) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

/** The current state of the Workload. */
export function workloadLine({
  name,
  model_version,
  artifact_id,
  artifact_status,
  ...workload
}: WorkloadState): string {
  const version = model_version === null ? '' : `${bold(`version ${printable(model_version)}`)}, `;
  const artifact = `artifact ${shortId(artifact_id ?? 'none')} (${printable(artifact_status ?? 'unknown')})`;
  const replacement =
    workload.replacement === null ? '' : ` · replacement ${printable(workload.replacement)}`;
  return `Workload ${printable(name)} ${printable(workload.status)} · ${version}${artifact} · importance ${printable(workload.importance ?? 'unknown')}${replacement}`;
}

const shortId = (id: string) => shortIds(printable(id));
const servedBy = (version: string | null, artifact: string) =>
  version === null ? `artifact ${shortId(artifact)}` : `v${printable(version)}`;

/** A change of the endpoint's answer. */
export function endpointAnswerLine({ version, artifactId, problem }: EndpointAnswer): string {
  if (problem !== null) return bad(`endpoint failed: ${printable(problem)}`);
  return `endpoint answers ${bold(servedBy(version, artifactId ?? ''))}`;
}

/** Summary of the requests to the endpoint. */
export function endpointLine({ requests, failed, answered_by }: EndpointReport): string {
  const by = answered_by.map(
    ({ version, artifact_id, count }) => `${servedBy(version, artifact_id)} (${count})`,
  );
  const failures = failed === 0 ? 'none failed' : bad(`${failed} failed`);
  return `${requests} requests, ${failures}: answered by ${by.join(', then ') || 'no version'}`;
}

/** Stages and aliases of the model's versions. */
export function registryLine(state: RegistryState | null): string {
  if (state === null) return 'the registry could not be read, or the model does not exist';
  const stages = Object.entries(state.stages)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([version, stage]) => {
      const text = printable(`${version} ${stage}`);
      return stage === 'Production' ? bold(text) : text;
    });
  const aliases = Object.entries(state.aliases).map(([alias, version]) => {
    const text = printable(`@${alias} ${version}`);
    return alias === 'champion' ? bold(text) : text;
  });
  return [...stages, ...aliases].join(' · ') || 'no versions';
}

/** A short text for the result of a state; empty for states without one. */
export function resultOf(state: string, output: unknown): string {
  const { valid, problems, comparison, approval, prepared, serving, promotion, closing, rollback, ending } =
    readStateDocument(output);
  if (state === 'BeginPromotion')
    return valid === false ? `invalid input: ${printable((problems ?? []).join('; '))}` : '';
  if (state === 'CompareModels' && comparison !== null)
    return `${decisionText(comparison.decision)}  ${printable(comparison.recommendation)}`;
  if (state === 'RequestApproval' && approval !== null && approval.status !== 'not_needed')
    return `${(approval.status === 'approved' ? good : warning)(approval.status)}  ${printable(approval.reason)}`;
  if (state === 'PreparePromotion' && prepared !== null) {
    const { status, fence, change_id, reason } = prepared;
    if (status !== 'ready') return `${warning(status)}  ${printable(reason ?? '')}`;
    return `lease taken, fence ${fence}${change_id === null ? '' : '; change open'}`;
  }
  if (state === 'ReplaceWorkload' && serving !== null) return rolloutLine(serving);
  if (state === 'PromoteModel' && promotion !== null) return promotionLine(promotion);
  if (state === 'ClosePromotion' && closing !== null) return closingLine(closing);
  if (state === 'ModelRollback' && rollback !== null) return shortIds(printable(rollback.detail));
  if (state.startsWith('Notify') && ending) return `${ending.status}, alert ${ending.alert}`;
  return '';
}

const decisionText = (decision: Comparison['decision']) =>
  decision === 'PROMOTE' ? good(decision) : warning(decision);

/** How a rollout or a close ended; empty while it goes on. */
const endText = (status: string) =>
  status === 'in_progress' ? '' : status === 'completed' ? good(status) : bad(status);

function rolloutLine({ status, phase, candidate, waiting, reason }: ReplaceAnswer): string {
  const states = [phase, candidate === null ? null : `candidate ${candidate.status}`]
    .filter(Boolean)
    .join(', ');
  // The phase says the same.
  const more = states !== '' && waiting?.code === 'replacing' ? '' : printable(reason);
  const text = [states, shortIds(more)].filter(Boolean).join(': ');
  return [endText(status), text].filter(Boolean).join('  ');
}

function promotionLine(promotion: PromoteAnswer): string {
  if (!promotion.promoted) return `not promoted: ${printable(promotion.reason)}`;
  const { new_version: version, archived_version: archived, already_promoted: already } = promotion;
  if (already === true) return `version ${version} is the champion already`;
  return `version ${version} is the champion${archived === null ? '' : `, version ${archived} no longer`}`;
}

const closingLine = ({ status, reason }: CloseAnswer): string =>
  [endText(status), shortIds(printable(reason))].filter(Boolean).join('  ');

/** The lines below a comparison: its confidence and the table of evidence; none for other states. */
export function comparisonDetails(state: string, output: unknown): string[] {
  const { comparison } = readStateDocument(output);
  if (state !== 'CompareModels' || comparison === null) return [];
  const basis = `${' '.repeat(INDENT)}${dim(`confidence: ${printable(confidenceText(comparison))}`)}`;
  const risk = riskText(comparison);
  const told = risk === null ? [basis] : [basis, `${' '.repeat(INDENT)}${dim(`risk: ${printable(risk)}`)}`];
  if (comparison.rules.length === 0) return told;
  const table = evidenceTable(comparison, { width: columns() - 2 });
  const { changes } = comparison;
  const more = [...gateLines(comparison), ...(changes === undefined ? [] : changeLines(changes))];
  return [...told, ...indented([...table.split('\n'), ...more.map((line) => dim(printable(line)))], INDENT)];
}

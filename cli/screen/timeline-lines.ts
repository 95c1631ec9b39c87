import { styleText } from 'node:util';
import { z } from 'zod';
import { Comparison } from '../../lambdas/domain/payloads.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import { confidenceText } from '../../lambdas/words/confidence.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import type { RegistryState, WorkloadState } from '../../local/watch/both-systems.ts';
import type { EndpointAnswer, EndpointReport } from '../../local/watch/endpoint-client.ts';
import { indented, shortIds } from './layout.ts';

/** What the timeline says in each case: one line, safe to print whatever the systems answered. */

const LONGEST_TEXT = 400;
/** Below the line of a state, right of the clock. */
const INDENT = 11;
export const dim = (text: string) => styleText('dim', text);
export const bold = (text: string) => styleText('bold', text);
export const shown = (text: string) => visible(text, LONGEST_TEXT);

/** Seconds by the local clock, which waits set forward, from a second on. */
export const lasted = (ms: number) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

export function workloadLine({
  name,
  model_version,
  artifact_id,
  artifact_status,
  ...workload
}: WorkloadState): string {
  const version = model_version === null ? '' : `${bold(`version ${model_version}`)}, `;
  const serves = `${version}artifact ${shortIds(artifact_id ?? 'none')} (${artifact_status ?? 'unknown'})`;
  const replacement = workload.replacement === null ? '' : ` · replacement ${workload.replacement}`;
  return shown(
    `Workload ${name} ${workload.status} · ${serves} · importance ${workload.importance}${replacement}`,
  );
}

const answers = (version: string | null, artifact: string) =>
  version === null ? `artifact ${shortIds(artifact)}` : `v${version}`;

export function answeredLine({ version, artifactId, problem }: EndpointAnswer): string {
  if (problem !== null) return styleText('red', `endpoint gave no answer: ${shown(problem)}`);
  return `endpoint answers ${bold(answers(version, artifactId ?? ''))}`;
}

export function endpointLine({ requests, failed, answered_by }: EndpointReport): string {
  const by = answered_by.map(
    ({ version, artifact_id, count }) => `${answers(version, artifact_id)} (${count})`,
  );
  const bad = failed === 0 ? 'none failed' : styleText('red', `${failed} failed`);
  return `${requests} requests, ${bad}: answered by ${by.join(', then ') || 'nobody'}`;
}

export function registryLine(state: RegistryState | null): string {
  if (state === null) return 'the registry could not be read, or has no such model';
  const stages = Object.entries(state.stages)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([version, stage]) =>
      stage === 'Production' ? bold(`${version} ${stage}`) : `${version} ${stage}`,
    );
  const aliases = Object.entries(state.aliases).map(([alias, version]) => `@${alias} ${version}`);
  return shown([...stages, ...aliases].join(' · ')) || 'no versions';
}

const Answers = z
  .object({
    valid: z.boolean(),
    problems: z.array(z.string()),
    comparison: Comparison,
    prepared: z.object({ status: z.string(), fence: z.number().nullable(), reason: z.string().nullable() }),
    serving: z.object({
      action: z.string(),
      status: z.string(),
      phase: z.string().nullable(),
      candidate: z.object({ status: z.string() }).nullable(),
      waiting: z.object({ code: z.string() }).nullish(),
      reason: z.string(),
    }),
    promotion: z
      .object({
        promoted: z.boolean(),
        reason: z.string(),
        new_version: z.string(),
        archived_version: z.string().nullable(),
        already_promoted: z.boolean(),
      })
      .partial(),
    rollback: z.object({ rolled_back: z.boolean(), detail: z.string() }),
    ending: z.object({ status: z.string(), alert: z.string() }),
  })
  .partial()
  .catch({});

/** What a step answered, in a few words. */
export function resultOf(state: string, output: unknown): string {
  const seen = Answers.parse(onlyFilled(output));
  if (state === 'BeginPromotion')
    return seen.valid === false ? `unusable input: ${shown((seen.problems ?? []).join('; '))}` : '';
  if (state === 'CompareModels' && seen.comparison !== undefined) {
    const { decision, recommendation } = seen.comparison;
    return `${bold(decision)}  ${shown(recommendation)}`;
  }
  if (state === 'PreparePromotion' && seen.prepared !== undefined) {
    const { status, fence, reason } = seen.prepared;
    return status === 'ready' ? `lease taken, fence ${fence}` : `${bold(status)}  ${shown(reason ?? '')}`;
  }
  if (state === 'ReplaceWorkload' && seen.serving !== undefined) return rolloutLine(seen.serving);
  if (state === 'PromoteModel' && seen.promotion !== undefined) return promotionLine(seen.promotion);
  if (state === 'ModelRollback' && seen.rollback !== undefined) return shortIds(shown(seen.rollback.detail));
  if (state.startsWith('Notify') && seen.ending !== undefined)
    return `${seen.ending.status}, alert ${seen.ending.alert}`;
  return '';
}

function rolloutLine({
  status,
  phase,
  candidate,
  waiting,
  reason,
}: NonNullable<z.infer<typeof Answers>['serving']>): string {
  const states = [phase, candidate === null ? null : `candidate ${candidate.status}`]
    .filter(Boolean)
    .join(', ');
  // The phase says the same.
  const more = states !== '' && waiting?.code === 'replacing' ? '' : shown(reason);
  const said = [states, shortIds(more)].filter(Boolean).join(': ');
  return `${status === 'in_progress' ? '' : `${bold(status)}  `}${said}`;
}

function promotionLine({
  promoted,
  reason,
  new_version,
  archived_version,
  already_promoted,
}: NonNullable<z.infer<typeof Answers>['promotion']>): string {
  if (promoted !== true) return `not promoted: ${shown(reason ?? '')}`;
  if (already_promoted === true) return `version ${new_version} is in Production already`;
  return `version ${new_version} → Production${archived_version ? `, version ${archived_version} → Archived` : ''}`;
}

/** What stands below the line of a comparison: how sure it is, and the evidence. */
export function detailsOf(state: string, output: unknown): string[] {
  const { comparison } = Answers.parse(onlyFilled(output));
  if (state !== 'CompareModels' || comparison === undefined) return [];
  const basis = `${' '.repeat(INDENT)}${dim(`confidence: ${shown(confidenceText(comparison))}`)}`;
  if (comparison.rules.length === 0) return [basis];
  return [basis, ...indented(evidenceTable(comparison).split('\n'), INDENT)];
}

/** The state document without what is null: the fields of later steps exist from the start. */
function onlyFilled(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return {};
  return Object.fromEntries(Object.entries(output).filter(([, value]) => value !== null));
}

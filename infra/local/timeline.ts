import { styleText } from 'node:util';
import ora, { type Ora } from 'ora';
import { z } from 'zod';
import { evidenceTable } from '../../lambdas/domain/alert/evidence-table.ts';
import { Comparison } from '../../lambdas/domain/payloads.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import type { ExecutionDocument, FollowedEvent, RegistryState } from './executions.ts';
import type { Scenario } from './scenarios.ts';

/** Shows executions as they happen, one line a state, on standard output. */
export interface Timeline {
  begin(scenario: Scenario | null, mlflowHost: string | null): void;
  event(event: FollowedEvent, execution: string): void;
  end(documents: readonly ExecutionDocument[]): void;
  stop(): void;
}

const LONGEST_TEXT = 400;
const STILL_RUNNING_MS = 2_000;
const say = (line = '') => process.stdout.write(`${line}\n`);
const dim = (text: string) => styleText('dim', text);
const bold = (text: string) => styleText('bold', text);
const shown = (text: string) => visible(text, LONGEST_TEXT);

export function timeline({ quiet }: { quiet: boolean }): Timeline {
  if (quiet) return { begin() {}, event() {}, end() {}, stop() {} };
  const numbers = new Map<string, number>();
  const starts = new Map<string, number>();
  const spinner: Ora | null = process.stdout.isTTY
    ? ora({ stream: process.stdout, discardStdin: false })
    : null;
  let ticking: NodeJS.Timeout | undefined;

  /** Something moves within two seconds, whatever takes its time. */
  const busy = (what: string) => {
    spinner?.start(dim(what));
    clearInterval(ticking);
    const since = performance.now();
    if (spinner === null) {
      ticking = setInterval(() => {
        say(dim(`         ${what}: ${Math.round((performance.now() - since) / 1000)} s`));
      }, STILL_RUNNING_MS);
    }
  };
  const idle = () => {
    spinner?.stop();
    clearInterval(ticking);
  };
  const line = (event: FollowedEvent, execution: string, text: string) => {
    idle();
    const seconds = ((event.at - (starts.get(execution) ?? event.at)) / 1000).toFixed(3).padStart(7);
    const number = numbers.size > 1 ? dim(`#${numbers.get(execution)} `) : '';
    say(`${dim(seconds)}  ${number}${text}`);
  };

  return {
    begin(scenario, mlflowHost) {
      if (scenario !== null) say(`${bold(scenario.name)}: ${scenario.about}`);
      say(
        dim(
          mlflowHost === null
            ? 'MLflow, SNS and DynamoDB are emulators on this machine; state machine and functions are the deployed ones. Waits are shortened.'
            : `MLflow is ${mlflowHost}; SNS and DynamoDB are stand-ins on this machine: nobody is mailed.`,
        ),
      );
    },
    event(event, execution) {
      if (event.kind === 'started') {
        numbers.set(execution, numbers.size + 1);
        starts.set(execution, event.at);
        say();
        say(`${bold(`Execution ${numbers.size}`)}  ${shown(JSON.stringify(event.input) ?? '')}`);
        say(`${dim('before ')}  ${registryLine(event.registry)}`);
      } else if (event.kind === 'entered') {
        if (event.type === 'Task' || event.type === 'Wait') busy(event.state);
      } else if (event.kind === 'exited') {
        if (['Choice', 'Pass', 'Succeed'].includes(event.type)) return;
        line(
          event,
          execution,
          `${event.state.padEnd(17)} ${dim(`${event.ms} ms`.padStart(8))}  ${resultOf(event.state, event.output)}`,
        );
        for (const extra of detailsOf(event.state, event.output)) say(`           ${extra}`);
      } else if (event.kind === 'failed' && (event.state === 'Failed' || event.state === 'Unannounced')) {
        idle();
      } else if (event.kind === 'failed') {
        line(
          event,
          execution,
          styleText('red', `${event.state} failed: ${event.error}: ${shown(event.message)}`),
        );
        busy(`${event.state}: waiting to try again`);
      } else if (event.kind === 'retried') {
        line(
          event,
          execution,
          dim(`${event.state} is tried again (${event.attempt}) after ${event.pausedMs} ms`),
        );
        busy(event.state);
      } else {
        line(event, execution, dim(`${event.error} is caught: on to ${event.next}`));
      }
    },
    end(documents) {
      idle();
      for (const document of documents) {
        for (const alert of document.alerts) showAlert(alert);
        say();
        const name = documents.length > 1 ? `Execution ${numbers.get(document.execution) ?? '?'}: ` : '';
        say(`${name}${bold(document.status)}  ${shown(document.reason)}`);
        say(`${dim('before ')}  ${registryLine(document.registry.before)}`);
        say(`${dim('after  ')}  ${registryLine(document.registry.after)}`);
      }
    },
    stop: idle,
  };
}

function registryLine(state: RegistryState | null): string {
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
function resultOf(state: string, output: unknown): string {
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
  if (state === 'PromoteModel' && seen.promotion !== undefined) return promotionLine(seen.promotion);
  if (state === 'ModelRollback' && seen.rollback !== undefined) return shown(seen.rollback.detail);
  if (state.startsWith('Notify') && seen.ending !== undefined)
    return `${seen.ending.status}, alert ${seen.ending.alert}`;
  return '';
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

function detailsOf(state: string, output: unknown): string[] {
  const { comparison } = Answers.parse(onlyFilled(output));
  if (state !== 'CompareModels' || comparison === undefined) return [];
  const grade = comparison.evidence_grade === null ? '' : `, grade ${comparison.evidence_grade}`;
  const basis = `confidence ${(comparison.confidence * 100).toFixed(1)}% (${comparison.method}${grade})`;
  return [dim(shown(basis)), ...(comparison.rules.length > 0 ? evidenceTable(comparison).split('\n') : [])];
}

/** The state document without what is null: the fields of later steps exist from the start. */
function onlyFilled(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return {};
  return Object.fromEntries(Object.entries(output).filter(([, value]) => value !== null));
}

const Sent = z.object({ subject: z.string().catch(''), message: z.object({ email: z.string() }) });

function showAlert(alert: unknown): void {
  const sent = Sent.safeParse(alert).data;
  if (sent === undefined) return;
  say();
  say(bold('Alert as sent (email; Slack gets the same facts)'));
  say(`  ${dim('│')} Subject: ${sent.subject}`);
  say(`  ${dim('│')}`);
  for (const text of sent.message.email.split('\n')) say(`  ${dim('│')} ${text}`);
}

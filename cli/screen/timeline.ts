import stringWidth from 'string-width';
import * as z from 'zod';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { mailTable } from '../../lambdas/words/alert/alert.ts';
import type { ExecutionDocument, FollowedEvent } from '../../local/execution.ts';
import type { Scenario } from '../../local/scenarios/scenario.ts';
import type { BothSystems } from '../../local/watch/both-systems.ts';
import { exitStatus } from '../exit-status.ts';
import { columns, type Place, shortIds, wrapLines } from './layout.ts';
import { progressOn } from './progress.ts';
import {
  bad,
  bold,
  comparisonDetails,
  dim,
  endpointAnswerLine,
  endpointLine,
  formatDuration,
  good,
  printable,
  registryLine,
  resultOf,
  workloadLine,
} from './timeline-lines.ts';

/** The events of the local host; `before` is null for an execution on AWS. */
export type TimelineEvent =
  | Exclude<FollowedEvent, { kind: 'started' }>
  | { kind: 'started'; at: number; input: unknown; before: BothSystems | null };

/** What is shown at the end of an execution; the optional fields are those of the local host. */
export type TimelineEnd = Pick<ExecutionDocument, 'execution' | 'status' | 'reason' | 'output'> &
  Partial<Pick<ExecutionDocument, 'alerts' | 'registry' | 'workload' | 'endpoint'>>;

/** Prints executions as they run, one line for each state, on standard output. */
export interface Timeline {
  /** Names of the real systems that are used, null for an emulator. */
  begin(scenario: Scenario | null, real: { mlflow: string | null; workload: string | null }): void;
  /** Shows that something is in progress, until the next line. */
  doing(what: string): void;
  event(event: TimelineEvent, execution: string): void;
  end(documents: readonly TimelineEnd[]): void;
  stop(): void;
}

/** Waits between the polls of a rollout, a close or a rollback; not shown, as the first column shows the time. */
const LOOPS = new Set(['WaitForRollout', 'WaitForClose', 'WaitForRollback']);
/** States that are called again until they are settled. */
const POLLED = new Set(['ReplaceWorkload', 'ClosePromotion', 'ModelRollback']);
const print = (text = '', place: Place = {}) =>
  process.stdout.write(`${wrapLines(text, place).join('\n')}\n`);
/** Columns before the result of a state. */
const BEFORE_RESULT = 38;

/** A timeline on standard output; with `quiet` it prints nothing. */
export function timeline({ quiet }: { quiet: boolean }): Timeline {
  if (quiet) return { begin() {}, doing() {}, event() {}, end() {}, stop() {} };
  const numbers = new Map<string, number>();
  const starts = new Map<string, number>();
  const results = new Map<string, string>();
  const caught = new Set<string>();
  const { doing: busy, stop: idle, current } = progressOn(process.stdout, 9);
  const line = (event: TimelineEvent, execution: string, text: string, hang = 12) => {
    idle();
    const seconds = ((event.at - (starts.get(execution) ?? event.at)) / 1000).toFixed(3).padStart(8);
    const number = numbers.size > 1 ? dim(`#${numbers.get(execution)} `) : '';
    print(`${dim(seconds)}  ${number}${shortIds(text)}`, { hang: hang + stringWidth(number) });
  };

  /** Only the first of several polls with the same result is shown. */
  const isRepeated = ({ state, output }: { state: string; output: unknown }, execution: string) => {
    const key = `${execution} ${state}`;
    const now = resultOf(state, output);
    const before = results.get(key);
    results.set(key, now);
    return before === now && POLLED.has(state);
  };

  return {
    begin(scenario, { mlflow, workload }) {
      if (scenario !== null) print(`${bold(scenario.name)}: ${scenario.about}`, { hang: 2 });
      print(
        dim(
          mlflow === null && workload === null
            ? 'MLflow, the Workload API, SNS and DynamoDB are emulators on this machine; the state machine and the functions are the deployed ones. Waits are skipped: the local clock is advanced instead.'
            : `MLflow is ${mlflow ?? 'an emulator'}, the Workload API ${workload ?? 'an emulator'}; SNS and DynamoDB are emulators on this machine: no email is sent.`,
        ),
      );
    },
    doing: busy,
    event(event, execution) {
      if (event.kind === 'started') {
        numbers.set(execution, numbers.size + 1);
        starts.set(execution, event.at);
        print();
        // With blanks, so that it can be broken between fields.
        const input = printable(JSON.stringify(event.input, null, 1)?.replaceAll(/\n */g, ' ') ?? '');
        print(`${bold(`Execution ${numbers.size}`)}  ${input}`, { hang: 13 });
        if (event.before !== null) printBothSystems('before ', event.before);
      } else if (event.kind === 'answered') {
        line(event, execution, endpointAnswerLine(event));
      } else if (event.kind === 'noted') {
        const before = current();
        line(event, execution, dim(printable(event.note)));
        if (before !== null) busy(before);
      } else if (event.kind === 'alerted') {
        idle();
        showAlert(event.alert, null);
        print();
      } else if (event.kind === 'aborted') {
        line(event, execution, bad('aborted: no further state runs'));
      } else if (event.kind === 'entered') {
        if (event.type === 'Task' || event.type === 'Wait') busy(event.state);
      } else if (event.kind === 'exited') {
        if (['Choice', 'Pass', 'Succeed'].includes(event.type) || LOOPS.has(event.state)) return;
        // A state whose error was caught exits too, without a result.
        if (caught.delete(`${execution} ${event.state}`) || isRepeated(event, execution)) return;
        line(
          event,
          execution,
          `${event.state.padEnd(17)} ${dim(formatDuration(event.ms).padStart(8))}  ${resultOf(event.state, event.output)}`,
          BEFORE_RESULT,
        );
        for (const extra of comparisonDetails(event.state, event.output)) print(extra, { hang: 13 });
      } else if (
        event.kind === 'failed' &&
        (event.state === 'Failed' || event.state === 'OutcomeNotRecorded')
      ) {
        idle();
      } else if (event.kind === 'failed') {
        line(
          event,
          execution,
          bad(`${event.state} failed: ${printable(event.error)}: ${printable(event.message)}`),
        );
        busy(`${event.state}: waiting for the retry`);
      } else if (event.kind === 'retried') {
        line(event, execution, dim(`${event.state} retry ${event.attempt} after ${event.pausedMs} ms`));
        busy(event.state);
      } else {
        caught.add(`${execution} ${event.state}`);
        line(event, execution, dim(`${printable(event.error)} caught: continues with ${event.next}`));
      }
    },
    end(documents) {
      idle();
      for (const document of documents) {
        for (const alert of document.alerts ?? []) showAlert(alert, document.output);
        print();
        const name = documents.length > 1 ? `Execution ${numbers.get(document.execution) ?? '?'}: ` : '';
        const end = exitStatus(document.status, document.output) === 0 ? good : bad;
        print(`${name}${end(bold(document.status))}  ${printable(document.reason)}`, { hang: 2 });
        const { registry, workload, endpoint } = document;
        if (registry !== undefined && workload !== undefined) {
          printBothSystems('before ', { registry: registry.before, workload: workload.before });
          printBothSystems('after  ', { registry: registry.after, workload: workload.after });
        }
        if (endpoint) print(`${dim('endpoint')} ${endpointLine(endpoint)}`, { hang: 9 });
      }
    },
    stop: idle,
  };
}

/** Prints where the champion is and what is served, after a label of seven columns. */
export function printBothSystems(when: string, { registry, workload }: BothSystems): void {
  print(`${dim(when)}  ${registryLine(registry)}`, { hang: 9 });
  if (workload !== null) print(`         ${workloadLine(workload)}`, { hang: 11 });
}

const Sent = z.object({ subject: z.string().catch(''), message: z.object({ email: z.string() }) });

/** Prints an alert as it was sent; the table of its comparison is that of `output`, the state document, where it has one. */
export function showAlert(alert: unknown, output: unknown): void {
  const sent = Sent.safeParse(alert).data;
  if (sent === undefined) return;
  print();
  print(bold('Alert as sent (email; Slack shows the same facts)'));
  const prefix = `  ${dim('│')} `;
  const text = withTableOf(columns() - stringWidth(prefix), sent.message.email, output);
  for (const line of [`Subject: ${sent.subject}`, '', ...text.split('\n')]) print(line, { prefix, hang: 2 });
}

/** The mail, with its table as narrow as the terminal. */
function withTableOf(room: number, mail: string, output: unknown): string {
  const { comparison } = readStateDocument(output);
  if (comparison === null) return mail;
  const [sent, narrow] = [mailTable(comparison), mailTable(comparison, room)];
  return stringWidth(sent.split('\n')[1] ?? '') > room ? mail.replace(sent, () => narrow) : mail;
}

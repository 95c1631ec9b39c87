import { styleText } from 'node:util';
import { type ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import type { FoundExecution } from '../aws/claim-execution.ts';
import { consoleUrl } from '../aws/execution-arn.ts';
import { wrapLines } from './layout.ts';
import type { TimelineEvent } from './timeline.ts';

/** What `promotion start` prints around the timeline. ARNs and links are not wrapped, so that they can be copied. */

/** The execution, how it was found, and the link to the console. */
export function foundLines(found: FoundExecution, input: Partial<ExecutionInput> | null): string[] {
  const link = consoleUrl(found.execution);
  return [
    ...wrapLines(foundText(found, input), { hang: 2 }),
    found.execution,
    ...(link === null ? [] : [link]),
  ];
}

function foundText({ by, attempt, ended }: FoundExecution, input: Partial<ExecutionInput> | null): string {
  if (attempt === null) return 'Following';
  if (by === 'started') return `Started, attempt ${attempt}`;
  if (by === 'running')
    return styleText('yellow', `Nothing was started: attempt ${attempt} is already running and is followed`);
  const when = ended === null ? '' : ` at ${ended.toISOString()}`;
  const names = input?.challenger_version ?? input?.target_version ?? null;
  const open =
    names === null
      ? ' The request names no version, so it is the same request whichever version is in Staging now.'
      : '';
  return styleText(
    'yellow',
    `Nothing was started: the same request has succeeded${when}, attempt ${attempt}.${open} Use --again to start a new attempt.`,
  );
}

/** The command that follows it. */
export const followLines = (execution: string): string[] => [
  'Follow it with:',
  `  npx promotion start --follow ${execution}`,
];

/** After Ctrl-C. */
export const stoppedLine = (found: FoundExecution | null): string =>
  found === null
    ? 'Stopped. If the execution was already started, the same command finds and follows it.'
    : 'Stopped following. The execution continues.';

/** Progress on standard error for `--json`: each state once, and every failure. */
export function progressPrinter(): (event: TimelineEvent) => void {
  const printed = new Set<string>();
  return (event) => {
    if (event.kind === 'failed') console.error(visible(`${event.state}: ${event.error}`, 200));
    if (event.kind !== 'entered' || event.type === 'Choice' || printed.has(event.state)) return;
    printed.add(event.state);
    console.error(visible(event.state, 200));
  };
}

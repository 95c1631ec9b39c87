import { styleText } from 'node:util';
import type { ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { visible } from '../../lambdas/domain/visible-text.ts';
import type { FoundExecution } from '../aws/claim-execution.ts';
import { consoleUrl } from '../aws/execution-arn.ts';
import { wrapLines } from './layout.ts';
import type { TimelineEvent } from './timeline.ts';

/** What `promotion start` says around the timeline. ARNs and links stay whole, to be copied. */

/** Which execution it is, and where to see it. */
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
    return styleText('yellow', `Nothing was started: attempt ${attempt} is running already, and is followed`);
  const when = ended === null ? '' : ` at ${ended.toISOString()}`;
  const names = input?.challenger_version ?? input?.target_version ?? null;
  const open =
    names === null ? ' It names no version, so it is the same request whichever version waits now.' : '';
  return styleText(
    'yellow',
    `Nothing was started: the same request has succeeded${when}, attempt ${attempt}.${open} --again starts it once more.`,
  );
}

/** How to follow it, or to follow it again. */
export const followLines = (execution: string): string[] => [
  'Follow it with:',
  `  npx promotion start --follow ${execution}`,
];

/** After Ctrl-C. */
export const stoppedLine = (found: FoundExecution | null): string =>
  found === null
    ? 'Stopped. If the execution has been started already, the same command finds it and follows it.'
    : 'Stopped following. The execution goes on.';

/** Beside a JSON document, which comes at the end: every state that takes time, each once. */
export function progressPrinter(): (event: TimelineEvent) => void {
  const printed = new Set<string>();
  return (event) => {
    if (event.kind === 'failed') console.error(visible(`${event.state}: ${event.error}`, 200));
    if (event.kind !== 'entered' || event.type === 'Choice' || printed.has(event.state)) return;
    printed.add(event.state);
    console.error(visible(event.state, 200));
  };
}

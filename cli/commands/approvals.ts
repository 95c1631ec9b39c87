import * as z from 'zod';
import { approvalPlace, callApprovals, ShownRequest } from '../aws/approval-url.ts';
import { approvalLines } from '../screen/approval-lines.ts';
import { printLine } from '../screen/layout.ts';
import { UsageError } from '../usage-error.ts';

/** The options of `promotion approve`, `reject` and `approvals`. */
export interface ApprovalOptions {
  url?: string;
  as?: string;
  reason?: string;
  digest?: string;
  json?: true;
}

const Answer = z.object({
  who: z.string().nullable().default(null),
  answer: z.string().default(''),
  text: z.string().default(''),
  problems: z.array(z.string()).default([]),
  request: ShownRequest.nullable().default(null),
  requests: z.array(ShownRequest).default([]),
  next: z.string().nullable().default(null),
});

const HANG = 12;
const MAX_PAGES = 50;

/**
 * `promotion approve` and `promotion reject`: decides on what the execution asks for now; returns the exit status. Throws
 * `UsageError`, `AwsRefused` and `AwsUnavailable`.
 */
export async function decide(
  action: 'approve' | 'reject',
  execution: string,
  options: ApprovalOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const place = approvalPlace(options, env);
  const { reason = '', json } = options;
  if (reason.trim() === '') throw new UsageError('--reason: must say why; it is recorded');
  const shown = Answer.parse(await callApprovals(place, { action: 'show', execution }));
  const digest = options.digest ?? shown.request?.digest;
  const answer =
    digest === undefined
      ? shown
      : Answer.parse(await callApprovals(place, { action, execution, digest, reason }));
  const { text, problems, request, who } = answer;
  if (json)
    console.log(JSON.stringify({ answer: answer.answer, who, request: request ?? shown.request }, null, 2));
  else {
    const seen = request ?? shown.request;
    if (seen !== null) for (const line of approvalLines(seen)) printLine(line, HANG);
    printLine(
      [text, ...problems].filter((each) => each !== '').join('; ') || 'The function did not answer',
      2,
    );
  }
  return answer.answer === 'recorded' ? 0 : 1;
}

/** `promotion approvals`: what waits for whoever runs it; returns the exit status. Throws as `decide`. */
export async function listApprovals(
  options: ApprovalOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const place = approvalPlace(options, env);
  const requests: ShownRequest[] = [];
  let from: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer: z.infer<typeof Answer> = Answer.parse(await callApprovals(place, { action: 'list', from }));
    if (answer.answer !== '') {
      printLine(answer.text || answer.answer, 2);
      return 1;
    }
    requests.push(...answer.requests);
    from = answer.next;
    if (from === null) break;
  }
  if (options.json) console.log(JSON.stringify(requests, null, 2));
  else if (requests.length === 0) printLine('Nothing waits for you.', 2);
  else for (const request of requests) for (const line of approvalLines(request)) printLine(line, HANG);
  return 0;
}

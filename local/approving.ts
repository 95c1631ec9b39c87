import * as z from 'zod';
import { sessionArn, urlEvent } from '../emulators/aws/function-url.ts';
import type { Host } from './host.ts';

/** People who approve on this machine: what they call is the function behind the URL. */

const UrlAnswer = z.object({ statusCode: z.int(), body: z.string() });

/** What people get. */
export interface Called {
  status: number;
  body: unknown;
}

/** A call of the URL by somebody: `sso:NAME`, or an ARN. */
export async function callAs(
  { functions }: Pick<Host, 'functions'>,
  who: string,
  body: object,
): Promise<Called> {
  const answer = UrlAnswer.parse(await functions['decide-approval'](urlEvent(sessionArn(who), body)));
  return { status: answer.statusCode, body: JSON.parse(answer.body) };
}

const Shown = z.object({ request: z.object({ digest: z.string() }) });
const Answered = z.object({ answer: z.string() });

/** Decides on what an execution asks now, as `promotion approve` and `reject` do; the answer of the function. */
export async function decideAs(
  host: Pick<Host, 'functions'>,
  who: string,
  execution: string,
  {
    action = 'approve',
    reason = 'checked the evidence',
  }: { action?: 'approve' | 'reject'; reason?: string } = {},
): Promise<string> {
  const shown = Shown.safeParse((await callAs(host, who, { action: 'show', execution })).body);
  if (!shown.success) return 'not_approver';
  const { digest } = shown.data.request;
  const { body } = await callAs(host, who, { action, execution, digest, reason });
  return Answered.parse(body).answer;
}

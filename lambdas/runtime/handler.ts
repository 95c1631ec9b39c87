import { z } from 'zod';
import { InvalidInput } from '../domain/errors.ts';
import { visible } from '../domain/visible-text.ts';
import { log } from './log.ts';

/** What a function may know of its own invocation. */
export interface Invocation {
  /** Lambda's request id: the same when Lambda itself repeats an asynchronous invocation. */
  requestId: string;
}

export interface Piece<Input, Services, Answer> {
  input: z.ZodType<Input>;
  /** Built on the first event, not when the module loads, and kept for the life of the process. */
  services: (env: NodeJS.ProcessEnv) => Services;
  run: (input: Input, services: Services, invocation: Invocation) => Promise<Answer>;
  /** Answers an unusable payload where the contract wants an answer; otherwise `InvalidInput` is thrown. */
  onInvalid?: (problems: string[]) => Answer;
}

export type Handler = (event: unknown, context?: { awsRequestId?: string }) => Promise<unknown>;

/** The one place that knows Lambda: parses the event, builds the services once, logs start, end and error once. */
export function toHandler<Input, Services, Answer>(
  name: string,
  piece: Piece<Input, Services, Answer>,
): Handler {
  let services: Services | undefined;
  return async (event, context) => {
    const line = log.createChild();
    line.appendKeys({ function: name, ...keysOf(event) });
    try {
      const parsed = piece.input.safeParse(event);
      if (!parsed.success) {
        const problems = problemsOf(parsed.error);
        line.warn('unusable payload', { problems });
        if (piece.onInvalid !== undefined) return piece.onInvalid(problems);
        throw new InvalidInput(`Unusable payload: ${problems.join('; ')}`);
      }
      services ??= piece.services(process.env);
      const answer = await piece.run(parsed.data, services, { requestId: context?.awsRequestId ?? 'local' });
      line.info('answered', { answer: summary(answer) });
      return answer;
    } catch (error) {
      line.error('failed', {
        error: error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error',
      });
      throw error;
    }
  };
}

/** A payload may be as large as a state document: what is said of it may not. */
const MOST_PROBLEMS = 40;
const LONGEST_PROBLEM = 300;

/** Every problem of a payload, one line each, with the path of the field. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.slice(0, MOST_PROBLEMS).map((issue) => {
    const message = issue.message.endsWith('received undefined') ? 'is required' : issue.message;
    const path = issue.path.map(String).join('.');
    return visible(path === '' ? message : `${path}: ${message}`, LONGEST_PROBLEM);
  });
}

const Keys = z
  .object({
    model_name: z.string(),
    new_version: z.string(),
    challenger_version: z.string(),
    execution: z.string(),
  })
  .partial();

function keysOf(event: unknown): z.infer<typeof Keys> {
  return z.object({ state: Keys }).safeParse(event).data?.state ?? Keys.safeParse(event).data ?? {};
}

/** The plain fields of an answer: decisions and versions, no evidence. */
function summary(answer: unknown): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null) return {};
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => typeof value !== 'object'));
}

import type * as z from 'zod';
import { type Clock, systemClock } from '../adapters/clock.ts';
import type { Network } from '../adapters/network.ts';
import { InvalidInput } from '../domain/errors.ts';
import { excessText, isTooDeep, readAs } from '../domain/json.ts';
import { visible } from '../domain/visible-text.ts';
import { AlertEnvironment, configuration, jsonOrNull } from './environment.ts';
import { log, logError, logText, withLogKeys } from './log.ts';

/** What a function knows about its invocation. */
export interface Invocation {
  /** Lambda's request id, which stays the same when Lambda retries an asynchronous invocation. */
  requestId: string;
}

/** A function in three parts: its input, its services, and what it does with them. */
export interface HandlerDefinition<Input, Services, Answer> {
  input: z.ZodType<Input>;
  /** Created on the first event, not when the module loads, and reused for the life of the environment. */
  services: (env: NodeJS.ProcessEnv, clock: Clock, network: Network) => Services;
  run: (input: Input, services: Services, invocation: Invocation) => Promise<Answer>;
  /** The answer to an invalid payload; without it `InvalidInput` is thrown. */
  onInvalid?: (problems: string[]) => Answer;
}

/** The part of Lambda's context that is used. */
export interface Context {
  awsRequestId?: string;
}

/** A Lambda handler. */
export interface Handler {
  (event: unknown, context?: Context): Promise<unknown>;
  /** The same function with separate services, which use `clock` and `network` and read `env` on the first event. */
  withClock(clock: Clock, env?: NodeJS.ProcessEnv, network?: Network): Handler;
}

/**
 * The Lambda handler of a function: parses the event, creates the services once, logs the answer or the error once. The
 * handler throws `InvalidInput`, and what `services` and `run` throw, with its original name.
 */
export function toHandler<Input, Services, Answer>(
  name: string,
  definition: HandlerDefinition<Input, Services, Answer>,
): Handler {
  const handlerOn = (clock: Clock, env: NodeJS.ProcessEnv, network: Network): Handler => {
    let services: Services | undefined;
    let environment: string | undefined;
    const answerTo = async (event: unknown, requestId: string) => {
      try {
        const parsed = parsePayload(definition.input, event);
        if ('problems' in parsed) {
          const { problems } = parsed;
          log().warn('invalid payload', { problems });
          if (definition.onInvalid !== undefined) return definition.onInvalid(problems);
          throw new InvalidInput(`Invalid payload: ${problems.join('; ')}`);
        }
        services ??= definition.services(env, clock, network);
        const answer = await definition.run(parsed.data, services, { requestId });
        log().info('answered', { answer: summary(answer) });
        return answer;
      } catch (error) {
        log().error('failed', { error: logError(error) });
        throw error;
      }
    };
    const handle = (event: unknown, context?: Context) => {
      const requestId = context?.awsRequestId ?? 'local';
      environment ??= environmentOf(env);
      const keys = {
        ...keysOf(event),
        function: name,
        function_request_id: requestId,
        environment,
        cold_start: isColdStart(),
      };
      return withLogKeys(keys, () => answerTo(event, requestId));
    };
    return Object.assign(handle, {
      withClock: (other: Clock, otherEnv = process.env, otherNetwork: Network = {}) =>
        handlerOn(other, otherEnv, otherNetwork),
    });
  };
  return handlerOn(systemClock, process.env, {});
}

/** A payload nested too deep is not given to its schema, which would recurse. */
function parsePayload<Input>(
  schema: z.ZodType<Input>,
  event: unknown,
): { data: Input } | { problems: string[] } {
  if (isTooDeep(event)) return { problems: [`is ${excessText.levels}`] };
  const parsed = readAs(schema, event);
  return parsed.success ? { data: parsed.data } : { problems: problemsOf(parsed.error) };
}

let cold = process.env['AWS_LAMBDA_INITIALIZATION_TYPE'] !== 'provisioned-concurrency';

/** Whether this process was started for this invocation. */
function isColdStart(): boolean {
  const wasCold = cold;
  cold = false;
  return wasCold;
}

const LogEnvironment = AlertEnvironment.pick({ ENVIRONMENT: true });

const environmentOf = (env: NodeJS.ProcessEnv): string =>
  logText(configuration(LogEnvironment, env).ENVIRONMENT);

/** Limits of the listed problems of a payload. */
const MAX_PROBLEMS = 40;
const MAX_PROBLEM_LENGTH = 300;

/** Every problem of a payload, one line each, with the path of the field. */
export function problemsOf(error: z.ZodError): string[] {
  return error.issues.slice(0, MAX_PROBLEMS).map((issue) => {
    const path = issue.path.map(String).join('.');
    return visible(path === '' ? issue.message : `${path}: ${issue.message}`, MAX_PROBLEM_LENGTH);
  });
}

/**
 * Model, version and execution of an event: from the event, its state document, or the execution input, which some events
 * contain as JSON text or as an object.
 */
function keysOf(event: unknown) {
  const input = fieldOf(event, 'input');
  const parts = [event, fieldOf(event, 'state'), typeof input === 'string' ? jsonOrNull(input) : input];
  const named = (key: string) => parts.map((part) => nameIn(part, key)).find((name) => name !== undefined);
  return {
    model_name: named('model_name'),
    version: named('new_version') ?? named('challenger_version') ?? named('target_version'),
    execution: nameIn(event, 'executionArn') ?? named('execution'),
  };
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;

function nameIn(value: unknown, key: string): string | undefined {
  const name = fieldOf(value, key);
  return typeof name === 'string' ? logText(name) : undefined;
}

/** The plain fields of an answer: decisions and versions, no evidence. */
function summary(answer: unknown): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null) return {};
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([, value]) => typeof value !== 'object')
      .map(([key, value]) => [key, typeof value === 'string' ? logText(value) : value]),
  );
}

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { LeaseStoreUnavailable } from '../../lambdas/domain/errors.ts';
import type { HandlerDefinition } from '../../lambdas/runtime/handler.ts';
import { printedLines } from '../support/printed-lines.ts';

/** What the functions print: one JSON object per line, each of which says whose it is. */

const ARN = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const Anything = z.record(z.string(), z.unknown());

let lines: string[];
beforeEach(() => {
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'INFO');
  vi.stubEnv('ENVIRONMENT', 'staging');
  vi.resetModules();
  lines = printedLines();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A handler in a process that has answered nobody yet. */
async function handlerOf(piece: Partial<HandlerDefinition<Record<string, unknown>, null, unknown>>) {
  const { toHandler } = await import('../../lambdas/runtime/handler.ts');
  return toHandler('promote-model', {
    input: Anything,
    services: () => null,
    run: async () => ({ promoted: true, new_version: '3', evidence: { rules: [] } }),
    ...piece,
  });
}
const printed = () => lines.map((line): Record<string, unknown> => JSON.parse(line));

describe('every line of an invocation', () => {
  it('names the function, the environment, the request, the model, its version and the execution', async () => {
    vi.stubEnv(
      '_X_AMZN_TRACE_ID',
      'Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1',
    );
    const handler = await handlerOf({});
    await handler({ model_name: 'prices', new_version: '3', execution: ARN }, { awsRequestId: 'r1' });
    expect(printed()).toEqual([
      expect.objectContaining({
        level: 'INFO',
        message: 'answered',
        function: 'promote-model',
        environment: 'staging',
        function_request_id: 'r1',
        xray_trace_id: '1-67891233-abcdef012345678912345678',
        cold_start: true,
        model_name: 'prices',
        version: '3',
        execution: ARN,
        answer: { promoted: true, new_version: '3' },
      }),
    ]);
  });

  it('says so when the process had to be started for it, and not again', async () => {
    const handler = await handlerOf({});
    for (const awsRequestId of ['r1', 'r2']) await handler({}, { awsRequestId });
    expect(printed().map((line) => [line['function_request_id'], line['cold_start']])).toEqual([
      ['r1', true],
      ['r2', false],
    ]);
  });

  it.each<[string, object]>([
    ['itself', { model_name: 'prices', challenger_version: '3', execution: ARN }],
    ['the state document', { state: { model_name: 'prices', challenger_version: '3' }, execution: ARN }],
    [
      'the input of an execution',
      { input: { model_name: 'prices', challenger_version: '3' }, execution: ARN },
    ],
    [
      'the input as an event of EventBridge has it',
      { executionArn: ARN, status: 'FAILED', input: '{"model_name":"prices","challenger_version":"3"}' },
    ],
  ])('finds the names in the payload: in %s', async (_, event) => {
    await (await handlerOf({}))(event);
    expect(printed()[0]).toMatchObject({ model_name: 'prices', version: '3', execution: ARN });
  });

  it.each([[null], ['text'], [[]], [{ model_name: 3, state: 'x', input: '{' }], [{ input: null }]])(
    'is written for any payload: %j',
    async (event) => {
      await (await handlerOf({ onInvalid: (problems) => ({ problems }) }))(event);
      expect(printed()[0]).toMatchObject({ function: 'promote-model', environment: 'staging' });
      expect(printed()[0]).not.toHaveProperty('model_name');
    },
  );

  it('has these keys wherever in the code it is written', async () => {
    const { withLease } = await import('../../lambdas/use-cases/parts/with-lease.ts');
    const handler = await handlerOf({
      run: ({ model_name }, _, { requestId }) =>
        withLease(
          {
            function: 'promote-model',
            model_name: String(model_name),
            fence: null,
            execution: null,
            requestId,
          },
          {
            store: {
              ...noStore,
              releaseLease: async () => {
                throw new LeaseStoreUnavailable('DynamoDB releaseLease: Timeout');
              },
            },
            clock: { now: () => new Date(0) },
          },
          async () => ({ promoted: true }),
          () => null,
        ),
    });
    expect(await handler({ model_name: 'prices' }, { awsRequestId: 'r1' })).toEqual({ promoted: true });
    expect(printed().map(({ message }) => message)).toEqual(['lease not released; it expires', 'answered']);
    for (const line of printed())
      expect(line).toMatchObject({
        function: 'promote-model',
        model_name: 'prices',
        function_request_id: 'r1',
      });
    expect(printed()[0]).toMatchObject({
      level: 'ERROR',
      error: 'LeaseStoreUnavailable: DynamoDB releaseLease: Timeout',
    });
  });

  it('keeps its own keys while others run in the same process', async () => {
    const { log } = await import('../../lambdas/runtime/log.ts');
    const handler = await handlerOf({
      run: async ({ model_name }) => {
        for (let step = 0; step < 3; step += 1) {
          await new Promise(setImmediate);
          log().info('step', { of: model_name });
        }
        return {};
      },
    });
    await Promise.all(['a', 'b', 'c'].map((model_name) => handler({ model_name })));
    const steps = printed().filter(({ message }) => message === 'step');
    expect(steps).toHaveLength(9);
    expect(steps.filter((line) => line['of'] !== line['model_name'])).toEqual([]);
    log().info('outside');
    expect(printed().at(-1)).not.toHaveProperty('model_name');
  });

  it('stays one line of bounded length, whatever the names and answers hold', async () => {
    const hostile = `a\n{"level":"ERROR"}\r\u2028\u202e${'x'.repeat(100_000)}`;
    const run = async () => ({ reason: hostile, detail: hostile, evidence: [hostile] });
    await (await handlerOf({ run }))(
      { model_name: hostile, new_version: hostile, execution: hostile },
      { awsRequestId: 'r1' },
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]?.length).toBeLessThan(4_000);
    expect(printed()[0]?.['model_name']).toMatch(/^a\\n\{"level":"ERROR"\}\\r\\u\{2028\}\\u\{202e\}x+…$/);
  });
});

describe('a function that fails', () => {
  it('says why, once, and throws the error as it is', async () => {
    const error = new LeaseStoreUnavailable('DynamoDB takeLease: Timeout');
    const handler = await handlerOf({ run: () => Promise.reject(error) });
    await expect(handler({ model_name: 'prices' })).rejects.toBe(error);
    expect(printed()).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        message: 'failed',
        model_name: 'prices',
        error: 'LeaseStoreUnavailable: DynamoDB takeLease: Timeout',
      }),
    ]);
  });

  it('does not say what looks like a credential, nor where in the code it happened', async () => {
    const said =
      'GET https://user:hunter2@mlflow.example.com refused "Bearer abc.def"; token=s3cr3t\n    at x.ts:1';
    const handler = await handlerOf({ run: () => Promise.reject(new Error(said)) });
    await expect(handler({})).rejects.toThrow();
    expect(lines.join()).not.toMatch(/hunter2|abc\.def|s3cr3t|x\.ts/);
    expect(printed()[0]?.['error']).toContain('mlflow.example.com refused');
  });

  it('names the problems of a payload, and not what was in it', async () => {
    const input = z.object({ version: z.string() }).transform((value): Record<string, unknown> => value);
    const handler = await handlerOf({ input });
    await expect(handler({ version: 3, token: 's3cr3t' })).rejects.toMatchObject({ name: 'InvalidInput' });
    expect(printed()).toMatchObject([
      { level: 'WARN', message: 'invalid payload', problems: [expect.stringContaining('version')] },
      { level: 'ERROR', message: 'failed', error: expect.stringContaining('InvalidInput: ') },
    ]);
    expect(lines.join()).not.toContain('s3cr3t');
  });
});

describe('a deployed function in a process of its own', () => {
  it('prints lines of JSON only, and no secret that it was given', async () => {
    const secrets = { MLFLOW_TRACKING_USERNAME: 'promoter', MLFLOW_TRACKING_PASSWORD: 'correct-horse' };
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const { handler } = await import(process.argv[1]);
         await handler({ model_name: 'prices', new_version: '3', confidence: 0.9 }, { awsRequestId: 'r1' }).catch(() => {});`,
        './lambdas/promote-model.ts',
      ],
      {
        env: {
          ...secrets,
          MLFLOW_TRACKING_URI: 'http://127.0.0.1:1',
          AWS_LAMBDA_FUNCTION_NAME: 'promote-model',
          AWS_REGION: 'us-east-1',
        },
        timeout: 25_000,
      },
    );
    const all = `${stdout}${stderr}`.trim().split('\n');
    const parsed = all.map((line): Record<string, unknown> => JSON.parse(line));
    expect(parsed.map(({ level, message }) => `${level} ${message}`)).toEqual(
      expect.arrayContaining([
        'WARN PROMOTION_TABLE is not set: no lease is taken and no outcome is recorded',
        'ERROR failed',
      ]),
    );
    for (const line of parsed)
      expect(line).toMatchObject({
        function: 'promote-model',
        environment: 'dev',
        model_name: 'prices',
        version: '3',
        function_request_id: 'r1',
      });
    for (const secret of [...Object.values(secrets), btoa(Object.values(secrets).join(':'))])
      expect(all.join()).not.toContain(secret);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { functionsDirectory, handlerOf } from '../../infra/bundles.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { type LambdaFunction, lambdaFunction } from '../support/lambda-process.ts';

/** Each function by itself, in a process that has nothing but what Lambda gives it. */

const folder = mkdtempSync(join(tmpdir(), 'alone-'));
const running: LambdaFunction[] = [];
afterAll(async () => {
  await Promise.all(running.map((one) => one.close()));
  rmSync(folder, { recursive: true, force: true });
});

function alone(name: FunctionName, variables: Record<string, string> = {}): LambdaFunction {
  const described = { name, asset: '', handler: handlerOf(name), timeoutSeconds: 20, environment: {} };
  const one = lambdaFunction(described, functionsDirectory(), variables);
  running.push(one);
  return one;
}

async function problem(attempt: Promise<unknown>): Promise<Error> {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof Error) return error;
  throw new Error('nothing was thrown');
}

const usable: Partial<Record<FunctionName, object>> = {
  'compare-models': { model_name: 'm' },
  'prepare-promotion': {
    operation: 'promote',
    comparison: null,
    change_id: null,
    wait_for_lease_minutes: 0,
    dry_run: false,
    model_name: 'm',
    execution: 'e',
    started_at: '2026-01-01T00:00:00Z',
  },
  'replace-workload': { workload_id: 'w', artifact_id: 'a', deadline: '2026-01-01T00:00:00Z' },
  'promote-model': { model_name: 'm', new_version: '3' },
  'close-promotion': { model_name: 'm', change_id: 'e', execution: 'e', fence: 1 },
  'model-rollback': { model_name: 'm' },
};

describe('a function without its environment', () => {
  it.each(Object.entries(usable))('%s names every variable that it lacks', async (name, event) => {
    const error = await problem(alone(name as FunctionName).invoke(event, 0));
    expect(error.name).toBe('InvalidConfiguration');
    expect(error.message).toMatch(name === 'replace-workload' ? /DATAROBOT_ENDPOINT/ : /MLFLOW_TRACKING_URI/);
  });
});

describe('an event that no function expects', () => {
  const hostile = [
    null,
    'text',
    42,
    [],
    { model_name: { toString: 'x' } },
    { model_name: `${'x'.repeat(100_000)}\n` },
  ];

  it.each(functionNames)(
    'is refused by %s with an answer or a typed error, and the function lives on',
    async (name) => {
      const one = alone(name, { MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' });
      for (const event of hostile) {
        const answer = await one.invoke(event, 0).catch((error: Error) => error);
        if (answer instanceof Error) expect(answer.name).toBe('InvalidInput');
        else
          expect(JSON.stringify(answer)).toMatch(
            /"valid":false|"promoted":false|"invalid_model"|Invalid input|"statusCode":400/,
          );
      }
      for (const line of one.printed().split('\n').filter(Boolean)) {
        expect(() => JSON.parse(line), line).not.toThrow();
        expect(line.length).toBeLessThan(50_000);
      }
    },
  );
});

it('begin-promotion answers as the sources do', async () => {
  const { begin } = await import('../../lambdas/use-cases/begin-promotion.ts');
  const event = {
    input: { model_name: 'm', surprise: 1 },
    execution: 'e',
    started_at: '2026-01-01T00:00:00.000Z',
  };
  expect(await alone('begin-promotion').invoke(event, 0)).toEqual(JSON.parse(JSON.stringify(begin(event))));
});

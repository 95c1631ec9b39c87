import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { CompareInput, type Comparison } from '../../lambdas/domain/payloads.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { compare } from '../../lambdas/use-cases/compare-models.ts';
import { unique } from '../support/mlflow-rest.ts';
import { realServers } from './servers.ts';

/** Gates on models that MLflow's own client has logged, and on files that a real server keeps. */

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

const policy = parsePolicy('gated', {
  accepted_grades: ['A'],
  rules: [{ name: 'accuracy', metric: 'accuracy', direction: 'higher', strict: true, critical: true }],
  gates: [
    { name: 'tags', kind: 'tags', tags: ['licence'] },
    { name: 'lineage', kind: 'lineage' },
    { name: 'signature', kind: 'signature' },
    { name: 'digests', kind: 'digests', of: ['data', 'model'] },
    { name: 'age', kind: 'min_age', hours: 0.000001 },
    { name: 'settled', kind: 'min_age', hours: 24, dry_run: true },
    { name: 'hold', kind: 'hold' },
    { name: 'quarantine', kind: 'quarantine' },
  ],
  max_age_days: 1,
});

// Only MLflow 3 names a model by its own id when it is logged.
const servers = realServers().filter(({ name }) => name.startsWith('MLflow 3'));

describe.each(servers)('gates on models that the client of $name logs', ({ url, python }) => {
  const model = unique('gated');
  let versions: { champion: string; same: string; more: string };
  const compared = async (challenger: string): Promise<Comparison> => {
    const services = registryServices({ MLFLOW_TRACKING_URI: url }, systemClock);
    const policies = { load: async () => policy };
    const input = CompareInput.parse({ model_name: model, challenger_version: challenger });
    return compare(input, { ...services, policies, minConfidence: 0.7, clock: systemClock });
  };
  const results = ({ gates = [], checks = [] }: Comparison) =>
    Object.fromEntries(
      [...gates, ...checks].map(({ name, result, why }) => [
        name,
        `${result}${why.map(({ code }) => ` ${code}`).join('')}`,
      ]),
    );

  beforeAll(async () => {
    if (python === null) throw new Error('MLFLOW_TEST_PYTHONS names no Python for this server');
    const { stdout } = await run(python, [join(import.meta.dirname, 'gates.py'), url, model], {
      timeout: TIMEOUT_MS,
    });
    versions = JSON.parse(stdout) as typeof versions;
  }, TIMEOUT_MS);

  it('pass for a version with the same signature, and say what changed', async () => {
    const comparison = await compared(versions.same);
    expect(results(comparison)).toEqual({
      tags: 'passed',
      lineage: 'passed',
      signature: 'passed',
      digests: 'passed',
      age: 'passed',
      settled: 'failed too-young',
      hold: 'passed',
      quarantine: 'passed',
      labels: 'passed',
      recomputed: 'passed',
      overlap: 'passed',
      'evaluation age': 'passed',
    });
    expect(comparison).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'A' });
    expect(comparison.changes?.unknown).toEqual(['data']);
  });

  it('fail for a version that needs one more column', async () => {
    const comparison = await compared(versions.more);
    expect(results(comparison)).toMatchObject({ tags: 'passed', signature: 'failed input-required' });
    expect(comparison.decision).toBe('INVESTIGATE');
    expect(comparison.changes?.listed).toEqual(
      expect.arrayContaining([
        { what: 'parameter', name: 'columns', before: 'a,b', after: 'a,b,c' },
        { what: 'input', name: 'c', before: null, after: 'double' },
      ]),
    );
  });
});

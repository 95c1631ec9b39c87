import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SWEEP_MINUTES } from '../../infra/event-rules.ts';
import { functionPermissions } from '../../infra/functions/permissions.ts';
import {
  type FunctionName,
  functionMemoryMegabytes,
  functionNames,
  functionTimeoutSeconds,
} from '../../lambdas/domain/limits.ts';
import { standing } from '../../tools/bench/tables.ts';
import { renderDefinition, withPicture } from '../../tools/render.ts';
import { assembledStack } from '../support/cloud-assembly.ts';
import { resourcesOf } from '../support/stack-summary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');
const architecture = read('docs/architecture.md');

/** What the column "May touch" has to say of a function, from what its role is given. */
function touches(name: FunctionName): string {
  const { mlflow, workloads, table, publish, executions, retrains, wakes, callers } =
    functionPermissions[name];
  const writes = mlflow.some((action) => /^(Set|Transition)/.test(action));
  const systems = [
    mlflow.length > 0 ? `MLflow${writes ? '' : ' (reads)'}` : null,
    workloads === true ? 'Workload API' : null,
    table.length > 0 ? 'table' : null,
    publish === true ? 'SNS' : null,
    executions !== undefined || retrains === true || wakes !== undefined ? 'Step Functions' : null,
    callers === true ? 'CloudTrail' : null,
  ].filter((system) => system !== null);
  return systems.length === 0 ? 'nothing' : systems.join(', ');
}

describe('docs/architecture.md', () => {
  it('shows the state machine as it is', () => {
    expect(withPicture(architecture, JSON.parse(renderDefinition()), 'docs/architecture.md')).toBe(
      architecture,
    );
  });

  it.each(functionNames)('says of %s how long it may run, and what it may touch', (name) => {
    const rows = architecture.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`));
    expect(rows).toHaveLength(1);
    const [, , , seconds, touched] = (rows[0] ?? '').split('|').map((cell) => cell.trim());
    expect(seconds).toBe(String(functionTimeoutSeconds[name]));
    expect(touched).toBe(touches(name));
  });

  it('says how much memory they have, and how often alerts are swept', () => {
    expect(architecture).toContain(`Each has ${functionMemoryMegabytes} MB`);
    expect(architecture).toContain(`sweep every ${SWEEP_MINUTES} min`);
  });

  it.each(['docs/architecture.md', 'docs/scaling.md'])('%s names only files that there are', (document) => {
    const text = read(document);
    const paths = [
      ...text.matchAll(
        /`((?:lambdas|statemachines|infra|build|emulators|local|policies|cli|tools|test|docs)\/[\w./-]+)`/g,
      ),
    ];
    const links = [...text.matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]*)?\)/g)];
    const named = [
      ...paths.map(([, path = '']) => path),
      ...links.map(([, path = '']) => join('docs', path)),
    ];
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});

describe('what the benchmark charges by the month', () => {
  const { template } = assembledStack('prod');
  const count = (type: string) => resourcesOf(template, type).length;

  it('is what the stack has', () => {
    expect(count('AWS::KMS::Key')).toBe(standing.keys);
    expect(count('AWS::SecretsManager::Secret')).toBe(standing.secrets);
    expect(count('AWS::CloudWatch::Dashboard')).toBe(1);
  });
});

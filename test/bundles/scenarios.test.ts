import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../lambdas/domain/limits.ts';
import { outcomeStatuses } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { ExecutionDocument } from '../../local/execution.ts';
import { type EmulatedHost, type Host, isEmulated } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import type { Scenario } from '../../local/scenarios/scenario.ts';
import { startEmulatedHost } from '../support/emulated-host.ts';
import { deployedHost } from './deployed-host.ts';
import { printedAfter } from './printed.ts';

/**
 * Some of the scenarios once more, on the functions and the state machine as the cloud assembly has them: they come to
 * what the sources come to. Between them these call every function and end in every way in which a scenario ends, with
 * the registry alone and with a Workload. All of them are replayed on the same bundles in `test/interpreters`.
 */
const CHOSEN = [
  ...['challenger-loses', 'investigate', 'already-promoted', 'mlflow-down', 'sns-down', 'rollback-twice'],
  ...['contested', 'two-at-once', 'challenger-wins', 'draft-promotes-in-place', 'candidate-crash-loops'],
  ...['registry-refuses-after-switch', 'artifact-derived', 'aborted-mid-rollout'],
  ...['undo-tried-again', 'moved-by-hand', 'adopted', 'scale-to-zero'],
  ...['retraining-needed', 'degrades-after-release'],
  ...['approved', 'rejected', 'stopped-while-waiting'],
];
const chosen = scenarios.filter(({ name }) => CHOSEN.includes(name));

let host: EmulatedHost | null = null;
const expected = new Map<string, Awaited<ReturnType<typeof played>>>();
const deployed = deployedHost();

async function use(start: () => Promise<Host>): Promise<EmulatedHost> {
  const started = await start();
  if (!isEmulated(started)) throw new Error('not on emulators');
  host = started;
  return started;
}

async function close(): Promise<void> {
  await host?.close();
  host = null;
}

beforeAll(async () => {
  // One after the other: clients of AWS find their endpoints in the environment of the process.
  const sources = await use(startEmulatedHost);
  for (const scenario of chosen) expected.set(scenario.name, await played(scenario, sources));
  await close();
  await use(() => deployed.start());
});
afterAll(close);

/** Plays a scenario, and answers what people and systems got of it. */
async function played(scenario: Scenario, on: EmulatedHost) {
  for (const system of [on.mlflow, on.workload, on.sns]) system.reset();
  await on.table.reset();
  const documents = await scenario.play(on, { pauseMs: 1 });
  for (const system of [on.mlflow, on.workload, on.sns]) system.faults.clear();
  // Leaves the next one no start that nobody took.
  on.stepFunctions.take();
  return comparable({
    documents: documents.map(({ status, reason, registry, workload, endpoint }: ExecutionDocument) => ({
      ...{ status, reason, registry, workload },
      failed: endpoint?.failed,
    })),
    alerts: on.sns.published.map(({ subject, message }) => ({ subject, message })),
    writes: [...on.mlflow.requests, ...on.workload.requests]
      .filter(({ method }) => method !== 'GET')
      .map(({ method, path }) => `${method} ${path}`),
  });
}

/** Without what is another one each time: ids, times, ports, the name of the environment. */
function comparable<Found>(found: Found): Found {
  return JSON.parse(
    JSON.stringify(found)
      .replaceAll(/resume-[\w-]+-(\d+)/g, 'resume-<change>-$1')
      .replaceAll(/retrained-[0-9a-f]{12}-/g, 'retrained-<need>-')
      .replaceAll(/(watch[-:])[\w-]+-[0-9a-f]{12}(?=[-:]\d)/g, '$1<change>')
      .replaceAll(/[0-9a-f]{32}:\d{13}/g, '<picture>')
      .replaceAll(/\b\d+:[0-9a-f]{64}\b/g, '<head>')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}/g, '<id>')
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*/g, '<time>')
      .replaceAll(/127\.0\.0\.1:\d+/g, '<host>')
      .replaceAll(/\b(local|prod)\b/gi, '<environment>'),
  );
}

it('end in every way in which an execution that begins can', () => {
  expect(chosen.map(({ name }) => name).sort()).toEqual([...CHOSEN].sort());
  const ended = [...expected.values()].flatMap(({ documents }) => documents.map(({ status }) => status));
  const never = [
    ...['invalid_input', 'in_step', 'confirmed', 'degraded', 'unproven', 'unverified'],
    'awaiting_approval',
  ];
  expect(new Set(ended)).toEqual(new Set(outcomeStatuses.filter((status) => !never.includes(status))));
});

describe('as it is deployed', () => {
  it.each(chosen)('the scenario $name comes to what the sources come to', async (scenario) => {
    if (host === null) throw new Error('no host');
    expect(await played(scenario, host)).toEqual(expected.get(scenario.name));
  });

  it.each(functionNames)('%s has been called', (name) => {
    expect(deployed.lambdas().get(name)?.printed()).toContain('"message":"answered"');
  });
});

printedAfter(deployed);

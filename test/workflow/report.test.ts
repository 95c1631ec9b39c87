import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../../emulators/faults.ts';
import { parseEntry } from '../../lambdas/domain/ledger/entry.ts';
import { reportPath } from '../../lambdas/domain/promotion/report-place.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { promote } from '../../local/scenarios/scenario.ts';
import { MODEL, seedEmulators, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { mlflowClient, storeOf } from '../support/clients.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** The report of a decision: attached to the challenger's run, with its digest in the ledger. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const FOLDER = 'mlflow-artifacts/artifacts/*';
const uploads = () => host.mlflow.requests.filter(({ method }) => method === 'PUT');
const play = (input: object = promote) => execute(host, input, { pauseMs: 0 });
const runOf = async (version: string) => {
  const versions = await host.registry.listVersions(MODEL);
  return versions.find((each) => each.version === version)?.runId ?? '';
};
const attachedTo = async (version: string, { execution }: Pick<ExecutionDocument, 'execution'>) =>
  mlflowClient(host.mlflow).artifact(await runOf(version), reportPath(execution));
const entries = async () =>
  (await storeOf(host.table).entries(MODEL, 1, 100)).map(({ text }) => parseEntry(text));
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** What an execution has decided and changed, without what each execution has of its own. */
const essence = ({ status, states, registry, workload }: ExecutionDocument) => ({
  status,
  states: states.map(({ name }) => name),
  registry: registry.after,
  workload: workload.after?.artifact_id,
});

describe('a promotion', () => {
  it('attaches its report to the run of the challenger, and the ledger has its digest', async () => {
    seedEmulators(host);
    const document = await play();
    const page = await attachedTo('3', document);
    expect(page.length).toBeGreaterThan(0);
    expect((await entries()).map((entry) => entry?.report)).toEqual([sha256(page)]);
  });

  it('names the run and the report in its alert', async () => {
    seedEmulators(host);
    const { execution } = await play();
    const run = await runOf('3');
    expect(host.sns.published[0]?.attributes).toMatchObject({
      run: `${host.mlflow.url}/#/experiments/1/runs/${run}/artifacts`,
      report: reportPath(execution),
    });
  });

  it('attaches the same bytes again when its end is repeated', async () => {
    seedEmulators(host);
    const document = await play();
    const before = await attachedTo('3', document);
    host.clock.skip(60_000);
    await host.functions['end-promotion']({ state: document.output, execution: document.execution });
    expect(uploads()).toHaveLength(2);
    expect((await attachedTo('3', document)).equals(before)).toBe(true);
    expect(await entries()).toHaveLength(1);
  });

  it('that is only tried out attaches none', async () => {
    seedEmulators(host);
    await play({ ...promote, dry_run: true });
    expect(uploads()).toEqual([]);
  });
});

describe('a champion that is kept', () => {
  it('has the report on the run of the challenger that lost', async () => {
    seedPascalStrategy(host.mlflow, { challengerEdge: 0.1 });
    const document = await play();
    expect(document.status).toBe('kept');
    expect((await entries())[0]?.report).toBe(sha256(await attachedTo('3', document)));
  });
});

/** What can go wrong on the way to the run. */
const troubles: [string, { method?: string; path: string; effect: Effect }][] = [
  ['refuses the file', { method: 'PUT', path: FOLDER, effect: { kind: 'answer', status: 403, body: 'no' } }],
  ['fails', { method: 'PUT', path: FOLDER, effect: { kind: 'answer', status: 500, body: 'oops' } }],
  [
    'has no proxy',
    { method: 'PUT', path: FOLDER, effect: { kind: 'answer', status: 503, body: '<p>no</p>' } },
  ],
  [
    'answers with a login page',
    { method: 'PUT', path: FOLDER, effect: { kind: 'answer', status: 200, body: '<html>Sign in</html>' } },
  ],
  [
    'takes the file and loses its answer',
    { method: 'PUT', path: FOLDER, effect: { kind: 'drop', when: 'after' } },
  ],
  [
    'does not answer',
    { method: 'PUT', path: FOLDER, effect: { kind: 'hold', until: new Promise(() => {}) } },
  ],
  [
    'does not know the version',
    { path: 'model-versions/get', effect: { kind: 'answer', status: 404, body: '{}' } },
  ],
];

describe('a server that', () => {
  it.each(troubles)('%s changes nothing of the outcome', { timeout: 30_000 }, async (_, fault) => {
    seedEmulators(host);
    const untroubled = essence(await play());
    const wanted = (await entries())[0]?.decision;
    for (const system of [host.mlflow, host.workload, host.sns]) system.reset();
    await host.table.reset();
    seedEmulators(host);
    host.mlflow.faults.add(fault);
    const troubled = essence(await play());
    expect(troubled).toMatchObject({ status: untroubled.status, states: untroubled.states });
    expect(host.sns.published).toHaveLength(1);
    expect(host.sns.published[0]?.attributes['report']).toBeUndefined();
    const [entry] = await entries();
    expect(entry?.decision).toEqual(wanted);
    expect(entry?.report).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['s3://bucket/1', 'in a store that clients write to themselves'],
    ['mlflow-artifacts://other:5000/1', 'behind another server'],
    ['/var/mlruns/1', 'in a folder of the server'],
  ])('keeps artifacts in %s (%s) is given no file', async (location) => {
    seedEmulators(host);
    await fetch(`${host.mlflow.url}/api/2.0/mlflow/experiments/create`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'elsewhere', artifact_location: location }),
    });
    const old = await host.registry.getRun(await runOf('3'));
    const runId = host.mlflow.registry.createRun({
      experiment: 'elsewhere',
      metrics: Object.fromEntries((old?.metrics ?? []).map(({ key, value }) => [key, value])),
      datasets: [{ name: 'hourly-bars-2026-q3', digest: 'a41c09d7', context: 'backtest' }],
    });
    host.mlflow.registry.createVersion(MODEL, { stage: 'Staging', runId });
    await play({ ...promote, challenger_version: '4', policy: 'trading', dry_run: false });
    expect(uploads()).toEqual([]);
    const attributes = host.sns.published[0]?.attributes;
    expect(attributes?.['run']).toContain(runId);
    expect(attributes?.['report']).toBeUndefined();
  });
});

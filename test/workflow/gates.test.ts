import { createHash, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import type { Network } from '../../lambdas/adapters/network.ts';
import { RequestApprovalInput } from '../../lambdas/domain/approval/payloads.ts';
import { type Policy, parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { seeded } from '../../lambdas/domain/paired/random.ts';
import { CompareInput, type Comparison, type Prepared, PrepareInput } from '../../lambdas/domain/payloads.ts';
import { type Handler, toHandler } from '../../lambdas/runtime/handler.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { servingServices } from '../../lambdas/runtime/workload-services.ts';
import { compare } from '../../lambdas/use-cases/compare-models.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { type RequestServices, requestApproval } from '../../lambdas/use-cases/request-approval.ts';
import { type ExecutionRun, execute } from '../../local/execution.ts';
import { afterWaits, type EmulatedHost, startHost } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** Gates and checks of a policy in whole executions: compared, and judged again before the change is opened. */

const NAME = 'churn';
const N = 1_000;
let policy: Policy;

/** The functions as they are deployed, with the policy of the test in place of the files. */
const startGatedHost = () =>
  startHost(
    undefined,
    async ({ clock, env, table }) => {
      const network: Network = table.documents === undefined ? {} : { dynamodb: table.documents as never };
      const policies = { policies: { load: async () => policy }, minConfidence: 0.7 };
      const own: Partial<Record<FunctionName, Handler>> = {
        'compare-models': toHandler('compare-models', {
          input: CompareInput,
          services: (of, time, by) => ({ ...registryServices(of, time, by), ...policies, clock: time }),
          run: (input, services) => compare(input, services),
        }),
        // Nobody is asked by this policy.
        'request-approval': toHandler('request-approval', {
          input: RequestApprovalInput,
          services: () =>
            ({ approvalOf: async () => policy.approval ?? null, floors: [] }) as unknown as RequestServices,
          run: (input, services) => requestApproval(input, services),
        }),
        'prepare-promotion': toHandler('prepare-promotion', {
          input: PrepareInput,
          services: (of, time, by) => ({
            ...registryServices(of, time, by),
            ...policies,
            ...storeServices(of, by),
            clock: time,
            workloads: () => servingServices(of, time, by).workloads,
          }),
          run: prepare,
        }),
      };
      const functions = await Promise.all(
        functionNames.map(async (name) => {
          const deployed =
            own[name] ?? ((await import(`../../lambdas/${name}.ts`)) as { handler: Handler }).handler;
          const handler = deployed.withClock(clock, env, network);
          return [
            name,
            afterWaits(clock, (event) => handler(event, { awsRequestId: randomUUID() })),
          ] as const;
        }),
      );
      return { functions: Object.fromEntries(functions) as Record<FunctionName, LocalFunction> };
    },
    startMemoryTable,
  );

const mlmodel = (inputs: object[]) =>
  `flavors:\n  sklearn: {}\nmodel_size_bytes: 1000\nsignature:\n  inputs: '${JSON.stringify(inputs)}'\n  outputs: '[{"type": "long"}]'\n`;
const column = { type: 'double', name: 'a', required: true };

interface Side {
  inputs?: object[];
  tags?: Record<string, string>;
  runTags?: Record<string, string>;
  params?: Record<string, string>;
  /** Ids of rows that it was trained on. */
  trained?: readonly string[];
  /** Rows of slice `b` on which it is wrong. */
  wrongInB?: boolean;
}

describe('a policy with gates', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  }, startGatedHost);

  function version(accuracy: number, stage: string, side: Side) {
    const { uniform } = seeded(3);
    const rows = Array.from({ length: N }, (_, row) => {
      const slice = row % 5 === 0 ? 'b' : 'a';
      const right = uniform() < accuracy && !(side.wrongInB === true && slice === 'b');
      return { text: `row-${row},1,${right ? 1 : 0},${slice}`, right };
    });
    const artifacts: Record<string, string> = {
      'evaluation_rows.csv': ['row_id,label,prediction,slice', ...rows.map(({ text }) => text)].join('\n'),
      'model/MLmodel': mlmodel(side.inputs ?? [column]),
    };
    if (side.trained !== undefined)
      artifacts['training_rows.bloom.json'] = JSON.stringify(filterOf(side.trained));
    const runId = host.mlflow.registry.createRun({
      metrics: { accuracy: rows.filter(({ right }) => right).length / N },
      params: { ...side.params },
      tags: { 'mlflow.log-model.history': '[]', ...side.runTags },
      artifacts,
    });
    return host.mlflow.registry.createVersion(NAME, { runId, stage, tags: side.tags ?? {} });
  }

  function world(
    gates: object,
    challenger: Side = {},
    champion: Side | null = {},
    tags: Record<string, string> = {},
  ) {
    policy = parsePolicy('gated', {
      accepted_grades: ['A'],
      rules: [{ name: 'accuracy', metric: 'accuracy', direction: 'higher', limit: 0.5, critical: true }],
      ...gates,
    });
    host.mlflow.registry.createModel(NAME, { tags });
    if (champion !== null) version(0.7, 'Production', champion);
    version(0.95, 'Staging', challenger);
  }

  const promoted = async (run: Partial<ExecutionRun> = {}) => {
    const { status, output } = await execute(host, { model_name: NAME }, { pauseMs: 1, ...run });
    const { comparison, prepared } = output as { comparison: Comparison; prepared?: Prepared };
    return { status, comparison, prepared };
  };
  const results = ({ gates = [], checks = [] }: Comparison) =>
    [...gates, ...checks].map(
      ({ kind, result, why }) => `${kind} ${result}${why.map(({ code }) => ` ${code}`).join('')}`,
    );

  const every = {
    gates: [
      {
        name: 'tags',
        kind: 'tags',
        tags: ['owner', 'licence', 'intended_use', 'privacy_review', 'data_retention'],
      },
      { name: 'lineage', kind: 'lineage' },
      { name: 'signature', kind: 'signature' },
      { name: 'digests', kind: 'digests', of: ['model'] },
      { name: 'settled', kind: 'min_age', hours: 1 },
      {
        name: 'holidays',
        kind: 'freeze',
        time_zone: 'Europe/Berlin',
        dates: [{ from: '2001-01-01', to: '2001-01-02' }],
      },
      { name: 'hold', kind: 'hold' },
      { name: 'quarantine', kind: 'quarantine' },
    ],
    slices: { margin: 0.05 },
    max_age_days: 30,
  };
  const tags = {
    owner: 'risk',
    licence: 'MIT',
    intended_use: 'churn',
    privacy_review: 'done',
    data_retention: '1 y',
  };
  const lineage = {
    'mlflow.source.git.commit': '9fceb02d0ae598e95dc970b74767f19372d61af8',
    'promotion.mlmodel_sha256': createHash('sha256')
      .update(mlmodel([column]))
      .digest('hex'),
  };

  it('promotes a version that passes every gate, and lists what changed', async () => {
    world(
      every,
      { tags, runTags: lineage, params: { depth: '4' }, trained: rowIds('other', 1000) },
      { params: { depth: '3' } },
    );
    host.clock.skip(3_600_000);
    const { status, comparison } = await promoted();
    expect(results(comparison)).toEqual([
      ...every.gates.map(({ kind }) => `${kind} passed`),
      'labels passed',
      'recomputed passed',
      'overlap passed',
      'slices passed slice-worst',
      'evaluation_age passed',
    ]);
    expect(status).toBe('promoted');
    expect(comparison.changes?.listed).toEqual([
      { what: 'parameter', name: 'depth', before: '3', after: '4' },
    ]);
    expect(comparison.changes?.unknown).toEqual(['code', 'data']);
  });

  it.each<[string, object, Side, string]>([
    [
      'a tag is missing',
      { gates: [every.gates[0]] },
      { tags: { ...tags, licence: '' } },
      'tags failed tag-missing',
    ],
    ['the run names no commit', { gates: [every.gates[1]] }, {}, 'lineage failed no-commit'],
    [
      'an input is new and required',
      { gates: [every.gates[2]] },
      { inputs: [column, { ...column, name: 'b' }] },
      'signature failed input-required',
    ],
    [
      'the model was changed after the training',
      { gates: [every.gates[3]] },
      { runTags: { 'promotion.mlmodel_sha256': 'x' } },
      'digests failed digest-differs',
    ],
    ['it came to Staging just now', { gates: [every.gates[4]] }, {}, 'min_age failed too-young'],
    [
      'it is in quarantine',
      { gates: [every.gates[7]] },
      { tags: { 'promotion.quarantine': 'Ada\n: drift' } },
      'quarantine failed quarantined',
    ],
    ['training rows are evaluated', {}, { trained: rowIds('row', 1000) }, 'overlap failed overlap'],
    ['a slice is worse', { slices: { margin: 0.05 } }, { wrongInB: true }, 'slices failed slice-worse'],
  ])('asks a person where %s', async (_, gates, challenger, expected) => {
    world(gates, challenger);
    const { status, comparison } = await promoted();
    expect(results(comparison)).toContain(expected);
    expect({ status, decision: comparison.decision, grade: comparison.evidence_grade }).toEqual({
      status: 'needs_investigation',
      decision: 'INVESTIGATE',
      grade: 'A',
    });
  });

  it('promotes past a gate that is a dry run', async () => {
    world({ gates: [{ ...every.gates[0], dry_run: true }] });
    expect(await promoted()).toMatchObject({
      status: 'promoted',
      comparison: { gates: [{ result: 'failed' }] },
    });
  });

  it('holds a first model to the gates, but for what needs a champion', async () => {
    const gates = [every.gates[0], every.gates[2]];
    world({ gates }, {}, null);
    const { status, comparison } = await promoted();
    expect(status).toBe('needs_investigation');
    expect(results(comparison)).toEqual([
      'tags failed tag-missing tag-missing tag-missing tag-missing',
      'signature not-judged no-champion',
    ]);
    expect(comparison.changes).toBeUndefined();
  });

  const compared = (change: () => void): Partial<ExecutionRun> => ({
    onEvent: (event) => {
      if (event.kind === 'exited' && event.state === 'CompareModels') change();
    },
  });
  const digests = ({ comparison, prepared }: Awaited<ReturnType<typeof promoted>>) => ({
    decision: comparison.decision,
    prepared: prepared?.status,
  });

  it.each<[string, object, () => void]>([
    [
      'a hold',
      every.gates[6] ?? {},
      () => host.mlflow.registry.setModelTag(NAME, 'promotion.hold', 'Ada: wait'),
    ],
    [
      'a quarantine',
      every.gates[7] ?? {},
      () => host.mlflow.registry.setVersionTag(NAME, '2', 'promotion.quarantine', 'Ada: drift'),
    ],
  ])('refuses to open the change after %s that came since the comparison', async (_, gate, change) => {
    world({ gates: [gate] });
    const answer = await promoted(compared(change));
    expect(digests(answer)).toEqual({ decision: 'PROMOTE', prepared: 'refused' });
    expect(answer.status).toBe('kept');
    expect(host.mlflow.registry.pointers(NAME).production).toEqual(['1']);
  });

  it('refuses in a freeze that began since the comparison', async () => {
    const begins = new Date(host.clock.now().getTime() + 24 * 3_600_000).toISOString().slice(0, 10);
    world({
      gates: [{ name: 'freeze', kind: 'freeze', time_zone: 'UTC', dates: [{ from: begins, to: begins }] }],
    });
    const untilThen = () => host.clock.skip(Date.parse(`${begins}T00:00:01Z`) - host.clock.now().getTime());
    expect(digests(await promoted(compared(untilThen)))).toEqual({
      decision: 'PROMOTE',
      prepared: 'refused',
    });
  });

  it('is contested where a gate of the evidence changed since', async () => {
    world({ gates: [every.gates[0]] }, { tags });
    const change = () => host.mlflow.registry.setVersionTag(NAME, '2', 'owner', 'somebody else');
    expect(digests(await promoted(compared(change)))).toEqual({ decision: 'PROMOTE', prepared: 'contested' });
  });

  it('has one digest for one evidence, whatever is held or frozen', async () => {
    world({ gates: [every.gates[6]] });
    const digest = async () => (await host.functions['compare-models']({ model_name: NAME })) as Comparison;
    const free = await digest();
    host.mlflow.registry.setModelTag(NAME, 'promotion.hold', 'Ada');
    const held = await digest();
    expect([free.decision, held.decision]).toEqual(['PROMOTE', 'INVESTIGATE']);
    expect(held.evidence_digest).toBe(free.evidence_digest);
  });
});

const rowIds = (name: string, count: number) => Array.from({ length: count }, (_, row) => `${name}-${row}`);

/** A Bloom filter as `examples/log_evidence.py` writes it. */
function filterOf(ids: readonly string[]): object {
  const bits = Math.max(8, Math.ceil((ids.length * 10) / 8) * 8);
  const filter = Buffer.alloc(bits / 8);
  for (const id of ids) {
    const digest = createHash('sha256').update(id).digest();
    const [a, b] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
    for (let i = 0; i < 7; i += 1) {
      const bit = (a + i * b) % bits;
      filter[bit >> 3] = (filter[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return { version: 1, rows: ids.length, bits, hashes: 7, filter: filter.toString('base64') };
}

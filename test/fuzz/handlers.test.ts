import fc from 'fast-check';
import { expect, it } from 'vitest';
import { errorNames } from '../../lambdas/domain/errors.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { hostileJson, hostileText, mutated } from './support/hostile.ts';
import { modelItem, outcome, payloads } from './support/samples.ts';
import { fuzz } from './support/targets.ts';
import { FuzzWorld, MODEL } from './support/world.ts';

const name = fc.constantFrom(...functionNames);

/** What a function answers or throws; an error that is not of the closed set fails. Answers are JSON. */
async function answerOf(world: FuzzWorld, of: FunctionName, payload: unknown): Promise<unknown> {
  const functions = await world.functions();
  try {
    const answer = await functions[of](payload, { awsRequestId: 'request-1' });
    expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
    return answer;
  } catch (error) {
    expect(errorNames, String(error instanceof Error ? error.stack : error)).toContain((error as Error).name);
    return error;
  }
}

it('the payloads that the fuzzed ones are made of are valid, and reach the writes', async () => {
  for (const of of functionNames) {
    const world = new FuzzWorld();
    expect(isInvalid(await answerOf(world, of, inWorld(payloads[of], world))), of).toBe(false);
  }
  const world = new FuzzWorld();
  expect(await answerOf(world, 'promote-model', payloads['promote-model'])).toMatchObject({ promoted: true });
  expect(world.writesToSides().map(({ url }) => url)).toContainEqual(
    expect.stringMatching(/transition-stage$/),
  );
});

const isInvalid = (answer: unknown) => answer instanceof Error && answer.name === 'InvalidInput';

/** Payloads with the real ids of a world in them. */
const inWorld = (payload: unknown, { workloadId }: FuzzWorld): unknown =>
  JSON.parse(JSON.stringify(payload).replaceAll('"w1"', JSON.stringify(workloadId)));

fuzz(
  'handlers: structured payloads',
  'answer, or throw one of the closed set; an invalid payload reaches no system at all',
  name.chain((of) => fc.tuple(fc.constant(of), mutated(payloads[of]))),
  async ([of, payload]) => {
    const world = new FuzzWorld();
    const before = world.sides();
    const answer = await answerOf(world, of, inWorld(payload, world));
    if (isInvalid(answer)) expect(world.sent).toEqual([]);
    if (world.writesToSides().length === 0) expect(world.sides()).toBe(before);
  },
);

fuzz(
  'handlers: garbage',
  'is an invalid payload, and nothing is written',
  fc.tuple(name, hostileJson),
  async ([of, payload]) => {
    const world = new FuzzWorld();
    await answerOf(world, of, payload);
    expect(world.writesToSides()).toEqual([]);
  },
);

/** Registers a model of this name, with the id on it and on its versions; false where MLflow accepts no such name. */
function isRegistered({ mlflow: { registry } }: FuzzWorld, model: string, id: string): boolean {
  try {
    for (const stage of ['Production', 'Staging'])
      registry.createVersion(model, { stage, tags: { 'workload.artifact_id': id } });
    registry.setModelTag(model, 'workload.id', id);
    return true;
  } catch {
    return false;
  }
}

const PATHS: Record<string, RegExp> = {
  mlflow: /^https:\/\/mlflow\.invalid\/api\/2\.0\/mlflow\/(registered-models|model-versions|runs)\/[a-z-]+$/,
  workload:
    /^https:\/\/workload\.invalid\/api\/v2\/((workloads|artifacts)(\/[^/]+){0,4}|otel\/workload\/[^/]+\/logs\/)$/,
};

fuzz(
  'handlers: hostile names',
  'stay within one segment of a path or one parameter, and come back from the server as they were',
  fc.record({
    of: fc.constantFrom(
      'compare-models',
      'prepare-promotion',
      'replace-workload',
      'promote-model',
      'model-rollback',
    ),
    model: hostileText,
    id: hostileText,
  }),
  async ({ of, model, id }) => {
    const world = new FuzzWorld();
    const known = isRegistered(world, model, id);
    const before = world.sides();
    const ids = { model_name: model, workload_id: id, artifact_id: id, execution: null, fence: null };
    const own = of === 'prepare-promotion' ? { execution: 'e1' } : {};
    await answerOf(world, of as FunctionName, { ...payloads[of as FunctionName], ...ids, ...own });
    if (!known) expect(world.sides()).toBe(before);
    for (const { system, url } of world.sent) {
      if (url === '') continue;
      const { origin, pathname, searchParams, hash, username } = new URL(url);
      expect(origin + pathname).toMatch(PATHS[system] ?? /^$/);
      expect([hash, username]).toEqual(['', '']);
      const given = searchParams.get('name');
      if (given !== null) expect(given).toBe(model.toWellFormed());
      const segment = pathname.split('/')[4];
      if (system === 'workload' && segment !== undefined && /workloads|artifacts/.test(pathname))
        expect(decodeURIComponent(segment)).toBe(id.toWellFormed());
    }
  },
);

const hostileBody = fc.oneof(
  hostileJson.map((value) => ({ type: 'application/json', body: JSON.stringify(value) })),
  mutated({ registered_model: { name: MODEL, tags: [{ key: 'workload.id', value: 'w' }], aliases: [] } }).map(
    (value) => ({ type: 'application/json', body: JSON.stringify(value) }),
  ),
  mutated({
    model_versions: ['2', '3'].map((version) => ({
      name: MODEL,
      version,
      current_stage: version === '2' ? 'Production' : 'Staging',
      status: 'READY',
      run_id: 'r',
      tags: [],
    })),
  }).map((value) => ({ type: 'application/json', body: JSON.stringify(value) })),
  mutated({ id: 'w', status: 'running', artifactId: 'a', data: [{ id: 'p', status: 'running' }] }).map(
    (value) => ({ type: 'application/json', body: JSON.stringify(value) }),
  ),
  fc.constant({ type: 'text/html', body: '<!doctype html><html><body>Sign in</body></html>' }),
  fc
    .uint8Array({ maxLength: 60 })
    .map((bytes) => ({ type: 'application/octet-stream', body: Buffer.from(bytes) })),
);
const ofRuns = mutated({
  runs: [0.9, 'NaN'].map((value) => ({ data: { metrics: [{ key: 'accuracy', value }] } })),
}).map((value) => ({ type: 'application/json', body: JSON.stringify(value) }));
const status = fc.constantFrom(
  200,
  200,
  200,
  201,
  204,
  302,
  400,
  401,
  403,
  404,
  409,
  418,
  422,
  429,
  500,
  501,
  503,
);

fuzz(
  'handlers: hostile answers',
  'end with an answer or an error of the closed set; nothing is written to a side that cannot be understood',
  fc.record({
    of: fc.constantFrom<FunctionName>(
      ...(['compare-models', 'prepare-promotion', 'promote-model', 'model-rollback'] as const),
      ...(['replace-workload', 'close-promotion', 'end-promotion', 'sweep-promotions'] as const),
      'check-retraining-needed',
    ),
    from: fc.integer({ min: 1, max: 12 }),
    status,
    answer: fc.oneof({ weight: 9, arbitrary: hostileBody }, { weight: 1, arbitrary: ofRuns }),
    once: fc.boolean(),
  }),
  async ({ of, from, status: code, answer, once }) => {
    const world = new FuzzWorld();
    world.impostor = ({ system }, count) => {
      const takesPart =
        (system === 'mlflow' || system === 'workload') && (once ? count === from : count >= from);
      return takesPart ? { http: { status: code, ...answer } } : undefined;
    };
    await answerOf(world, of, inWorld(payloads[of], world));
    // After something that is no answer of the system at all, nothing is written there any more.
    const first = world.sent.findIndex((_, index) => index + 1 >= from);
    if (once || code >= 300 || answer.type === 'application/json' || first === -1) return;
    const { system } = world.sent[first] ?? {};
    const after = world.sent.slice(first + 1).filter((each) => each.writes && each.system === system);
    expect(
      after.filter(({ url }) => /transition-stage|\/alias$|\/replacement$|\/promote$/.test(url)),
    ).toEqual([]);
  },
);

const items = fc.oneof(
  mutated(modelItem).map((Item) => ({ Item, Attributes: Item })),
  mutated({
    pk: 'outcome#e',
    outcome: JSON.stringify(outcome),
    alert: 'pending',
    recorded_at: outcome.recorded_at,
  }).map((Item) => ({ Item, Items: [Item] })),
  hostileJson,
);

fuzz(
  'handlers: hostile items',
  'of the table end with an answer or an error of the closed set',
  fc.record({ of: name, from: fc.integer({ min: 1, max: 6 }), item: items }),
  async ({ of, from, item }) => {
    const world = new FuzzWorld();
    let asked = 0;
    world.impostor = ({ system }) => {
      if (system !== 'dynamodb') return undefined;
      asked += 1;
      return asked >= from ? { value: item } : undefined;
    };
    const payload = of === 'sweep-promotions' && from % 2 === 0 ? { sweep: true } : payloads[of];
    await answerOf(world, of, inWorld(payload, world));
  },
);

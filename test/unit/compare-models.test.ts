import { describe, expect, it } from 'vitest';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { type SelectionProblem, selectCandidates } from '../../lambdas/domain/comparison/candidates.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import {
  InvalidPolicy,
  MlflowUnavailable,
  ModelNotFound,
  UnknownPolicy,
} from '../../lambdas/domain/errors.ts';
import { CompareInput, Comparison } from '../../lambdas/domain/payloads.ts';
import type {
  LoggedModelMetric,
  ModelVersion,
  RegistryMode,
  RegistryView,
  Run,
} from '../../lambdas/domain/registry.ts';
import { type CompareServices, compare } from '../../lambdas/use-cases/compare-models.ts';
import { run } from '../support/evidence.ts';
import { pascal, version, view } from '../support/registry.ts';

const champion = { profit_total: 100, sharpe_ratio: 1.2, max_drawdown: 0.2, win_rate: 0.6 };
const better = { profit_total: 120, sharpe_ratio: 1.4, max_drawdown: 0.15, win_rate: 0.58 };

interface World {
  /** Runs that a search finds; null where the server refuses it. */
  counted?: number | null;
  of?: RegistryView | null;
  runs?: Record<string, Run>;
  logged?: Record<string, LoggedModelMetric[]>;
  mode?: RegistryMode;
}

/** A registry that only answers, and counts what it is asked. Trading runs behind versions 2 and 3. */
function world({ of = pascal(), runs = {}, logged = {}, mode = 'stages', counted = null }: World = {}) {
  const reads: string[] = [];
  const known: Record<string, Run> = { 'run-2': run(champion), 'run-3': run(better), ...runs };
  const read = <T>(what: string, answer: T) => {
    reads.push(what);
    return Promise.resolve(answer);
  };
  const refuse = () => Promise.reject(new Error('compare-models must not write'));
  const services: CompareServices = {
    registry: {
      getModel: () => read('model', of?.model ?? null),
      listVersions: () => read('versions', [...(of?.versions ?? [])]),
      getRun: (id) => read(`run ${id}`, known[id] ?? null),
      findRuns: (search) =>
        read(`runs of ${search.experimentId}`, counted === null ? null : { count: counted, runIds: [] }),
      loggedModelMetrics: (id) => read(`model ${id}`, logged[id] ?? null),
      moveToProduction: refuse,
      setAlias: refuse,
      deleteAlias: refuse,
      setModelTag: refuse,
      setVersionTag: refuse,
    },
    policies: policyFiles(new URL('../../policies/', import.meta.url)),
    mode,
    clock: { now: () => new Date('2026-11-20T10:00:00Z') },
    minConfidence: 0.7,
  };
  return { services, reads };
}

const input = (more: object = {}) =>
  CompareInput.parse({ model_name: 'PascalStrategy', policy: 'trading', ...more });
const versions = (...of: ModelVersion[]) => world({ of: view(of) }).services;

describe('comparing the seeded trading model', () => {
  it('promotes the Staging version over the one in Production, with every field answered', async () => {
    const answer = await compare(input(), world().services);
    expect(Comparison.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({
      decision: 'PROMOTE',
      confidence: 1,
      champion_version: '2',
      challenger_version: '3',
      same_version: false,
      basis: 'share',
      evidence_grade: 'E',
      policy: 'trading',
    });
    expect(answer.evidence_digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['profit is no higher', { profit_total: 100 }, 'KEEP'],
    ['profit is lower and all else better', { profit_total: 99 }, 'KEEP'],
    ['it loses money, though less than the champion', { profit_total: -1 }, 'KEEP'],
    ['only the Sharpe ratio is worse', { sharpe_ratio: 1.1 }, 'INVESTIGATE'],
    ['only the drawdown is worse', { max_drawdown: 0.25 }, 'PROMOTE'],
    ['the win rate is below nine tenths', { win_rate: 0.53 }, 'PROMOTE'],
    ['the Sharpe ratio and the drawdown are worse', { sharpe_ratio: 1.1, max_drawdown: 0.3 }, 'INVESTIGATE'],
    ['profit is NaN', { profit_total: Number.NaN }, 'INVESTIGATE'],
  ])('when %s (%j) answers %s', async (_, change, decision) => {
    const { services } = world({ runs: { 'run-3': run({ ...better, ...change }) } });
    expect(await compare(input(), services)).toMatchObject({ decision });
  });

  it('reads the model, its versions and two runs, and writes nothing', async () => {
    const { services, reads } = world();
    await compare(input(), services);
    expect(reads).toEqual(['model', 'versions', 'run run-3', 'run run-2']);
  });

  it('judges a first model by its limits', async () => {
    const answer = await compare(input(), versions(version(3, 'Staging')));
    expect(answer).toMatchObject({
      decision: 'PROMOTE',
      basis: 'limits',
      champion_version: null,
      challenger_version: '3',
    });
    expect(answer.rules.map(({ counted }) => counted)).toEqual(['counted', 'alone', 'alone', 'alone']);
  });
});

describe('comparing classifiers by the default policy', () => {
  const scores = (accuracy: number, log_loss: number) =>
    run({ accuracy, log_loss, roc_auc: 0.95, eval_rows: 228 });
  const classifiers = (challenger: Run) =>
    world({ runs: { 'run-2': scores(0.877, 0.31), 'run-3': challenger } }).services;
  const byDefault = input({ policy: null });

  it('promotes on an interval', async () => {
    const answer = await compare(byDefault, classifiers(scores(0.974, 0.08)));
    expect(answer).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'C', policy: 'default' });
    expect(answer.basis).toBe('probability');
    expect(answer.confidence).toBeGreaterThan(0.99);
  });

  it.each([
    ['a gain that chance explains', scores(0.886, 0.3), 'INVESTIGATE'],
    ['the same accuracy', scores(0.877, 0.3), 'KEEP'],
    ['more accuracy but worse probabilities', scores(0.974, 0.5), 'INVESTIGATE'],
    [
      'no number of rows, so no interval',
      run({ accuracy: 0.974, log_loss: 0.1, roc_auc: 0.99 }),
      'INVESTIGATE',
    ],
    [
      'a log loss that its champion has and it has not',
      run({ accuracy: 0.974, eval_rows: 228 }),
      'INVESTIGATE',
    ],
  ])('answers %s with %s', async (_, challenger, decision) => {
    expect(await compare(byDefault, classifiers(challenger))).toMatchObject({ decision });
  });
});

describe('comparing with earlier versions', () => {
  const accepting = (...accepted_grades: string[]) =>
    parsePolicy('noise', { accepted_grades, rules: [{ name: 'a', metric: 'a', direction: 'higher' }] });
  const values = [0.8, 0.81, 0.79, 0.805, 0.795, 0.8];
  const history = (after: number) => {
    const stage = (number: number) => (number === 7 ? 'Staging' : number === 6 ? 'Production' : 'Archived');
    const of = view(Array.from({ length: 7 }, (_, index) => version(index + 1, stage(index + 1))));
    const runs = Object.fromEntries([...values, after].map((a, index) => [`run-${index + 1}`, run({ a })]));
    return world({ of, runs });
  };

  it('is grade D, where the policy accepts it', async () => {
    const { services, reads } = history(0.85);
    const policies = { load: async () => accepting('D') };
    const answer = await compare(input(), { ...services, policies });
    expect(answer).toMatchObject({ decision: 'PROMOTE', evidence_grade: 'D', basis: 'probability' });
    expect(answer.rules[0]?.test).toMatchObject({ method: 'noise-floor', n: 6 });
    expect(reads.filter((read) => read.startsWith('run')).length).toBe(7);
    const within = await compare(input(), { ...history(0.81).services, policies });
    expect(within).toMatchObject({ decision: 'INVESTIGATE', evidence_grade: 'D' });
  });

  it('is not made where the policy does not accept it', async () => {
    const { services, reads } = history(0.85);
    const policies = { load: async () => accepting('A', 'B', 'C', 'E') };
    expect(await compare(input(), { ...services, policies })).toMatchObject({ evidence_grade: 'E' });
    expect(reads).toEqual(['model', 'versions', 'run run-7', 'run run-6']);
  });

  it('changes the evidence with them', async () => {
    const policies = { load: async () => accepting('D') };
    const digest = async (first: number) => {
      const { services } = history(0.85);
      const registry = { ...services.registry };
      const { getRun } = registry;
      registry.getRun = async (id) => (id === 'run-1' ? run({ a: first }) : getRun(id));
      return (await compare(input(), { ...services, registry, policies })).evidence_digest;
    };
    expect(await digest(0.8)).toBe(await digest(0.8));
    expect(await digest(0.8)).not.toBe(await digest(0.7));
  });
});

describe('which policy judges', () => {
  const tagged = (tag: string) =>
    world({ of: { ...pascal(), model: { ...pascal().model, tags: { 'promotion.policy': tag } } } }).services;

  it.each([
    ['trading', 'default', 'default'],
    ['trading', null, 'trading'],
    ['', null, 'default'],
  ])('with tag "%s" and input %s is "%s"', async (tag, policy, expected) => {
    expect(await compare(input({ policy }), tagged(tag))).toMatchObject({ policy: expected });
  });

  it.each(['../../etc/passwd', 'no-such-policy', 'a\nb', 'x'.repeat(5_000_000)])(
    'is refused when the tag says %j',
    async (tag) => {
      const error = await compare(input({ policy: null }), tagged(tag)).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnknownPolicy);
      expect((error as Error).message).toMatch(
        /^There is no policy ".*"\. Known policies: auto, default, four-eyes, refresh, regression, six-eyes, trading$/,
      );
    },
  );

  it.each([
    ['classification, as MLflow spells it', { accuracy_score: 0.9, example_count: 500 }, 'default'],
    ['regression', { root_mean_squared_error: 2, mean_absolute_error: 1, r2_score: 0.8 }, 'regression'],
    ['neither', { loss: 1 }, 'default'],
  ])('is auto: that for %s', async (_, metrics, expected) => {
    const { services } = world({ runs: { 'run-2': run(metrics), 'run-3': run(metrics) } });
    expect(await compare(input({ policy: 'auto' }), services)).toMatchObject({ policy: expected });
  });

  it('is refused with every mistake when it is not valid', async () => {
    const policies = { load: async (name: string) => parsePolicy(name, { rules: [] }) };
    await expect(compare(input(), { ...world().services, policies })).rejects.toThrow(InvalidPolicy);
  });
});

describe('the profit', () => {
  it.each([
    [100, 125, 25],
    [-50, 25, 150],
    [0, 5, null],
    [null, 5, null],
    [5, Number.NaN, null],
  ])('from %s to %s is an improvement by %s percent', async (before, after, percent) => {
    const { profit_total: _, ...others } = better;
    const of = (profit: number | null) =>
      run({ ...others, ...(profit === null ? {} : { profit_total: profit }) });
    const { services } = world({ runs: { 'run-2': of(before), 'run-3': of(after) } });
    expect(await compare(input(), services)).toMatchObject({ profit_improvement: percent });
  });
});

describe('which versions are compared', () => {
  it('are those in the stages that are named in place of a version', async () => {
    const named = CompareInput.parse({
      ...input(),
      champion_version: 'Production',
      challenger_version: 'Staging',
    });
    expect(await compare(named, world().services)).toMatchObject({
      champion_version: '2',
      challenger_version: '3',
    });
  });

  it('are the named ones', async () => {
    const { services, reads } = world({ runs: { 'run-1': run(better) } });
    const answer = await compare(input({ champion_version: '2', challenger_version: '1' }), services);
    expect(answer).toMatchObject({ champion_version: '2', challenger_version: '1', decision: 'PROMOTE' });
    expect(reads).toContain('run run-1');
  });

  it('are those of the aliases in mode aliases', async () => {
    const of = view([version(2), version(3)], { aliases: { champion: '2', challenger: '3' } });
    const answer = await compare(input(), world({ of, mode: 'aliases' }).services);
    expect(answer).toMatchObject({ champion_version: '2', challenger_version: '3', decision: 'PROMOTE' });
  });

  it.each([
    ['the model', null, {}, 'Registered model "PascalStrategy" does not exist'],
    [
      'the challenger',
      pascal(),
      { challenger_version: '9' },
      'Registered model "PascalStrategy" has no version 9',
    ],
    [
      'the champion',
      pascal(),
      { champion_version: '8' },
      'Registered model "PascalStrategy" has no version 8',
    ],
  ])('must exist: %s', async (_, of, more, message) => {
    const error = await compare(input(more), world({ of }).services).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ModelNotFound);
    expect((error as Error).message).toBe(message);
  });

  it('are none when no version waits', async () => {
    const { services, reads } = world({ of: view([version(2, 'Production')]) });
    const answer = await compare(input(), services);
    expect(answer).toMatchObject({
      decision: 'INVESTIGATE',
      confidence: 0,
      champion_version: '2',
      challenger_version: null,
      basis: 'none',
      evidence_grade: null,
      rules: [],
    });
    expect(reads).toEqual(['model', 'versions']);
  });

  it('are none when the only version that waits was rolled back', async () => {
    const bad = version(3, 'Staging', { tags: { rolled_back: '{}' } });
    const answer = await compare(input(), versions(version(2, 'Production'), bad));
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', challenger_version: null });
  });

  it('do not include a version that was rolled back, even named, until its tag is emptied', async () => {
    const with3 = (tag: string) =>
      versions(version(2, 'Production'), version(3, 'None', { tags: { rolled_back: tag } }));
    const named = input({ challenger_version: '3' });
    const answer = await compare(named, with3('{}'));
    expect(answer.decision).toBe('INVESTIGATE');
    expect(await compare(named, with3(''))).toMatchObject({ decision: 'PROMOTE' });
  });

  it('may be one and the same', async () => {
    const { services, reads } = world();
    const answer = await compare(input({ challenger_version: '2' }), services);
    expect(answer).toMatchObject({
      decision: 'PROMOTE',
      same_version: true,
      confidence: 1,
      champion_version: '2',
      challenger_version: '2',
      evidence_grade: null,
      basis: 'same',
    });
    expect(reads).toEqual(['model', 'versions']);
  });

  it('are not one version that is no champion', async () => {
    const answer = await compare(input({ champion_version: '3', challenger_version: '3' }), world().services);
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', same_version: false });
  });

  it('are not guessed among several champions', async () => {
    const two = [version(1, 'Production'), version(2, 'Production')];
    const answer = await compare(input(), versions(...two, version(3, 'Staging')));
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', champion_version: null });
  });

  it('are both champions when one of two is named as the challenger', async () => {
    const half = [version(2, 'Production'), version(3, 'Production')];
    expect(await compare(input({ challenger_version: '3' }), versions(...half))).toMatchObject({
      decision: 'PROMOTE',
      champion_version: '2',
      challenger_version: '3',
      same_version: false,
    });
  });

  it('are not compared when the alias of the champion names no version', async () => {
    const of = view([version(3)], { aliases: { champion: '7', challenger: '3' } });
    const answer = await compare(input(), world({ of, mode: 'aliases' }).services);
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', champion_version: '7' });
  });
});

describe('why it is unclear what to compare', () => {
  const rolledBack = (number: number, stage: string) =>
    version(number, stage, { tags: { rolled_back: '{}' } });
  const champion2 = version(2, 'Production');

  it.each<[SelectionProblem, ModelVersion[], object]>([
    [{ code: 'no-challenger', mode: 'stages', passedOver: [], aliased: null }, [champion2], {}],
    [
      { code: 'no-challenger', mode: 'stages', passedOver: ['3'], aliased: null },
      [champion2, rolledBack(3, 'Staging')],
      {},
    ],
    [{ code: 'rolled-back', version: '3' }, [champion2, rolledBack(3, 'None')], { challenger_version: '3' }],
    [
      { code: 'named-twice', version: '3' },
      [champion2, version(3, 'Staging')],
      { champion_version: '3', challenger_version: '3' },
    ],
    [
      { code: 'several-champions', versions: ['2', '1'] },
      [version(1, 'Production'), champion2, version(3, 'Staging')],
      {},
    ],
  ])('is %j', (finding, of, named) => {
    expect(selectCandidates(view(of), 'stages', input(named))).toMatchObject({ kind: 'unclear', finding });
  });

  it.each<[RegistryMode, string, string | null]>([
    ['stages', 'None', '3'],
    ['both', 'Archived', '3'],
    ['stages', 'Production', null],
  ])('names @challenger in mode %s where a version is %s: %s', (mode, stage, aliased) => {
    const of = view([version(2, stage), version(3)], { aliases: { champion: '2', challenger: '3' } });
    expect(selectCandidates(of, mode, input())).toMatchObject({
      finding: { code: 'no-challenger', mode, aliased },
    });
  });

  it.each<[SelectionProblem, object]>([
    [{ code: 'no-challenger', mode: 'aliases', passedOver: [], aliased: null }, { champion: '3' }],
    [
      { code: 'champion-not-found', version: '7' },
      { champion: '7', challenger: '3' },
    ],
  ])('is %j with aliases %j', (finding, aliases) => {
    const of = view([rolledBack(2, 'Staging'), version(3)], { aliases: aliases as Record<string, string> });
    expect(selectCandidates(of, 'aliases', input())).toMatchObject({ kind: 'unclear', finding });
  });
});

describe('a comparison that the first version stored', () => {
  it.each([
    [true, 'counted'],
    [undefined, 'counted'],
    [false, 'not-counted'],
  ])('with "counted": %s is read as %s', async (stored, counted) => {
    const { basis: _, ...answer } = await compare(input(), world().services);
    const rules = answer.rules.map(({ why: _lacks, counted: _counted, ...rule }) =>
      stored === undefined ? rule : { ...rule, counted: stored },
    );
    const read = Comparison.parse({ ...answer, rules });
    expect(read.rules[0]).toMatchObject({ counted, why: [] });
    expect(read.basis).toBeUndefined();
  });
});

describe('an error', () => {
  it.each(['getModel', 'listVersions', 'getRun'] as const)(
    'in %s is thrown on, never answered',
    async (call) => {
      const { services } = world();
      const down = () => Promise.reject(new MlflowUnavailable('down'));
      const registry = { ...services.registry, [call]: down };
      await expect(compare(input(), { ...services, registry })).rejects.toThrow(MlflowUnavailable);
    },
  );
});

describe('the evidence digest', () => {
  const digest = async (more: object, of: World = {}) =>
    (await compare(input(more), world(of).services)).evidence_digest;

  it('is the same for the same evidence, whether the versions are found or named', async () => {
    const found = await digest({});
    expect(await digest({ champion_version: '2', challenger_version: '3' })).toBe(found);
    const noise = { ...pascal(), model: { ...pascal().model, tags: { owner: 'someone' } } };
    expect(await digest({}, { of: noise })).toBe(found);
  });

  it.each([
    ['a metric', {}, { runs: { 'run-3': run({ ...better, profit_total: 121 }) } }],
    ['the policy', { policy: 'default' }, {}],
    ['the challenger', { challenger_version: '1' }, { runs: { 'run-1': run(better) } }],
    [
      'the champion',
      {},
      { of: pascal(version(1, 'Production'), version(3, 'Staging')), runs: { 'run-1': run(champion) } },
    ],
  ])('changes with %s', async (_, more, of) => {
    expect(await digest(more, of)).not.toBe(await digest({}));
  });
});

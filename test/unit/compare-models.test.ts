import { describe, expect, it } from 'vitest';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import {
  InvalidPolicy,
  MlflowUnavailable,
  ModelNotFound,
  UnknownPolicy,
} from '../../lambdas/domain/errors.ts';
import { CompareInput, Comparison } from '../../lambdas/domain/payloads.ts';
import type { ModelVersion, RegistryMode, RegistryView, Run } from '../../lambdas/domain/registry.ts';
import { type CompareServices, compare } from '../../lambdas/use-cases/compare-models.ts';
import { evidenceTable } from '../../lambdas/words/evidence-table.ts';
import { run } from '../support/evidence.ts';
import { pascal, version, view } from '../support/registry.ts';

const champion = { profit_total: 100, sharpe_ratio: 1.2, max_drawdown: 0.2, win_rate: 0.6 };
const better = { profit_total: 120, sharpe_ratio: 1.4, max_drawdown: 0.15, win_rate: 0.58 };

interface World {
  of?: RegistryView | null;
  runs?: Record<string, Run>;
  mode?: RegistryMode;
}

/** A registry that only answers, and counts what it is asked. Trading runs behind versions 2 and 3. */
function world({ of = pascal(), runs = {}, mode = 'stages' }: World = {}) {
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
      moveToProduction: refuse,
      setAlias: refuse,
      setModelTag: refuse,
      setVersionTag: refuse,
    },
    policies: policyFiles(new URL('../../policies/', import.meta.url)),
    mode,
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
      evidence_grade: 'E',
      policy: 'trading',
    });
    expect(answer.recommendation).toBe(
      'Promote version 3 over version 2: 4 of 4 rules passed; profit (gain +20); grade E.',
    );
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
    expect(answer).toMatchObject({ decision: 'PROMOTE', champion_version: null, challenger_version: '3' });
    expect(answer.recommendation).toContain('only limits were checked');
  });
});

describe('the evidence table of the policies', () => {
  it('keeps every rule that passed on one line of at most 100 columns', async () => {
    const runs = {
      'run-2': run({ ...champion, profit_total: 1234.5 }),
      'run-3': run({ ...better, profit_total: 1310.25 }),
    };
    const text = evidenceTable(await compare(input(), world({ runs }).services));
    expect(text).toMatchInlineSnapshot(`
      "rule          metric        champion  challenger  result  reason
      ------------  ------------  --------  ----------  ------  -------------------------------------
      profit        profit_total    1234.5     1310.25  passed  gain +75.75, needed > 0; limit 0 kept
      Sharpe ratio  sharpe_ratio       1.2         1.4  passed  gain +0.2, needed >= 0
      drawdown      max_drawdown       0.2        0.15  passed  gain +0.05, needed >= 0
      win rate      win_rate           0.6        0.58  passed  gain -0.02, needed >= -0.06"
    `);
  });

  it('says of a first model which rules were not counted', async () => {
    const text = evidenceTable(await compare(input(), versions(version(3, 'Staging'))));
    expect(text).toMatchInlineSnapshot(`
      "rule          metric        champion  challenger  result       reason
      ------------  ------------  --------  ----------  -----------  -----------------------------
      profit        profit_total         –         120  passed       limit 0 kept
      Sharpe ratio  sharpe_ratio         –         1.4  not counted  no champion, and no limit set
      drawdown      max_drawdown         –        0.15  not counted  no champion, and no limit set
      win rate      win_rate             –        0.58  not counted  no champion, and no limit set"
    `);
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
    expect(answer.confidence).toBeGreaterThan(0.99);
    expect(answer.recommendation).toBe(
      'Promote version 3 over version 2: 3 of 3 rules passed; accuracy (gain +0.097, confidence > 99.9%); grade C.',
    );
    expect(evidenceTable(answer)).toMatchInlineSnapshot(`
      "rule      metric    champion  challenger  result  reason
      --------  --------  --------  ----------  ------  ------------------------------------------------
      accuracy  accuracy     0.877       0.974  passed  gain +0.097, needed > 0; 90% interval +0.0556 to
                                                        +0.137; n = 228 each, confidence > 99.9%; limit
                                                        0.5 kept
      log loss  log_loss      0.31        0.08  passed  gain +0.23, needed >= -0.0155
      ranking   roc_auc       0.95        0.95  passed  gain 0, needed >= -0.01"
    `);
  });

  it('says which number it lacks for an interval', async () => {
    const answer = await compare(
      byDefault,
      classifiers(run({ accuracy: 0.974, log_loss: 0.1, roc_auc: 0.99 })),
    );
    expect(answer.recommendation).toBe(
      'Look at version 3 yourself: 3 of 3 rules passed, but policy default does not accept evidence of grade E; no interval, as version 3 has no metric or parameter eval_rows.',
    );
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
        /^There is no policy ".*"\. Known policies: default, trading$/,
      );
    },
  );

  it('is refused with every mistake when it is not valid', async () => {
    const policies = { load: async (name: string) => parsePolicy(name, { rules: [] }) };
    await expect(compare(input(), { ...world().services, policies })).rejects.toThrow(InvalidPolicy);
  });
});

describe('which versions are compared', () => {
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
      evidence_grade: null,
      rules: [],
    });
    expect(answer.recommendation).toContain('No Staging version found');
    expect(reads).toEqual(['model', 'versions']);
  });

  it('are none when the only version that waits was rolled back', async () => {
    const bad = version(3, 'Staging', { tags: { rolled_back: '{}' } });
    const answer = await compare(input(), versions(version(2, 'Production'), bad));
    expect(answer).toMatchObject({ decision: 'INVESTIGATE', challenger_version: null });
    expect(answer.recommendation).toContain('No Staging version found (passed over, as rolled back: 3)');
  });

  it('do not include a version that was rolled back, even named, until its tag is emptied', async () => {
    const with3 = (tag: string) =>
      versions(version(2, 'Production'), version(3, 'None', { tags: { rolled_back: tag } }));
    const named = input({ challenger_version: '3' });
    const answer = await compare(named, with3('{}'));
    expect(answer.decision).toBe('INVESTIGATE');
    expect(answer.recommendation).toContain('Version 3 was rolled back');
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
      method: expect.stringContaining('same version'),
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
    expect(answer.recommendation).toContain('Versions 2 and 1 are all marked as champion');
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
    expect(answer.recommendation).toContain('said to be version 7, which does not exist');
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

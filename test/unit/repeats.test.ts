import { describe, expect, it } from 'vitest';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import type { Candidate } from '../../lambdas/domain/comparison/evidence.ts';
import { policyMistakes } from '../../lambdas/domain/comparison/policy.ts';
import type { ModelVersion, Run } from '../../lambdas/domain/registry.ts';
import { readRetrains } from '../../lambdas/use-cases/parts/read-retrains.ts';
import { evidence, policy, run } from '../support/evidence.ts';
import { version } from '../support/registry.ts';

/** Grades B and D: one number for each fold, and the spread of earlier versions. */

const folds = (values: readonly number[], key = 'auc_fold_') => ({
  auc: values.reduce((sum, value) => sum + value, 0) / values.length,
  ...Object.fromEntries(values.map((value, fold) => [`${key}${fold}`, value])),
});
const rule = { name: 'auc', metric: 'auc', folds: {} };
const base = [0.8, 0.82, 0.81, 0.79, 0.83];
const plus = (gain: number) => base.map((value, fold) => value + gain + (fold % 2) * 0.002);

describe('grade B, folds that both runs share', () => {
  const judged = (
    champion: Record<string, number>,
    challenger: Record<string, number>,
    of: object = rule,
  ) => {
    const {
      decision,
      evidence_grade: grade,
      confidence,
      rules,
    } = decide(
      evidence(champion, challenger),
      policy([of as Record<string, unknown>], { accepted_grades: ['B', 'E'] }),
      0.7,
    );
    return { decision, grade, confidence, gain: rules[0]?.gain };
  };

  it('is a corrected resampled t, labelled as comparing recipes', () => {
    const { decision, grade, confidence, gain } = judged(folds(base), folds(plus(0.02)));
    expect({ decision, grade }).toEqual({ decision: 'PROMOTE', grade: 'B' });
    expect(gain?.test).toMatchObject({
      method: 'corrected-resampled-t',
      n: 5,
      notes: [{ code: 'compares-recipes' }],
    });
    // scipy: gains .02 .022 .02 .022 .02; t = mean / sqrt((1/5 + 1/4) * var); 1 - t.sf(t, 4)
    expect(confidence).toBeCloseTo(0.9999953649941714, 9);
    expect(gain?.interval?.rows).toEqual([5, 5]);
  });

  it('asks a person for a gain that folds do not show, and keeps what is worse', () => {
    const noisy = base.map((value, fold) => value + ([0.05, -0.04, 0.03, -0.03, 0.01][fold] ?? 0));
    expect(judged(folds(base), folds(noisy))).toMatchObject({ decision: 'INVESTIGATE', grade: 'B' });
    expect(judged(folds(base), folds(plus(-0.02)))).toMatchObject({ decision: 'KEEP', grade: 'B' });
  });

  it('has as many rows to train on as the policy says', () => {
    const more = judged(folds(base), folds(plus(0.004)), { ...rule, folds: { test_share: 10 } });
    expect(more.confidence).toBeLessThan(judged(folds(base), folds(plus(0.004))).confidence);
  });

  it.each<[string, Record<string, number>, Record<string, number>, object]>([
    ['none', { auc: 0.8 }, { auc: 0.9 }, []],
    ['of one run only', folds(base), { auc: 0.9 }, [{ code: 'folds-differ', champion: 5, challenger: 0 }]],
    ['others', folds(base), folds([...base, 0.8]), [{ code: 'folds-differ', champion: 5, challenger: 6 }]],
    [
      'too few',
      folds(base.slice(0, 4)),
      folds(base.slice(0, 4)),
      [{ code: 'repeats', why: { refused: 'too-few-folds' } }],
    ],
    [
      'not finite',
      folds(base),
      { ...folds(plus(0.02)), auc: 0.83, auc_fold_3: Number.NaN },
      [{ code: 'repeats', why: { refused: 'not-finite' } }],
    ],
    ['all alike', folds(base), folds(base), [{ code: 'repeats', why: { refused: 'no-variance' } }]],
  ])('is not used for folds that are %s', (_, champion, challenger, why) => {
    const { grade, gain } = judged(champion, challenger);
    expect(grade).toBe('E');
    expect(gain?.noInterval).toMatchObject(why);
  });

  it('is read only where the rule names folds, by the name that it gives', () => {
    expect(judged(folds(base), folds(plus(0.02)), { name: 'auc', metric: 'auc' }).grade).toBe('E');
    const named = { ...rule, folds: { key: 'cv/{i}/{metric}' } };
    const logged = (values: number[]) => ({
      auc: 0.8,
      ...Object.fromEntries(values.map((value, fold) => [`cv/${fold}/auc`, value])),
    });
    expect(judged(logged(base), logged(plus(0.02)), named).grade).toBe('B');
    expect(
      policyMistakes({
        accepted_grades: ['B'],
        rules: [{ ...rule, direction: 'higher', folds: { key: 'fold', test_share: 0 } }],
      }).map(({ path }) => path),
    ).toEqual(['rules.0.folds.key', 'rules.0.folds.test_share']);
  });
});

describe('grade D, the spread of earlier versions on the same data', () => {
  const retrains = [0.8, 0.81, 0.79, 0.805, 0.795];
  const side = (accuracy: number, more: Partial<Run> = {}): Candidate => ({
    version: version(1),
    run: run({ accuracy }, more),
  });
  const judged = (after: number, before: readonly Candidate[] | undefined, accepted = ['D']) => {
    const of = { ...evidence({ accuracy: 0.8 }, { accuracy: after }), ...(before && { retrains: before }) };
    const {
      decision,
      evidence_grade: grade,
      confidence,
      rules,
    } = decide(of, policy([{ name: 'accuracy', metric: 'accuracy' }], { accepted_grades: accepted }), 0.7);
    return { decision, grade, confidence, gain: rules[0]?.gain };
  };
  const all = retrains.map((value) => side(value));

  it('promotes a gain beyond the noise, and asks a person for one within it', () => {
    expect(judged(0.84, all)).toMatchObject({ decision: 'PROMOTE', grade: 'D' });
    expect(judged(0.84, all).gain?.test).toMatchObject({ method: 'noise-floor', n: 5 });
    // scipy: t = .04 / (sqrt(2) * std([.8, .81, .79, .805, .795], ddof=1)); 1 - t.sf(t, 4)
    expect(judged(0.84, all).confidence).toBeCloseTo(0.9883924210043639, 9);
    expect(judged(0.81, all)).toMatchObject({ decision: 'INVESTIGATE', grade: 'D' });
    expect(judged(0.79, all)).toMatchObject({ decision: 'KEEP', grade: 'D' });
  });

  it.each<[string, Candidate[]]>([
    ['fewer than five', all.slice(0, 4)],
    [
      'on other data',
      all.map(() => side(0.8, { datasets: [{ name: 'x', digest: 'd2', context: 'evaluation' }] })),
    ],
    ['unfinished', [...all.slice(0, 4), side(0.8, { status: 'RUNNING' })]],
    ['without the metric', [...all.slice(0, 4), side(Number.NaN)]],
    ['all alike', Array.from({ length: 6 }, () => side(0.8))],
  ])('is not used for versions that are %s', (_, before) => {
    expect(judged(0.84, before)).toMatchObject({ decision: 'INVESTIGATE', grade: 'E' });
    expect(judged(0.84, before, ['D', 'E'])).toMatchObject({ decision: 'PROMOTE', grade: 'E' });
  });

  const read = (accepted: string[], versions: ModelVersion[]) => {
    const asked: string[] = [];
    const of = {
      champion: { ...side(0.8), version: version(12) },
      challenger: { ...side(0.9), version: version(14) },
    };
    const accepting = policy([{ name: 'a', metric: 'a' }], { accepted_grades: accepted });
    const found = readRetrains(versions, { ...of, policy: accepting }, async (each) => {
      asked.push(each.version);
      return { version: each, run: null };
    });
    return found.then((all) => ({ asked, count: all?.length }));
  };
  const fifteen = Array.from({ length: 15 }, (_, index) => version(index + 1));

  it('reads the last nine versions before the challenger, beside the champion', async () => {
    expect(await read(['D', 'E'], fifteen)).toEqual({
      asked: ['13', '11', '10', '9', '8', '7', '6', '5', '4'],
      count: 10,
    });
    expect(await read(['D'], [version(13, 'None', { runId: null })])).toEqual({ asked: [], count: 1 });
  });

  it('reads none where the policy does not accept it', async () => {
    expect(await read(['A', 'B', 'C', 'E'], fifteen)).toEqual({ asked: [], count: undefined });
  });
});

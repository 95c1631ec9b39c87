import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SelectionProblem } from '../../lambdas/domain/comparison/candidates.ts';
import { decide, investigate, sameVersion } from '../../lambdas/domain/comparison/decision.ts';
import type { Evidence, NoSample, Obstacle } from '../../lambdas/domain/comparison/evidence.ts';
import type { Policy } from '../../lambdas/domain/comparison/policy.ts';
import { inWords } from '../../lambdas/words/recommendation.ts';
import { missingText } from '../../lambdas/words/rules.ts';
import { anyComparison, evidence, policy, run } from '../support/evidence.ts';

const answer = (of: Evidence, by: Policy) => inWords(decide(of, by, 0.7));
const { champion, metrics, rules, sized } = anyComparison;

/** What one critical rule on the metric `m` comes to. */
const ruled = (rule: Record<string, unknown>, before: number, after: number) =>
  answer(evidence({ m: before }, { m: after }), policy([{ metric: 'm', critical: true, ...rule }]));

describe('the reason of a rule', () => {
  it('completes the result of the rule', () => {
    expect(ruled({ min_gain: 0.05, limit: 0.8 }, 0.85, 0.875).rules).toEqual([
      {
        name: 'rule 1',
        metric: 'm',
        champion: 0.85,
        challenger: 0.875,
        passed: false,
        counted: 'counted',
        why: [],
        critical: true,
        reason: 'gain +0.025, needed >= +0.05; limit 0.8 met',
      },
    ]);
  });

  it.each([
    [{ strict: true }, 0.3, 0.1 + 0.2, 'gain 0, needed > 0'],
    [{ min_gain: 0.05 }, 0.85, 0.9, 'gain +0.05, needed >= +0.05'],
    [{ min_gain: 0.05 }, 0.85, 0.89999, 'gain +0.04999, needed >= +0.05'],
    [{ min_gain: 0.05 }, 0.85, 0.8999999, 'gain +0.0499999, needed >= +0.05'],
    [{ direction: 'lower', margin: 0.02 }, 0.8, 0.81, 'gain -0.01, needed >= -0.02'],
    [{ limit: 0.95 }, 0.8, 0.9, 'limit 0.95 missed by 0.05; gain +0.1, needed >= 0'],
    [{ limit: 0.95, against_champion: false }, 0.8, 0.96, 'limit 0.95 met'],
  ])('of %j from %d to %d says: %s', (rule, before, after, reason) => {
    expect(ruled(rule, before, after).rules[0]?.reason).toBe(reason);
  });

  it.each([
    ['investigate', { m: 1, n: 1 }, { m: 2 }, 'Not evaluated: version 3 has no metric n'],
    [
      'investigate',
      { m: 1 },
      { m: 2 },
      'Not evaluated: version 3 has no metric n, version 2 has no metric n',
    ],
    ['skip', { m: 1 }, { m: 2, n: 1 }, 'Skipped: version 2 has no metric n'],
    ['skip', { m: 1, n: Number.NaN }, { m: 2, n: 1 }, 'Not evaluated: n of version 2 is NaN'],
    ['fail', { m: 1, n: 1 }, { m: 2, n: Number.POSITIVE_INFINITY }, 'n of version 3 is infinite'],
    ['investigate', null, { m: 2, n: 1 }, 'Not counted: no champion, and no limit set'],
  ])('under "%s" with %j and %j says: %s', (whenMissing, before, after, reason) => {
    const by = policy([{ metric: 'm' }, { metric: 'n', when_missing: whenMissing }]);
    expect(answer(evidence(before, after), by).rules[1]?.reason).toBe(reason);
  });

  it('gives the interval with its level, its rows and the confidence', () => {
    const sample = { kind: 'proportion', size: 'n' };
    const of = evidence({ m: 420 / 450, n: 450 }, { m: 435 / 450, n: 450 });
    const { rules: judged, method } = answer(of, policy([{ metric: 'm', strict: true, sample }]));
    expect(judged[0]?.reason).toBe(
      'gain +0.03333, needed > 0; 90% interval +0.00896 to +0.0574; n = 450 each, confidence 98.8%',
    );
    expect(method).toBe('one minus the one-sided p-value of an unpaired comparison');
    const uneven = evidence({ m: 0.85, n: 2000 }, { m: 0.855, n: 1000 });
    const wide = answer(uneven, policy([{ metric: 'm', sample }], { alpha: 0.025 }));
    expect(wide.rules[0]?.reason).toMatch(/; 95% interval .*; n = 2000 and 1000, confidence /);
  });

  it('says why there is no interval', () => {
    const by = policy([{ metric: 'm', sample: { kind: 'proportion', size: 'n' } }]);
    expect(answer(evidence({ m: 0.8 }, { m: 0.9, n: 9 }), by).rules[0]?.reason).toBe(
      'gain +0.1, needed >= 0 (no interval: version 2 has no metric or parameter n)',
    );
  });
});

describe('a number that cannot be used', () => {
  it.each<[NoSample, string]>([
    [{ code: 'not-logged', version: '3', metric: 'm' }, 'version 3 has no metric m'],
    [{ code: 'nan', version: '3', metric: 'm' }, 'm of version 3 is NaN'],
    [{ code: 'infinite', version: '3', metric: 'm' }, 'm of version 3 is infinite'],
    [{ code: 'no-number', version: '3', key: 'n' }, 'version 3 has no metric or parameter n'],
    [{ code: 'not-numeric', version: '3', key: 'n' }, 'parameter n of version 3 is not a number'],
    [{ code: 'no-deviation', version: '3', key: 'sd' }, 'sd of version 3 is not above zero'],
    [
      { code: 'too-few-rows', version: '3', key: 'n', fewest: 30 },
      'n of version 3 must be a whole number of rows, at least 30',
    ],
    [
      { code: 'no-proportion', version: '3', value: 90 },
      '90 of version 3 is not a proportion between 0 and 1',
    ],
    [{ code: 'too-large' }, 'the values are too large for an interval'],
  ])('%j is told as: %s', (lack, text) => {
    expect(missingText(lack)).toBe(text);
  });
});

describe('the recommendation', () => {
  const proportion = { metric: 'm', strict: true, sample: { kind: 'proportion', size: 'n' } };
  const unnamed = (of: Record<string, number>) => run(of, { datasets: [] });
  const ab = [
    { metric: 'a', weight: 3 },
    { metric: 'b', weight: 2 },
  ];
  const limits = [{ metric: 'a', limit: 0.5, critical: true }, { metric: 'b' }];

  it.each<[string, Evidence, Policy, string]>([
    [
      'a promotion',
      evidence({ m: 0.8 }, { m: 0.9 }),
      policy([{ metric: 'm', critical: true }]),
      'Promote version 3 over version 2: 1 of 1 rules passed; rule 1 (gain +0.1); grade E.',
    ],
    [
      'a promotion on an interval',
      evidence({ m: 0.877, n: 228 }, { m: 0.974, n: 228 }),
      policy([proportion]),
      'Promote version 3 over version 2: 1 of 1 rules passed; rule 1 (gain +0.097, confidence > 99.9%); grade C.',
    ],
    [
      'data that no run names',
      evidence(unnamed({ m: 1 }), unnamed({ m: 2 })),
      policy([{ metric: 'm' }]),
      'Promote version 3 over version 2: 1 of 1 rules passed; rule 1 (gain +1); grade E; neither run names its evaluation data, assumed to be the same.',
    ],
    [
      'a first model',
      evidence(null, { a: 0.6, b: 1 }),
      policy(limits),
      'Promote version 3 as the first champion: 1 of 1 rules passed (1 not counted); there is no champion to compare with, so only limits were checked.',
    ],
    [
      'a first model over which none can be promoted later',
      evidence(null, { m: 0.6 }),
      policy([{ ...proportion, limit: 0.5 }], { accepted_grades: ['C'] }),
      'Promote version 3 as the first champion: 1 of 1 rules passed; there is no champion to compare with, so only limits were checked. No later version can be promoted over it: version 3 has no metric or parameter n. Log it to the run of that version, which MLflow allows for a finished run too.',
    ],
    [
      'a first model below its limit',
      evidence(null, { a: 0.4, b: 1 }),
      policy(limits),
      'Leave the model without a champion: version 3 fails a critical rule, rule 1 (limit 0.5 missed by 0.1); 0 of 1 rules passed (1 not counted).',
    ],
    [
      'a first model without any limit',
      evidence(null, { a: 1 }),
      policy([{ metric: 'a' }]),
      'No decision: there is no champion, and policy test sets no limit for a first model; promote it by name with promote-model.',
    ],
    [
      'critical rules that fail',
      evidence({ a: 2, b: 2 }, { a: 1, b: 1 }),
      policy(ab.map((rule) => ({ ...rule, critical: true }))),
      'Keep version 2: version 3 fails critical rules, rule 1 (gain -1, needed >= 0) and 1 more; 0 of 2 rules passed.',
    ],
    [
      'a gain that chance explains',
      evidence({ m: 0.85, n: 2000 }, { m: 0.855, n: 2000 }),
      policy([proportion]),
      'Evaluate version 3 on more rows: rule 1 (gain +0.005, confidence 67.2%) is not distinguishable from chance; 0 of 1 rules passed.',
    ],
    [
      'a number that is missing',
      evidence({ m: 2, n: 1 }, { m: 1 }),
      policy([{ metric: 'm', critical: true }, { metric: 'n' }]),
      'No decision: version 3 has no metric n (rule rule 2). Log it and run again.',
    ],
    [
      'several that are missing',
      evidence({ a: 1, b: 1, c: 1 }, {}),
      policy([{ metric: 'a' }, { metric: 'b' }, { metric: 'c' }]),
      'No decision: version 3 has no metric a (rule rule 1; 2 more rules lack numbers). Log it and run again.',
    ],
    [
      'rules that are all skipped',
      evidence({}, {}),
      policy([{ metric: 'm', when_missing: 'skip' }]),
      'No decision: every rule of policy test was skipped.',
    ],
    [
      'a grade that the policy does not accept, for want of rows',
      evidence({ m: 0.8, n: 9 }, { m: 0.9 }),
      policy([proportion], { accepted_grades: ['C'] }),
      'Review version 3: 1 of 1 rules passed, but policy test does not accept evidence of grade E; no interval, as version 3 has no metric or parameter n. Log it to the run of that version, which MLflow allows for a finished run too, and run again.',
    ],
    [
      'a challenger that is no better',
      evidence({ a: 1, b: 1 }, { a: 0, b: 1 }),
      policy(ab),
      'Keep version 2: version 3 is not better; it fails rule 1 (gain -1, needed >= 0); 1 of 2 rules passed; weighted share 40.0%, needed 70.0%.',
    ],
    [
      'a mixed picture',
      evidence({ a: 1, b: 1 }, { a: 2, b: 0 }),
      policy(ab),
      'Review version 3: the results are mixed; it fails rule 2 (gain -1, needed >= 0); 1 of 2 rules passed; weighted share 60.0%, needed 70.0%.',
    ],
    [
      'a confidence below the threshold',
      evidence({ m: 420 / 450, n: 450 }, { m: 435 / 450, n: 450 }),
      policy([proportion], { min_confidence: 0.99 }),
      'Review version 3: the results are mixed; 1 of 1 rules passed; confidence 98.8%, needed 99.0%.',
    ],
    [
      'a rule that does not decide and that chance may have spoilt',
      evidence({ x: 1, m: 0.8, n: 200 }, { x: 1, m: 0.79, n: 200 }),
      policy([
        { metric: 'x', critical: true },
        { ...proportion, strict: false, margin: 0.02, weight: 3 },
      ]),
      'Review version 3: the results are mixed; rule 2 (gain -0.01, confidence 59.9%) is not distinguishable from chance; 1 of 2 rules passed; weighted share 25.0%, needed 70.0%.',
    ],
  ])('of %s', (_, of, by, text) => {
    expect(answer(of, by).recommendation).toBe(text);
  });

  it('of one and the same version says that nothing changes', () => {
    expect(inWords(sameVersion(policy([{ metric: 'm' }]), '2'))).toMatchObject({
      recommendation:
        'Version 2 is already the champion: promoting it again changes nothing, or completes an unfinished promotion.',
      method: 'not compared: challenger and champion are the same version',
    });
  });

  it.each<[SelectionProblem, string]>([
    [
      { code: 'no-challenger', mode: 'stages', passedOver: [], aliased: null },
      'No Staging version found; move one to Staging or pass challenger_version.',
    ],
    [
      { code: 'no-challenger', mode: 'stages', passedOver: [], aliased: '3' },
      'No Staging version found; set MLFLOW_REGISTRY_MODE=aliases, as @challenger is version 3 and no stage is in use; or move one to Staging or pass challenger_version.',
    ],
    [
      { code: 'no-challenger', mode: 'both', passedOver: ['3', '4'], aliased: null },
      'No Staging version found (skipped, as rolled back: 3, 4); move one to Staging or pass challenger_version.',
    ],
    [
      { code: 'no-challenger', mode: 'aliases', passedOver: [], aliased: null },
      'No version has the alias @challenger; set it or pass challenger_version.',
    ],
    [
      { code: 'rolled-back', version: '3' },
      'Version 3 was rolled back and is not promoted again; clear its tag rolled_back to allow it.',
    ],
    [
      { code: 'named-twice', version: '3' },
      'Version 3 is named as champion and as challenger but is not the only champion.',
    ],
    [
      { code: 'several-champions', versions: ['2', '1'] },
      'Versions 2 and 1 are all marked as champion; run again with the one to keep as challenger_version.',
    ],
    [
      { code: 'champion-not-found', version: '7' },
      'The alias champion names version 7, which does not exist.',
    ],
  ])('of %j', (finding, text) => {
    const decided = investigate(policy([{ metric: 'm' }]), { champion: null, challenger: null, finding });
    expect(inWords(decided)).toMatchObject({ recommendation: text, method: 'not compared' });
  });
});

describe('the recommendation where nothing may be judged', () => {
  const by = policy([{ metric: 'm' }]);
  const blocked = (...found: Obstacle[]) => {
    const decided = decide(evidence({ m: 1 }, { m: 2 }), by, 0.7);
    return inWords({ ...decided, finding: { code: 'undecided', obstacles: found } }).recommendation;
  };

  it.each<[Obstacle, string]>([
    [
      { code: 'not-ready', version: '3', status: 'PENDING_REGISTRATION' },
      'version 3 is PENDING_REGISTRATION, not READY',
    ],
    [{ code: 'no-run', version: '3' }, 'version 3 has no run, and so no metrics'],
    [{ code: 'run-not-found', version: '3', run: 'gone' }, 'run gone of version 3 does not exist'],
    [
      { code: 'run-not-finished', version: '3', status: 'RUNNING' },
      'the run of version 3 is RUNNING, not FINISHED',
    ],
    [
      { code: 'run-not-finished', version: '3', status: '' },
      'the run of version 3 is in an unknown state, not FINISHED',
    ],
    [{ code: 'data-unknown' }, 'neither run names the data it was evaluated on'],
    [
      { code: 'data-differ', champion: ['a', 'b\nc'], challenger: [] },
      'champion and challenger were evaluated on different data (champion: a, b\\nc; challenger: unknown data)',
    ],
  ])('says of %j: %s', (obstacle, text) => {
    expect(blocked(obstacle)).toBe(`No decision: ${text}.`);
  });

  it('names four reasons and counts the rest', () => {
    const found = ['1', '2', '3', '4', '5', '6'].map((version) => ({ code: 'no-run' as const, version }));
    expect(blocked(...found)).toMatch(/^No decision: (version \d has no run, [^;]*; ){4}and 2 more\.$/);
  });

  it('gives each rule its numbers and no reason', () => {
    const other = run({ m: 2 }, { status: 'FAILED' });
    expect(answer(evidence({ m: 1 }, other), by).rules).toMatchObject([
      { champion: 1, challenger: 2, reason: 'Not evaluated' },
    ]);
  });

  it('stays on one line whatever MLflow answers', () => {
    const hostile = evidence({ m: 1 }, run({ m: 1 }, { status: 'A\nB\u202e' }), {
      challenger: { status: '\r\n'.repeat(9e5) },
    });
    const { recommendation } = answer(hostile, by);
    expect(recommendation).not.toMatch(/[\p{C}\u2028\u2029]/u);
    expect(recommendation.length).toBeLessThan(200);
  });
});

describe('the texts of any comparison', () => {
  it('are each on one line', () => {
    fc.assert(
      fc.property(rules, champion, metrics, (asked, before, after) => {
        const said = answer(evidence(sized(before), { ...after, n: 200 }), policy(asked));
        for (const text of [said.recommendation, said.method, ...said.rules.map((r) => r.reason)]) {
          expect(text).not.toMatch(/[\n\r]|NaN%|\d %|undefined/);
        }
      }),
    );
  });

  it('begin with a short sentence that counts the rules as the table does', () => {
    fc.assert(
      fc.property(rules, champion, metrics, (asked, before, after) => {
        const said = answer(evidence(sized(before), { ...after, n: 200 }), policy(asked));
        expect(said.recommendation.length).toBeLessThanOrEqual(200);
        const counted = said.rules.filter((rule) => rule.counted === 'counted');
        const tally = /(\d+) of (\d+) rules passed/.exec(said.recommendation);
        if (tally === null) return;
        expect([Number(tally[1]), Number(tally[2])]).toEqual([
          counted.filter((rule) => rule.passed).length,
          counted.length,
        ]);
      }),
    );
  });
});

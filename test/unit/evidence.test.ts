import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { inputsOf } from '../../lambdas/domain/comparison/digests.ts';
import { evidenceUsed, obstacles, readMetric, readSample } from '../../lambdas/domain/comparison/evidence.ts';
import type { Run } from '../../lambdas/domain/registry.ts';
import { evidence, metric, policy, run } from '../support/evidence.ts';

const side = (of: Record<string, number> | Run) => evidence(null, of).challenger;

describe('a metric', () => {
  it.each([
    [0.5, 0.5],
    [0, 0],
    [-3, -3],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    [Number.NEGATIVE_INFINITY, null],
  ])('of %d reads as %s', (value, expected) => {
    expect(readMetric(side({ m: value }), 'm').value).toBe(expected);
  });

  it.each([Number.MAX_VALUE, -Number.MAX_VALUE])(
    'of %d is an infinity that a SQL store has clipped',
    (value) => {
      expect(readMetric(side({ m: value }), 'm')).toEqual({
        value: null,
        why: { code: 'infinite', version: '3', metric: 'm' },
      });
    },
  );

  it('that the run does not have is missing', () => {
    expect(readMetric(side({ m: 1 }), 'n')).toEqual({
      value: null,
      why: { code: 'not-logged', version: '3', metric: 'n' },
    });
  });
});

describe('the sample behind a metric', () => {
  const proportion = { kind: 'proportion', size: 'rows' } as const;
  const mean = { kind: 'mean', size: 'rows', deviation: 'sd' } as const;

  it('takes its size from a metric or else from a parameter', () => {
    expect(readSample(side({ rows: 450 }), proportion, 0.9).value).toMatchObject({ share: 0.9, size: 450 });
    const logged = run({}, { params: { rows: '450', sd: ' 1.5e-1 ' } });
    expect(readSample(side(logged), mean, 7).value).toMatchObject({ mean: 7, size: 450, deviation: 0.15 });
  });

  it.each([
    ['rows', proportion, 0.9, {}, {}, { code: 'no-number', key: 'rows' }],
    ['a number of rows', proportion, 0.9, { rows: 0 }, {}, { code: 'too-few-rows', key: 'rows', fewest: 1 }],
    ['whole rows', proportion, 0.9, { rows: 1.5 }, {}, { code: 'too-few-rows', key: 'rows', fewest: 1 }],
    ['finite rows', proportion, 0.9, { rows: Number.NaN }, {}, { code: 'nan', metric: 'rows' }],
    ['decimal text', proportion, 0.9, {}, { rows: '0x10' }, { code: 'not-numeric', key: 'rows' }],
    ['any text', proportion, 0.9, {}, { rows: '' }, { code: 'not-numeric', key: 'rows' }],
    [
      'text of its own',
      { kind: 'proportion', size: 'toString' } as const,
      0.9,
      {},
      {},
      { code: 'no-number', key: 'toString' },
    ],
    ['a share, not percent', proportion, 90, { rows: 9 }, {}, { code: 'no-proportion', value: 90 }],
    ['a deviation', mean, 7, { rows: 100 }, {}, { code: 'no-number', key: 'sd' }],
    ['a deviation above zero', mean, 7, { rows: 100, sd: 0 }, {}, { code: 'no-deviation', key: 'sd' }],
    ['enough rows for a mean', mean, 7, { rows: 29, sd: 1 }, {}, { code: 'too-few-rows', fewest: 30 }],
  ])('needs %s', (_, sample, measured, metrics, params, why) => {
    const found = readSample(side(run(metrics, { params })), sample, measured);
    expect(found).toMatchObject({ value: null, why: { ...why, version: '3' } });
  });
});

describe('what stands in the way of judging', () => {
  const rules = policy([{ metric: 'm' }]);

  it('is nothing when both versions are ready and measured on the same data', () => {
    expect(obstacles(evidence({ m: 1 }, { m: 2 }), rules)).toEqual([]);
  });

  it.each([
    [
      'a version still being registered',
      { status: 'PENDING_REGISTRATION' },
      run({ m: 1 }),
      { code: 'not-ready', status: 'PENDING_REGISTRATION' },
    ],
    ['a version without a run', { runId: null }, null, { code: 'no-run' }],
    ['a run that does not exist', { runId: 'gone' }, null, { code: 'run-not-found', run: 'gone' }],
    [
      'a run still running',
      {},
      run({ m: 1 }, { status: 'RUNNING' }),
      { code: 'run-not-finished', status: 'RUNNING' },
    ],
    ['a failed run', {}, run({ m: 1 }, { status: 'FAILED' }), { code: 'run-not-finished', status: 'FAILED' }],
    [
      'a run in an unknown state',
      {},
      run({ m: 1 }, { status: '' }),
      { code: 'run-not-finished', status: '' },
    ],
  ])('is %s, on either side', (_, version, itsRun, expected) => {
    const first = evidence(null, itsRun ?? {}, { challenger: version });
    const challenger = { ...first.challenger, run: itsRun };
    const found = [{ ...expected, version: '3' }];
    expect(obstacles({ champion: null, challenger }, rules)).toEqual(found);
    const second = evidence({ m: 1 }, { m: 1 }).challenger;
    expect(obstacles({ champion: challenger, challenger: second }, rules)).toEqual(found);
  });

  it('is told for both versions at once', () => {
    const both = evidence({ m: 1 }, { m: 1 }, { champion: { status: 'X' }, challenger: { status: 'Y' } });
    expect(obstacles(both, rules)).toHaveLength(2);
  });
});

describe('the data of both versions', () => {
  const on = (...digests: [string, string | null][]) =>
    run({ m: 1 }, { datasets: digests.map(([digest, context]) => ({ name: 'd', digest, context })) });
  const measured = (digest: string, other: Run) => ({ ...other, metrics: [metric('m', 1, digest)] });
  const all = policy([{ metric: 'm' }]);
  const evaluation = policy([{ metric: 'm' }], { dataset: { contexts: ['evaluation', 'eval'] } });
  const strict = policy([{ metric: 'm' }], { dataset: { when_missing: 'investigate' } });

  it.each([
    ['the same input', all, on(['a', null]), on(['a', null])],
    ['the same inputs in another order', all, on(['a', null], ['b', null]), on(['b', null], ['a', null])],
    [
      'the same input in the contexts that count',
      evaluation,
      on(['a', 'evaluation'], ['x', 'training']),
      on(['a', 'eval'], ['y', 'training']),
    ],
    [
      'the same metric digest, whatever the inputs',
      all,
      measured('m', on(['a', null])),
      measured('m', on(['b', null])),
    ],
    ['a metric digest that is the input of the other', all, measured('a', on()), on(['a', null])],
    ['no data named by either, which the policy allows', all, on(), on()],
    ['no data named in the contexts that count', evaluation, on(['a', 'training']), on(['b', 'training'])],
  ])('may be %s', (_, by, champion, challenger) => {
    expect(obstacles(evidence(champion, challenger), by)).toEqual([]);
  });

  it.each([
    ['different inputs', all, on(['a', null]), on(['b', null]), [['a'], ['b']]],
    ['one input more', all, on(['a', null]), on(['a', null], ['b', null]), [['a'], ['a', 'b']]],
    ['named by the challenger only', all, on(), on(['a', null]), [[], ['a']]],
    ['named by the champion only', all, on(['a', null]), on(), [['a'], []]],
    ['named in another context only', evaluation, on(['a', 'eval']), on(['a', 'training']), [['a'], []]],
    ['different metric digests', all, measured('a', on()), measured('b', on()), [['a'], ['b']]],
    [
      'a metric digest that is not the input of the other',
      all,
      measured('a', on()),
      on(['b', null]),
      [['a'], ['b']],
    ],
    [
      'digests that only look alike when joined',
      all,
      on(['a', null], ['b', null]),
      on(['a\nb', null]),
      [['a', 'b'], ['a\nb']],
    ],
  ])('must not be %s', (_, by, before, after, [champion, challenger]) => {
    expect(obstacles(evidence(before, after), by)).toEqual([{ code: 'data-differ', champion, challenger }]);
  });

  it('must not be named by neither, where the policy does not allow that', () => {
    expect(obstacles(evidence(on(), on()), strict)).toEqual([{ code: 'data-unknown' }]);
  });

  it('are told once, however many rules they concern', () => {
    const two = policy([{ metric: 'm' }, { metric: 'n' }]);
    expect(obstacles(evidence(on(['a', null]), on(['b', null])), two)).toHaveLength(1);
  });

  it('do not matter for a first model or a rule that compares nothing', () => {
    expect(obstacles(evidence(null, on()), strict)).toEqual([]);
    const limits = policy([{ metric: 'm', limit: 0, against_champion: false }]);
    expect(obstacles(evidence(on(['a', null]), on(['b', null])), limits)).toEqual([]);
  });
});

describe('the digest of the inputs', () => {
  const rules = policy([{ metric: 'm', sample: { kind: 'proportion', size: 'rows' } }]);
  const document = (of: Run, threshold = 0.7) =>
    inputsOf('m', rules, threshold, { challenger: evidenceUsed(side(of), rules) }).inputs_digest;
  const logged = run({ m: 0.5, rows: 9, other: 1 }, { params: { a: '1' }, tags: { owner: 'x' } });

  it('is the same for the same content in another order, and whatever the policy does not name', () => {
    const shuffled = run({ other: 2, rows: 9, m: 0.5 }, { params: { b: '2' }, tags: {} });
    expect(document(shuffled)).toBe(document(logged));
  });

  it.each([
    ['a metric', run({ m: 0.6, rows: 9 })],
    ['a metric that turned NaN', run({ m: Number.NaN, rows: 9 })],
    ['the size of the sample', run({ m: 0.5, rows: 10 })],
    ['the data', run({ m: 0.5, rows: 9 }, { datasets: [] })],
    ['the state of the run', run({ m: 0.5, rows: 9 }, { status: 'FAILED' })],
  ])('changes with %s', (_, other) => {
    expect(document(other)).not.toBe(document(logged));
  });

  it('changes with the threshold', () => {
    expect(document(logged, 0.8)).not.toBe(document(logged, 0.7));
  });

  it('does not depend on the order of keys', () => {
    const flat = fc.dictionary(fc.string(), fc.oneof(fc.double(), fc.string(), fc.constant(null)));
    fc.assert(
      fc.property(flat, (content) => {
        const turned = Object.fromEntries(Object.entries(content).reverse());
        expect(canonicalJson({ a: content })).toBe(canonicalJson({ a: turned }));
      }),
    );
  });
});

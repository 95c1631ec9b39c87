import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { driftBetween } from '../../lambdas/domain/drift/drift.ts';
import { driftIn } from '../../lambdas/domain/drift/drift-file.ts';
import { Histograms } from '../../lambdas/domain/drift/histogram.ts';
import { histogramsOf, periodsOf, runMetricsIn } from '../../lambdas/domain/drift/run-metrics.ts';

const DAY = 86_400_000;
const run = (value: number) => new Map([['profit', value]]);
const of = (reference: number[], current: number[]) =>
  histogramsOf(['profit'], { reference: reference.map(run), current: current.map(run) });

describe('a tag that names the metrics of runs', () => {
  it('names an experiment and its metrics, and may name the periods', () => {
    expect(runMetricsIn(' experiments/12?metric=profit_total&metric=win%20rate ')).toEqual({
      ...{ experimentId: '12', metrics: ['profit_total', 'win rate'], referenceDays: 30, currentDays: 7 },
    });
    expect(runMetricsIn('experiments/0?metric=a&metric=a&reference_days=90&current_days=1')).toMatchObject({
      experimentId: '0',
      metrics: ['a'],
      referenceDays: 90,
      currentDays: 1,
    });
  });

  it.each([
    '',
    'a1b2c3',
    'experiments/12',
    'experiments/12?',
    'experiments/../12?metric=a',
    'experiments/x?metric=a',
    'experiments/12?metric=',
    'experiments/12?metric=a%0Ab',
    'experiments/12?metrics=a',
    'experiments/12?metric=a&current_days=0',
    'experiments/12?metric=a&current_days=1.5',
    'experiments/12?metric=a&current_days=7&current_days=8',
    'experiments/12?metric=a&reference_days=1000',
    `experiments/12?${new Array(51)
      .fill(0)
      .map((_, at) => `metric=${at}`)
      .join('&')}`,
    `experiments/12?metric=${'a'.repeat(251)}`,
  ])('names nothing: %s', (tag) => {
    expect(runMetricsIn(tag)).toBeNull();
  });

  it('never throws, and names no more than it may', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `experiments/1?${text}`),
        ),
        (tag) => {
          const found = runMetricsIn(tag);
          expect(found === null || (found.metrics.length > 0 && found.currentDays > 0)).toBe(true);
        },
      ),
    );
  });
});

describe('the periods', () => {
  const metrics = { experimentId: '1', metrics: ['a'], referenceDays: 30, currentDays: 7 };
  const now = new Date('2026-11-22T00:00:00Z');
  const ago = (days: number) => now.getTime() - days * DAY;

  it('are the last days, and those before', () => {
    expect(periodsOf(metrics, now, null)).toEqual({
      reference: { experimentId: '1', from: ago(37), to: ago(7) },
      current: { experimentId: '1', from: ago(7), to: ago(0) },
    });
    expect(periodsOf(metrics, now, new Date(ago(20)))).toEqual(periodsOf(metrics, now, null));
  });

  it('have no run of an earlier version in the current one', () => {
    const { reference, current } = periodsOf(metrics, now, new Date(ago(2)));
    expect(current).toEqual({ experimentId: '1', from: ago(2), to: ago(0) });
    expect(reference).toEqual(periodsOf(metrics, now, null).reference);
    const ahead = periodsOf(metrics, now, new Date(ago(-1)));
    expect(ahead.current.from).toBe(ahead.current.to);
  });
});

describe('the values of runs', () => {
  const value = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
  );
  const values = fc.array(value, { maxLength: 60 });

  it('are rows of histograms as a file has them, each once, and none that is not finite', () => {
    fc.assert(
      fc.property(values, values, (reference, current) => {
        const found = of(reference, current);
        for (const [period, given] of [
          [found.reference, reference],
          [found.current, current],
        ] as const) {
          expect(Histograms.parse(period)).toEqual(period);
          const counts = period.features['profit']?.counts ?? [];
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(given.filter(Number.isFinite).length);
        }
      }),
    );
  });

  it('are compared by each pair where there are too few for an index', () => {
    const few = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 10, maxLength: 14 });
    fc.assert(
      fc.property(few, few, (reference, current) => {
        const found = of(reference, current);
        const [feature] = driftBetween(found.reference, found.current, 0.1).features;
        const above = current.flatMap((a) => reference.map((b): number => (a > b ? 1 : a === b ? 0.5 : 0)));
        expect(feature?.method).toBe('mann_whitney');
        expect(feature?.higher).toBeCloseTo(above.reduce((sum, each) => sum + each, 0) / above.length, 12);
      }),
    );
  });

  // SciPy 1.17.1: mannwhitneyu(range(8, 20), range(45), method='asymptotic') has p = 0.0469, of range(40, 52) p = 4.9e-07.
  it.each([
    [8, 'unknown'],
    [40, 'moderate'],
  ])('of 12 runs from %i against 45 show drift as %s', (from, severity) => {
    const sequence = (first: number, count: number) => new Array(count).fill(0).map((_, at) => first + at);
    const file = of(sequence(0, 45), sequence(from, 12));
    expect(driftIn({ file }, null)).toMatchObject({ severity, n: 12 });
  });

  it('of enough runs show a significant drift', () => {
    const wave = (shift: number) => new Array(200).fill(0).map((_, at) => Math.sin(at) + shift);
    expect(driftIn({ file: of(wave(0), wave(1)) }, null)).toMatchObject({ severity: 'significant', n: 200 });
  });

  it('are too few where a period has none', () => {
    expect(driftIn({ file: of([1, 2, 3], []) }, null)).toMatchObject({
      ...{ severity: 'unknown', n: 0, problem: { code: 'too-few' } },
    });
    expect(driftIn({ file: of([], []) }, null)).toMatchObject({ severity: 'unknown', n: 0 });
  });
});

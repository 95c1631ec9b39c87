import { describe, expect, it } from 'vitest';
import { withLoggedModel } from '../../lambdas/domain/comparison/logged-model.ts';
import type { LoggedModelMetric } from '../../lambdas/domain/registry.ts';
import { run } from '../support/evidence.ts';

const logged = (key: string, value: number, more: Partial<LoggedModelMetric> = {}): LoggedModelMetric => ({
  key,
  value,
  step: 0,
  datasetDigest: 'd1',
  runId: 'training',
  timestamp: 1,
  ...more,
});
const training = run({ accuracy: 0.9 }, { runId: 'training' });
const digests = (...metrics: LoggedModelMetric[]) =>
  withLoggedModel(training, metrics).metrics.map(({ key, value, datasetDigest }) => [
    key,
    value,
    datasetDigest,
  ]);

describe('a run with the metrics of its logged model', () => {
  it('has the digest that the model keeps with the same value of the same run', () => {
    expect(digests(logged('accuracy', 0.9))).toEqual([['accuracy', 0.9, 'd1']]);
  });

  it.each([
    ['another value', { value: 0.8 }],
    ['another step', { step: 1 }],
    ['another run', { runId: 'evaluation' }],
    ['another metric', { key: 'Accuracy' }],
  ])('does not take the digest of %s', (_, more) => {
    expect(digests({ ...logged('accuracy', 0.9), ...more })[0]).toEqual(['accuracy', 0.9, null]);
  });

  it('has no digest where the same value was measured on several data', () => {
    const two = [logged('accuracy', 0.9), logged('accuracy', 0.9, { datasetDigest: 'd2' })];
    expect(digests(...two)).toEqual([['accuracy', 0.9, null]]);
  });

  it('has what only other runs have logged for the model, the newest value of each', () => {
    const evaluation = { runId: 'evaluation', datasetDigest: 'd2' };
    const metrics = [
      logged('accuracy', 0.7, { ...evaluation, timestamp: 9 }),
      logged('recall', 0.6, { ...evaluation, timestamp: 5 }),
      logged('recall', 0.5, { ...evaluation, timestamp: 4 }),
    ];
    expect(digests(...metrics)).toEqual([
      ['accuracy', 0.9, null],
      ['recall', 0.6, 'd2'],
    ]);
  });
});

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MetricName, metricNames, metricUnits } from '../../lambdas/domain/outcome/metric-names.ts';
import { metricsOf, outcomeMetrics } from '../../lambdas/domain/outcome/metrics.ts';
import { type Outcome, outcomeStatuses } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { Operation } from '../../lambdas/domain/payloads.ts';
import type { RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import { failureCodes } from '../../lambdas/domain/serving/payloads.ts';
import { count, emit } from '../../lambdas/runtime/metrics.ts';
import { embeddedMetrics, measured, printedLines } from '../support/printed-lines.ts';
import { sampleOutcome } from '../support/sample-outcome.ts';

const ended = new Date('2026-11-21T10:00:00Z');
const outcomeWith = (more: Partial<Outcome>): Outcome => ({
  ...sampleOutcome,
  recorded_at: ended.toISOString(),
  ...more,
});
const namesOf = (...args: Parameters<typeof metricsOf>) => metricsOf(...args).map(({ name }) => name);

const error = { name: 'MlflowUnavailable', message: 'no answer' };
const rollback = (more: object) => ({ status: 'completed', serving: null, ...more }) as RollbackAnswer;
const rollbacks = [
  null,
  rollback({}),
  rollback({ status: 'contested' }),
  rollback({ status: 'open' }),
  rollback({ serving: { undone: false } }),
];

const outcomes = fc
  .record({
    status: fc.constantFrom(...outcomeStatuses),
    operation: fc.constantFrom(...Operation.options),
    rollback: fc.constantFrom(...rollbacks),
    rollback_error: fc.constantFrom(null, error),
    dry_run: fc.boolean(),
  })
  .map(outcomeWith);
const facts = fc.record(
  {
    startedAt: fc.option(fc.date({ noInvalidDate: false })),
    failure: fc.option(fc.constantFrom(...failureCodes)),
  },
  { requiredKeys: [] },
);

describe('what an outcome counts for', () => {
  it('is exactly one metric of its status, whatever else', () => {
    const ofStatus: readonly string[] = Object.values(outcomeMetrics);
    fc.assert(
      fc.property(outcomes, facts, (outcome, known) => {
        const names = namesOf(outcome, known);
        expect(names.filter((name) => ofStatus.includes(name))).toEqual([outcomeMetrics[outcome.status]]);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('is a time only of what was promoted or rolled back, and only when the start is known', () => {
    fc.assert(
      fc.property(outcomes, facts, (outcome, known) => {
        const times = metricsOf(outcome, known).filter(({ name }) => metricUnits[name] === 'Seconds');
        const of = { promoted: ['LeadTime'], rolled_back: ['RollbackTime'] }[String(outcome.status)] ?? [];
        const start = known.startedAt?.getTime() ?? Number.NaN;
        expect(times.map(({ name }) => name)).toEqual(Number.isNaN(start) ? [] : of);
        for (const { value } of times) expect(value).toBe(Math.max(0, (ended.getTime() - start) / 1000));
      }),
    );
  });

  it('is always a finite number, never below zero', () => {
    fc.assert(
      fc.property(outcomes, facts, fc.string(), (outcome, known, recorded_at) => {
        for (const each of [outcome, { ...outcome, recorded_at }])
          expect(metricsOf(each, known).every(({ value }) => Number.isFinite(value) && value >= 0)).toBe(
            true,
          );
      }),
    );
  });

  it('takes seconds from the start to the record', () => {
    const startedAt = new Date(ended.getTime() - 90_500);
    expect(metricsOf(outcomeWith({}), { startedAt })).toEqual([
      { name: 'Promoted', value: 1 },
      { name: 'LeadTime', value: 90.5 },
    ]);
    expect(metricsOf(outcomeWith({ status: 'rolled_back' }), { startedAt })).toContainEqual({
      name: 'RollbackTime',
      value: 90.5,
    });
  });
});

describe('RollbackFailed', () => {
  it.each<[string, Partial<Outcome>]>([
    ['a rollback that was asked for and failed', { operation: 'rollback', status: 'failed' }],
    ['one that found somebody else at work', { operation: 'rollback', status: 'contested' }],
    ['one that did not get the model from who has it', { operation: 'rollback', status: 'busy' }],
    ['one after a failed step that failed itself', { status: 'failed', rollback_error: error }],
    [
      'one that left the Workload as it was',
      { status: 'failed', rollback: rollback({ serving: { undone: false } }) },
    ],
    [
      'one after a failed step that was contested',
      { status: 'contested', rollback: rollback({ status: 'contested' }) },
    ],
    [
      'one after a failed step that is not complete yet: its change stays open',
      { status: 'failed', rollback: rollback({ status: 'open' }) },
    ],
  ])('counts %s', (_, more) => {
    expect(namesOf(outcomeWith(more), {})).toContain('RollbackFailed');
  });

  it.each<[string, Partial<Outcome>]>([
    ['a promotion that failed before anything was to be undone', { status: 'failed', error }],
    ['one whose registry had never moved', { status: 'failed', rollback: rollback({ rolled_back: false }) }],
    ['a rollback that came about', { operation: 'rollback', status: 'rolled_back' }],
    ['a dry run', { operation: 'rollback', status: 'failed', dry_run: true }],
    [
      'a further attempt of the sweep: how long a change stays open is another metric',
      { operation: 'resume', status: 'failed', rollback: rollback({ status: 'open' }) },
    ],
    ['an adoption that was contested', { operation: 'adopt', status: 'contested' }],
  ])('does not count %s', (_, more) => {
    expect(namesOf(outcomeWith(more), {})).not.toContain('RollbackFailed');
  });
});

describe('RolloutDeadlineExceeded', () => {
  it('counts the failure of that name only', () => {
    const counted = failureCodes.filter((failure) =>
      namesOf(outcomeWith({ status: 'failed' }), { failure }).includes('RolloutDeadlineExceeded'),
    );
    expect(counted).toEqual(['deadline']);
  });
});

describe('a measurement on its way to CloudWatch', () => {
  let lines: string[];
  beforeEach(() => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'end-promotion');
    vi.stubEnv('ENVIRONMENT', 'staging');
    vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'another');
    lines = printedLines();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  it('is one line in its embedded metric format, with the environment as the only dimension', () => {
    emit([
      { name: 'Promoted', value: 1 },
      { name: 'LeadTime', value: 12.5 },
    ]);
    expect(lines).toHaveLength(1);
    const { _aws, ...values } = JSON.parse(lines[0] ?? '');
    expect(_aws).toEqual({
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: 'ModelPromotion',
          Dimensions: [['Environment']],
          Metrics: [
            { Name: 'Promoted', Unit: 'Count' },
            { Name: 'LeadTime', Unit: 'Seconds' },
          ],
        },
      ],
    });
    expect(values).toEqual({ Environment: 'staging', Promoted: 1, LeadTime: 12.5 });
  });

  it('does not mix with the next', () => {
    for (const name of metricNames) count(name);
    expect(embeddedMetrics(lines).map(({ _aws, Environment, ...values }) => values)).toEqual(
      metricNames.map((name) => ({ [name]: 1 })),
    );
  });

  it('keeps a zero, and writes no line for nothing', () => {
    emit([]);
    emit([{ name: 'AlertsPending', value: 0 }]);
    expect(measured(lines)).toEqual(['AlertsPending 0 Count']);
  });

  it('falls back to the environment that the alerts name, where none is set', () => {
    vi.stubEnv('ENVIRONMENT', '');
    count('Busy');
    expect(embeddedMetrics(lines)[0]).toMatchObject({ Environment: 'dev' });
  });

  it('fails nobody when it cannot be written', () => {
    expect(() => emit([{ name: 'Nonesuch' as MetricName, value: 1 }])).not.toThrow();
    expect(measured(lines)).toEqual([]);
  });

  it('is not printed elsewhere than on Lambda: standard output belongs to the command line there', () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', '');
    count('Promoted');
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', undefined);
    count('Promoted');
    expect(lines).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { maxRolloutMinutes } from '../../lambdas/domain/limits.ts';
import { ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';

const start = (input: unknown) => begin({ input, execution: 'arn:e', started_at: '2026-11-21T10:00:00Z' });

describe('an input that can be used', () => {
  it('comes back with every field answered, null where absent', () => {
    const state = start({ model_name: 'PascalStrategy' });
    expect(state).toMatchObject({
      valid: true,
      problems: [],
      operation: 'promote',
      challenger_version: null,
      wait_for_lease_minutes: 0,
      dry_run: false,
    });
    const fields = Object.keys(ExecutionInput.shape).filter((field) => !field.startsWith('AWS_'));
    const later = [
      'comparison',
      'prepared',
      'serving',
      'promotion',
      'closing',
      'rollback',
      'error',
      'rollback_error',
      'started_by',
      'execution',
      'started_at',
    ];
    for (const field of [...fields, ...later]) expect(state).toHaveProperty(field);
    expect(Object.values(state)).not.toContain(undefined);
  });

  it('may name the execution that started it', () => {
    const parent = 'arn:aws:states:us-east-1:123456789012:execution:retrain:1';
    expect(start({ model_name: 'm', AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: parent })).toMatchObject({
      valid: true,
      started_by: parent,
    });
  });

  it.each(['../../x?y#z', 'a b', "it's", 'ünïcode', 'line\nbreak', '50%'])(
    'may name a model %j',
    (model_name) => {
      expect(start({ model_name })).toMatchObject({ valid: true, model_name });
    },
  );
});

describe('the minutes of a rollout', () => {
  const fields = ['warmupDurationMinutes', 'keepOldVersionMinutes'] as const;
  const withMinutes = (field: string, minutes: unknown) =>
    start({ model_name: 'm', rollout: { [field]: minutes } });

  it.each(fields)('are accepted from 0 up to the longest (%s)', (field) => {
    for (const minutes of [0, 1, maxRolloutMinutes[field]]) {
      expect(withMinutes(field, minutes)).toMatchObject({ valid: true, rollout: { [field]: minutes } });
    }
  });

  it.each(
    fields.flatMap((field) => [
      { field, minutes: -1 },
      { field, minutes: 0.5 },
      { field, minutes: maxRolloutMinutes[field] + 1 },
      { field, minutes: Number.MAX_SAFE_INTEGER },
      { field, minutes: 1e300 },
      { field, minutes: -1e300 },
    ]),
  )('are refused as $field: $minutes, saying what is allowed', ({ field, minutes }) => {
    const { valid, problems } = withMinutes(field, minutes);
    expect(valid).toBe(false);
    expect(problems).toContain(
      `rollout.${field}: must be a whole number of minutes from 0 to ${maxRolloutMinutes[field]}, and is ${minutes}`,
    );
  });

  it.each(['10', [10], { minutes: 10 }, true])('are refused as %j', (minutes) => {
    expect(withMinutes('keepOldVersionMinutes', minutes).problems).toEqual([
      expect.stringContaining('rollout.keepOldVersionMinutes'),
    ]);
  });

  it.each(['rolling', 7, [1], true])('cannot be read from a rollout %j', (rollout) => {
    expect(start({ model_name: 'm', rollout }).problems).toEqual([expect.stringContaining('rollout')]);
  });

  it('are told beside the other problems of the input', () => {
    const { problems } = start({
      rollout: { strategy: 'canary', warmupDurationMinutes: 5000, keepOldVersionMinutes: -5 },
      colour: 'red',
    });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining([
        'model_name',
        'rollout.strategy',
        'rollout.warmupDurationMinutes',
        'rollout.keepOldVersionMinutes',
      ]),
    );
    expect(problems.join()).toContain('colour');
  });
});

describe('an input that cannot be used', () => {
  it('is answered with every problem at once', () => {
    const { valid, problems } = start({
      challenger_version: 'abc',
      dry_run: 'yes',
      wait_for_lease_minutes: -1,
      colour: 'red',
    });
    expect(valid).toBe(false);
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(
      expect.arrayContaining(['model_name', 'challenger_version', 'dry_run', 'wait_for_lease_minutes']),
    );
    expect(problems.join()).toContain('colour');
  });

  it.each(['abc', '0', '01', '-1', '1.5', '999999999999', '2147483648', ''])(
    'names version %j as a problem',
    (challenger_version) => {
      expect(start({ model_name: 'm', challenger_version }).problems).toEqual([
        expect.stringContaining('challenger_version'),
      ]);
    },
  );

  it.each([null, 'text', 7, [1], true])('may be %j and still gets an answer', (input) => {
    expect(start(input)).toMatchObject({ valid: false, model_name: null });
  });

  const change_id = 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1';
  const rollout = { strategy: 'rolling' };
  /** Each field with the operations that take it. */
  const fields: [string, unknown, string[]][] = [
    ['challenger_version', '3', ['promote']],
    ['champion_version', '2', ['promote', 'rollback']],
    ['policy', 'trading', ['promote']],
    ['artifact_id', 'a3', ['promote']],
    ['rollout', rollout, ['promote']],
    ['importance', 'high', ['promote']],
    ['lock_artifact', true, ['promote']],
    ['adopt', true, ['promote']],
    ['target_version', '2', ['rollback']],
    ['alarm_name', 'drift', ['rollback']],
    ['emergency', true, ['rollback']],
    ['workload_id', 'w1', ['promote', 'rollback', 'adopt']],
    ['dry_run', true, ['promote', 'rollback']],
    ['change_id', change_id, ['resume']],
    ['requested_by', 'Ada', ['promote', 'rollback', 'resume', 'adopt']],
    ['wait_for_lease_minutes', 5, ['promote', 'rollback', 'resume', 'adopt']],
  ];
  const operations = ['promote', 'rollback', 'resume', 'adopt'];
  const least = (operation: string) => ({
    ...{ operation, model_name: 'm' },
    ...(operation === 'resume' ? { change_id } : {}),
  });

  it.each(
    fields.flatMap(([field, value, takers]) =>
      operations.map((operation) => ({ field, value, operation, taken: takers.includes(operation) })),
    ),
  )('takes $field with $operation: $taken', ({ field, value, operation, taken }) => {
    const { valid, problems } = start({ ...least(operation), [field]: value });
    expect([valid, problems]).toEqual([
      taken,
      taken ? [] : [`${field}: is not valid with operation "${operation}"`],
    ]);
  });

  it('takes every field of an input with some operation', () => {
    const tested = [...fields.map(([field]) => field), 'operation', 'model_name', 'reason'];
    const known = Object.keys(ExecutionInput.shape).filter((field) => !field.startsWith('AWS_'));
    expect(new Set(tested)).toEqual(new Set(known));
  });

  it.each(operations)('needs nothing but a model, and to resume the change: %s', (operation) => {
    expect(start(least(operation))).toMatchObject({ valid: true, operation });
  });

  it('cannot resume without the change', () => {
    expect(start({ operation: 'resume', model_name: 'm' }).problems).toEqual([
      'change_id: is required with operation "resume"',
    ]);
  });

  it.each(['undo', 'ROLLBACK', '', 7])('names operation %j as a problem', (operation) => {
    expect(start({ operation, model_name: 'm' }).problems).toEqual([expect.stringContaining('operation')]);
  });

  it('takes any reason for a promotion, and a known one for a rollback', () => {
    expect(start({ model_name: 'm', reason: 'because' }).valid).toBe(true);
    expect(start({ operation: 'rollback', model_name: 'm', reason: 'DRIFT_SEVERE' }).valid).toBe(true);
  });

  it('mixes no fields of the two operations', () => {
    const { problems } = start({
      operation: 'rollback',
      model_name: 'm',
      challenger_version: '3',
      reason: 'because',
    });
    expect(problems).toEqual([
      expect.stringContaining('challenger_version'),
      expect.stringContaining('MANUAL_REQUEST'),
    ]);
    expect(start({ model_name: 'm', target_version: '1', emergency: true }).problems).toHaveLength(2);
  });
});

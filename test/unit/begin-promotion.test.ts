import { describe, expect, it } from 'vitest';
import { begin } from '../../lambdas/begin-promotion.ts';
import { ExecutionInput } from '../../lambdas/domain/payloads.ts';

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
      'promotion',
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

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkInput } from '../../cli/aws/check-input.ts';
import { arnProblem, consoleUrl, executionRegion, stateMachineOf } from '../../cli/aws/execution-arn.ts';
import { executionName, MAX_ATTEMPTS } from '../../cli/aws/execution-name.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { anyCharacter } from '../support/any-character.ts';

/** Names of executions: what Step Functions takes, whatever the model is called, and the same for the same input. */

const attempts = fc.integer({ min: 1, max: MAX_ATTEMPTS });
const versions = fc.option(
  fc.integer({ min: 1, max: 2_147_483_647 }).map((version) => String(version)),
  { nil: null },
);
const models = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 256 });
const nameOf = (input: { model_name: string }, attempt = 1) =>
  executionName(input.model_name, null, canonicalJson(input), attempt);

describe('the name of an execution', () => {
  it('is one that Step Functions takes, for any model, version, input and attempt', () => {
    fc.assert(
      fc.property(models, versions, fc.json(), attempts, (model, version, input, attempt) => {
        expect(executionName(model, version, input, attempt)).toMatch(/^[A-Za-z0-9_-]{1,80}$/);
      }),
    );
  });

  it.each([
    ['../../x?y#z', /^x-y-z-v3-[0-9a-f]{20}-1$/],
    ['🚀🚀', /^model-v3-[0-9a-f]{20}-1$/],
    ['Pascal Strategy (BTC/USDT)', /^Pascal-Strategy-BTC-USDT-v3-[0-9a-f]{20}-1$/],
    ['modèle', /^modele-v3-/],
    ['a'.repeat(256), /^a{51}-v3-[0-9a-f]{20}-1$/],
    ['-- ; rm -rf', /^rm-rf-v3-/],
    ['\u0000\u202e', /^model-v3-/],
  ])('of %j shows what of it can be read', (model, shown) => {
    expect(executionName(model, '3', '{}', 1)).toMatch(shown);
  });

  it('is at most 80 characters with the longest model, version and attempt', () => {
    const name = executionName('a'.repeat(256), '2147483647', '{}', MAX_ATTEMPTS);
    expect(name).toMatch(/-v2147483647-[0-9a-f]{20}-1000$/);
    expect(name).toHaveLength(80);
  });

  it('differs for models that look alike in it', () => {
    const names = ['a/b', 'a-b', 'a b', 'A-b', 'ä-b'].map((model_name) => nameOf({ model_name }));
    expect(new Set(names).size).toBe(names.length);
  });

  it('differs for any two inputs, and for any two attempts', () => {
    fc.assert(
      fc.property(models, fc.jsonValue(), fc.jsonValue(), attempts, attempts, (model, a, b, one, other) => {
        const [first, second] = [canonicalJson(a), canonicalJson(b)];
        fc.pre(first !== second && one !== other);
        expect(executionName(model, null, first, one)).not.toBe(executionName(model, null, second, one));
        expect(executionName(model, null, first, one)).not.toBe(executionName(model, null, first, other));
      }),
    );
  });
});

describe('the canonical input', () => {
  it('does not depend on the order of keys, at any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('keeps the order of lists', () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });

  it('leaves out what is null, absent or at its default', () => {
    const bare = checkInput({ model_name: 'm' });
    const spelled = checkInput({
      wait_for_lease_minutes: 0,
      dry_run: false,
      operation: 'promote',
      challenger_version: null,
      model_name: 'm',
    });
    expect(bare).toEqual({ problems: [], input: { model_name: 'm' } });
    expect(spelled).toEqual(bare);
  });

  it('lists every problem of one that cannot be used', () => {
    const { problems, input } = checkInput({
      operation: 'rollback',
      model_name: '',
      reason: 'x'.repeat(2001),
      version: '3',
    });
    expect(input).toBeNull();
    for (const field of ['model_name', 'reason', 'version'])
      expect(problems.filter((problem) => problem.includes(field))).toHaveLength(1);
  });

  it('is refused when Step Functions would refuse its size', () => {
    const containers = [{ name: 'c', resourceRequest: { cpu: 1, memory: 1 } }];
    const runtime = { containerGroups: Array(6_000).fill({ name: 'g', containers }) };
    const { problems } = checkInput({ model_name: 'm', rollout: { runtime } });
    expect(problems.join()).toContain('at most 262144');
  });
});

describe('an ARN', () => {
  const machine = 'arn:aws:states:eu-west-1:123456789012:stateMachine:promotion';

  it.each([
    [machine, 'eu-west-1', 'arn:aws:states:eu-west-1:123456789012:execution:promotion:'],
    [`${machine}:live`, 'eu-west-1', 'arn:aws:states:eu-west-1:123456789012:execution:promotion:'],
    [
      'arn:aws-us-gov:states:us-gov-west-1:123456789012:stateMachine:p-1',
      'us-gov-west-1',
      'arn:aws-us-gov:states:us-gov-west-1:123456789012:execution:p-1:',
    ],
  ])('%s of a state machine tells the region and where its executions are', (arn, region, executions) => {
    expect(stateMachineOf(arn)).toEqual({ arn, region, executions });
  });

  it.each([
    '',
    'promotion',
    'arn:aws:states:eu-west-1:1234:stateMachine:promotion',
    'arn:aws:lambda:eu-west-1:123456789012:function:promotion',
    `${machine} `,
    `${machine}\n`,
    'arn:aws:states:evil.example.com/:123456789012:stateMachine:promotion',
    'arn:aws:states:eu-west-1:123456789012:execution:promotion:e',
  ])('%j is none of a state machine, and what is needed is said', (arn) => {
    expect(stateMachineOf(arn)).toBeNull();
    expect(arnProblem(arn)).toMatch(/^--arn: .*(such as arn:aws:states|--follow)/);
  });

  it.each([
    ['aws', 'eu-west-1', 'https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#'],
    ['aws-cn', 'cn-north-1', 'https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#'],
    [
      'aws-us-gov',
      'us-gov-west-1',
      'https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#',
    ],
  ])('of an execution in partition %s has its page in the console there', (partition, region, page) => {
    const arn = `arn:${partition}:states:${region}:123456789012:execution:promotion:e-1`;
    expect(consoleUrl(arn)).toBe(`${page}/v2/executions/details/${arn}`);
    expect(executionRegion(arn)).toBe(region);
  });

  it('of an execution in another partition has none that is known', () => {
    expect(consoleUrl('arn:aws-iso:states:us-iso-east-1:123456789012:execution:promotion:e-1')).toBeNull();
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, each]) => [key, reversed(each)]),
  );
}

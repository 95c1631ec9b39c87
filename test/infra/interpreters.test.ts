import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { environmentNames } from '../../infra/app/environments.ts';
import { assembledStack } from '../support/cloud-assembly.ts';
import { resourcesOf } from '../support/stack-summary.ts';

/**
 * The definition as it is deployed holds nothing but what the developer guide of Step Functions documents, so that any
 * interpreter runs it. `test/interpreters` runs it on one that is not ours.
 */

/** The package has no type declarations. */
const aslValidator: (
  definition: object,
  options: { checkArn: boolean; checkPaths: boolean },
) => { isValid: boolean; errorsText(): string } = createRequire(import.meta.url)('asl-validator');

type Fields = Record<string, unknown>;
interface Definition {
  States: Record<string, Fields & { Type: string; Retry?: Fields[]; Catch?: Fields[]; Choices?: Fields[] }>;
}

/** As CloudFormation resolves it: the ARNs of the functions and the partition are all that it fills in. */
function textOf(environment: (typeof environmentNames)[number]): string {
  const { template } = assembledStack(environment);
  const [machine] = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
  const { 'Fn::Join': joined } = Joined.parse(machine?.[1]['DefinitionString']);
  const pseudo: Record<string, string> = { 'AWS::Partition': 'aws' };
  const functionName = (id: string) => z.string().parse(template.Resources[id]?.Properties?.['FunctionName']);
  return joined[1]
    .map((part) =>
      typeof part === 'string'
        ? part
        : 'Ref' in part
          ? pseudo[part.Ref]
          : `arn:aws:lambda:us-east-1:123456789012:function:${functionName(part['Fn::GetAtt'][0])}`,
    )
    .join('');
}

const FunctionArn = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) });
const Partition = z.strictObject({ Ref: z.literal('AWS::Partition') });
const Joined = z.strictObject({
  'Fn::Join': z.tuple([z.literal(''), z.array(z.union([z.string(), FunctionArn, Partition]))]),
});
const texts = new Map(environmentNames.map((name) => [name, textOf(name)]));
const text = texts.get('prod') ?? '';
const definition: Definition & Fields = JSON.parse(text);
const states = Object.entries(definition.States);

const everywhere = ['Type', 'Comment', 'InputPath', 'OutputPath', 'QueryLanguage'];
const goesOn = [...everywhere, 'Next', 'End'];
const results = ['Parameters', 'ResultPath'];
/** Fields of each type of state, query language JSONPath (developer guide, "Common state fields" and the types' pages). */
const documented: Record<string, readonly string[]> = {
  Task: [
    ...[...goesOn, ...results, 'ResultSelector', 'Resource', 'Credentials', 'Retry', 'Catch'],
    ...['TimeoutSeconds', 'TimeoutSecondsPath', 'HeartbeatSeconds', 'HeartbeatSecondsPath'],
  ],
  Pass: [...goesOn, ...results, 'Result'],
  Choice: [...everywhere, 'Choices', 'Default'],
  Wait: [...goesOn, 'Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
  Succeed: everywhere,
  Fail: ['Type', 'Comment', 'Error', 'ErrorPath', 'Cause', 'CausePath'],
};
/** Of which a state may have one only. */
const alternatives = [
  ...[
    ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
    ['Error', 'ErrorPath'],
    ['Cause', 'CausePath'],
  ],
  ...[
    ['Next', 'End'],
    ['TimeoutSeconds', 'TimeoutSecondsPath'],
    ['Result', 'Parameters'],
  ],
];

/** Operators of a choice (developer guide, "Choice workflow state"). */
const compares = ['Equals', 'LessThan', 'GreaterThan', 'LessThanEquals', 'GreaterThanEquals'];
const operators = new Set([
  ...['String', 'Numeric', 'Timestamp'].flatMap((kind) =>
    compares.flatMap((compare) => [`${kind}${compare}`, `${kind}${compare}Path`]),
  ),
  ...['BooleanEquals', 'BooleanEqualsPath', 'StringMatches'],
  ...['IsNull', 'IsPresent', 'IsNumeric', 'IsString', 'IsBoolean', 'IsTimestamp'],
]);

/** Names that Step Functions gives to errors (developer guide, "Handling errors"). */
const statesErrors = [
  ...['ALL', 'BranchFailed', 'DataLimitExceeded', 'ExceedToleratedFailureThreshold', 'HeartbeatTimeout'],
  ...['IntrinsicFailure', 'ItemReaderFailed', 'NoChoiceMatched', 'ParameterPathFailure', 'Permissions'],
  ...['ResultPathMatchFailure', 'ResultWriterFailed', 'Runtime', 'TaskFailed', 'Timeout', 'Http.Socket'],
].map((name) => `States.${name}`);

const retriersAndCatchers = states.flatMap(([name, { Retry = [], Catch = [] }]) =>
  [...Retry, ...Catch].map((one) => [name, one, one['ErrorEquals'] as string[]] as const),
);

describe('the deployed definition', () => {
  it.each(environmentNames)('of %s is accepted by asl-validator', (environment) => {
    const parsed: object = JSON.parse(texts.get(environment) ?? '');
    const { errorsText, isValid } = aslValidator(parsed, { checkArn: true, checkPaths: true });
    expect({ isValid, errors: errorsText() }).toEqual({ isValid: true, errors: '' });
  });

  it('is the same in every environment but for the names of the functions', () => {
    for (const [environment, other] of texts)
      expect(other.replaceAll(`:function:${environment}-`, ':function:')).toBe(text);
  });

  it('is below the largest size that Step Functions takes, 1 MiB', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(1_048_576);
  });
});

describe('only what is documented is in it:', () => {
  it('fields of the machine', () => {
    const known = ['Comment', 'StartAt', 'TimeoutSeconds', 'Version', 'States', 'QueryLanguage'];
    expect(Object.keys(definition).filter((field) => !known.includes(field))).toEqual([]);
  });

  it.each(states)('fields of the state %s, and one of each pair that exclude each other', (name, state) => {
    expect(name.length).toBeLessThanOrEqual(80);
    expect(Object.keys(state).filter((field) => !documented[state.Type]?.includes(field))).toEqual([]);
    for (const fields of alternatives)
      expect(fields.filter((field) => field in state).length, fields.join()).toBeLessThanOrEqual(1);
  });

  it('operators of choices, of which each rule has one', () => {
    const rules: Fields[] = states.flatMap(([, { Choices = [] }]) => Choices);
    expect(rules.length).toBeGreaterThan(0);
    for (let rule = rules.pop(); rule !== undefined; rule = rules.pop()) {
      const { Next: _, Comment: __, Variable: variable, And, Or, Not, ...operator } = rule;
      rules.push(...[And ?? [], Or ?? [], Not ?? []].flat().map((inner) => inner as Fields));
      const composed = [And, Or, Not].filter((inner) => inner !== undefined).length;
      expect(Object.keys(operator).filter((name) => !operators.has(name))).toEqual([]);
      expect(Object.keys(operator).length + composed).toBe(1);
      expect(variable === undefined).toBe(composed === 1);
    }
  });

  it('paths of the context object', () => {
    const known = ['Execution.Id', 'Execution.Input', 'Execution.Name', 'Execution.StartTime', 'Task.Token'];
    const used = [...text.matchAll(/"\$\$\.([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((path) => !known.includes(path))).toEqual([]);
  });

  it('paths of plain names, which every dialect of JSONPath reads alike', () => {
    const paths = [...text.matchAll(/"(\$[^"$]*)"/g)].map((match) => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !/^\$(\.[A-Za-z_]\w*)*$/.test(path))).toEqual([]);
  });

  it('errors that Step Functions itself names, and States.ALL alone and last', () => {
    const used = retriersAndCatchers.flatMap(([, , errors]) => errors);
    const reserved = used.filter((error) => error.startsWith('States.'));
    expect(reserved.filter((error) => !statesErrors.includes(error))).toEqual([]);
    for (const [, { Retry = [], Catch = [] }] of states)
      for (const list of [Retry, Catch])
        for (const [index, { ErrorEquals }] of list.entries())
          if ((ErrorEquals as string[]).includes('States.ALL'))
            expect([ErrorEquals, index]).toEqual([['States.ALL'], list.length - 1]);
  });

  it('limits of retries within their ranges', () => {
    const retriers = states.flatMap(([, { Retry = [] }]) => Retry);
    expect(retriers.length).toBeGreaterThan(0);
    for (const { ErrorEquals: _, ...fields } of retriers) {
      const { IntervalSeconds, MaxAttempts, BackoffRate, MaxDelaySeconds, JitterStrategy, ...others } =
        fields;
      expect(others).toEqual({});
      expect(Number.isInteger(IntervalSeconds) && Number(IntervalSeconds) >= 1).toBe(true);
      expect(Number.isInteger(MaxAttempts) && Number(MaxAttempts) <= 99_999_999).toBe(true);
      // Left out they are 2.0 and NONE; a whole number is refused by a linter that wants a float.
      expect(BackoffRate).toBeUndefined();
      expect([undefined, 'FULL']).toContain(JitterStrategy);
      if (MaxDelaySeconds === undefined) continue;
      expect(Number(MaxDelaySeconds)).toBeGreaterThan(Number(IntervalSeconds));
      expect(Number(MaxDelaySeconds)).toBeLessThan(31_622_400);
    }
  });

  it('no intrinsic function and no JSONata: not every interpreter has them', () => {
    expect(text).not.toMatch(/"States\.\w+\(|\{%|"Assign"|"Arguments"|"Output"/);
  });
});

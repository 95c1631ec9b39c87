import { App, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type IChainable, Pass, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ModelPromotion } from '../../infra/model-promotion.ts';
import type { ModelPromotionProps } from '../../infra/props.ts';
import { RetrainingLifecycle, type RetrainingLifecycleProps } from '../../infra/retraining-lifecycle.ts';
import { RetrainingEnvironment } from '../../lambdas/runtime/environment.ts';
import { retrainingStateNames } from '../../statemachines/retraining.ts';
import { renderRetraining } from '../../tools/render.ts';
import { type CloudFormation, permissions, readable, resourcesOf } from '../support/stack-summary.ts';

/** The lifecycle around a team's own training, and what the props of the promotion give the function that decides. */

type Given = Partial<Omit<RetrainingLifecycleProps, 'promotion' | 'train'>> & {
  train?: (stack: Stack) => IChainable;
  promotion?: (stack: Stack) => Partial<ModelPromotionProps>;
};

/** With the rules of cdk-nag, where a finding fails the synthesis. */
function synthesised({ train, promotion, ...given }: Given = {}, env = {}): CloudFormation {
  const app = new App({ context: { [DISABLE_ASSET_STAGING_CONTEXT]: true } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const stack = new Stack(app, 'Team', { env });
  new RetrainingLifecycle(stack, 'Retraining', {
    promotion: new ModelPromotion(stack, 'Promotion', {
      mlflow: { trackingUri: 'https://mlflow.example.com' },
      alerts: { emails: ['ml@example.com'] },
      ...promotion?.(stack),
    }),
    train: train?.(stack) ?? new Pass(stack, 'Train'),
    ...given,
  });
  app.synth();
  return Template.fromStack(stack).toJSON() as CloudFormation;
}

/** What a role may do, one line for each resource. */
function allowedTo(template: CloudFormation, role: string): string[] {
  const lines = permissions(template);
  const own = lines.slice(lines.indexOf(role) + 1);
  const next = own.findIndex((line) => !line.startsWith('  '));
  return (next === -1 ? own : own.slice(0, next)).filter((line) => line.startsWith('  allow'));
}

const everyHour = { schedule: Schedule.rate(Duration.hours(1)), models: ['churn', 'fraud'] };
const machineIn = (template: CloudFormation) =>
  resourcesOf(template, 'AWS::StepFunctions::StateMachine').find(([id]) =>
    id.startsWith('Retraining'),
  )?.[1] ?? {};
const statesIn = (template: CloudFormation) =>
  JSON.parse(readable(machineIn(template)['DefinitionString'])).States as Record<string, { Next?: string }>;

describe('the lifecycle', () => {
  it('is the rendered definition, around the states that are given', () => {
    const rendered = JSON.parse(renderRetraining());
    expect(Object.keys(rendered.States)).toEqual([...retrainingStateNames]);
    const deployed = statesIn(synthesised());
    expect(Object.keys(deployed).sort()).toEqual([...retrainingStateNames].sort());
    const bare = ({ Resource: _, Parameters: __, ...rest }: Record<string, unknown>) => rest;
    for (const name of retrainingStateNames.filter((each) => each !== 'Train'))
      expect(bare(deployed[name] ?? {}), name).toEqual(bare(rendered.States[name]));
  });

  it('goes on where the last of several states of a training ends', () => {
    const states = statesIn(
      synthesised({ train: (stack) => new Pass(stack, 'Fit').next(new Pass(stack, 'Register')) }),
    );
    expect([states['Fit']?.Next, states['Register']?.Next]).toEqual(['Register', 'CheckNewVersion']);
  });

  it('may call the function that decides, and start and follow promotions; nothing of the table or of MLflow', () => {
    const own = allowedTo(synthesised(), 'RetrainingStateMachineRole');
    const services = own.flatMap((line) =>
      [...line.matchAll(/ ([a-z]+):[A-Z]/g)].map(([, service]) => service),
    );
    expect([...new Set(services)].sort()).toEqual(['events', 'lambda', 'logs', 'states', 'xray']);
    expect(own.filter((line) => line.includes('lambda:'))).toEqual([
      '  allow lambda:InvokeFunction on {PromotioncheckretrainingneededFunction}',
      '  allow lambda:InvokeFunction on {PromotioncheckretrainingneededFunction}:*',
    ]);
  });

  it('ends within a day, before the next attempt, is traced, and logs no data', () => {
    const template = synthesised();
    expect(machineIn(template)).toMatchObject({
      StateMachineName: 'model-promotion-retraining',
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
    expect(JSON.parse(readable(machineIn(template)['DefinitionString'])).TimeoutSeconds).toBe(86_400);
  });

  it('is started by its schedule for each of its models, and by none without one', () => {
    const rulesOf = (template: CloudFormation) =>
      resourcesOf(template, 'AWS::Events::Rule').filter(([id]) => id.startsWith('Retraining'));
    expect(rulesOf(synthesised())).toEqual([]);
    const inputs = rulesOf(synthesised(everyHour)).map(([, { Targets, ScheduleExpression }]) => [
      ScheduleExpression,
      JSON.parse((Targets as { Input: string }[])[0]?.Input ?? ''),
    ]);
    expect(inputs).toEqual([
      ['rate(1 hour)', { model_name: 'churn' }],
      ['rate(1 hour)', { model_name: 'fraud' }],
    ]);
  });

  it('needs both of schedule and models, or none', () => {
    expect(() => synthesised({ models: ['churn'] })).toThrow(/models needs schedule/);
    expect(() => synthesised({ schedule: everyHour.schedule })).toThrow(/schedule needs models/);
  });

  it('writes its log with the key of the promotion, which lets it', () => {
    const template = synthesised({
      promotion: (stack) => ({ encryptionKey: new Key(stack, 'Own', { enableKeyRotation: true }) }),
    });
    const [, policy] = resourcesOf(template, 'AWS::KMS::Key')[0] ?? [];
    expect(JSON.stringify(policy)).toContain('log-group:/aws/vendedlogs/states/model-promotion-retraining');
  });

  it('is synthesised for an account and region that are known, too', () => {
    const env = { account: '123456789012', region: 'eu-central-1' };
    expect(Object.keys(statesIn(synthesised({}, env)))).toContain('StartPromotion');
  });
});

describe('the props of the promotion', () => {
  const functionIn = (template: CloudFormation) =>
    resourcesOf(template, 'AWS::Lambda::Function').find(
      ([, { FunctionName }]) => FunctionName === 'check-retraining-needed',
    )?.[1] ?? {};
  const variablesIn = (template: CloudFormation) =>
    (functionIn(template)['Environment'] as { Variables: Record<string, unknown> }).Variables;
  const arn = 'arn:aws:states:eu-central-1:123456789012:stateMachine:retrain';

  it('say when a model is retrained, and which', () => {
    const own = { intervalDays: 30, minHours: 12, models: ['churn', 'fraud'] };
    const variables = variablesIn(synthesised({ promotion: () => ({ retraining: own }) }));
    expect(RetrainingEnvironment.parse(variables)).toMatchObject({
      ...{
        RETRAINING_INTERVAL_DAYS: 30,
        MIN_HOURS_BETWEEN_RETRAINING: 12,
        ALLOWED_MODELS: ['churn', 'fraud'],
      },
    });
    expect(RetrainingEnvironment.parse(variablesIn(synthesised()))).toEqual({
      ...{ RETRAINING_INTERVAL_DAYS: 7, MIN_HOURS_BETWEEN_RETRAINING: 24, ALLOWED_MODELS: [] },
    });
  });

  it('let the function start a state machine of a team, and no other', () => {
    const template = synthesised({
      promotion: (stack) => ({
        retraining: { stateMachine: StateMachine.fromStateMachineArn(stack, 'Own', arn) },
      }),
    });
    expect(variablesIn(template)).toMatchObject({ RETRAINING_STATE_MACHINE_ARN: arn });
    const starts = (of: CloudFormation) =>
      allowedTo(of, 'PromotioncheckretrainingneededRole').filter((line) => line.includes('states:'));
    expect(starts(template)).toEqual([`  allow states:StartExecution on ${arn}`]);
    expect(starts(synthesised())).toEqual([]);
  });

  it.each([
    [{ intervalDays: 0 }, /retraining\.intervalDays/],
    [{ minHours: -1 }, /retraining\.minHours/],
    [{ models: ['a,b'] }, /retraining\.models\.0/],
    [{ stateMachine: arn }, /retraining\.stateMachine must be a state machine/],
    [{ interval: 7 }, /retraining\.interval is an unknown prop/],
  ])('are refused where they are wrong: %j', (retraining, problem) => {
    expect(() => synthesised({ promotion: () => ({ retraining }) as never })).toThrow(problem);
  });
});

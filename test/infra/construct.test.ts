import { App, Duration, Lazy, Stack, Validations } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { ModelPromotion } from '../../infra/model-promotion.ts';
import { alarmIds } from '../../infra/operations/alarm-ids.ts';
import type { ModelPromotionProps } from '../../infra/props.ts';
import { functionNames, functionTimeoutSeconds } from '../../lambdas/domain/limits.ts';
import { METRICS_NAMESPACE, metricNames } from '../../lambdas/domain/outcome/metric-names.ts';

/** The construct as an app of its own uses it: what it grants, shows and takes. */

const env = { account: '123456789012', region: 'eu-central-1' };
const mail = { emails: ['ml@example.com'] };
type Given = Omit<Partial<ModelPromotionProps>, 'mlflow'> & { mlflow?: ModelPromotionProps['mlflow'] };

/** With the rules of cdk-nag, unless somebody else's resources in it are not to be judged: a finding fails the synthesis. */
function stackOf({ checked = true } = {}): Stack {
  const app = new App({ context: { [DISABLE_ASSET_STAGING_CONTEXT]: true } });
  if (checked) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return new Stack(app, 'Team', { env });
}
const promotionIn = (stack: Stack, props: Given = {}, id = 'Promotion') =>
  new ModelPromotion(stack, id, {
    mlflow: { trackingUri: 'https://mlflow.example.com' },
    alerts: mail,
    ...props,
  });
const templateOf = (props: Given) => {
  const stack = stackOf();
  const promotion = promotionIn(stack, props);
  return { stack, promotion, template: Template.fromStack(stack) };
};
const problemsOf = (props: unknown) => {
  try {
    promotionIn(stackOf(), props as Given);
    return [];
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
};
/** A role of somebody else in the same stack, whose policy shows what it was granted. */
function granted(props: Given, grant: (promotion: ModelPromotion, role: Role) => { success: boolean }) {
  const stack = stackOf({ checked: false });
  const promotion = promotionIn(stack, props);
  const role = new Role(stack, 'Pipeline', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
  expect(grant(promotion, role).success).toBe(true);
  const policies = Template.fromStack(stack).findResources('AWS::IAM::Policy', {
    Properties: { Roles: [{ Ref: stack.getLogicalId(role.node.defaultChild as never) }] },
  });
  return Object.values(policies).flatMap(({ Properties }) => Properties.PolicyDocument.Statement) as {
    Action: string | string[];
    Resource: unknown;
    Condition?: unknown;
  }[];
}

describe('a grant', () => {
  it('to start executions lets the grantee follow them, and not stop them', () => {
    const statements = granted({}, (promotion, role) => promotion.grantStartExecution(role));
    expect(statements.flatMap(({ Action }) => Action)).toEqual([
      'states:StartExecution',
      'states:DescribeExecution',
      'states:GetExecutionHistory',
    ]);
  });

  it('to read is about the table and its index of models, and no secret', () => {
    const statements = granted({}, (promotion, role) => promotion.grantRead(role));
    expect(statements.flatMap(({ Action }) => Action)).toEqual(['dynamodb:GetItem', 'dynamodb:Query']);
    expect(JSON.stringify(statements[1]?.Resource)).toContain('/index/models');
  });

  it('to read brings the key of the table, and a tracking server on SageMaker, if there are such', () => {
    const key = 'arn:aws:kms:eu-central-1:123456789012:key/own';
    const statements = granted(
      { mlflow: { trackingUri: 'arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/m' } },
      (promotion, role) => promotion.grantRead(role),
    );
    expect(statements.at(-1)?.Action).toEqual([
      'sagemaker-mlflow:GetRegisteredModel',
      'sagemaker-mlflow:SearchModelVersions',
    ]);
    const stack = stackOf();
    const encrypted = promotionIn(stack, { encryptionKey: Key.fromKeyArn(stack, 'Key', key) });
    const role = new Role(stack, 'Reader', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
    encrypted.grantRead(role);
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Action: ['kms:Decrypt', 'kms:DescribeKey'], Resource: key }),
        ]),
      }),
      Roles: [{ Ref: stack.getLogicalId(role.node.defaultChild as never) }],
    });
  });

  it('to read does not bring an MLflow app of SageMaker, where the one permission is to write as well', () => {
    const statements = granted(
      { mlflow: { trackingUri: 'arn:aws:sagemaker:eu-central-1:123456789012:mlflow-app/app-ABCDEF123456' } },
      (promotion, role) => promotion.grantRead(role),
    );
    expect(JSON.stringify(statements)).not.toContain('sagemaker');
  });
});

describe('the resources', () => {
  it('can be read under their usual names', () => {
    const { stack, promotion, template } = templateOf({});
    const { stateMachine, table, alertTopic, alertFailureTopic, deadLetterQueue, dashboard } = promotion;
    const ofStack = [stateMachine, table, alertTopic, alertFailureTopic, deadLetterQueue, dashboard];
    const known = Object.keys(template.toJSON()['Resources']);
    for (const resource of ofStack)
      expect(known).toContain(stack.getLogicalId(resource.node.defaultChild as never));
    expect(Object.keys(promotion.alarms).sort()).toEqual([...alarmIds].sort());
    expect(Object.keys(promotion.functions)).toContain('promoteModel');
    expect(Object.keys(promotion.functions)).toHaveLength(functionNames.length);
    expect([promotion.chatTopic, promotion.starterRole, promotion.encryptionKey]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('are outputs of the stack where that is asked for', () => {
    expect(Object.keys(templateOf({}).template.toJSON()['Outputs'] ?? {})).toEqual([]);
    const named = Object.keys(templateOf({ outputs: true }).template.toJSON()['Outputs']);
    for (const name of ['StateMachineArn', 'TableName', 'UndeliveredQueueUrl'])
      expect(named.filter((id) => id.startsWith(`Promotion${name}`))).toHaveLength(1);
  });
});

describe('a metric', () => {
  it('is one of this environment, in the statistic that fits, unless the options say otherwise', () => {
    const { promotion } = templateOf({ environment: 'blue' });
    const dimensions = { Environment: 'blue' };
    expect(promotion.metricPromoted()).toMatchObject({
      namespace: METRICS_NAMESPACE,
      metricName: 'Promoted',
      dimensions,
      statistic: 'Sum',
    });
    expect(promotion.metricFailed({ statistic: 'Minimum', period: Duration.hours(1) })).toMatchObject({
      metricName: 'Failed',
      statistic: 'Minimum',
      period: Duration.hours(1),
    });
    expect(promotion.metricLeadTime()).toMatchObject({ statistic: 'Average' });
    expect(promotion.metricOutOfStep()).toMatchObject({ statistic: 'Maximum' });
  });

  it('of every name is one that the functions count', () => {
    const { promotion } = templateOf({});
    type Methods = Record<string, () => { metricName: string }>;
    const methods = Object.getOwnPropertyNames(
      Object.getPrototypeOf(Object.getPrototypeOf(promotion)),
    ).filter((name) => /^metric[A-Z]/.test(name));
    expect(methods.length).toBeGreaterThan(10);
    for (const method of methods) {
      const { metricName } = (promotion as unknown as Methods)[method]?.() ?? {};
      expect(`metric${metricName}`).toBe(method);
      expect(metricNames).toContain(metricName);
    }
  });
});

describe('memory and time-out of a function', () => {
  it('can be set, and are seen by the dashboard', () => {
    const { template } = templateOf({
      functions: { promoteModel: { memorySize: 512, timeout: Duration.seconds(45) }, endPromotion: {} },
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'promote-model',
      MemorySize: 512,
      Timeout: 45,
    });
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'end-promotion',
      MemorySize: 256,
      Timeout: functionTimeoutSeconds['end-promotion'],
    });
    expect(JSON.stringify(template.findResources('AWS::CloudWatch::Dashboard'))).toContain(
      '100 * promote_model / 45000',
    );
  });

  it.each([
    [
      'a longer time than the state machine waits',
      { timeout: Duration.seconds(61) },
      /timeout must be .* 60/,
    ],
    ['a time in which nothing can be done', { timeout: Duration.seconds(29) }, /timeout must be .* 30 to/],
    ['a time that is no duration', { timeout: 45 }, /timeout must be a Duration/],
    [
      'a time that only the deployment knows',
      { timeout: Duration.seconds(Lazy.number({ produce: () => 45 })) },
      /timeout must be known/,
    ],
    ['less memory than answers take', { memorySize: 128 }, /memorySize must be .* 256/],
    ['more memory than there is', { memorySize: 20_000 }, /memorySize must be .* 10240/],
    ['half a megabyte', { memorySize: 256.5 }, /memorySize must be a whole/],
  ])('are refused where they are %s', (_, given, problem) => {
    expect(problemsOf({ functions: { promoteModel: given } })).toEqual([
      expect.stringMatching(new RegExp(`^functions\\.promoteModel\\.${problem.source}`)),
    ]);
  });
});

describe('an address with filters', () => {
  const subscriptions = (alerts: ModelPromotionProps['alerts']) =>
    Object.values(templateOf({ alerts }).template.findResources('AWS::SNS::Subscription')).map(
      ({ Properties: { Endpoint, FilterPolicy, FilterPolicyScope } }) => ({
        Endpoint,
        FilterPolicy,
        FilterPolicyScope,
      }),
    );
  const all = { Endpoint: 'ml@example.com', FilterPolicy: undefined, FilterPolicyScope: undefined };

  it('is subscribed to what matches them all, and to no alarm', () => {
    const risk = {
      address: 'risk@example.com',
      models: ['fraud-*', 'Churn'],
      owners: ['risk'],
      kinds: ['promoted', 'failed'] as const,
    };
    expect(subscriptions({ emails: ['ml@example.com', { ...risk, kinds: [...risk.kinds] }] })).toEqual([
      all,
      {
        Endpoint: 'risk@example.com',
        FilterPolicy: {
          model: [{ prefix: 'fraud-' }, 'Churn'],
          // The owner may not be known.
          owner: ['risk', { exists: false }],
          kind: ['promoted', 'failed'],
        },
        FilterPolicyScope: undefined,
      },
      // That alerts cannot be sent, to the one that receives everything.
      all,
    ]);
  });

  it('without any filter is as a plain one', () => {
    expect(subscriptions({ emails: [{ address: 'ml@example.com' }] })).toEqual([all, all]);
  });

  const wrong = (email: object) => problemsOf({ alerts: { emails: ['ml@example.com', email] } });
  const names = (count: number) => Array.from({ length: count }, (_, index) => `model-${index}`);
  it.each([
    ['a star in the middle', { address: 'a@example.com', models: ['a*b'] }, /^alerts\.emails\.1\.models\.0 /],
    ['nothing but a star', { address: 'a@example.com', owners: ['*'] }, /^alerts\.emails\.1\.owners\.0 /],
    ['no values', { address: 'a@example.com', owners: [] }, /^alerts\.emails\.1\.owners /],
    ['a kind that is none', { address: 'a@example.com', kinds: ['gone'] }, /^alerts\.emails\.1\.kinds\.0 /],
    ['no address', { models: ['a'] }, /^alerts\.emails\.1\.address /],
    ['an address that is there', { address: 'ML@example.com', models: ['a'] }, /^alerts\.emails\.1 repeats/],
    [
      'more combinations than SNS takes',
      { address: 'a@example.com', models: names(50), owners: ['a', 'b', 'c'] },
      /^alerts\.emails\.1 has too many filters/,
    ],
    [
      'a list of models that is none',
      { address: 'a@example.com', models: 'fraud-*' },
      /\.models must be a list/,
    ],
  ])('is refused with %s', (_, email, problem) => {
    expect(wrong(email)).toEqual([expect.stringMatching(problem)]);
  });

  it('may use all combinations that SNS takes', () => {
    expect(wrong({ address: 'a@example.com', models: names(50), owners: ['a', 'b'] })).toEqual([]);
  });

  it('is not enough by itself: somebody must receive the alarms', () => {
    expect(problemsOf({ alerts: { emails: [{ address: 'a@example.com', models: ['a'] }] } })).toEqual([
      expect.stringMatching(/^alerts\.emails needs an address without filters/),
    ]);
  });
});

describe('a topic of their own', () => {
  it('takes alerts and alarms, also without any mail', () => {
    const stack = stackOf();
    const topic = new Topic(stack, 'Own', { enforceSSL: true, masterKey: rotated(stack) });
    const promotion = promotionIn(stack, { alerts: { topic } });
    const template = Template.fromStack(stack);
    const ref = { Ref: stack.getLogicalId(topic.node.defaultChild as never) };
    expect([promotion.alertTopic, promotion.alertFailureTopic]).toEqual([topic, topic]);
    template.resourceCountIs('AWS::SNS::Topic', 1);
    template.resourceCountIs('AWS::SNS::Subscription', 0);
    for (const { Properties } of Object.values(template.findResources('AWS::CloudWatch::Alarm')))
      expect(Properties.AlarmActions).toEqual([ref]);
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: 'end-promotion',
      Environment: { Variables: Match.objectLike({ ALERT_SNS_TOPIC_ARN: ref }) },
    });
    // Alarms may publish, and use its key; the functions by their roles.
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: allowing('cloudwatch.amazonaws.com', 'sns:Publish'),
    });
    expect(JSON.stringify(template.findResources('AWS::KMS::Key'))).not.toContain('events.amazonaws.com');
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: allowing('cloudwatch.amazonaws.com', ['kms:Decrypt', 'kms:GenerateDataKey*']),
    });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({ Action: 'sns:Publish', Resource: ref }),
          Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'] }),
        ]),
      }),
    });
  });

  it('that is imported is used as it is, and mail and failures go beside it', () => {
    const stack = stackOf();
    const arn = (name: string) => `arn:aws:sns:eu-central-1:123456789012:${name}`;
    promotionIn(stack, {
      alerts: {
        ...mail,
        topic: Topic.fromTopicArn(stack, 'Own', arn('alerts')),
        failureTopic: Topic.fromTopicArn(stack, 'Failures', arn('failures')),
      },
    });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::SNS::Topic', 0);
    template.resourceCountIs('AWS::KMS::Key', 0);
    for (const name of ['alerts', 'failures'])
      template.hasResourceProperties('AWS::SNS::Subscription', {
        TopicArn: arn(name),
        Endpoint: mail.emails[0],
      });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'dev-Team-AlertNotSent',
      AlarmActions: [arn('failures')],
    });
  });

  it('as an ARN or a FIFO topic is refused', () => {
    expect(problemsOf({ alerts: { topic: 'arn:aws:sns:eu-central-1:123456789012:alerts' } })).toEqual([
      expect.stringMatching(/^alerts\.topic must be a topic/),
    ]);
    const topic = new Topic(stackOf(), 'Own', { fifo: true });
    expect(problemsOf({ alerts: { topic } })).toEqual([expect.stringMatching(/standard topics/)]);
  });
});

const rotated = (stack: Stack) => new Key(stack, 'Key', { enableKeyRotation: true });
const allowing = (service: string, Action: string | string[]) =>
  Match.objectLike({
    Statement: Match.arrayWith([
      Match.objectLike({ Effect: 'Allow', Action, Principal: { Service: service } }),
    ]),
  });

describe('a key of their own', () => {
  const slack = { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD', ownTopic: true };
  const encrypted = () => {
    const stack = stackOf();
    const key = rotated(stack);
    promotionIn(stack, { encryptionKey: key, alerts: { ...mail, slack } });
    return { template: Template.fromStack(stack), arn: stack.resolve(key.keyArn) };
  };

  it('encrypts the table, every topic, the queue and every log, and no key is made besides', () => {
    const { template, arn } = encrypted();
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.allResourcesProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: arn },
    });
    template.allResourcesProperties('AWS::SNS::Topic', { KmsMasterKeyId: arn });
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: arn });
    template.allResourcesProperties('AWS::Logs::LogGroup', { KmsKeyId: arn });
    template.resourceCountIs('AWS::SNS::Topic', 3);
  });

  it('may be used by alarms, by EventBridge, and by CloudWatch Logs for these logs only', () => {
    const { template } = encrypted();
    const [key] = Object.values(template.findResources('AWS::KMS::Key'));
    const statements = key?.['Properties'].KeyPolicy.Statement as {
      Principal: { Service?: string };
      Condition?: unknown;
    }[];
    const services = statements.flatMap(({ Principal }) => Principal.Service ?? []);
    expect(services.sort()).toEqual([
      'cloudwatch.amazonaws.com',
      'events.amazonaws.com',
      'logs.eu-central-1.amazonaws.com',
    ]);
    const logs = statements.find(({ Principal }) => Principal.Service?.startsWith('logs.'));
    const text = JSON.stringify(logs?.Condition);
    const groups = Object.values(template.findResources('AWS::Logs::LogGroup')).map(
      ({ Properties }) => Properties.LogGroupName as string,
    );
    expect(groups).toHaveLength(functionNames.length + 1);
    for (const group of groups) expect(text).toContain(`log-group:${group}"`);
  });

  it('may be used by the functions, for the table through DynamoDB only', () => {
    const { template, arn } = encrypted();
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: Match.arrayWith(['kms:Decrypt', 'kms:GenerateDataKey']),
            Resource: arn,
            Condition: { StringLike: { 'kms:ViaService': 'dynamodb.*' } },
          }),
        ]),
      }),
      Roles: [{ Ref: Match.stringLikeRegexp('promotemodelRole') }],
    });
  });

  it('as an ARN is refused', () => {
    expect(problemsOf({ encryptionKey: 'arn:aws:kms:eu-central-1:123456789012:key/own' })).toEqual([
      expect.stringMatching(/^encryptionKey must be a key/),
    ]);
  });
});

describe('an unknown prop', () => {
  it.each([
    [{ alert: mail }, 'alert', 'alerts'],
    [
      { mlflow: { trackingURL: 'https://mlflow.example.com', trackingUri: 'https://m' } },
      'mlflow.trackingURL',
      'trackingUri',
    ],
    [{ alerts: { ...mail, email: [] } }, 'alerts.email', 'emails'],
    [
      { alerts: { emails: ['a@example.com', { address: 'b@example.com', owner: ['x'] }] } },
      'alerts.emails.1.owner',
      'owners',
    ],
    [{ functions: { promoteModels: {} } }, 'functions.promoteModels', 'promoteModel'],
    [{ functions: { promoteModel: { memory: 512 } } }, 'functions.promoteModel.memory', null],
    [{ nonsense: 1 }, 'nonsense', null],
  ])('is named, with what was probably meant: %j', (props, name, meant) => {
    const [problem, ...others] = problemsOf(props).filter((line) => line.includes('unknown prop'));
    expect(others).toEqual([]);
    expect(problem).toMatch(new RegExp(`^${name.replaceAll('.', '\\.')} is an unknown prop`));
    if (meant === null) expect(problem).not.toContain('did you mean');
    else expect(problem).toContain(`did you mean "${meant}"?`);
  });

  it('is not what keeps missing ones from being named', () => {
    const nothing = undefined as unknown as ModelPromotionProps;
    expect(() => new ModelPromotion(stackOf(), 'Promotion', nothing)).toThrow(/mlflow[\s\S]*alerts/);
  });

  it('that is undefined is none', () => {
    expect(problemsOf({ nonsense: undefined })).toEqual([]);
  });
});

describe('several in one stack', () => {
  const slack = (channelId: string) => ({ slack: { workspaceId: 'T0123ABCD', channelId } });

  it('have names of their own', () => {
    const stack = stackOf();
    promotionIn(stack, { environment: 'blue', alerts: slack('C0000BLUE'), outputs: true }, 'Blue');
    const green = { environment: 'green', namePrefix: 'green-', alerts: slack('C000GREEN'), outputs: true };
    promotionIn(stack, green, 'Green');
    const template = Template.fromStack(stack);
    const named: [string, string][] = [
      ['AWS::Lambda::Function', 'FunctionName'],
      ['AWS::Logs::LogGroup', 'LogGroupName'],
      ['AWS::StepFunctions::StateMachine', 'StateMachineName'],
      ['AWS::CloudWatch::Alarm', 'AlarmName'],
      ['AWS::CloudWatch::Dashboard', 'DashboardName'],
      ['AWS::Chatbot::SlackChannelConfiguration', 'ConfigurationName'],
    ];
    for (const [type, property] of named) {
      const names = Object.values(template.findResources(type)).map(({ Properties }) => Properties[property]);
      expect(names.length).toBeGreaterThan(1);
      expect([type, new Set(names).size]).toEqual([type, names.length]);
    }
    // The first is as it would be alone: another one beside it renames nothing.
    template.hasResourceProperties('AWS::Chatbot::SlackChannelConfiguration', {
      ConfigurationName: 'Team',
      SlackChannelId: 'C0000BLUE',
    });
  });

  it('are told what must differ', () => {
    const stack = stackOf();
    promotionIn(stack, { alerts: slack('C0000BLUE') }, 'Blue');
    expect(() => promotionIn(stack, { alerts: slack('C0000BLUE') }, 'Green')).toThrow(
      /environment must differ from that of Team\/Blue[\s\S]*namePrefix must[\s\S]*alerts\.slack must/,
    );
  });
});

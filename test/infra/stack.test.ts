import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duration, Lazy, type Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { AccountPrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { afterAll, describe, expect, it } from 'vitest';
import { type EnvironmentSettings, environments } from '../../infra/app/environments.ts';
import {
  functionNames,
  functionTimeoutSeconds,
  machineTimeoutSeconds,
  stepFunctionNames,
} from '../../lambdas/domain/limits.ts';
import { functionEnvironments } from '../../lambdas/runtime/environment.ts';
import { renderDefinition } from '../../tools/render.ts';
import { assembledStack } from '../support/cloud-assembly.ts';
import {
  type CloudFormation,
  permissions,
  readable,
  resourcesOf,
  summaryOf,
} from '../support/stack-summary.ts';
import { synthesisedConstruct, synthesisedStack } from '../support/synthesis.ts';

const folder = mkdtempSync(join(tmpdir(), 'stack-test-'));
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const prod = assembledStack('prod').template;
const dev = assembledStack('dev').template;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Made for this test with `openssl req -x509`; its key was thrown away. */
const selfSigned = `-----BEGIN CERTIFICATE-----
MIIBVTCCAQegAwIBAgIUVXqWz5FtlU3dZzyb0LeoVTbyJiMwBQYDK2VwMB8xHTAb
BgNVBAMMFG1vZGVsLXByb21vdGlvbiB0ZXN0MCAXDTI2MTEyMTA2MDAyOVoYDzIx
MjYxMDI4MDYwMDI5WjAfMR0wGwYDVQQDDBRtb2RlbC1wcm9tb3Rpb24gdGVzdDAq
MAUGAytlcAMhAAqT0p6HK0U6uGQoW9Fg2WuzMvTT3UCEtTBUvCbSH1Sio1MwUTAd
BgNVHQ4EFgQU1Ao8nY/RpcF5v6g4HnEqqXLSwGgwHwYDVR0jBBgwFoAU1Ao8nY/R
pcF5v6g4HnEqqXLSwGgwDwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQBjgeIrXGXp
jhanw9U1rY/a7RnlMzahNizrOk49fQDV3Us2+cwMnab9OmBOVr7WGrJfhyYUuqSW
vqxamE/WSYsE
-----END CERTIFICATE-----
`;

const only = (template: CloudFormation, type: string) => {
  const found = resourcesOf(template, type);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} of ${type}`);
  return found[0][1];
};
const functionsOf = (template: CloudFormation) =>
  resourcesOf(template, 'AWS::Lambda::Function').map(([, properties]) => properties);
const variablesOf = (properties: Record<string, unknown>) =>
  (properties['Environment'] as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};

const ACCEPT =
  'Where that is meant, write the summary anew with "npx vitest run --project infra test/infra/stack.test.ts -u" and commit it, so that the change is reviewed';

const managedServer = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models';
const managedApp = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-app/app-ABCDEF123456';

/** A secret that somebody else's key encrypts. */
const keptUnderAKey = (stack: Stack, name: string) =>
  Secret.fromSecretAttributes(stack, name, {
    secretCompleteArn: `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-abcdef`,
    encryptionKey: Key.fromKeyArn(stack, `${name}Key`, `arn:aws:kms:us-east-1:123456789012:key/${name}`),
  }) as ISecret;

/** Everything that a team can ask for at once; the credentials of a server exclude one that SageMaker manages. */
const everyOption = (stack: Stack) => ({
  mlflow: { trackingUri: managedServer, registryMode: 'both', registryName: 'models' } as const,
  workloads: {
    endpoint: 'https://app.datarobot.com/api/v2',
    token: keptUnderAKey(stack, 'own'),
  },
  alerts: {
    emails: ['ml@example.com', { address: 'risk@example.com', owners: ['risk'] }],
    slack: { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD', ownTopic: true },
  },
  encryptionKey: new Key(stack, 'OwnKey', { enableKeyRotation: true }),
  functions: { promoteModel: { memorySize: 512, timeout: Duration.seconds(45) } },
  outputs: true,
  vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['us-east-1a'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
  }),
  caBundle: file('ca.pem', selfSigned),
  policies: join(import.meta.dirname, '../../policies'),
  start: {
    principals: [new AccountPrincipal('210987654321')],
    events: { source: 'retraining', eventBus: EventBus.fromEventBusName(stack, 'Bus', 'pipelines') },
  },
});

/** Lines that are in one of two summaries only, each with the headings that it stands under, down to the alarms. */
function differenceOf(before: string, after: string): string {
  const [old, now] = [before, after].map((text) => linesUnderHeadings(text.slice(0, text.indexOf('ALARMS'))));
  const only = (these: string[] = [], those: string[] = [], mark: string) =>
    these.filter((line) => !those.includes(line)).map((line) => `${mark} ${line}`);
  return [...only(old, now, '-'), ...only(now, old, '+')].join('\n');
}

function linesUnderHeadings(text: string): string[] {
  const heading: string[] = [];
  return text.split('\n').flatMap((line) => {
    const depth = Math.floor(line.search(/\S/) / 2);
    if (depth < 0) return [];
    heading.splice(depth);
    heading[depth] = line.trim();
    return [[...heading].filter((part) => part !== undefined).join(' · ')];
  });
}

describe('the stack', () => {
  it('is as it was reviewed', async () => {
    await expect(
      summaryOf(prod),
      `Resources, permissions, alarms, rules or states of the stack have changed. ${ACCEPT}`,
    ).toMatchFileSnapshot('stack.summary.txt');
  });

  it('is with every option as it was reviewed: what that adds, and what it takes away', async () => {
    const without = summaryOf(synthesisedConstruct().template);
    const difference = (given: Parameters<typeof synthesisedConstruct>[0]) =>
      differenceOf(without, summaryOf(synthesisedConstruct(given).template));
    const differences = {
      'EVERY OPTION': difference(everyOption),
      'MLFLOW AS AN APP OF SAGEMAKER': difference({ mlflow: { trackingUri: managedApp } }),
      'A TOPIC OF THEIR OWN': difference((stack) => ({
        alerts: { topic: Topic.fromTopicArn(stack, 'Own', 'arn:aws:sns:us-east-1:123456789012:own') },
      })),
      'CREDENTIALS FOR MLFLOW': difference((stack) => ({
        mlflow: { credentials: keptUnderAKey(stack, 'login') },
      })),
    };
    await expect(
      Object.entries(differences)
        .map(([title, lines]) => `${title}\n${lines}\n`)
        .join('\n'),
      `What an option brings has changed. ${ACCEPT}`,
    ).toMatchFileSnapshot('stack.options.txt');
  });

  it('passes the AWS Solutions rules of cdk-nag, which synthesis has run', () => {
    // A finding that nobody acknowledged with a reason fails the synthesis; that it would is shown here.
    expect(() =>
      synthesisedConstruct((stack) => {
        new Vpc(stack, 'Unlogged');
        return {};
      }),
    ).toThrow(/VPC7/);
  });

  it('protects what is of value in prod, and nothing elsewhere', () => {
    expect(only(prod, 'AWS::DynamoDB::Table')).toMatchObject({ DeletionProtectionEnabled: true });
    expect(only(dev, 'AWS::DynamoDB::Table')).toMatchObject({ DeletionProtectionEnabled: false });
  });

  it('lets no item of the table expire: a lease that was deleted would count its fences from the start', () => {
    expect(only(prod, 'AWS::DynamoDB::Table')).not.toHaveProperty('TimeToLiveSpecification');
    expect(only(prod, 'AWS::DynamoDB::Table')).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });
});

describe('the functions', () => {
  it('are all there, each with its time-out, on ARM64 and Node 24, traced', () => {
    const seen = functionsOf(prod).map((p) => [
      p['FunctionName'],
      p['Timeout'],
      p['MemorySize'],
      p['Runtime'],
      p['Architectures'],
      p['TracingConfig'],
    ]);
    expect(seen.sort()).toEqual(
      functionNames
        .map((name) => [name, functionTimeoutSeconds[name], 256, 'nodejs24.x', ['arm64'], { Mode: 'Active' }])
        .sort(),
    );
  });

  it('are found in the environments of one account by their prefix', () => {
    expect(
      functionsOf(dev)
        .map((p) => p['FunctionName'])
        .sort(),
    ).toEqual(functionNames.map((name) => `dev-${name}`).sort());
  });

  it.each(functionNames)(
    '%s gets an environment that its handler parses, and no variable that it does not know',
    (name) => {
      const found = functionsOf(prod).find((p) => p['FunctionName'] === name) ?? {};
      const variables = variablesOf(found);
      const resolved = Object.fromEntries(
        Object.entries(variables).map(([key, value]) => [key, arnsFilled(key, readable(value))]),
      );
      expect(Object.keys(resolved).filter((key) => !(key in functionEnvironments[name].shape))).toEqual([]);
      expect(functionEnvironments[name].safeParse(resolved).error?.issues ?? []).toEqual([]);
    },
  );

  it('get secrets by reference, never by value', () => {
    for (const properties of functionsOf(prod)) {
      const names = Object.keys(variablesOf(properties));
      expect(names.filter((name) => /PASSWORD|API_TOKEN|TRACKING_TOKEN|USERNAME/.test(name))).toEqual([]);
    }
  });

  it('have roles of their own without AWS managed policies', () => {
    const roles = functionsOf(prod).map((p) => readable(p['Role']));
    expect(new Set(roles).size).toBe(functionNames.length);
    expect(permissions(prod).filter((line) => line.includes('managed policy'))).toEqual([]);
  });
});

/** What is known only after deployment, in the form that it will have. */
function arnsFilled(key: string, value: string): string {
  if (!value.startsWith('{')) return value.replace('{AWS::Partition}', 'aws');
  if (key.includes('SNS_TOPIC')) return 'arn:aws:sns:us-east-1:123456789012:topic';
  if (key.includes('SECRET')) return 'arn:aws:secretsmanager:us-east-1:123456789012:secret:name-abcdef';
  return value;
}

describe('the state machine', () => {
  const machine = () => only(prod, 'AWS::StepFunctions::StateMachine');

  it('is the rendered definition, with the deployed functions', () => {
    type Called = { Resource?: string; Parameters?: { FunctionName?: string } };
    const definition = readable(machine()['DefinitionString']);
    const states = JSON.parse(definition).States as Record<string, Called>;
    const rendered = JSON.parse(renderDefinition()).States as Record<string, Called>;
    // Of a task that waits for a token, the function is among the parameters.
    const calledBy = ({ Resource, Parameters }: Called) => Parameters?.FunctionName ?? Resource;
    const withoutArn = (all: typeof states) =>
      Object.fromEntries(
        Object.entries(all).map(([name, { Resource, Parameters, ...rest }]) => [
          name,
          { ...rest, Parameters: { ...Parameters, FunctionName: undefined } },
        ]),
      );
    expect(withoutArn(states)).toEqual(withoutArn(rendered));
    for (const [name, state] of Object.entries(states)) {
      const expected = calledBy(rendered[name] ?? {})
        ?.split(':')
        .at(-1)
        ?.replaceAll('-', '');
      if (expected !== undefined) expect(calledBy(state)).toMatch(new RegExp(`Promotion${expected}Function`));
    }
  });

  it('may call its steps, and not the function that a schedule and events call', () => {
    const lines = permissions(prod);
    const from = lines.indexOf('PromotionWorkflowRole');
    const called = lines
      .slice(from)
      .filter((line) => line.includes('lambda:InvokeFunction'))
      .map((line) => / on \{(\w+)\}$/.exec(line)?.[1]);
    expect(called).toEqual(stepFunctionNames.map((name) => `Promotion${name.replaceAll('-', '')}Function`));
  });

  it('is Standard, traced, ends in time, and logs every step without what is passed on', () => {
    expect(machine()).toMatchObject({
      StateMachineName: 'model-promotion',
      StateMachineType: 'STANDARD',
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
    expect(JSON.parse(readable(machine()['DefinitionString'])).TimeoutSeconds).toBe(machineTimeoutSeconds);
  });
});

/** Alarms of this account; events without a condition, as EventBridge publishes to no encrypted topic with one. */
function tellsThrough(policy: unknown): void {
  const { Statement: statements } = policy as { Statement: { Principal: unknown; Condition?: unknown }[] };
  const of = (service: string) =>
    statements.filter(({ Principal }) => JSON.stringify(Principal).includes(service));
  expect(of('cloudwatch.amazonaws.com')).toMatchObject([
    { Effect: 'Allow', Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } },
  ]);
  const [events, ...others] = of('events.amazonaws.com');
  expect(others).toEqual([]);
  expect(events).toMatchObject({ Effect: 'Allow' });
  expect(events).not.toHaveProperty('Condition');
}

describe('the topics', () => {
  it('are encrypted with keys of their own, refuse what is not sent over TLS, and let alarms publish', () => {
    const topics = resourcesOf(prod, 'AWS::SNS::Topic');
    expect(topics).toHaveLength(2);
    expect(new Set(topics.map(([, p]) => readable(p['KmsMasterKeyId']))).size).toBe(2);
    for (const [, { PolicyDocument }] of resourcesOf(prod, 'AWS::SNS::TopicPolicy')) {
      expect(JSON.stringify(PolicyDocument)).toContain('"aws:SecureTransport":"false"');
      tellsThrough(PolicyDocument);
    }
    for (const [, { KeyPolicy, EnableKeyRotation }] of resourcesOf(prod, 'AWS::KMS::Key')) {
      expect(EnableKeyRotation).toBe(true);
      tellsThrough(KeyPolicy);
    }
  });

  it('reach Slack through the one topic, or through one of its own, one prop away', () => {
    const slack = { workspaceId: 'T0123ABCD', channelId: 'C0123ABCD' };
    const shared = synthesisedConstruct({ alerts: { slack } }).template;
    expect(resourcesOf(shared, 'AWS::SNS::Topic')).toHaveLength(2);
    expect(only(shared, 'AWS::Chatbot::SlackChannelConfiguration')).toMatchObject({
      SlackWorkspaceId: 'T0123ABCD',
      SlackChannelId: 'C0123ABCD',
      GuardrailPolicies: [expect.anything()],
    });
    const apart = synthesisedConstruct({ alerts: { slack: { ...slack, ownTopic: true } } }).template;
    expect(resourcesOf(apart, 'AWS::SNS::Topic')).toHaveLength(3);
    const told = functionsOf(apart).filter((p) => 'ALERT_CHAT_TOPIC_ARN' in variablesOf(p));
    expect(told.map((p) => p['FunctionName']).sort()).toEqual([
      'check-retraining-needed',
      'end-promotion',
      'model-rollback',
      'promote-model',
      'request-approval',
      'sweep-promotions',
      'watch-releases',
    ]);
  });
});

describe('who may start executions', () => {
  it('is a role for other accounts and pipelines, which can follow them and nothing else', () => {
    const { template } = synthesisedConstruct({
      start: { principals: [new AccountPrincipal('210987654321')] },
    });
    const lines = permissions(template);
    const from = lines.findIndex((line) => line.includes('Starter'));
    expect(lines.slice(from, from + 4).join('\n')).toMatchInlineSnapshot(`
      "PromotionStarter
        taken by arn:{AWS::Partition}:iam::210987654321:root
        allow states:StartExecution on {PromotionWorkflowStateMachine}
        allow states:DescribeExecution states:GetExecutionHistory on arn:{AWS::Partition}:states:{AWS::Region}:{AWS::AccountId}:execution:model-promotion:*"
    `);
  });

  it('is such a role also in a stack whose account and region are known', () => {
    const settings: EnvironmentSettings = {
      ...environments.dev,
      account: '123456789012',
      region: 'eu-west-1',
      starters: ['210987654321'],
    };
    expect(permissions(synthesisedStack('dev', settings).template).join('\n')).toContain(
      ':states:eu-west-1:123456789012:execution:dev-model-promotion:*',
    );
  });

  it('is an alarm of its own environment, by the prefix of all names', () => {
    const prefixes = [dev, prod].map((template) => {
      const rule = resourcesOf(template, 'AWS::Events::Rule').find(([id]) =>
        id.includes('RollbackOnAlarm'),
      )?.[1];
      return JSON.stringify(rule?.['EventPattern']);
    });
    expect(prefixes[0]).toContain('{"prefix":"dev-model-rollback-"}');
    expect(prefixes[1]).toContain('{"prefix":"model-rollback-"}');
  });
});

describe('a private server', () => {
  it('is reached from the given network by all functions that call one, with the certificates given', () => {
    const { template } = synthesisedConstruct((stack: Stack) => ({
      vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['us-east-1a'],
        privateSubnetIds: ['subnet-0123456789abcdef0'],
      }),
      caBundle: file('ca.pem', selfSigned),
    }));
    for (const properties of functionsOf(template)) {
      const inside = properties['FunctionName'] !== 'begin-promotion';
      expect('VpcConfig' in properties).toBe(inside);
      expect(variablesOf(properties)['NODE_EXTRA_CA_CERTS']).toBe('/opt/ca.pem');
    }
  });

  it('that SageMaker manages is called with the rights that each function needs', () => {
    const arn = 'arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models';
    const { template } = synthesisedConstruct({ mlflow: { trackingUri: arn } });
    const allowed = permissions(template).filter((line) => line.includes('sagemaker-mlflow'));
    expect(allowed.map((line) => line.trim())).toMatchInlineSnapshot(`
      [
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:ListArtifacts on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:TransitionModelVersionStage sagemaker-mlflow:SetRegisteredModelAlias sagemaker-mlflow:SetModelVersionTag on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:GetRun sagemaker-mlflow:ListArtifacts sagemaker-mlflow:GetLoggedModel sagemaker-mlflow:SearchRuns sagemaker-mlflow:GetDownloadURIForModelVersionArtifacts on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:TransitionModelVersionStage sagemaker-mlflow:SetRegisteredModelAlias sagemaker-mlflow:SetModelVersionTag sagemaker-mlflow:DeleteRegisteredModelAlias on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:GetRun sagemaker-mlflow:ListArtifacts sagemaker-mlflow:GetLoggedModel sagemaker-mlflow:SearchRuns sagemaker-mlflow:GetDownloadURIForModelVersionArtifacts sagemaker-mlflow:SetRegisteredModelTag sagemaker-mlflow:SetModelVersionTag on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions sagemaker-mlflow:TransitionModelVersionStage sagemaker-mlflow:SetRegisteredModelAlias sagemaker-mlflow:SetModelVersionTag on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:SearchModelVersions on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
        "allow sagemaker-mlflow:GetRegisteredModel sagemaker-mlflow:GetRun on arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/models",
      ]
    `);
    expect(allowed.every((line) => line.endsWith(`on ${arn}`))).toBe(true);
  });
});

describe('the settings of an environment', () => {
  it('with a network leave no warning, which would keep `npm run deploy` from deploying', () => {
    const settings: EnvironmentSettings = {
      mlflow: { trackingUri: 'https://mlflow.internal', credentials: 'create' },
      alerts: { emails: ['ml@your.company'] },
      network: {
        vpcId: 'vpc-0123456789abcdef0',
        availabilityZones: ['eu-west-1a', 'eu-west-1b'],
        privateSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        securityGroupIds: ['sg-0123456789abcdef0'],
      },
    };
    expect(synthesisedStack('dev', settings).warnings).toEqual([]);
    expect(synthesisedStack('dev').warnings.join()).toContain('example.com');
  });

  it('with a secret under a key of its own let the functions use that key', () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:mlflow-abcdef';
    const keyArn = 'arn:aws:kms:eu-west-1:123456789012:key/0123';
    const settings: EnvironmentSettings = {
      mlflow: { trackingUri: 'https://mlflow.internal', credentials: { arn, keyArn } },
      alerts: { emails: ['ml@your.company'] },
    };
    const allowed = permissions(synthesisedStack('dev', settings).template);
    expect(allowed).toContain(`  allow secretsmanager:GetSecretValue on ${arn}`);
    expect(allowed.filter((line) => line.includes(`kms:Decrypt on ${keyArn}`)).length).toBeGreaterThan(0);
  });

  it('that nobody knows are named, all at once', () => {
    const wrong = {
      mlflow: { trackingURL: 'https://mlflow.internal' },
      alert: {},
    } as unknown as EnvironmentSettings;
    expect(() => synthesisedStack('dev', wrong)).toThrow(/Settings of dev[\s\S]*trackingURL[\s\S]*alert/);
  });
});

describe('mistakes in the props are named before synthesis ends:', () => {
  it.each<[string, Parameters<typeof synthesisedConstruct>[0], RegExp]>([
    [
      'a tracking URI without scheme',
      { mlflow: { trackingUri: 'mlflow.internal:5000' } },
      /mlflow\.trackingUri must be/,
    ],
    [
      'credentials in the URI, which are not repeated',
      { mlflow: { trackingUri: 'https://me:geheim@mlflow.example.com' } },
      /mlflow\.trackingUri must not hold credentials(?![\s\S]*geheim)/,
    ],
    ['nobody to tell', { alerts: {} }, /alerts needs emails, slack or topic/],
    [
      'an address that is none',
      { alerts: { emails: ['ml-platform'] } },
      /alerts\.emails\.0 must be an email address/,
    ],
    [
      'a channel by its name',
      { alerts: { slack: { workspaceId: 'T1', channelId: '#ml' } } },
      /alerts\.slack\.channelId/,
    ],
    [
      'an environment that no name can hold',
      { environment: 'Prod 1' },
      /environment must be at most 20 lower-case/,
    ],
    ['a confidence above 1', { minConfidence: 70 }, /minConfidence/],
    [
      'a file of certificates that is not there',
      { caBundle: 'nowhere.pem' },
      /caBundle: nowhere\.pem cannot be read/,
    ],
    [
      'a tracking URI that only the deployment knows, and that may be an ARN',
      { mlflow: { trackingUri: Lazy.string({ produce: () => 'arn:later' }) } },
      /mlflow\.trackingUri must be known/,
    ],
    ['subnets without a network', { vpcSubnets: {} }, /vpcSubnets needs vpc/],
    ['policies that are not there', { policies: 'nowhere' }, /policies: nowhere is not a readable directory/],
  ])('%s', (_, props, message) => {
    expect(() => synthesisedConstruct(props)).toThrow(message);
  });

  it('a private key among the certificates', () => {
    const { privateKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    expect(() => synthesisedConstruct({ caBundle: file('key.pem', privateKey) })).toThrow(
      /contains a private key/,
    );
  });

  it('a policy with a mistake in it', () => {
    file('default.json', '{"rules": "none"}');
    expect(() => synthesisedConstruct({ policies: folder })).toThrow(/policies: default\.json/);
  });

  it('all of them at once', () => {
    expect(() => synthesisedConstruct({ environment: 'NO', alerts: {} })).toThrow(
      /environment[\s\S]*alerts|alerts[\s\S]*environment/,
    );
  });
});

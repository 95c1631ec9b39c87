import { Annotations, CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountPrincipal, ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { describeIssue, findPropProblems } from '../checked-props.ts';
import { ModelPromotion } from '../model-promotion.ts';
import { acknowledgeFinding } from '../nag.ts';
import type { ModelPromotionProps } from '../props.ts';
import { type EnvironmentName, EnvironmentSettings, type SecretSetting } from './environments.ts';

/** Addresses that belong to nobody (RFC 2606): to be replaced before anything is deployed. */
const EXAMPLE = /[@/.]example\.(com|net|org)\b/;

/** One environment as a stack of its own. Throws `InvalidSettings` and `InvalidProps`. */
export class ModelPromotionStack extends Stack {
  readonly promotion: ModelPromotion;

  constructor(
    scope: Construct,
    environment: EnvironmentName,
    given: EnvironmentSettings,
    props: StackProps = {},
  ) {
    const settings = validateSettings({ [environment]: given })[environment] as EnvironmentSettings;
    const { account, region } = settings;
    super(scope, `ModelPromotion-${environment}`, {
      description: `Promotes machine-learning models (${environment})`,
      terminationProtection: environment === 'prod',
      env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
      ...props,
    });
    this.promotion = new ModelPromotion(this, 'Promotion', this.propsFrom(environment, settings));
    this.addOutputs(settings);
    if (EXAMPLE.test(JSON.stringify(settings)))
      Annotations.of(this).addWarningV2(
        'model-promotion:example-address',
        `The settings of ${environment} still hold an address of example.com: put yours into infra/app/environments.ts before you deploy.`,
      );
  }

  private propsFrom(environment: EnvironmentName, settings: EnvironmentSettings): ModelPromotionProps {
    const {
      account: _,
      region: __,
      mlflow,
      workloads,
      network,
      starters,
      startOnEventsFrom,
      ...unchanged
    } = settings;
    const { credentials, ...server } = mlflow;
    return {
      ...unchanged,
      ...(network === undefined ? {} : this.network(network)),
      environment,
      mlflow: {
        ...server,
        ...(credentials === undefined
          ? {}
          : { credentials: this.secret('MlflowCredentials', environment, credentials) }),
      },
      ...(workloads === undefined
        ? {}
        : {
            workloads: {
              endpoint: workloads.endpoint,
              token: this.secret('DataRobotToken', environment, workloads.token),
            },
          }),
      start: {
        principals: starters?.map((one) =>
          one.startsWith('arn:') ? new ArnPrincipal(one) : new AccountPrincipal(one),
        ),
        ...(startOnEventsFrom === undefined ? {} : { events: { source: startOnEventsFrom } }),
      },
    };
  }

  /** A new secret is none that can be used until somebody puts the real value: the functions say so by its name. */
  private secret(id: string, environment: EnvironmentName, setting: SecretSetting): ISecret {
    if (typeof setting === 'object') {
      const encryptionKey = Key.fromKeyArn(this, `${id}Key`, setting.keyArn);
      return Secret.fromSecretAttributes(this, id, { secretCompleteArn: setting.arn, encryptionKey });
    }
    if (setting !== 'create') return Secret.fromSecretCompleteArn(this, id, setting);
    const secret = new Secret(this, id, {
      secretName: `model-promotion/${environment}/${id}`,
      description: `What model promotion (${environment}) identifies itself with`,
      generateSecretString: { secretStringTemplate: '{}', generateStringKey: 'to_be_replaced' },
      // Not after a first deployment that failed: its name would be in the way of the next.
      removalPolicy:
        environment === 'prod' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    new CfnOutput(this, `${id}SecretName`, { value: secret.secretName });
    acknowledgeFinding(
      secret,
      'AwsSolutions-SMG4',
      'Whoever runs the server issues the credentials and rotates them',
    );
    // CDK's own class misses its interface by one property that may be undefined.
    return secret as ISecret;
  }

  private network({
    vpcId,
    availabilityZones,
    privateSubnetIds,
    securityGroupIds,
  }: NonNullable<EnvironmentSettings['network']>) {
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones, privateSubnetIds });
    for (const subnet of vpc.privateSubnets)
      Annotations.of(subnet).acknowledgeWarning(
        '@aws-cdk/aws-ec2:noSubnetRouteTableId',
        'Nothing here adds a route to a subnet',
      );
    return {
      vpc,
      securityGroups: securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(this, id, id)),
    };
  }

  /** What people and scripts need to know of the stack. */
  private addOutputs({ namePrefix = '' }: EnvironmentSettings): void {
    const { stateMachine, table, alerts, undelivered, starterRole } = this.promotion;
    const outputs = {
      StateMachineArn: stateMachine.stateMachineArn,
      TableName: table.tableName,
      AlertsTopicArn: alerts.alerts.topic.topicArn,
      AlertFailuresTopicArn: alerts.failures.topic.topicArn,
      UndeliveredQueueUrl: undelivered.queueUrl,
      // CloudFormation refuses an empty value.
      FunctionNamePrefix: namePrefix === '' ? 'none' : namePrefix,
      ...(starterRole === null ? {} : { StarterRoleArn: starterRole.roleArn }),
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** Settings cannot be used; the message lists every mistake in every environment. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings' as const;
}

/** The settings of all these environments, if none has a mistake. Throws `InvalidSettings`. */
export function validateSettings<Name extends string>(
  given: Readonly<Record<Name, unknown>>,
): Record<Name, EnvironmentSettings> {
  const environments = Object.entries(given) as [Name, EnvironmentSettings][];
  const problems = environments.flatMap(([name, settings]) => {
    const issues = EnvironmentSettings.safeParse(settings).error?.issues ?? [];
    // The construct's own checks may find the same.
    return underHeading(name, [
      ...new Set([...issues.map(describeIssue), ...findPropProblems({ ...settings, environment: name })]),
    ]);
  });
  const conflicts =
    problems.length > 0
      ? []
      : environments.flatMap((one, index) =>
          environments
            .slice(index + 1)
            .flatMap((other) => underHeading(`${one[0]} and ${other[0]}`, findConflicts(one[1], other[1]))),
        );
  if (problems.length + conflicts.length > 0)
    throw new InvalidSettings([...problems, ...conflicts].join('\n'));
  return Object.fromEntries(environments) as Record<Name, EnvironmentSettings>;
}

const underHeading = (whose: string, mistakes: string[]) =>
  mistakes.length === 0
    ? []
    : [`Settings of ${whose} in infra/app/environments.ts:`, ...mistakes.map((mistake) => `  ${mistake}`)];

/** What two environments of one account may not share; those whose account is left out are deployed to the same one. */
function findConflicts(one: EnvironmentSettings, other: EnvironmentSettings): string[] {
  const inOneAccount = one.account === other.account;
  const channels = [one, other].map(
    ({ alerts: { slack } }) => slack && `${slack.workspaceId}/${slack.channelId}`,
  );
  return [
    ...(inOneAccount && one.region === other.region && (one.namePrefix ?? '') === (other.namePrefix ?? '')
      ? ['namePrefix must differ: in one account and region a name can be taken once']
      : []),
    ...(inOneAccount && channels[0] !== undefined && channels[0] === channels[1]
      ? ['alerts.slack must differ: Amazon Q takes a channel once in an account']
      : []),
  ];
}

import { Annotations, CfnOutput, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountPrincipal, ArnPrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { problemMessages } from '../../lambdas/domain/problems.ts';
import { describeIssue, findPropProblems } from '../checked-props.ts';
import { ModelPromotion } from '../model-promotion.ts';
import { acknowledgeFinding } from '../nag.ts';
import { addOutputs } from '../outputs.ts';
import type { ModelPromotionProps } from '../props.ts';
import { type EnvironmentName, EnvironmentSettings, type SecretSetting } from './environments.ts';

/** Reserved example addresses (RFC 2606), to be replaced before deployment. */
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
    addOutputs(this, this.promotion, settings.namePrefix ?? '');
    if (EXAMPLE.test(JSON.stringify(settings)))
      Annotations.of(this).addWarningV2(
        'model-promotion:example-address',
        `The settings of ${environment} still contain an address of example.com: replace it in infra/app/environments.ts before you deploy.`,
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

  /** A new secret contains a placeholder, which the functions reject with the secret's name until it is replaced. */
  private secret(id: string, environment: EnvironmentName, setting: SecretSetting): ISecret {
    if (typeof setting === 'object') {
      const encryptionKey = Key.fromKeyArn(this, `${id}Key`, setting.keyArn);
      return Secret.fromSecretAttributes(this, id, { secretCompleteArn: setting.arn, encryptionKey });
    }
    if (setting !== 'create') return Secret.fromSecretCompleteArn(this, id, setting);
    const secret = new Secret(this, id, {
      secretName: `model-promotion/${environment}/${id}`,
      description: `Credentials of model promotion (${environment})`,
      generateSecretString: { secretStringTemplate: '{}', generateStringKey: 'to_be_replaced' },
      // Removed after a failed first deployment: a retained name would block the next one.
      removalPolicy:
        environment === 'prod' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    new CfnOutput(this, `${id}SecretName`, { value: secret.secretName });
    acknowledgeFinding(
      secret,
      'AwsSolutions-SMG4',
      'The operator of the server issues and rotates the credentials',
    );
    // Under `exactOptionalPropertyTypes` CDK's class does not match its own interface.
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
        'No route is added to a subnet',
      );
    return {
      vpc,
      securityGroups: securityGroupIds.map((id) => SecurityGroup.fromSecurityGroupId(this, id, id)),
    };
  }
}

/** The settings are invalid; the message lists every problem of every environment. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings' as const;
}

/** Returns the settings of these environments when all are valid. Throws `InvalidSettings`. */
export function validateSettings<Name extends string>(
  given: Readonly<Record<Name, unknown>>,
): Record<Name, EnvironmentSettings> {
  const environments = Object.entries(given) as [Name, EnvironmentSettings][];
  const problems = environments.flatMap(([name, settings]) => {
    const issues = EnvironmentSettings.safeParse(settings, problemMessages).error?.issues ?? [];
    // The construct's own checks may report the same problem.
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

const underHeading = (whose: string, problems: string[]) =>
  problems.length === 0
    ? []
    : [`Settings of ${whose} in infra/app/environments.ts:`, ...problems.map((mistake) => `  ${mistake}`)];

/** Settings that two environments of one account must not share; an omitted account counts as the same account. */
function findConflicts(one: EnvironmentSettings, other: EnvironmentSettings): string[] {
  const inOneAccount = one.account === other.account;
  const channels = [one, other].map(
    ({ alerts: { slack } }) => slack && `${slack.workspaceId}/${slack.channelId}`,
  );
  return [
    ...(inOneAccount && one.region === other.region && (one.namePrefix ?? '') === (other.namePrefix ?? '')
      ? ['namePrefix must differ: names must be unique within an account and region']
      : []),
    ...(inOneAccount && channels[0] !== undefined && channels[0] === channels[1]
      ? ['alerts.slack must differ: Amazon Q can configure a channel only once in an account']
      : []),
  ];
}

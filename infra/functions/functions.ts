import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArnFormat, Duration, Names, RemovalPolicy, Size, Stack, Stage } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  Code,
  type ILayerVersion,
  Function as LambdaFunction,
  LayerVersion,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import { functionsDirectory, HANDLER } from '../bundles.ts';
import { acknowledgeFinding } from '../nag.ts';
import type { Environments } from './environment-variables.ts';
import type { FunctionSize } from './overrides.ts';

/** Settings that all functions of a construct share. */
export interface FunctionDefaults {
  readonly namePrefix: string;
  readonly logRetention: RetentionDays;
  readonly protect: boolean;
  readonly network: { vpc: IVpc; vpcSubnets?: SubnetSelection; securityGroups: ISecurityGroup[] } | null;
  readonly certificates: ILayerVersion | null;
  /** A directory of policies that replaces the bundled ones. */
  readonly policies: string | undefined;
  readonly sizes: Readonly<Record<FunctionName, FunctionSize>>;
  /** Key of the logs. */
  readonly encryptionKey: IKey | undefined;
}

/** Path of `ca.pem` in the certificates layer. */
const CERTIFICATES_PATH = '/opt/ca.pem';
/** Functions that call no other system need no network interface. */
const OUTSIDE_NETWORK: readonly FunctionName[] = ['begin-promotion'];
const READS_POLICIES: readonly FunctionName[] = ['compare-models', 'prepare-promotion'];

/** One deployed function: its bundle, role, log group and tracing. */
export class PromotionFunction extends Construct {
  readonly function: LambdaFunction;

  constructor(
    scope: Construct,
    name: FunctionName,
    environment: Environments[FunctionName],
    defaults: FunctionDefaults,
  ) {
    super(scope, name);
    const functionName = `${defaults.namePrefix}${name}`;
    const network = OUTSIDE_NETWORK.includes(name) ? null : defaults.network;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: functionLogGroup(functionName),
      retention: defaults.logRetention,
      ...(defaults.encryptionKey === undefined ? {} : { encryptionKey: defaults.encryptionKey }),
      // Removed after a failed first deployment: a retained name would block the next one.
      removalPolicy: defaults.protect ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
    });
    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(
        defaults.policies === undefined || !READS_POLICIES.includes(name)
          ? bundleOf(name)
          : withPolicies(this, name, defaults.policies),
      ),
      handler: HANDLER,
      timeout: Duration.seconds(defaults.sizes[name].timeoutSeconds),
      memorySize: defaults.sizes[name].memoryMegabytes,
      ephemeralStorageSize: Size.mebibytes(512),
      role: roleFor(this, functionName, logGroup, network !== null),
      logGroup,
      tracing: Tracing.ACTIVE,
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        ...(defaults.certificates === null ? {} : { NODE_EXTRA_CA_CERTS: CERTIFICATES_PATH }),
        ...environment,
      },
      ...(defaults.certificates === null ? {} : { layers: [defaults.certificates] }),
      ...(network ?? {}),
    });
  }
}

/** Name of the log group of a deployed function. */
export const functionLogGroup = (functionName: string) => `/aws/lambda/${functionName}`;

const bundleOf = (name: FunctionName) => join(functionsDirectory(), name);

/** A copy of the bundle with other policies. */
function withPolicies(scope: Construct, name: FunctionName, policies: string): string {
  const directory = stagingDirectory(scope, name);
  cpSync(bundleOf(name), directory, { recursive: true });
  rmSync(join(directory, 'policies'), { recursive: true, force: true });
  cpSync(policies, join(directory, 'policies'), { recursive: true });
  return directory;
}

/** A role without AWS managed policies: it can write to the function's log group and send traces. */
function roleFor(scope: Construct, functionName: string, logGroup: LogGroup, inNetwork: boolean): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  if (inNetwork) for (const statement of networkStatements(scope, functionName)) role.addToPolicy(statement);
  acknowledgeFinding(
    role,
    'AwsSolutions-IAM5[Resource::*]',
    'X-Ray actions have no resource; Lambda manages network interfaces and needs access to all of them (as in AWSLambdaVPCAccessExecutionRole), and the code is denied it',
  );
  return role;
}

/**
 * Lambda manages network interfaces with the function's role; the function's own code is denied these actions
 * (Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC").
 */
function networkStatements(scope: Construct, functionName: string): PolicyStatement[] {
  const code = Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: functionName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const network = { actions: NETWORK_INTERFACES, resources: ['*'] };
  return [
    new PolicyStatement(network),
    new PolicyStatement({
      ...network,
      effect: Effect.DENY,
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': code } },
    }),
  ];
}

const NETWORK_INTERFACES = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** A layer with the certificates of a PEM file as `ca.pem`. */
export function certificatesLayer(scope: Construct, file: string): LayerVersion {
  const directory = stagingDirectory(scope, 'certificates');
  cpSync(file, join(directory, 'ca.pem'));
  return new LayerVersion(scope, 'Certificates', {
    code: Code.fromAsset(directory),
    compatibleArchitectures: [Architecture.ARM_64],
    compatibleRuntimes: [Runtime.NODEJS_24_X],
    description: 'Certificates that the functions trust in addition to the public authorities',
  });
}

/** An empty directory in the cloud assembly, the source of an asset. */
function stagingDirectory(scope: Construct, name: string): string {
  const directory = join(
    Stage.of(scope)?.outdir ?? tmpdir(),
    `${Names.uniqueResourceName(scope, {})}-${name}`,
  );
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  return directory;
}

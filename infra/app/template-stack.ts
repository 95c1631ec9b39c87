import {
  Aws,
  BootstraplessSynthesizer,
  CfnOutput,
  CfnParameter,
  type CfnParameterProps,
  type FileAssetLocation,
  type FileAssetSource,
  Fn,
  type IStackSynthesizer,
  Stack,
} from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { defaults } from '../../lambdas/domain/defaults.ts';
import { registryModes } from '../../lambdas/domain/registry-mode.ts';
import { ModelPromotion } from '../model-promotion.ts';

/** Parameters of every template; `docs/deploy.md` explains them. */
const parameters = {
  CodeBucket: {
    description: 'S3 bucket, in the region of this stack, that contains the ZIP file of the functions',
    allowedPattern: '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]',
  },
  CodePrefix: {
    description: 'Prefix of the ZIP file in the bucket; empty, or ending in /',
    default: '',
    allowedPattern: '([A-Za-z0-9_.-]+/)*',
  },
  MlflowHost: {
    description: 'Host of the MLflow server, called by HTTPS; host[:port][/prefix]',
    allowedPattern: '[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9_.-]+)*',
    constraintDescription: 'must be host[:port][/prefix], without https://',
  },
  MlflowCredentialsArn: {
    description: 'Complete ARN of the secret with {"username": ..., "password": ...} or {"token": ...}',
    allowedPattern: 'arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}',
    constraintDescription: 'must be the complete ARN of a secret, including the six-character suffix',
  },
  RegistryMode: {
    description: 'How the champion is marked in MLflow',
    default: defaults.registryMode,
    allowedValues: [...registryModes],
  },
  AlertEmail: {
    description: 'Address that receives every alert; it must confirm its subscription',
    allowedPattern: '[^@ ]+@[^@ ]+[.][^@ ]+',
    constraintDescription: 'must be an email address',
  },
  Environment: {
    description: 'Name of the environment in alerts, logs and metrics',
    default: 'prod',
    allowedPattern: '[a-z][a-z0-9-]{0,19}',
  },
  NamePrefix: {
    description: 'Prefix of the names of the functions and of the state machine, such as dev-; may be empty',
    default: '',
    allowedPattern: '([a-zA-Z][a-zA-Z0-9-]{0,19})?',
  },
  RunbookUrl: {
    description: 'Address of the runbook that the alarms link',
    default: 'docs/runbook.md',
    allowedPattern: '[^ #]{1,300}',
  },
} as const satisfies Record<string, CfnParameterProps>;

/** Of the template that also rolls models out. */
const workloadParameters = {
  DataRobotEndpoint: {
    description: "Address of DataRobot's API",
    default: 'https://app.datarobot.com/api/v2',
    allowedPattern: 'https://[^ ?#]+',
  },
  DataRobotTokenArn: {
    description: 'Complete ARN of the secret with the API token, as it is or as {"token": ...}',
    allowedPattern: parameters.MlflowCredentialsArn.allowedPattern,
    constraintDescription: parameters.MlflowCredentialsArn.constraintDescription,
  },
} as const satisfies Record<string, CfnParameterProps>;

/**
 * The stack as a template for everybody who does not use CDK: what differs between environments is a parameter, and nothing
 * of CDK's own is needed in the account.
 */
export class TemplateStack extends Stack {
  readonly assets: TemplateAssets;

  constructor(scope: Construct, id: string, { workloads }: { workloads: boolean }) {
    const assets = new TemplateAssets();
    super(scope, id, {
      description: `Promotes machine-learning models in MLflow${workloads ? ' and on DataRobot Workloads' : ''}`,
      // Under `exactOptionalPropertyTypes` CDK's class does not match its own interface.
      synthesizer: assets as IStackSynthesizer,
    });
    this.assets = assets;
    // The construct derives names from the stack's, which is chosen at deployment.
    Object.defineProperty(this, 'stackName', { value: Aws.STACK_NAME });
    const given = this.addParameters(parameters);
    const platform = workloads ? this.addParameters(workloadParameters) : null;
    const secret = (name: string, arn: string) => Secret.fromSecretCompleteArn(this, name, arn);
    const { stateMachine, table, alertTopic } = new ModelPromotion(this, 'Promotion', {
      environment: given.Environment,
      namePrefix: given.NamePrefix,
      mlflow: {
        trackingUri: `https://${given.MlflowHost}`,
        credentials: secret('MlflowCredentials', given.MlflowCredentialsArn),
        registryMode: given.RegistryMode as (typeof registryModes)[number],
      },
      ...(platform === null
        ? {}
        : {
            workloads: {
              endpoint: platform.DataRobotEndpoint,
              token: secret('DataRobotToken', platform.DataRobotTokenArn),
            },
          }),
      alerts: { emails: [given.AlertEmail] },
      protect: true,
      runbookUrl: given.RunbookUrl,
    });
    const outputs = {
      StateMachineArn: stateMachine.stateMachineArn,
      TableName: table.tableName,
      AlertsTopicArn: alertTopic.topicArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  /** The values of the parameters, which are known at deployment. */
  private addParameters<Name extends string>(
    declared: Record<Name, CfnParameterProps>,
  ): Record<Name, string> {
    const values = Object.entries<CfnParameterProps>(declared).map(([name, props]) => [
      name,
      new CfnParameter(this, name, props).valueAsString,
    ]);
    return Object.fromEntries(values);
  }
}

/** Assets as ZIP files in a bucket that is a parameter, instead of the bucket that `cdk bootstrap` makes. */
export class TemplateAssets extends BootstraplessSynthesizer {
  /** The directory of each, relative to the cloud assembly, by the name of the ZIP file. */
  readonly directories = new Map<string, string>();

  override addFileAsset({ sourceHash, fileName }: FileAssetSource): FileAssetLocation {
    const name = `functions-${sourceHash.slice(0, 16)}.zip`;
    if (fileName === undefined) throw new Error(`The asset ${sourceHash} has no files`);
    this.directories.set(name, fileName);
    const bucketName = Fn.ref('CodeBucket' satisfies keyof typeof parameters);
    const objectKey = `${Fn.ref('CodePrefix' satisfies keyof typeof parameters)}${name}`;
    return {
      bucketName,
      objectKey,
      httpUrl: `https://s3.${Aws.REGION}.${Aws.URL_SUFFIX}/${bucketName}/${objectKey}`,
      s3ObjectUrl: `s3://${bucketName}/${objectKey}`,
    };
  }
}

import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { RegistryMode } from '../lambdas/domain/registry-mode.ts';

/** Props of a `ModelPromotion`. The constructor validates them and reports every problem at once. */
export interface ModelPromotionProps {
  /**
   * Name of the environment in alerts, logs and metrics, unique within an account and region: at most 20 lower-case
   * letters, digits and hyphens. Default `dev`.
   */
  readonly environment?: string | undefined;
  /**
   * Prefix of the names of the functions and of the state machine, so that one account can have several environments.
   * At most 20 characters. Default: none, so that a deployed function is called `promote-model`.
   */
  readonly namePrefix?: string | undefined;
  readonly mlflow: MlflowProps;
  /** DataRobot's Workload API. Default: none; models are promoted in the registry only. */
  readonly workloads?: WorkloadsProps | undefined;
  readonly alerts: AlertProps;
  /** VPC of the functions, for a private MLflow server or platform. Default: none, only public addresses. */
  readonly vpc?: IVpc | undefined;
  /** Default: the private subnets with egress. They must also reach the AWS services that the functions call. */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /** Default: one for all functions, with all outbound and no inbound traffic; see `connections`. */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /**
   * Path of a PEM file with certificates that the functions trust in addition to the public authorities, for servers
   * with a certificate of a private authority. Default: none.
   */
  readonly caBundle?: string | undefined;
  /** A directory with policies, `<name>.json`, that replace the bundled ones; one must be `default`. */
  readonly policies?: string | undefined;
  /** Minimum confidence of a comparison, 0 to 1, for policies that do not set one. Default 0.7. */
  readonly minConfidence?: number | undefined;
  /** Cool-down in hours: the minimum time between two automatic rollbacks of a model. Default 24. */
  readonly rollbackCooldownHours?: number | undefined;
  /**
   * Retains the table and the logs when the stack is deleted, and enables deletion protection of the table. Default: true
   * in the environment `prod`.
   */
  readonly protect?: boolean | undefined;
  /** Retention of log events. Default three months. */
  readonly logRetention?: RetentionDays | undefined;
  /** Address of the runbook that the alarms link; `#heading` is appended. Default `docs/runbook.md`. */
  readonly runbookUrl?: string | undefined;
  /** Who else can start executions. Default: only principals that the account's own policies allow. */
  readonly start?: StartProps | undefined;
}

/** The MLflow server. */
export interface MlflowProps {
  /**
   * `https://host[:port][/prefix]`, or the ARN of a tracking server on SageMaker: requests are then signed with
   * the functions' roles.
   */
  readonly trackingUri: string;
  /** Secret with `{"username": …, "password": …}` or `{"token": …}`. Default: none, the server needs none. */
  readonly credentials?: ISecret | undefined;
  /** How the champion is marked: by its stage, an alias, or both. Default `stages`. */
  readonly registryMode?: RegistryMode | undefined;
  /** Name of the registry in alerts. Default `tradai-models`. */
  readonly registryName?: string | undefined;
}

/** DataRobot's Workload API. */
export interface WorkloadsProps {
  /** Such as `https://app.datarobot.com/api/v2`. */
  readonly endpoint: string;
  /** Secret with the API token, as it is or as `{"token": …}`. */
  readonly token: ISecret;
}

/** Recipients of notifications: at least one email address or a Slack channel. */
export interface AlertProps {
  /** Addresses that receive every alert; each must confirm its subscription. */
  readonly emails?: string[] | undefined;
  /** A Slack channel that receives every alert, through Amazon Q Developer in chat applications. */
  readonly slack?: SlackProps | undefined;
  /** Prefix of every subject: `[<prefix>] …`. Default `TradAI`. */
  readonly prefix?: string | undefined;
}

/** A Slack channel. */
export interface SlackProps {
  /** Id of the Slack workspace, `T…`; authorise it once in the console of Amazon Q Developer. */
  readonly workspaceId: string;
  /**
   * Id of the Slack channel, `C…`; a private one must invite `@Amazon Q`. An account can configure a channel only once:
   * for a channel that is already configured, omit `slack` and add the topics to that configuration.
   */
  readonly channelId: string;
  /**
   * Publishes to chat through a separate topic instead of one message with a text for each protocol. Default false.
   */
  readonly ownTopic?: boolean | undefined;
}

/** Who and what can start executions. */
export interface StartProps {
  /** Principals that can assume a role which starts and follows executions: accounts, roles, other state machines. */
  readonly principals?: IPrincipal[] | undefined;
  /** Events that start an execution; their `detail` is its input. */
  readonly events?:
    | {
        /** Default: the account's default bus. */
        readonly eventBus?: IEventBus | undefined;
        /** `source` of the events. */
        readonly source: string;
        /** `detail-type` of the events. Default `Model Promotion Requested`. */
        readonly detailType?: string | undefined;
      }
    | undefined;
}

import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { RegistryMode } from '../lambdas/domain/registry.ts';

/** What a `ModelPromotion` is given. Mistakes in it are named, all at once, before synthesis ends. */
export interface ModelPromotionProps {
  /**
   * Name of the environment, as alerts, logs and metrics show it, its own within an account and region: lower-case
   * letters, digits and hyphens, at most 20. Default `dev`.
   */
  readonly environment?: string | undefined;
  /**
   * Begins the names of the functions and of the state machine, so that two environments can live in one account. At
   * most 20 characters. Default: none, so that a deployed function is called `promote-model`.
   */
  readonly namePrefix?: string | undefined;
  readonly mlflow: MlflowProps;
  /** DataRobot's Workload API. Default: none; models are promoted in the registry only. */
  readonly workloads?: WorkloadsProps | undefined;
  readonly alerts: AlertProps;
  /** Network of the functions, for an MLflow server or a platform that is private. Default: none, public addresses. */
  readonly vpc?: IVpc | undefined;
  /** Default: the private subnets with a way out; AWS' own services have to be reached from there, too. */
  readonly vpcSubnets?: SubnetSelection | undefined;
  /** Default: one for all functions, which lets everything out and nothing in; `connections` has it. */
  readonly securityGroups?: ISecurityGroup[] | undefined;
  /**
   * A file of certificates in PEM format that the functions trust besides the usual ones, for servers whose certificate
   * comes from an authority of your own. Default: none.
   */
  readonly caBundle?: string | undefined;
  /** A directory with policies, `<name>.json`, in the place of ours; one of them has to be `default`. */
  readonly policies?: string | undefined;
  /** How sure a comparison must be for policies that do not say so, 0 to 1. Default 0.7. */
  readonly minConfidence?: number | undefined;
  /** Hours in which no second automatic rollback of a model is done. Default 24. */
  readonly rollbackCooldownHours?: number | undefined;
  /**
   * Keeps the table when the stack is removed and guards it against deletion, and keeps the logs. Default: true in the
   * environment `prod`.
   */
  readonly protect?: boolean | undefined;
  /** How long log lines are kept. Default three months. */
  readonly logRetention?: RetentionDays | undefined;
  /** Where the alarms' runbook can be read; `#heading` is added. Default `docs/runbook.md`. */
  readonly runbookUrl?: string | undefined;
  /** Who else may start executions. Default: whoever the account's own policies allow to. */
  readonly start?: StartProps | undefined;
}

export interface MlflowProps {
  /**
   * `https://host[:port][/prefix]`, or the ARN of a tracking server that SageMaker manages: then requests are signed
   * with the functions' own roles.
   */
  readonly trackingUri: string;
  /** Secret with `{"username": …, "password": …}` or `{"token": …}`. Default: none, the server asks for none. */
  readonly credentials?: ISecret | undefined;
  /** What makes a version the champion: its stage, an alias, or both. Default `stages`. */
  readonly registryMode?: RegistryMode | undefined;
  /** What alerts call the registry. Default `tradai-models`. */
  readonly registryName?: string | undefined;
}

export interface WorkloadsProps {
  /** Such as `https://app.datarobot.com/api/v2`. */
  readonly endpoint: string;
  /** Secret with the API token, as it is or as `{"token": …}`. */
  readonly token: ISecret;
}

export interface AlertProps {
  /** Addresses that get every alert; each has to confirm its subscription. */
  readonly emails?: string[] | undefined;
  /** A channel that gets every alert, through Amazon Q Developer in chat applications. */
  readonly slack?: SlackProps | undefined;
  /** Begins every subject: `[<prefix>] …`. Default `TradAI`. */
  readonly prefix?: string | undefined;
}

export interface SlackProps {
  /** Slack's id of the workspace, `T…`; it is authorised once in the console of Amazon Q Developer. */
  readonly workspaceId: string;
  /**
   * Slack's id of the channel, `C…`; a private one has to invite `@Amazon Q`. Amazon Q takes a channel once in an account:
   * for one that has a configuration already, leave `slack` out and add the topics to that.
   */
  readonly channelId: string;
  /**
   * Publishes to chat through a topic of its own instead of as one message with a text for each protocol. Default
   * false.
   */
  readonly ownTopic?: boolean | undefined;
}

export interface StartProps {
  /** May take a role that starts executions and follows them: accounts, roles, other state machines. */
  readonly principals?: IPrincipal[] | undefined;
  /** Events that start an execution: their `detail` is its input. */
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

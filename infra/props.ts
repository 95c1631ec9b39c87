import type { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { RegistryMode } from '../lambdas/domain/registry-mode.ts';
import type { AlertKind } from '../lambdas/words/alert/kinds.ts';
import type { FunctionId } from './functions/function-ids.ts';

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
   * Who has to approve promotions, by model, whatever a policy says: a policy can only ask for more. Default: what the
   * policies ask for.
   */
  readonly approval?: ApprovalProps[] | undefined;
  /** When `check-retraining-needed` finds that a model should be retrained. */
  readonly retraining?: RetrainingProps | undefined;
  /**
   * Retains the table and the logs when the stack is deleted, and enables deletion protection of the table. Default: true
   * in the environment `prod`.
   */
  readonly protect?: boolean | undefined;
  /** Retention of log events. Default three months. */
  readonly logRetention?: RetentionDays | undefined;
  /**
   * Key for the table, the topics, the dead-letter queue and the logs. A key that was created in your app gets the
   * statements that CloudWatch Logs, alarms and EventBridge need; an imported one must have them (`docs/deploy.md`).
   * Default: a key for each topic, and the keys of AWS for the others.
   */
  readonly encryptionKey?: IKey | undefined;
  /** Memory and time-outs, by function. Default: 256 MB, and the time-outs of `docs/architecture.md`. */
  readonly functions?: FunctionsProps | undefined;
  /**
   * Adds the stack outputs that scripts and the runbook read: ARNs and names of the state machine, the table, the topics
   * and the queue. Default false.
   */
  readonly outputs?: boolean | undefined;
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

/** Recipients of notifications: at least one that receives all of them. */
export interface AlertProps {
  /**
   * Addresses, each of which must confirm its subscription. A plain one receives every alert and every alarm; one with
   * filters only the alerts that match.
   */
  readonly emails?: (string | EmailProps)[] | undefined;
  /**
   * Your own topic for alerts and alarms, a standard one of the same region; `emails` and `slack` subscribe to it. A topic
   * that was created in your app gets the statement that lets alarms publish; an imported one must have it. Default: a
   * new, encrypted topic.
   */
  readonly topic?: ITopic | undefined;
  /**
   * Your own topic for the alarm that alerts cannot be sent; it should share nothing with `topic`. Default: a new one with
   * the recipients of `emails` and `slack`; `topic` if there are neither.
   */
  readonly failureTopic?: ITopic | undefined;
  /** A Slack channel that receives every alert, through Amazon Q Developer in chat applications. */
  readonly slack?: SlackProps | undefined;
  /** Prefix of every subject: `[<prefix>] …`. Default `TradAI`. */
  readonly prefix?: string | undefined;
}

/** An address that receives the alerts that match every filter given here, and no alarms: these name no model. */
export interface EmailProps {
  readonly address: string;
  /** Names of registered models, or their beginnings followed by `*`. Default: all. */
  readonly models?: string[] | undefined;
  /**
   * Values of the registered model's tag `owner`, or their beginnings followed by `*`. Alerts whose owner is not known match
   * as well, so that none is lost. Default: all.
   */
  readonly owners?: string[] | undefined;
  /** What the alert is about. Default: all. */
  readonly kinds?: AlertKind[] | undefined;
}

/** Approvals that the promotions of some models need. The fields are those of a policy's `approval`. */
export interface ApprovalProps {
  /** Names of registered models; `*` stands for any text without / and :. */
  readonly models: string[];
  /** `sso:` and a user name of IAM Identity Center, or the ARN of an IAM role or user; `*` likewise. */
  readonly approvers: string[];
  /** Default `always`. */
  readonly when?: 'always' | 'on_investigate' | ('always' | 'on_investigate')[] | undefined;
  /** How many of them have to approve. Default 1. */
  readonly count?: number | undefined;
  /** True: who started the execution may not approve it. Default true. */
  readonly notRequester?: boolean | undefined;
  /** Hours after which a request that nobody decided ends, at most two weeks. Default 72. */
  readonly expiresAfterHours?: number | undefined;
  /** Hours after which the approvers are reminded, once. Default: never. */
  readonly remindAfterHours?: number | undefined;
}

/** When a model should be retrained, and by what. */
export interface RetrainingProps {
  /** Days after which a model is retrained, whatever its drift. Default 7. */
  readonly intervalDays?: number | undefined;
  /** Hours after a retraining in which none is started. Default 24. */
  readonly minHours?: number | undefined;
  /** Names of the registered models that may be retrained, without commas in them. Default: all. */
  readonly models?: string[] | undefined;
  /**
   * Your own state machine that retrains: started for each attempt, with `model_name`, `trigger`, `need_id` and `attempt`.
   * Default: none, whoever calls the function retrains, as `RetrainingLifecycle` does.
   */
  readonly stateMachine?: IStateMachine | undefined;
}

/** Settings of single functions, by their names in camel case. */
export type FunctionsProps = { readonly [Id in FunctionId]?: FunctionProps | undefined };

/** Settings of one function. */
export interface FunctionProps {
  /** Memory in MB, 256 to 10240; Lambda gives CPU in proportion. Default 256. */
  readonly memorySize?: number | undefined;
  /**
   * Shorter than the default, at least 30 seconds: not longer, as the retries, the task time-outs and the leases of the state
   * machine are derived from the default.
   */
  readonly timeout?: Duration | undefined;
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

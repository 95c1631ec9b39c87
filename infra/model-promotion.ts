import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Connections, type IConnectable } from 'aws-cdk-lib/aws-ec2';
import { CompositePrincipal, Grant, type IGrantable, Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type FunctionUrl, FunctionUrlAuthType, type Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct, IConstruct } from 'constructs';
import { defaults } from '../lambdas/domain/defaults.ts';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';
import { findPropProblems } from './checked-props.ts';
import { findClashes, type Named } from './checks/clashes.ts';
import { findUnknownProps } from './checks/unknown-props.ts';
import { allowLogs, allowPublishers, publishers } from './encryption.ts';
import { EventRules, ROLLBACK_ALARM_PREFIX } from './event-rules.ts';
import { environmentsFor } from './functions/environment-variables.ts';
import { byFunctionId, type FunctionId } from './functions/function-ids.ts';
import {
  certificatesLayer,
  type FunctionDefaults,
  functionLogGroup,
  PromotionFunction,
} from './functions/functions.ts';
import { networkOf } from './functions/network.ts';
import { functionSizes } from './functions/overrides.ts';
import { type GrantTargets, grantPermissions, grantReading } from './functions/permissions.ts';
import { acknowledgeFinding } from './nag.ts';
import type { AlarmId } from './operations/alarm-ids.ts';
import { PromotionAlarms } from './operations/alarms.ts';
import { AlertTopics } from './operations/alert-topics.ts';
import { PromotionDashboard } from './operations/dashboard.ts';
import { MeasuredConstruct } from './operations/metrics.ts';
import { addOutputs } from './outputs.ts';
import type { ModelPromotionProps, SlackProps } from './props.ts';
import { Workflow, workflowLogGroup } from './state-machine.ts';
import { promotionTable } from './table.ts';

export type {
  AlertProps,
  ApprovalProps,
  EmailProps,
  FunctionProps,
  FunctionsProps,
  MlflowProps,
  ModelPromotionProps,
  RetrainingProps,
  SlackProps,
  StartProps,
  WorkloadsProps,
} from './props.ts';

/**
 * Promotes models: the functions, the state machine that runs them, the table of models and outcomes, the notification
 * topics, the event rules, the alarms and the dashboard. Several in one account and region need different values of
 * `environment` and `namePrefix`. Throws `InvalidProps`.
 */
export class ModelPromotion extends MeasuredConstruct implements IConnectable {
  readonly environmentName: string;
  /** The security groups of the functions, to allow them access to an MLflow server. None without `vpc`. */
  readonly connections: Connections;
  /** Each execution is one promotion or one rollback. */
  readonly stateMachine: StateMachine;
  readonly stateMachineName: string;
  /** By their names in camel case; they can also be invoked directly. */
  readonly functions: Readonly<Record<FunctionId, Lambda>>;
  readonly table: Table;
  /** Topic of alerts and alarms: `alerts.topic`, or a new one. */
  readonly alertTopic: ITopic;
  /** Topic of the alarm that alerts cannot be sent. */
  readonly alertFailureTopic: ITopic;
  /** Topic of chat; undefined without `ownTopic`. */
  readonly chatTopic: ITopic | undefined;
  /** Events that could not be delivered. */
  readonly deadLetterQueue: Queue;
  readonly alarms: Readonly<Record<AlarmId, Alarm>>;
  readonly dashboard: Dashboard;
  /** Role that `start.principals` can assume; undefined when there are none. */
  readonly starterRole: Role | undefined;
  /** Where people approve: `promotion approve` calls it, signed by their own identity. Its authentication is IAM. */
  readonly approvalUrl: FunctionUrl;
  /** Key of table, topics, queue and logs, as given; undefined if none was. */
  readonly encryptionKey: IKey | undefined;
  private readonly slack: SlackProps | undefined;
  private readonly grantTargets: GrantTargets;

  constructor(scope: Construct, id: string, props: ModelPromotionProps) {
    super(scope, id);
    // Plain JavaScript may give none.
    const problems = [...findUnknownProps(props ?? {}), ...findPropProblems(props ?? {})];
    if (problems.length > 0) throw new InvalidProps(this.node.path, problems);
    const environment = props.environment ?? defaults.environment;
    const protect = props.protect ?? environment === 'prod';
    const { namePrefix = '', encryptionKey, logRetention = RetentionDays.THREE_MONTHS } = props;
    this.environmentName = environment;
    this.stateMachineName = `${namePrefix}model-promotion`;
    this.encryptionKey = encryptionKey;
    this.slack = props.alerts.slack;
    const others = Stack.of(this)
      .node.findAll()
      .filter((each): each is ModelPromotion => each instanceof ModelPromotion && each !== this);
    const clashes = findClashes(
      this.named(),
      others.map((other) => other.named()),
    );
    if (clashes.length > 0) throw new InvalidProps(this.node.path, clashes);
    const { stateMachineName } = this;
    if (encryptionKey !== undefined) this.allowServices(encryptionKey, namePrefix);

    this.table = promotionTable(this, protect, encryptionKey);
    const { alerts, chat, failures } = new AlertTopics(this, 'Topics', {
      ...props.alerts,
      encryptionKey,
      // A channel can be configured only once: the name of the first one in a stack must not depend on the others.
      slackConfigurationName: [Stack.of(this).stackName, ...(others.length > 0 ? [environment] : [])].join(
        '-',
      ),
    });
    this.alertTopic = alerts.topic;
    this.alertFailureTopic = failures.topic;
    this.chatTopic = chat?.topic;
    this.grantTargets = {
      table: this.table,
      tableKey: encryptionKey,
      topics: chat === null ? [alerts] : [alerts, chat],
      // Composed from its name: the functions are created before the state machine that calls them.
      stateMachineArn: Stack.of(this).formatArn({
        service: 'states',
        resource: 'stateMachine',
        resourceName: stateMachineName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      executionsArn: this.executionsArn(),
      retrainingArn: props.retraining?.stateMachine?.stateMachineArn,
      trackingServerArn: props.mlflow.trackingUri.startsWith('arn:') ? props.mlflow.trackingUri : null,
      mlflowCredentials: props.mlflow.credentials,
      workloadToken: props.workloads?.token,
    };
    const network = networkOf(this, props);
    this.connections = new Connections({ securityGroups: network?.securityGroups ?? [] });
    const sizes = functionSizes(props.functions);
    const functions = this.createFunctions(props, {
      namePrefix,
      logRetention,
      protect,
      network,
      certificates: props.caBundle === undefined ? null : certificatesLayer(this, props.caBundle),
      policies: props.policies,
      sizes,
      encryptionKey,
    });
    this.functions = byFunctionId((name) => functions[name]);
    this.approvalUrl = functions['decide-approval'].addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
    const sweep = 'sweep-promotions' satisfies FunctionName;
    this.acknowledgeExecutions(this.node.findChild(sweep));
    this.acknowledgeExecutions(this.node.findChild('decide-approval' satisfies FunctionName));
    this.stateMachine = new Workflow(this, 'Workflow', {
      stateMachineName,
      functions,
      logRetention,
      protect,
      encryptionKey,
    }).stateMachine;
    this.deadLetterQueue = new EventRules(this, 'Rules', {
      stateMachine: this.stateMachine,
      sweepPromotions: functions[sweep],
      watchReleases: functions['watch-releases'],
      rollbackAlarmPrefix: `${namePrefix}${ROLLBACK_ALARM_PREFIX}`,
      encryptionKey,
      ...(props.start?.events === undefined ? {} : { startOn: props.start.events }),
    }).deadLetterQueue;
    this.starterRole = this.createStarterRole(props.start?.principals ?? []);
    const monitored = {
      environment,
      machine: this.stateMachine,
      functions,
      // Under `exactOptionalPropertyTypes` CDK's class does not match its own interface.
      table: this.table as ITable,
      alerts: this.alertTopic,
      chat: this.chatTopic ?? null,
      alertFailures: this.alertFailureTopic,
      deadLetterQueue: this.deadLetterQueue,
      runbookUrl: props.runbookUrl ?? 'docs/runbook.md',
    };
    this.alarms = new PromotionAlarms(this, 'Alarms', monitored).alarms;
    const shown = { ...monitored, alarms: this.alarms, sizes };
    this.dashboard = new PromotionDashboard(this, 'Dashboard', shown).dashboard;
    if (props.outputs === true) addOutputs(this, this, namePrefix);
  }

  /**
   * Grants permission to start and to follow executions, as `promotion start` does. Not to stop them, which could
   * interrupt a rollback.
   */
  grantStartExecution(grantee: IGrantable): Grant {
    const start = this.stateMachine.grantStartExecution(grantee);
    const follow = Grant.addToPrincipal({
      grantee,
      actions: ['states:DescribeExecution', 'states:GetExecutionHistory'],
      resourceArns: [this.executionsArn()],
    });
    return start.combine(follow);
  }

  /**
   * Grants permission to read what is recorded, as `promotion status` does, and an MLflow tracking server on SageMaker, as
   * `promotion history` does. Not the secrets: the same credentials can also write.
   */
  grantRead(grantee: IGrantable): Grant {
    return grantReading(grantee, this.grantTargets);
  }

  /**
   * Grants permission to call the URL at which people approve; who of them is an approver, the policies and `approval` say.
   * Grant nobody to invoke the function itself: the event of an invocation can name any identity.
   */
  grantApprove(grantee: IGrantable): Grant {
    return this.approvalUrl.grantInvokeUrl(grantee);
  }

  private named(): Named {
    const { environmentName, stateMachineName, slack, node } = this;
    return { environmentName, stateMachineName, slack, path: node.path };
  }

  /** ARN pattern of the executions of this state machine. */
  private executionsArn(): string {
    return Stack.of(this).formatArn({
      service: 'states',
      resource: 'execution',
      resourceName: `${this.stateMachineName}:*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  }

  /** Of a key that was created in the app: what is encrypted with it belongs to services that must be able to use it. */
  private allowServices(key: IKey, namePrefix: string): void {
    allowPublishers(key, publishers(this));
    allowLogs(this, key, [
      ...functionNames.map((name) => functionLogGroup(`${namePrefix}${name}`)),
      workflowLogGroup(this.stateMachineName),
    ]);
  }

  private createFunctions(
    props: ModelPromotionProps,
    defaults: FunctionDefaults,
  ): Record<FunctionName, Lambda> {
    const environments = environmentsFor(props, {
      table: this.table.tableName,
      alerts: this.alertTopic.topicArn,
      chat: this.chatTopic?.topicArn ?? null,
      stateMachineArn: this.grantTargets.stateMachineArn,
    });
    const created = functionNames.map((name) => {
      const deployed = new PromotionFunction(this, name, environments[name], defaults).function;
      grantPermissions(name, deployed, this.grantTargets);
      return [name, deployed] as const;
    });
    return Object.fromEntries(created) as Record<FunctionName, Lambda>;
  }

  private createStarterRole(
    principals: NonNullable<ModelPromotionProps['start']>['principals'] = [],
  ): Role | undefined {
    if (principals.length === 0) return undefined;
    const role = new Role(this, 'Starter', {
      assumedBy: new CompositePrincipal(...principals),
      description: 'Starts and follows promotions',
    });
    this.grantStartExecution(role);
    this.acknowledgeExecutions(role);
    return role;
  }

  /** Accepts the wildcard in the ARN of executions. */
  private acknowledgeExecutions(grantee: IConstruct): void {
    const { partition, region, account } = Stack.of(this);
    // cdk-nag's notation for values that are known only at deployment.
    const written = (value: string, name: string) => (Token.isUnresolved(value) ? `<AWS::${name}>` : value);
    const place = `${written(partition, 'Partition')}:states:${written(region, 'Region')}:${written(account, 'AccountId')}`;
    acknowledgeFinding(
      grantee,
      `AwsSolutions-IAM5[Resource::arn:${place}:execution:${this.stateMachineName}:*]`,
      'The executions of one state machine; their names are not known at deployment',
    );
  }
}

/** The props of a `ModelPromotion` are invalid; the message lists every problem. */
export class InvalidProps extends Error {
  override readonly name = 'InvalidProps' as const;
  constructor(path: string, problems: readonly string[]) {
    super(`${path}: ${problems.map((mistake) => `\n  ${mistake}`).join('')}`);
  }
}

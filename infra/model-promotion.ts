import { ArnFormat, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Connections, type IConnectable, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CompositePrincipal, type IGrantable, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct, type IConstruct } from 'constructs';
import { MODELS_INDEX, PENDING_ALERTS_INDEX } from '../lambdas/adapters/aws/table-indexes.ts';
import { defaults } from '../lambdas/domain/defaults.ts';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';
import { findPropProblems } from './checked-props.ts';
import { EventRules, ROLLBACK_ALARM_PREFIX } from './event-rules.ts';
import { environmentsFor } from './functions/environment-variables.ts';
import { certificatesLayer, type FunctionDefaults, PromotionFunction } from './functions/functions.ts';
import { type GrantTargets, grantPermissions } from './functions/permissions.ts';
import { acknowledgeFinding } from './nag.ts';
import { PromotionAlarms } from './operations/alarms.ts';
import { AlertTopics } from './operations/alert-topics.ts';
import { PromotionDashboard } from './operations/dashboard.ts';
import type { ModelPromotionProps } from './props.ts';
import { Workflow } from './state-machine.ts';

export type {
  AlertProps,
  MlflowProps,
  ModelPromotionProps,
  SlackProps,
  StartProps,
  WorkloadsProps,
} from './props.ts';

/**
 * Promotes models: the functions, the state machine that runs them, the table of models and outcomes, the notification
 * topics, the event rules, the alarms and the dashboard. One per stack, because the names of alarms and of the Slack
 * configuration are derived from the stack's name. Throws `InvalidProps`.
 */
export class ModelPromotion extends Construct implements IConnectable {
  /** The security groups of the functions, to allow them access to an MLflow server. None without `vpc`. */
  readonly connections: Connections;
  /** Each execution is one promotion or one rollback. */
  readonly stateMachine: StateMachine;
  readonly stateMachineName: string;
  /** By name, without `namePrefix`; they can also be invoked directly. */
  readonly functions: Readonly<Record<FunctionName, Lambda>>;
  readonly table: Table;
  readonly alerts: AlertTopics;
  /** Dead-letter queue of the event rules. */
  readonly undelivered: Queue;
  /** Role that `start.principals` can assume; null when there are none. */
  readonly starterRole: Role | null;

  constructor(scope: Construct, id: string, props: ModelPromotionProps) {
    super(scope, id);
    const problems = [...findPropProblems(props), ...findDuplicates(this)];
    if (problems.length > 0) throw new InvalidProps(this.node.path, problems);
    const environment = props.environment ?? defaults.environment;
    const protect = props.protect ?? environment === 'prod';
    const namePrefix = props.namePrefix ?? '';
    this.stateMachineName = `${namePrefix}model-promotion`;
    const { stateMachineName } = this;
    const logRetention = props.logRetention ?? RetentionDays.THREE_MONTHS;

    this.table = promotionTable(this, protect);
    this.alerts = new AlertTopics(this, 'Topics', props.alerts);
    const targets = {
      table: this.table,
      topics: [this.alerts.alerts, ...(this.alerts.chat === null ? [] : [this.alerts.chat])].map(
        ({ topic }) => topic,
      ),
      topicKey: this.alerts.alerts.key,
      // Composed from its name: the functions are created before the state machine that calls them.
      stateMachineArn: Stack.of(this).formatArn({
        service: 'states',
        resource: 'stateMachine',
        resourceName: stateMachineName,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      executionsArn: this.executionsArn(),
      trackingServerArn: props.mlflow.trackingUri.startsWith('arn:') ? props.mlflow.trackingUri : null,
      mlflowCredentials: props.mlflow.credentials,
      workloadToken: props.workloads?.token,
    } satisfies GrantTargets;
    const network = networkOf(this, props);
    this.connections = new Connections({ securityGroups: network?.securityGroups ?? [] });
    this.functions = this.createFunctions(props, targets, {
      namePrefix,
      logRetention,
      protect,
      network,
      certificates: props.caBundle === undefined ? null : certificatesLayer(this, props.caBundle),
      policies: props.policies,
    });
    const { functions } = this;
    this.acknowledgeExecutions(this.node.findChild('sweep-promotions' satisfies FunctionName));
    this.stateMachine = new Workflow(this, 'Workflow', {
      stateMachineName,
      functions,
      logRetention,
      protect,
    }).stateMachine;
    const rules = new EventRules(this, 'Rules', {
      stateMachine: this.stateMachine,
      sweepPromotions: functions['sweep-promotions'],
      rollbackAlarmPrefix: `${namePrefix}${ROLLBACK_ALARM_PREFIX}`,
      ...(props.start?.events === undefined ? {} : { startOn: props.start.events }),
    });
    this.undelivered = rules.undelivered;
    this.starterRole = this.createStarterRole(props.start?.principals ?? []);
    this.addMonitoring(environment, props.runbookUrl ?? 'docs/runbook.md');
  }

  /**
   * Grants permission to start and to follow executions, as `promotion start` does. Not to stop them, which could
   * interrupt a rollback.
   */
  grantStart(grantee: IGrantable): void {
    this.stateMachine.grantStartExecution(grantee);
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['states:DescribeExecution', 'states:GetExecutionHistory'],
        resources: [this.executionsArn()],
      }),
    );
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

  private createFunctions(
    props: ModelPromotionProps,
    targets: GrantTargets,
    defaults: FunctionDefaults,
  ): Record<FunctionName, Lambda> {
    const environments = environmentsFor(props, {
      table: this.table.tableName,
      alerts: this.alerts.alerts.topic.topicArn,
      chat: this.alerts.chat?.topic.topicArn ?? null,
      stateMachineArn: targets.stateMachineArn,
    });
    const created = functionNames.map((name) => {
      const deployed = new PromotionFunction(this, name, environments[name], defaults).function;
      grantPermissions(name, deployed, targets);
      return [name, deployed] as const;
    });
    return Object.fromEntries(created) as Record<FunctionName, Lambda>;
  }

  private createStarterRole(
    principals: NonNullable<ModelPromotionProps['start']>['principals'] = [],
  ): Role | null {
    if (principals.length === 0) return null;
    const role = new Role(this, 'Starter', {
      assumedBy: new CompositePrincipal(...principals),
      description: 'Starts and follows promotions',
    });
    this.grantStart(role);
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

  private addMonitoring(environment: string, runbookUrl: string): void {
    const monitored = {
      environment,
      machine: this.stateMachine,
      functions: this.functions,
      // Under `exactOptionalPropertyTypes` CDK's class does not match its own interface.
      table: this.table as ITable,
      alerts: this.alerts.alerts.topic,
      chat: this.alerts.chat?.topic ?? null,
      alertFailures: this.alerts.failures.topic,
      undelivered: this.undelivered,
      runbookUrl,
    };
    const { alarms } = new PromotionAlarms(this, 'Alarms', monitored);
    new PromotionDashboard(this, 'Dashboard', { ...monitored, alarms });
  }
}

/** The props of a `ModelPromotion` are invalid; the message lists every problem. */
export class InvalidProps extends Error {
  override readonly name = 'InvalidProps' as const;
  constructor(path: string, problems: readonly string[]) {
    super(`${path}: ${problems.map((mistake) => `\n  ${mistake}`).join('')}`);
  }
}

/**
 * The items of models, their releases, and outcomes. Items have no TTL: a deleted item would restart the fence counter, and
 * outcomes are part of the audit trail. DynamoDB creates at most one index in an update of a table that exists ("You can
 * create or delete only one global secondary index per UpdateTable operation", API reference): a release adds at most one.
 */
function promotionTable(scope: Construct, protect: boolean): Table {
  const table = new Table(scope, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: protect,
    removalPolicy: protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
  table.addGlobalSecondaryIndex({
    indexName: PENDING_ALERTS_INDEX,
    partitionKey: { name: 'alert_pending', type: AttributeType.STRING },
    sortKey: { name: 'recorded_at', type: AttributeType.STRING },
  });
  table.addGlobalSecondaryIndex({
    indexName: MODELS_INDEX,
    partitionKey: { name: 'change_state', type: AttributeType.STRING },
    sortKey: { name: 'pk', type: AttributeType.STRING },
    projectionType: ProjectionType.KEYS_ONLY,
  });
  return table;
}

/** One security group for all functions, unless others are given: servers then allow a single source. */
function networkOf(
  scope: Construct,
  { vpc, vpcSubnets, securityGroups }: ModelPromotionProps,
): FunctionDefaults['network'] {
  if (vpc === undefined) return null;
  return {
    vpc,
    ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
    securityGroups: securityGroups ?? [
      new SecurityGroup(scope, 'SecurityGroup', { vpc, description: 'Functions that promote models' }),
    ],
  };
}

function findDuplicates(promotion: ModelPromotion): string[] {
  const others = Stack.of(promotion)
    .node.findAll()
    .filter((each) => each !== promotion);
  return others.some((each) => each instanceof ModelPromotion)
    ? [
        'a stack can contain only one ModelPromotion: the names of its alarms and Slack configuration are derived from the stack name',
      ]
    : [];
}

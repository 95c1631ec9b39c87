import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  APPROVAL_KEY,
  DECISION_KEY,
  LEASE_KEY,
  LEDGER_KEYS,
  MODELS_INDEX,
  NEED_KEY,
  OUTCOME_KEY,
  PENDING_ALERTS_INDEX,
  RELEASE_KEY,
  SWEEP_KEY,
  WATCH_KEYS,
} from '../../lambdas/adapters/aws/table-indexes.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { KeyedTopic } from '../operations/alert-topics.ts';

/** Least privilege: a test compares this table with the synthesised policies. */
interface FunctionPermissions {
  /** On the promotion table. */
  table: readonly TableAction[];
  /** Of the table, only items whose keys begin with these: nobody else writes decisions than who knows who decides. */
  keys: readonly string[];
  /** Besides them, items that it only reads. */
  readKeys?: readonly string[];
  /** The indexes of the table that it queries. */
  indexes?: readonly IndexName[];
  publish?: true;
  /** Starts executions; `follows` also lists those that failed, and describes them. */
  executions?: 'starts' | 'follows';
  /** Wakes executions that wait, and looks whether they still run. */
  wakes?: 'tokens' | 'running';
  /** Reads who started executions from CloudTrail's event history. */
  callers?: true;
  /** Starts executions of the state machine that retrains, where one is configured. */
  retrains?: true;
  mlflow: readonly MlflowAction[];
  workloads?: true;
}

type TableAction = 'GetItem' | 'PutItem' | 'UpdateItem';
type IndexName = typeof PENDING_ALERTS_INDEX | typeof MODELS_INDEX;

/** Actions of SageMaker's managed MLflow: one for each call of MLflow's REST API. */
type MlflowAction =
  | (typeof reads | typeof writes | typeof evidence)[number]
  | 'SetRegisteredModelTag'
  | 'DeleteRegisteredModelAlias';
const reads = ['GetRegisteredModel', 'SearchModelVersions'] as const;
/** What a comparison reads of runs, and of the file MLmodel. The reference names no action for downloads but the last. */
const evidence = [
  'GetRun',
  'ListArtifacts',
  'GetLoggedModel',
  'SearchRuns',
  'GetDownloadURIForModelVersionArtifacts',
] as const;
const writes = [
  ...reads,
  'TransitionModelVersionStage',
  'SetRegisteredModelAlias',
  'SetModelVersionTag',
] as const;

const takesLease = ['GetItem', 'UpdateItem'] as const;
const recordsOutcome = ['GetItem', 'PutItem', 'UpdateItem'] as const;
/** The items of a model and its releases, of outcomes and of ledgers. */
const changes = [LEASE_KEY, RELEASE_KEY] as const;
const tells = [OUTCOME_KEY, ...LEDGER_KEYS] as const;

/** The permissions of each function. */
export const functionPermissions: Readonly<Record<FunctionName, FunctionPermissions>> = {
  'begin-promotion': { table: [], keys: [], mlflow: [] },
  'check-retraining-needed': {
    table: recordsOutcome,
    keys: [NEED_KEY, OUTCOME_KEY],
    readKeys: [LEASE_KEY, ...LEDGER_KEYS],
    publish: true,
    retrains: true,
    mlflow: [...reads, 'ListArtifacts'],
  },
  'compare-models': { table: ['GetItem'], keys: LEDGER_KEYS, mlflow: [...reads, ...evidence] },
  'request-approval': {
    table: recordsOutcome,
    keys: [APPROVAL_KEY, OUTCOME_KEY],
    readKeys: [DECISION_KEY, LEASE_KEY],
    publish: true,
    wakes: 'tokens',
    mlflow: reads,
  },
  'prepare-promotion': {
    table: recordsOutcome,
    keys: [...changes, ...LEDGER_KEYS],
    readKeys: [OUTCOME_KEY, APPROVAL_KEY, DECISION_KEY],
    mlflow: [...reads, ...evidence, 'SetRegisteredModelTag', 'SetModelVersionTag'],
    workloads: true,
  },
  'replace-workload': { table: takesLease, keys: changes, mlflow: [], workloads: true },
  'promote-model': {
    table: recordsOutcome,
    keys: [...changes, ...tells],
    publish: true,
    mlflow: writes,
  },
  'close-promotion': { table: takesLease, keys: changes, mlflow: writes, workloads: true },
  'model-rollback': {
    table: recordsOutcome,
    keys: [...changes, ...tells],
    publish: true,
    mlflow: [...writes, 'DeleteRegisteredModelAlias'],
    workloads: true,
  },
  'end-promotion': {
    table: recordsOutcome,
    keys: [LEASE_KEY, APPROVAL_KEY, ...tells],
    readKeys: [DECISION_KEY, ...WATCH_KEYS],
    publish: true,
    mlflow: reads,
    workloads: true,
  },
  'sweep-promotions': {
    table: recordsOutcome,
    keys: [LEASE_KEY, APPROVAL_KEY, SWEEP_KEY, ...tells],
    readKeys: [DECISION_KEY],
    indexes: [PENDING_ALERTS_INDEX, MODELS_INDEX],
    publish: true,
    executions: 'follows',
    mlflow: reads,
    workloads: true,
  },
  'watch-releases': {
    table: recordsOutcome,
    keys: [...WATCH_KEYS, OUTCOME_KEY, ...LEDGER_KEYS],
    readKeys: [LEASE_KEY],
    indexes: [MODELS_INDEX],
    publish: true,
    executions: 'starts',
    mlflow: ['GetRegisteredModel', 'GetRun'],
    workloads: true,
  },
  'decide-approval': {
    table: ['GetItem', 'PutItem'],
    keys: [DECISION_KEY],
    readKeys: [APPROVAL_KEY],
    indexes: [MODELS_INDEX],
    wakes: 'running',
    callers: true,
    mlflow: [],
  },
};

/** The resources that the permissions refer to. */
export interface GrantTargets {
  readonly table: Table;
  readonly topics: readonly KeyedTopic[];
  /** Key of the table; undefined if it is one of DynamoDB. */
  readonly tableKey: IKey | undefined;
  readonly stateMachineArn: string;
  /** The state machine that retrains; undefined where the caller does. */
  readonly retrainingArn: string | undefined;
  /** ARN pattern of its executions. */
  readonly executionsArn: string;
  /** ARN of the tracking server on SageMaker; null for any other server. */
  readonly trackingServerArn: string | null;
  readonly mlflowCredentials: ISecret | undefined;
  readonly workloadToken: ISecret | undefined;
}

/** Grants a function its permissions on these resources. */
export function grantPermissions(name: FunctionName, grantee: IGrantable, targets: GrantTargets): void {
  const {
    table,
    keys,
    readKeys,
    indexes = [],
    publish,
    executions,
    wakes,
    callers,
    retrains,
    mlflow,
    workloads,
  } = functionPermissions[name];
  const allowOn = (actions: string[], resources: string[], conditions?: PolicyStatementProps['conditions']) =>
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions, resources, ...(conditions === undefined ? {} : { conditions }) }),
    );
  const allow = (actions: string[], ...resources: string[]) => allowOn(actions, resources);
  const allowSecret = (secret: ISecret | undefined) => {
    // The ARN of a secret imported by name lacks the six-character suffix.
    if (secret !== undefined)
      allow(['secretsmanager:GetSecretValue'], secret.secretFullArn ?? `${secret.secretArn}-??????`);
    secret?.encryptionKey?.grantDecrypt(grantee);
  };

  if (table.length > 0)
    allowOn(
      table.map((action) => `dynamodb:${action}`),
      [targets.table.tableArn],
      itemsOf(keys),
    );
  if (readKeys !== undefined) allowOn(['dynamodb:GetItem'], [targets.table.tableArn], itemsOf(readKeys));
  if (indexes.length > 0)
    allow(['dynamodb:Query'], ...indexes.map((index) => `${targets.table.tableArn}/index/${index}`));
  if (table.length > 0 && targets.tableKey !== undefined)
    allowTableKey(grantee, targets.tableKey, table.some((action) => action !== 'GetItem') ? 'write' : 'read');
  if (publish === true) {
    allow(['sns:Publish'], ...targets.topics.map(({ topic }) => topic.topicArn));
    const keys = new Set(targets.topics.flatMap(({ key }) => key ?? []));
    if (keys.size > 0)
      allow(['kms:Decrypt', 'kms:GenerateDataKey'], ...[...keys].map(({ keyArn }) => keyArn));
  }
  if (executions === 'starts') allow(['states:StartExecution'], targets.stateMachineArn);
  if (executions === 'follows') {
    allow(['states:StartExecution', 'states:ListExecutions'], targets.stateMachineArn);
    allow(['states:DescribeExecution'], targets.executionsArn);
  }
  if (wakes !== undefined) allow(['states:SendTaskSuccess'], targets.stateMachineArn);
  if (wakes === 'running') allow(['states:DescribeExecution'], targets.executionsArn);
  // AWS offers no resource for it.
  if (callers === true) allow(['cloudtrail:LookupEvents'], '*');
  if (retrains === true && targets.retrainingArn !== undefined)
    allow(['states:StartExecution'], targets.retrainingArn);
  if (workloads === true) allowSecret(targets.workloadToken);
  if (mlflow.length === 0) return;
  allowSecret(targets.mlflowCredentials);
  const { trackingServerArn: server } = targets;
  if (server !== null) allow(mlflowActions(server, mlflow), server);
}

/** True for requests whose every key begins with one of these; one without a key is refused. */
const itemsOf = (keys: readonly string[]) => ({
  'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys.map((prefix) => `${prefix}*`) },
  Null: { 'dynamodb:LeadingKeys': 'false' },
});

const KEY_READS = ['kms:Decrypt', 'kms:DescribeKey'];
const KEY_WRITES = [
  'kms:Encrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
];

/**
 * DynamoDB uses the key on behalf of whoever reads or writes the table (DynamoDB developer guide, "DynamoDB encryption at rest
 * usage notes").
 */
function allowTableKey(grantee: IGrantable, key: IKey, access: 'read' | 'write'): Grant {
  return Grant.addToPrincipal({
    grantee,
    actions: access === 'read' ? KEY_READS : [...KEY_READS, ...KEY_WRITES],
    resourceArns: [key.keyArn],
    conditions: { StringLike: { 'kms:ViaService': 'dynamodb.*' } },
  });
}

/**
 * Grants what `promotion status` and `promotion history` read. Not the secrets, and not an MLflow app of SageMaker: what reads
 * there can also write.
 */
export function grantReading(grantee: IGrantable, targets: GrantTargets): Grant {
  const read = (actions: readonly string[], ...resourceArns: string[]) =>
    Grant.addToPrincipal({ grantee, actions: [...actions], resourceArns });
  const { table, tableKey, trackingServerArn: server } = targets;
  const grants = [
    read(['dynamodb:GetItem'], table.tableArn),
    read(['dynamodb:Query'], `${table.tableArn}/index/${MODELS_INDEX}`),
    ...(tableKey === undefined ? [] : [allowTableKey(grantee, tableKey, 'read')]),
    ...(server === null || isMlflowApp(server) ? [] : [read(mlflowActions(server, reads), server)]),
  ];
  return grants.reduce((all, grant) => all.combine(grant));
}

const isMlflowApp = (server: string) => server.includes(':mlflow-app/');

/** An MLflow app has one action for all calls. */
const mlflowActions = (server: string, actions: readonly MlflowAction[]): string[] =>
  isMlflowApp(server)
    ? ['sagemaker:CallMlflowAppApi']
    : actions.map((action) => `sagemaker-mlflow:${action}`);

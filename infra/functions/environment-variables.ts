import { defaults } from '../../lambdas/domain/defaults.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import type { FunctionEnvironment } from '../../lambdas/runtime/environment.ts';
import type { ModelPromotionProps } from '../props.ts';
import { floorsOf } from './approval-floors.ts';

/** Names and ARNs of the resources that the functions use; tokens until deployment. */
export interface Resources {
  readonly table: string;
  readonly alerts: string;
  readonly chat: string | null;
  readonly stateMachineArn: string;
}

/** CDK takes strings only. */
type Strings<Environment> = { [Name in keyof Environment]: string };
export type Environments = { [Name in FunctionName]: Strings<FunctionEnvironment<Name>> };

/**
 * The environment of each function, typed by the schema that its handler parses: a missing variable does not
 * compile.
 */
export function environmentsFor(
  props: ModelPromotionProps,
  { table, alerts, chat, stateMachineArn }: Resources,
): Environments {
  const common = { ENVIRONMENT: props.environment ?? defaults.environment };
  const { credentials } = props.mlflow;
  const mlflow = {
    MLFLOW_TRACKING_URI: props.mlflow.trackingUri,
    MLFLOW_REGISTRY_MODE: props.mlflow.registryMode ?? defaults.registryMode,
    ...(credentials === undefined ? {} : { MLFLOW_CREDENTIALS_SECRET_ARN: credentials.secretArn }),
  } as const;
  const workloads =
    props.workloads === undefined
      ? {}
      : {
          DATAROBOT_ENDPOINT: props.workloads.endpoint,
          DATAROBOT_TOKEN_SECRET_ARN: props.workloads.token.secretArn,
        };
  const store = { PROMOTION_TABLE: table };
  const alert = {
    ALERT_SNS_TOPIC_ARN: alerts,
    ...(chat === null ? {} : { ALERT_CHAT_TOPIC_ARN: chat }),
    ALERT_PREFIX: props.alerts.prefix ?? defaults.alertPrefix,
    MODEL_REGISTRY_NAME: props.mlflow.registryName ?? defaults.registryName,
  };
  const compare = { MIN_CONFIDENCE_THRESHOLD: String(props.minConfidence ?? defaults.minConfidence) };
  const rollback = {
    ROLLBACK_COOLDOWN_HOURS: String(props.rollbackCooldownHours ?? defaults.rollbackCooldownHours),
  };
  const { intervalDays, minHours, models = [], stateMachine } = props.retraining ?? {};
  const retraining = {
    RETRAINING_INTERVAL_DAYS: String(intervalDays ?? defaults.retrainingIntervalDays),
    MIN_HOURS_BETWEEN_RETRAINING: String(minHours ?? defaults.minHoursBetweenRetraining),
    ...(models.length === 0 ? {} : { ALLOWED_MODELS: models.join(',') }),
    ...(stateMachine === undefined ? {} : { RETRAINING_STATE_MACHINE_ARN: stateMachine.stateMachineArn }),
  };
  const { approval = [] } = props;
  const floors = approval.length === 0 ? {} : { APPROVAL_FLOORS: JSON.stringify(floorsOf(approval)) };
  return {
    'begin-promotion': common,
    'check-retraining-needed': { ...common, ...mlflow, ...store, ...alert, ...retraining },
    'compare-models': { ...common, ...mlflow, ...compare, ...store },
    'prepare-promotion': { ...common, ...mlflow, ...compare, ...store, ...floors, ...workloads },
    'request-approval': { ...common, ...mlflow, ...store, ...alert, ...floors },
    'replace-workload': { ...common, ...store, ...workloads },
    'promote-model': { ...common, ...mlflow, ...store, ...alert, ...floors },
    'close-promotion': { ...common, ...mlflow, ...store, ...workloads },
    'model-rollback': { ...common, ...mlflow, ...store, ...alert, ...rollback, ...workloads },
    'end-promotion': { ...common, ...mlflow, ...store, ...alert, ...workloads },
    'sweep-promotions': {
      ...common,
      ...mlflow,
      ...store,
      ...alert,
      ...workloads,
      STATE_MACHINE_ARN: stateMachineArn,
    },
    'decide-approval': { ...common, ...store, STATE_MACHINE_ARN: stateMachineArn },
    'watch-releases': {
      ...common,
      ...mlflow,
      ...store,
      ...alert,
      ...workloads,
      STATE_MACHINE_ARN: stateMachineArn,
    },
  };
}

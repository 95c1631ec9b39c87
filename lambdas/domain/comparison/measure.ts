import * as z from 'zod';
import { type Keys, keysOf } from './policy-fields.ts';

/** How a metric is computed from the rows of a run. */
export const Measure = z.enum([
  'accuracy',
  'precision',
  'recall',
  'f1',
  'balanced_accuracy',
  'mcc',
  'auc',
  'log_loss',
  'brier',
  'mean_absolute_error',
  'mean_squared_error',
  'root_mean_squared_error',
  'mean',
  'series',
  'series_total',
]);
export type Measure = z.infer<typeof Measure>;

/** Usual names of metrics, as MLflow's evaluator, scikit-learn and pipelines spell them. */
const USUAL = new Map<string, Measure>(
  Object.entries({
    accuracy: 'accuracy',
    accuracy_score: 'accuracy',
    precision: 'precision',
    precision_score: 'precision',
    recall: 'recall',
    recall_score: 'recall',
    f1: 'f1',
    f1_score: 'f1',
    balanced_accuracy: 'balanced_accuracy',
    balanced_accuracy_score: 'balanced_accuracy',
    matthews_corrcoef: 'mcc',
    mcc: 'mcc',
    roc_auc: 'auc',
    roc_auc_score: 'auc',
    auc: 'auc',
    log_loss: 'log_loss',
    log_loss_score: 'log_loss',
    logloss: 'log_loss',
    brier: 'brier',
    brier_score: 'brier',
    brier_score_loss: 'brier',
    mean_absolute_error: 'mean_absolute_error',
    mae: 'mean_absolute_error',
    mean_squared_error: 'mean_squared_error',
    mse: 'mean_squared_error',
    root_mean_squared_error: 'root_mean_squared_error',
    rmse: 'root_mean_squared_error',
  } as const),
);

/** How a rule's metric is computed from rows: as the policy says, else by the usual names. */
export function measureOf({
  metric,
  measure,
}: {
  metric: Keys;
  measure?: Measure | undefined;
}): Measure | null {
  if (measure !== undefined) return measure;
  const known = keysOf(metric).map((key) => USUAL.get(key.toLowerCase()));
  return known.every((each) => each === known[0]) ? (known[0] ?? null) : null;
}

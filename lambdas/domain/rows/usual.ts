/** The names under which pipelines usually log per-row evidence: what is looked for where the policy names nothing else. */

/** What a column of the rows is for. */
export const roles = ['id', 'label', 'prediction', 'probability', 'loss', 'cluster', 'slice'] as const;
export type Role = (typeof roles)[number];

/** Column names by role; the first that the file has counts. */
export const usualColumns: Readonly<Record<Role, readonly string[]>> = {
  id: ['row_id', 'id'],
  label: ['label', 'target', 'y_true'],
  // `outputs` is MLflow's own default.
  prediction: ['prediction', 'predictions', 'predicted', 'outputs', 'y_pred'],
  probability: ['probability', 'proba', 'score', 'y_score', 'y_proba'],
  loss: ['loss'],
  cluster: ['cluster', 'cluster_id'],
  slice: ['slice', 'segment'],
};

/** Paths below the run's artifacts, in this order; tables of the tag `mlflow.loggedArtifacts` come after them. */
export const usualPaths: readonly string[] = [
  'evaluation_rows.csv',
  'evaluation_rows.csv.gz',
  'evaluation_rows.parquet',
  'evaluation_rows.json',
  'evaluation/evaluation_rows.csv',
  'evaluation/evaluation_rows.csv.gz',
  'evaluation/evaluation_rows.parquet',
  'evaluation/evaluation_rows.json',
  'evaluation/predictions.csv',
  'eval_results_table.json',
];

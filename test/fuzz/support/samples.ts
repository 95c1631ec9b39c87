import { Progress } from '../../../lambdas/domain/serving/payloads.ts';
import { sampleComparison, sampleOutcome } from '../../support/sample-outcome.ts';
import { begun, compared, prepared } from '../../support/stub-functions.ts';

/** Valid values of what the functions read, from which the fuzzed ones are made. */

export const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1';
const NOW = '2026-01-01T00:00:00.000Z';

export const release = {
  key: '2-0011223344556677',
  version: '2',
  workload_id: 'w1',
  artifact_id: 'a2',
  draft: false,
  importance: 'moderate',
  change: 'seen:run-0',
  at: NOW,
  adopted_by: null,
  result: 'promoted',
};
export const change = {
  id: EXECUTION,
  kind: 'promote',
  to: '3',
  safe: release,
  aim: { ...release, key: '3-8899aabbccddeeff', version: '3', artifact_id: 'a3', change: EXECUTION },
  touched: { versions: ['2', '3'], artifacts: ['a2', 'a3'] },
  left: null,
  opened_at: NOW,
  turned_at: null,
  attempts: 0,
  next_at: null,
  asked: { by: 'x', reason: 'y', alarm: null, evidence_digest: 'd', confidence: 0.9 },
};
export const past = {
  key: '1-0',
  version: '1',
  workload_id: 'w1',
  artifact_id: 'a1',
  since: NOW,
  left_at: NOW,
  left_by: 'run-0',
  good: true,
};

/** The item of a model as DynamoDB holds it, while a change is open. */
export const modelItem = {
  pk: 'lease#PascalStrategy',
  model_name: 'PascalStrategy',
  owner: EXECUTION,
  fence: 7,
  expires_at: 1_767_225_600,
  released_at: 1_767_225_000,
  live: release,
  change,
  change_state: 'open',
  told: 'f'.repeat(32),
  history: [past],
};

export const input = {
  operation: 'promote',
  model_name: 'PascalStrategy',
  challenger_version: '3',
  champion_version: '2',
  policy: 'default',
  workload_id: 'w1',
  artifact_id: 'a3',
  rollout: { warmupDurationMinutes: 1, runtime: { containerGroups: [{ name: 'default', replicaCount: 1 }] } },
  importance: 'high',
  lock_artifact: true,
  wait_for_lease_minutes: 5,
  dry_run: false,
  requested_by: 'pipeline',
  reason: 'retrained',
  adopt: false,
};

const progress = Progress.parse({ action: 'replace', began_at: NOW, candidate_proton_ids: ['p1'] });

/** A payload for each function, as the state machine sends it or people do. */
export const payloads = {
  'begin-promotion': { input, execution: EXECUTION, started_at: NOW },
  'compare-models': {
    model_name: 'PascalStrategy',
    champion_version: '2',
    challenger_version: '3',
    policy: 'default',
    execution: EXECUTION,
  },
  'prepare-promotion': {
    operation: 'promote',
    model_name: 'PascalStrategy',
    challenger_version: '3',
    workload_id: null,
    wait_for_lease_minutes: 0,
    dry_run: false,
    requested_by: 'pipeline',
    reason: null,
    policy: 'default',
    artifact_id: null,
    rollout: { warmupDurationMinutes: 1 },
    comparison: null,
    lock_artifact: null,
    adopt: false,
    change_id: null,
    execution: EXECUTION,
    started_at: NOW,
    previous: null,
  },
  'request-approval': {
    execution: EXECUTION,
    started_at: NOW,
    model_name: 'PascalStrategy',
    comparison: compared({ policy: 'four-eyes', inputs_digest: 'a'.repeat(64) }),
    workload_id: null,
    artifact_id: null,
    rollout: { warmupDurationMinutes: 1 },
    importance: null,
    lock_artifact: null,
    requested_by: 'pipeline',
  },
  'decide-approval': {
    version: '2.0',
    requestContext: {
      authorizer: { iam: { userArn: 'arn:aws:iam::123456789012:user/ada' } },
      http: { method: 'POST' },
    },
    body: JSON.stringify({
      action: 'approve',
      execution: EXECUTION,
      digest: 'a'.repeat(64),
      reason: 'checked',
    }),
    isBase64Encoded: false,
  },
  'replace-workload': {
    workload_id: 'w1',
    artifact_id: 'a3',
    rollout: { strategy: 'rolling', warmupDurationMinutes: 1, keepOldVersionMinutes: 0 },
    importance: 'high',
    lock_artifact: null,
    deadline: '2026-01-01T02:00:00.000Z',
    fence: 7,
    model_name: 'PascalStrategy',
    execution: EXECUTION,
    since: NOW,
    previous: { progress, diagnosis: null },
  },
  'promote-model': {
    model_name: 'PascalStrategy',
    new_version: '3',
    confidence: 0.9,
    expected_champion: '2',
    fence: null,
    execution: null,
    reason: 'retrained',
    requested_by: 'pipeline',
  },
  'close-promotion': {
    model_name: 'PascalStrategy',
    change_id: EXECUTION,
    execution: EXECUTION,
    fence: 7,
    deadline: '2026-01-01T02:00:00.000Z',
    previous: { progress },
  },
  'model-rollback': {
    model_name: 'PascalStrategy',
    target_version: '1',
    reason: 'MANUAL_REQUEST',
    alarm_name: null,
    asked_at: NOW,
    dry_run: false,
    emergency: true,
    change_id: null,
    workload_id: null,
    fence: null,
    execution: null,
    requested_by: 'somebody',
    previous: { champion_before: '2', serving: null },
  },
  'end-promotion': {
    state: begun({
      execution: EXECUTION,
      comparison: compared({ rules: sampleComparison.rules }),
      prepared: prepared({ change_id: EXECUTION }),
      error: { Error: 'MlflowUnavailable', Cause: '{"errorMessage":"away","trace":[]}' },
      rollback_error: null,
    }),
    execution: EXECUTION,
  },
  'check-retraining-needed': {
    model_name: 'PascalStrategy',
    force: true,
    manual_trigger: false,
    execution: EXECUTION,
    after_training: false,
  },
  'sweep-promotions': {
    executionArn: EXECUTION,
    status: 'ABORTED',
    input: JSON.stringify(input),
    startDate: 1_767_225_600_000,
  },
  'watch-releases': { watch: true },
} as const;

export const outcome = sampleOutcome;

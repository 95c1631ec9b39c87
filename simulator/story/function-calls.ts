import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import type { System } from '../engine/faults.ts';

/** What stories do not call, when a model is retrained, and what only those with a watch or with approval do. */
const NOT_CALLED: readonly FunctionName[] = [
  ...(['check-retraining-needed', 'decide-approval', 'request-approval', 'watch-releases'] as const),
];
export const calledFunctions = functionNames.filter((name) => !NOT_CALLED.includes(name));

/**
 * What each function asks of other systems, by the name under which it is counted. Stories that are about one request choose
 * among these; a test holds that none is missing.
 */
export const functionCalls: Record<FunctionName, Partial<Record<System, readonly string[]>>> = {
  'begin-promotion': {},
  'check-retraining-needed': {},
  'close-promotion': {
    dynamodb: ['Get', 'Update'],
    mlflow: [
      'GET model-versions/search',
      'GET registered-models/get',
      'POST model-versions/set-tag',
      'POST model-versions/transition-stage',
      'POST registered-models/alias',
    ],
    workload: [
      'GET artifacts/*',
      'GET workloads/*',
      'GET workloads/*/history',
      'GET workloads/*/protons',
      'GET workloads/*/replacement',
      'POST workloads/*/promote',
    ],
  },
  'compare-models': {
    mlflow: ['GET artifacts/list', 'GET model-versions/search', 'GET registered-models/get', 'GET runs/get'],
  },
  'decide-approval': {
    dynamodb: ['Get', 'Put'],
    'step-functions': ['DescribeExecution', 'SendTaskSuccess'],
  },
  'end-promotion': {
    dynamodb: ['Get', 'Put', 'Update'],
    mlflow: [
      'GET model-versions/get',
      'GET model-versions/search',
      'GET registered-models/get',
      'GET runs/get',
      'PUT mlflow-artifacts/artifacts/0/*/artifacts/promotion/*',
    ],
    sns: ['Publish'],
    workload: ['GET workloads/*', 'GET workloads/*/protons', 'GET workloads/*/replacement'],
  },
  'model-rollback': {
    dynamodb: ['Get', 'Put', 'Update'],
    mlflow: [
      'DELETE registered-models/alias',
      'GET model-versions/search',
      'GET registered-models/get',
      'POST model-versions/set-tag',
      'POST model-versions/transition-stage',
      'POST registered-models/alias',
    ],
    sns: ['Publish'],
    workload: [
      'DELETE workloads/*/replacement',
      'GET artifacts/*',
      'GET workloads/*',
      'GET workloads/*/history',
      'GET workloads/*/protons',
      'GET workloads/*/replacement',
      'POST workloads/*/promote',
      'POST workloads/*/replacement',
    ],
  },
  'prepare-promotion': {
    dynamodb: ['Get', 'Put', 'Update'],
    mlflow: [
      'GET artifacts/list',
      'GET model-versions/search',
      'GET registered-models/get',
      'GET runs/get',
      'POST model-versions/set-tag',
      'POST registered-models/set-tag',
    ],
    workload: [
      'GET artifacts/*',
      'GET workloads/*',
      'GET workloads/*/protons',
      'GET workloads/*/replacement',
    ],
  },
  'promote-model': {
    dynamodb: ['Get', 'Put', 'Update'],
    mlflow: [
      'GET model-versions/search',
      'GET registered-models/get',
      'POST model-versions/set-tag',
      'POST model-versions/transition-stage',
      'POST registered-models/alias',
    ],
    sns: ['Publish'],
  },
  'replace-workload': {
    dynamodb: ['Get'],
    workload: [
      'DELETE workloads/*/replacement',
      'GET artifacts/*',
      'GET otel/workload/*/logs',
      'GET workloads/*',
      'GET workloads/*/events',
      'GET workloads/*/history',
      'GET workloads/*/protons',
      'GET workloads/*/protons/*/statusDetails',
      'GET workloads/*/replacement',
      'PATCH artifacts/*',
      'POST workloads/*/replacement',
    ],
  },
  'request-approval': {
    dynamodb: ['Get', 'Put', 'Update'],
    mlflow: [
      'GET model-versions/get',
      'GET model-versions/search',
      'GET registered-models/get',
      'GET runs/get',
      'PUT mlflow-artifacts/artifacts/0/*/artifacts/promotion/*',
    ],
    sns: ['Publish'],
    'step-functions': ['SendTaskSuccess'],
  },
  'sweep-promotions': {
    dynamodb: ['Get', 'Put', 'Query', 'Update'],
    mlflow: [
      'GET model-versions/get',
      'GET model-versions/search',
      'GET registered-models/get',
      'GET runs/get',
      'PUT mlflow-artifacts/artifacts/0/*/artifacts/promotion/*',
    ],
    sns: ['Publish'],
    'step-functions': ['DescribeExecution', 'ListExecutions', 'StartExecution'],
    workload: ['GET workloads/*', 'GET workloads/*/protons', 'GET workloads/*/replacement'],
  },
  'watch-releases': {
    dynamodb: ['Get', 'Put', 'Query', 'Update'],
    mlflow: ['GET registered-models/get', 'GET runs/get'],
    sns: ['Publish'],
    'step-functions': ['StartExecution'],
    workload: ['GET workloads/*/history', 'GET workloads/*/protons', 'GET workloads/*/stats'],
  },
};

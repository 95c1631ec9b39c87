import { describe, expect, it } from 'vitest';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import { proxyFolder, reportPath, runPage } from '../../lambdas/domain/promotion/report-place.ts';
import { reportServices } from '../../lambdas/runtime/report-services.ts';

describe('the folder of a run behind the proxy', () => {
  it.each([
    ['mlflow-artifacts:/1/r1/artifacts', '1/r1/artifacts'],
    ['mlflow-artifacts:///1/r1/artifacts', '1/r1/artifacts'],
    ['mlflow-artifacts:/team a/7/r1/artifacts', 'team a/7/r1/artifacts'],
  ])('of %s is %s', (artifactUri, folder) => {
    expect(proxyFolder({ runId: 'r1', artifactUri })).toBe(folder);
  });

  it.each([
    ['another store', 's3://bucket/1/r1/artifacts'],
    ['another server', 'mlflow-artifacts://other:5000/1/r1/artifacts'],
    ["another run's", 'mlflow-artifacts:/1/r2/artifacts'],
    ['a way out', 'mlflow-artifacts:/1/../../r1/artifacts'],
    ['an empty part', 'mlflow-artifacts:/1//r1/artifacts'],
    ['something below it', 'mlflow-artifacts:/1/r1/artifacts/model'],
    ['a text without an end', `mlflow-artifacts:/${'1/'.repeat(1000)}r1/artifacts`],
  ])('is not known of %s', (_, artifactUri) => {
    expect(proxyFolder({ runId: 'r1', artifactUri })).toBeNull();
  });
});

it('the folder and the address of a run are not known where the server does not say', () => {
  expect([proxyFolder({ runId: 'r1' }), runPage('https://mlflow.internal', { runId: 'r1' })]).toEqual([
    null,
    null,
  ]);
});

describe('the address of a run', () => {
  it('is below the tracking URI', () => {
    expect(runPage('https://mlflow.internal/team/', { runId: 'r1', experimentId: '7' })).toBe(
      'https://mlflow.internal/team/#/experiments/7/runs/r1/artifacts',
    );
  });

  it.each([
    ['r1', '7"><b>'],
    ['r1 onclick', '7'],
  ])('is not made of run %s and experiment %s', (runId, experimentId) => {
    expect(runPage('https://mlflow.internal', { runId, experimentId })).toBeNull();
  });
});

it('the path of a report has no character that leads out of its folder', () => {
  expect(reportPath('arn:aws:states:eu-west-1:123456789012:execution:m:../../x y')).toBe(
    'promotion/______x_y.html',
  );
});

it('MLflow on SageMaker is asked for no run, as its artifacts are in S3', () => {
  const MLFLOW_TRACKING_URI = 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/models';
  expect(reportServices({ MLFLOW_TRACKING_URI, AWS_REGION: 'eu-west-1' }, systemClock).reports()).toBeNull();
});

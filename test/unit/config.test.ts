import { describe, expect, it } from 'vitest';
import { functionNames } from '../../lambdas/domain/limits.ts';
import {
  AlertEnvironment,
  configuration,
  functionEnvironments,
  MlflowEnvironment,
  RollbackEnvironment,
  WorkloadEnvironment,
  withOneLogin,
} from '../../lambdas/runtime/environment.ts';

const mlflow = (env: Record<string, string>) => configuration(withOneLogin(MlflowEnvironment), env);

describe('the environment', () => {
  it('has the documented defaults', () => {
    expect(mlflow({ MLFLOW_TRACKING_URI: 'http://localhost:5000' })).toMatchObject({
      MLFLOW_REGISTRY_MODE: 'stages',
    });
    expect(configuration(AlertEnvironment, {})).toEqual({
      ALERT_PREFIX: 'TradAI',
      ALERTS_ENABLED: true,
      ENVIRONMENT: 'dev',
      MODEL_REGISTRY_NAME: 'tradai-models',
    });
    expect(configuration(RollbackEnvironment, { ROLLBACK_COOLDOWN_HOURS: '' })).toEqual({
      ROLLBACK_COOLDOWN_HOURS: 24,
    });
  });

  it('is refused with every problem in one message', () => {
    expect(() => mlflow({ MLFLOW_REGISTRY_MODE: 'tags' })).toThrow(
      /MLFLOW_TRACKING_URI is not set.*MLFLOW_REGISTRY_MODE/,
    );
  });

  it.each([
    ['localhost:5000', 'http: or https:'],
    ['mlflow.example.com', 'with its scheme'],
    ['file:///tmp/mlruns', 'http: or https:'],
    ['sqlite:///mlflow.db', 'http: or https:'],
    ['https://user:hunter2@mlflow.example.com', 'must not hold credentials'],
    ['https://mlflow.example.com/?token=hunter2', 'query'],
  ])('refuses the tracking URI %s and does not repeat it', (uri, why) => {
    let message = '';
    try {
      mlflow({ MLFLOW_TRACKING_URI: uri });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('InvalidConfiguration');
    expect(message).toContain(why);
    expect(message).not.toContain('hunter2');
  });

  it.each([
    'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/models',
    'arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:mlflow-app/app-1',
  ])('takes %s for MLflow that SageMaker manages', (arn) => {
    expect(mlflow({ MLFLOW_TRACKING_URI: arn })).toMatchObject({ MLFLOW_TRACKING_URI: arn });
  });

  const secret = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-abcdef';
  const managed = 'arn:aws:sagemaker:eu-west-1:123456789012:mlflow-tracking-server/models';

  it.each([
    { MLFLOW_TRACKING_USERNAME: 'promoter', MLFLOW_TRACKING_PASSWORD: 'geheim' },
    { MLFLOW_TRACKING_TOKEN: 'geheim' },
  ])('refuses a secret for MLflow beside %j, and everything else in the same message', (login) => {
    expect(() => mlflow({ MLFLOW_CREDENTIALS_SECRET_ARN: secret, ...login })).toThrow(
      /MLFLOW_TRACKING_URI is not set.*MLFLOW_CREDENTIALS_SECRET_ARN and .* are mutually exclusive(?!.*geheim)/,
    );
  });

  it.each([{ MLFLOW_CREDENTIALS_SECRET_ARN: secret }, { MLFLOW_TRACKING_TOKEN: 'geheim' }])(
    'refuses %j for a server of SageMaker, to which requests are signed',
    (login) => {
      expect(() => mlflow({ MLFLOW_TRACKING_URI: managed, ...login })).toThrow(
        /requests are signed: remove MLFLOW_CREDENTIALS_SECRET_ARN(?!.*geheim)/,
      );
    },
  );

  it.each(['file:///etc/passwd', 'https://user:geheim@host', managed, 'host:80'])(
    'refuses %s as the address of SageMaker, and does not repeat it',
    (endpoint) => {
      const env = { MLFLOW_TRACKING_URI: managed, SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: endpoint };
      expect(() => mlflow(env)).toThrow(
        /SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT must be an http: or https: address(?!.*geheim)/,
      );
    },
  );

  it('refuses another ARN as a tracking URI', () => {
    expect(() => mlflow({ MLFLOW_TRACKING_URI: 'arn:aws:s3:::bucket' })).toThrow(/ARN of a tracking server/);
  });
});

describe('the token of the platform', () => {
  const endpoint = 'https://app.datarobot.com/api/v2';
  const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:token-abcdef';
  const workloads = (env: Record<string, string>) =>
    configuration(WorkloadEnvironment, { DATAROBOT_ENDPOINT: endpoint, ...env });

  it.each([{ DATAROBOT_API_TOKEN: 'token' }, { DATAROBOT_TOKEN_SECRET_ARN: arn }])('is set by %j', (env) => {
    expect(workloads(env)).toMatchObject(env);
  });

  it('is named when it is missing, together with everything else', () => {
    expect(() => configuration(WorkloadEnvironment, {})).toThrow(
      /DATAROBOT_ENDPOINT is not set.*DATAROBOT_API_TOKEN is not set/,
    );
  });

  it('is refused when it is given twice, as nobody could guess which one counts', () => {
    expect(() => workloads({ DATAROBOT_API_TOKEN: 'geheim', DATAROBOT_TOKEN_SECRET_ARN: arn })).toThrow(
      /DATAROBOT_API_TOKEN and DATAROBOT_TOKEN_SECRET_ARN are mutually exclusive(?!.*geheim)/,
    );
  });

  it('is refused as a secret that is none of Secrets Manager', () => {
    expect(() => workloads({ DATAROBOT_TOKEN_SECRET_ARN: 'geheim' })).toThrow(
      /must be the ARN of a secret(?!.*geheim)/,
    );
  });
});

describe('the environment of each function', () => {
  const given = {
    ENVIRONMENT: 'prod',
    MLFLOW_TRACKING_URI: 'https://mlflow.example.com',
    PROMOTION_TABLE: 'table',
  };

  it.each(functionNames)('%s is described by one schema', (name) => {
    expect(functionEnvironments[name].safeParse(given).success).toBe(true);
  });
});

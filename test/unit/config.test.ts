import { describe, expect, it } from 'vitest';
import {
  AlertEnvironment,
  configuration,
  MlflowEnvironment,
  RollbackEnvironment,
} from '../../lambdas/runtime/config.ts';

const mlflow = (env: Record<string, string>) => configuration(MlflowEnvironment, env);

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
});

import { Metrics } from '@aws-lambda-powertools/metrics';
import {
  ENVIRONMENT_DIMENSION,
  METRICS_NAMESPACE,
  type Measurement,
  type MetricName,
  metricUnits,
} from '../domain/outcome/metrics.ts';
import { AlertEnvironment, configuration } from './environment.ts';
import { log, logError } from './log.ts';

const Environment = AlertEnvironment.pick({ ENVIRONMENT: true });

/**
 * Hands measurements to CloudWatch: one line on standard output in its embedded metric format. On Lambda only: elsewhere
 * standard output belongs to others. Never throws: no promotion fails because it was not counted.
 */
export function emit(measurements: readonly Measurement[], env: NodeJS.ProcessEnv = process.env): void {
  if (measurements.length === 0 || (env['AWS_LAMBDA_FUNCTION_NAME'] ?? '') === '') return;
  try {
    const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
    // It comes with a dimension `service`, with which each of its metrics would be another one.
    metrics.clearDefaultDimensions();
    metrics.setDefaultDimensions({
      [ENVIRONMENT_DIMENSION]: configuration(Environment, env).ENVIRONMENT,
    });
    for (const { name, value } of measurements) metrics.addMetric(name, metricUnits[name], value);
    metrics.publishStoredMetrics();
  } catch (error) {
    log().warn('metrics not written', { error: logError(error) });
  }
}

/** Counts one event. */
export const count = (name: MetricName): void => emit([{ name, value: 1 }]);

import { Metrics } from '@aws-lambda-powertools/metrics';
import {
  ENVIRONMENT_DIMENSION,
  METRICS_NAMESPACE,
  type MetricName,
  metricUnits,
} from '../domain/outcome/metric-names.ts';
import type { Measurement } from '../domain/outcome/metrics.ts';
import { AlertEnvironment, configuration } from './environment.ts';
import { log, logError } from './log.ts';

const Environment = AlertEnvironment.pick({ ENVIRONMENT: true });

/**
 * Publishes measurements to CloudWatch: one line on standard output in the embedded metric format. On Lambda only. Never
 * throws.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function emit(measurements: readonly Measurement[], env: NodeJS.ProcessEnv = process.env): void {
  if (measurements.length === 0 || (env['AWS_LAMBDA_FUNCTION_NAME'] ?? '') === '') return;
  try {
    const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
    // The default dimension `service` would make these different metrics.
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

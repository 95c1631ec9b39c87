import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import {
  ENVIRONMENT_DIMENSION,
  METRICS_NAMESPACE,
  type MetricName,
  metricUnits,
} from '../../lambdas/domain/outcome/metric-names.ts';

/** Values that each sweep measures anew, not counts. */
const MEASURED: readonly MetricName[] = ['AlertsPending', 'OpenChangeAge', 'OutOfStep'];

const statisticOf = (name: MetricName) =>
  MEASURED.includes(name) ? Stats.MAXIMUM : metricUnits[name] === 'Seconds' ? Stats.AVERAGE : Stats.SUM;

/** One of our own metrics, in the dimension of this environment. */
export function promotionMetric(
  environment: string,
  metricName: MetricName,
  options: MetricOptions = {},
): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { [ENVIRONMENT_DIMENSION]: environment },
    statistic: statisticOf(metricName),
    ...options,
  });
}

/**
 * A construct with the metrics of one environment, for alarms and dashboards of your own. Counts are sums, durations
 * averages, and what the sweeps measure maxima, over five minutes, unless the options say otherwise. Outcomes are counted
 * when they are first recorded.
 */
export abstract class MeasuredConstruct extends Construct {
  /** Name of the environment in alerts, logs and metrics. */
  abstract readonly environmentName: string;

  /** The metric of this name. */
  metric(metricName: MetricName, options?: MetricOptions): Metric {
    return promotionMetric(this.environmentName, metricName, options).attachTo(this);
  }

  /** Promotions that are complete. */
  metricPromoted(options?: MetricOptions): Metric {
    return this.metric('Promoted', options);
  }

  /** Requests for a version that was the champion already. */
  metricAlreadyPromoted(options?: MetricOptions): Metric {
    return this.metric('AlreadyPromoted', options);
  }

  /** Comparisons after which the champion was kept. */
  metricKept(options?: MetricOptions): Metric {
    return this.metric('Kept', options);
  }

  /** Comparisons whose evidence was missing or ambiguous. */
  metricNeedsInvestigation(options?: MetricOptions): Metric {
    return this.metric('NeedsInvestigation', options);
  }

  /** Rollbacks that are complete, and promotions that failed and were brought back. */
  metricRolledBack(options?: MetricOptions): Metric {
    return this.metric('RolledBack', options);
  }

  /** Executions and direct calls that failed. */
  metricFailed(options?: MetricOptions): Metric {
    return this.metric('Failed', options);
  }

  /** Ends with a model that somebody else had changed. */
  metricContested(options?: MetricOptions): Metric {
    return this.metric('Contested', options);
  }

  /** Executions that found the model busy. */
  metricBusy(options?: MetricOptions): Metric {
    return this.metric('Busy', options);
  }

  /** Executions whose input was invalid. */
  metricInvalidInput(options?: MetricOptions): Metric {
    return this.metric('InvalidInput', options);
  }

  /** Required rollbacks that did not succeed. */
  metricRollbackFailed(options?: MetricOptions): Metric {
    return this.metric('RollbackFailed', options);
  }

  /** Seconds from the start of an execution to its promotion. */
  metricLeadTime(options?: MetricOptions): Metric {
    return this.metric('LeadTime', options);
  }

  /** Seconds from the start of an execution to its rollback. */
  metricRollbackTime(options?: MetricOptions): Metric {
    return this.metric('RollbackTime', options);
  }

  /** Alerts that are left to be sent after a sweep; normally 0. */
  metricAlertsPending(options?: MetricOptions): Metric {
    return this.metric('AlertsPending', options);
  }

  /** Seconds since the oldest open change was opened that no execution is working on; 0 if there is none. */
  metricOpenChangeAge(options?: MetricOptions): Metric {
    return this.metric('OpenChangeAge', options);
  }

  /** Models that show something other than what is recorded as live. */
  metricOutOfStep(options?: MetricOptions): Metric {
    return this.metric('OutOfStep', options);
  }
}

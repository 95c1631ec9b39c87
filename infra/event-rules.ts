import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { RollbackReason } from '../lambdas/domain/payloads.ts';
import { acknowledgeFinding } from './nag.ts';
import type { StartProps } from './props.ts';

/** What the rules call, and which events they match. */
export interface EventRulesProps {
  readonly stateMachine: IStateMachine;
  readonly sweepPromotions: Lambda;
  readonly watchReleases: Lambda;
  /** Prefix of the names of alarms that request a rollback. */
  readonly rollbackAlarmPrefix: string;
  /** Events that start an execution. Default: none. */
  readonly startOn?: NonNullable<StartProps['events']>;
  /** Key of the dead-letter queue. Default: one of SQS. */
  readonly encryptionKey?: IKey | undefined;
}

/** An alarm whose name starts with `namePrefix` and this requests a rollback of the model named in its description. */
export const ROLLBACK_ALARM_PREFIX = 'model-rollback-';

/** An alarm delivered later may refer to a version that is no longer in service: then people decide. */
const MAX_ALARM_EVENT_AGE = Duration.minutes(15);

/** Interval of the sweeps, which send pending alerts and start further attempts at open changes. */
export const SWEEP_MINUTES = 5;

/** Minute of each hour at which releases are watched: the platform has counted the hour before by then. */
export const WATCH_MINUTE = 10;

/** The EventBridge rules: clean-up, rollback on alarm, sweep, watch, and start on event. */
export class EventRules extends Construct {
  /** Dead-letter queue: events that could not be delivered, or on which `sweep-promotions` failed after all retries. */
  readonly deadLetterQueue: Queue;

  constructor(
    scope: Construct,
    id: string,
    {
      stateMachine,
      sweepPromotions,
      watchReleases,
      rollbackAlarmPrefix,
      startOn,
      encryptionKey,
    }: EventRulesProps,
  ) {
    super(scope, id);
    this.deadLetterQueue = new Queue(this, 'Undelivered', {
      ...(encryptionKey === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledgeFinding(
      this.deadLetterQueue,
      'AwsSolutions-SQS3',
      'It is the dead-letter queue itself; an alarm monitors it',
    );
    const delivery = {
      deadLetterQueue: this.deadLetterQueue,
      retryAttempts: 20,
      maxEventAge: Duration.hours(6),
    };
    const toSweep = (event: RuleTargetInput) => new LambdaFunction(sweepPromotions, { ...delivery, event });
    const toStart = (input: RuleTargetInput, maxEventAge = delivery.maxEventAge) =>
      new SfnStateMachine(stateMachine, { ...delivery, maxEventAge, input });
    // EventBridge passes an event to Lambda's asynchronous queue; failures after that are retried by Lambda.
    for (const invoked of [sweepPromotions, watchReleases]) {
      if (encryptionKey !== undefined)
        for (const action of ['kms:ReEncrypt*', 'kms:GenerateDataKey*'])
          acknowledgeFinding(
            invoked.role ?? invoked,
            `AwsSolutions-IAM5[Action::${action}]`,
            'The variants of one action, on one key: what CDK grants to whoever sends to an encrypted queue',
          );
      invoked.configureAsyncInvoke({
        retryAttempts: 2,
        maxEventAge: Duration.hours(1),
        onFailure: new SqsDestination(this.deadLetterQueue),
      });
    }

    new Rule(this, 'CleanUp', {
      description:
        'Records executions that could not record their end, sends their alerts and ends their leases',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachine.stateMachineArn],
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      targets: [toSweep(RuleTargetInput.fromEventPath('$.detail'))],
    });

    new Rule(this, 'RollbackOnAlarm', {
      description: `Alarms named ${rollbackAlarmPrefix}… roll back the model that their description names`,
      eventPattern: {
        source: ['aws.cloudwatch'],
        detailType: ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: rollbackAlarmPrefix }], state: { value: ['ALARM'] } },
      },
      targets: [toStart(RuleTargetInput.fromObject(rollbackInput), MAX_ALARM_EVENT_AGE)],
    });

    new Rule(this, 'Sweep', {
      description:
        'Sends pending alerts, cleans up after executions whose event was lost, starts attempts at open changes and compares models with what is live',
      schedule: Schedule.rate(Duration.minutes(SWEEP_MINUTES)),
      targets: [toSweep(RuleTargetInput.fromObject({ sweep: true }))],
    });

    new Rule(this, 'Watch', {
      description: 'Watches live releases: counts the hours that are complete, and rolls back what is worse',
      schedule: Schedule.cron({ minute: String(WATCH_MINUTE) }),
      targets: [
        new LambdaFunction(watchReleases, {
          ...delivery,
          event: RuleTargetInput.fromObject({ watch: true }),
        }),
      ],
    });

    if (startOn === undefined) return;
    new Rule(this, 'StartOnEvent', {
      description: 'Starts an execution whose input is the detail of the event',
      ...(startOn.eventBus === undefined ? {} : { eventBus: startOn.eventBus }),
      eventPattern: {
        source: [startOn.source],
        detailType: [startOn.detailType ?? 'Model Promotion Requested'],
      },
      targets: [toStart(RuleTargetInput.fromEventPath('$.detail'))],
    });
  }
}

/** Input of a rollback from the alarm's event. EventBridge paths do not support brackets. */
const rollbackInput = {
  operation: 'rollback',
  model_name: EventField.fromPath('$.detail.configuration.description'),
  reason: 'PERFORMANCE_DEGRADATION' satisfies RollbackReason,
  alarm_name: EventField.fromPath('$.detail.alarmName'),
  requested_by: 'CloudWatch alarm',
  // The event is sent only once: the rollback waits for a promotion that is in progress.
  wait_for_lease_minutes: 60,
};

import { Duration } from 'aws-cdk-lib';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { RollbackReason } from '../lambdas/domain/payloads.ts';
import { acknowledgeFinding } from './nag.ts';
import type { StartProps } from './props.ts';

export interface EventRulesProps {
  readonly stateMachine: IStateMachine;
  readonly sweepPromotions: Lambda;
  /** How the names of alarms begin that ask for a rollback. */
  readonly rollbackAlarmPrefix: string;
  readonly startOn?: NonNullable<StartProps['events']>;
}

/** An alarm whose name begins so, after the prefix of all names, asks for a rollback of the model that its description names. */
export const ROLLBACK_ALARM_PREFIX = 'model-rollback-';

/** An alarm that is delivered later may be about a model that is in service no longer: people decide then. */
const MAX_ALARM_EVENT_AGE = Duration.minutes(15);

/** Alerts that could not be sent are sent again so often. */
export const SWEEP_MINUTES = 5;

/** What runs without anybody asking: clean-up, rollback by alarm, sweep, and start by event. */
export class EventRules extends Construct {
  /** Events that could not be delivered, and those on which `sweep-promotions` failed again and again. */
  readonly undelivered: Queue;

  constructor(
    scope: Construct,
    id: string,
    { stateMachine, sweepPromotions, rollbackAlarmPrefix, startOn }: EventRulesProps,
  ) {
    super(scope, id);
    this.undelivered = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledgeFinding(
      this.undelivered,
      'AwsSolutions-SQS3',
      'It is the dead-letter queue itself; an alarm watches it',
    );
    const delivery = { deadLetterQueue: this.undelivered, retryAttempts: 20, maxEventAge: Duration.hours(6) };
    const toSweep = (event: RuleTargetInput) => new LambdaFunction(sweepPromotions, { ...delivery, event });
    const toStart = (input: RuleTargetInput, maxEventAge = delivery.maxEventAge) =>
      new SfnStateMachine(stateMachine, { ...delivery, maxEventAge, input });
    // EventBridge hands an event to Lambda's own queue: what fails after that is not EventBridge's to try again.
    sweepPromotions.configureAsyncInvoke({
      retryAttempts: 2,
      maxEventAge: Duration.hours(1),
      onFailure: new SqsDestination(this.undelivered),
    });

    new Rule(this, 'CleanUp', {
      description:
        'Executions that could not end themselves are recorded, announced and, where needed, undone',
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
      description: 'Sends alerts that could not be sent before',
      schedule: Schedule.rate(Duration.minutes(SWEEP_MINUTES)),
      targets: [toSweep(RuleTargetInput.fromObject({ sweep: true }))],
    });

    if (startOn === undefined) return;
    new Rule(this, 'StartOnEvent', {
      description: 'Starts an execution with the detail of the event as its input',
      ...(startOn.eventBus === undefined ? {} : { eventBus: startOn.eventBus }),
      eventPattern: {
        source: [startOn.source],
        detailType: [startOn.detailType ?? 'Model Promotion Requested'],
      },
      targets: [toStart(RuleTargetInput.fromEventPath('$.detail'))],
    });
  }
}

/** CloudWatch's event names the alarm and its description; paths go without brackets, which EventBridge does not take. */
const rollbackInput = {
  operation: 'rollback',
  model_name: EventField.fromPath('$.detail.configuration.description'),
  reason: 'PERFORMANCE_DEGRADATION' satisfies RollbackReason,
  alarm_name: EventField.fromPath('$.detail.alarmName'),
  requested_by: 'CloudWatch alarm',
  // The alarm tells once: a promotion that is under way is waited for.
  wait_for_lease_minutes: 60,
};

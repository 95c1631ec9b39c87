import { afterEach, describe, expect, it, vi } from 'vitest';
import { handler as sweepPromotions } from '../../lambdas/sweep-promotions.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';
import { assembledStack } from '../support/cloud-assembly.ts';
import { printedLines } from '../support/printed-lines.ts';
import { type CloudFormation, readable, resourcesOf } from '../support/stack-summary.ts';
import { synthesisedConstruct } from '../support/synthesis.ts';

/** EventBridge's rules, each fed with an event as AWS sends it, and what they make of it with the function that reads it. */

const prod = assembledStack('prod').template;

interface RuleTarget {
  Input?: string;
  InputPath?: string;
  InputTransformer?: { InputPathsMap: Record<string, string>; InputTemplate: string };
}

/**
 * What a rule hands to its target, as EventBridge does it (its user guide, "Event patterns" and "Input transformation"):
 * a placeholder becomes the JSON of its value, which belongs outside quotes only. Throws where the rule does not match.
 */
function handedOn(template: CloudFormation, ruleId: string, event: object = {}): unknown {
  const [, rule] = resourcesOf(template, 'AWS::Events::Rule').find(([id]) => id.includes(ruleId)) ?? [];
  const [target] = (rule?.['Targets'] ?? []) as RuleTarget[];
  if (!matches(rule?.['EventPattern'] ?? {}, event)) throw new Error(`${ruleId} does not match the event`);
  if (target?.Input !== undefined) return JSON.parse(target.Input);
  if (target?.InputTransformer === undefined) return at(event, target?.InputPath ?? '$');
  const { InputPathsMap, InputTemplate } = target.InputTransformer;
  return JSON.parse(
    InputTemplate.replace(/<([\w-]+)>/g, (_, name) => JSON.stringify(at(event, InputPathsMap[name] ?? ''))),
  );
}

function matches(pattern: unknown, value: unknown): boolean {
  if (!Array.isArray(pattern))
    return Object.entries(pattern as object).every(([key, inner]) => matches(inner, at(value, `$.${key}`)));
  return pattern.some((one) =>
    one.prefix === undefined ? readable(one) === value : String(value).startsWith(one.prefix),
  );
}

/** EventBridge takes paths with dots only. */
function at(event: unknown, path: string): unknown {
  if (!/^\$(\.[\w-]+)*$/.test(path)) throw new Error(`EventBridge does not take the path "${path}"`);
  const names = path.split('.').slice(1);
  return names.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    event,
  );
}

/** As CloudWatch sends it (its user guide, "Alarm events and EventBridge"). */
const alarmEvent = (alarmName: string, description: string, value = 'ALARM') => ({
  version: '0',
  id: '6b1d2e0c-0f43-4f0e-9a57-5a7f0f6f3c11',
  'detail-type': 'CloudWatch Alarm State Change',
  source: 'aws.cloudwatch',
  account: '123456789012',
  time: '2026-11-21T10:00:00Z',
  region: 'us-east-1',
  resources: [`arn:aws:cloudwatch:us-east-1:123456789012:alarm:${alarmName}`],
  detail: {
    alarmName,
    configuration: { description, metrics: [{ id: 'm1', expression: 'errors / calls', returnData: true }] },
    previousState: { value: 'OK', reason: '"below" 0.1', timestamp: '2026-11-21T09:00:00.000+0000' },
    state: { value, reason: '"above" 0.1', timestamp: '2026-11-21T10:00:00.000+0000' },
  },
});

/** As Step Functions sends it (its developer guide, "EventBridge events for execution status changes"). */
const executionEvent = (status: string, stateMachineArn = '{PromotionWorkflowStateMachine}') => ({
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  detail: {
    executionArn: 'arn:aws:states:us-east-1:123456789012:execution:model-promotion:e1',
    stateMachineArn,
    name: 'e1',
    status,
    startDate: Date.parse('2026-11-21T09:00:00Z'),
    stopDate: Date.parse('2026-11-21T10:00:00Z'),
    // Without it no server is asked.
    input: null,
    output: null,
    inputDetails: { included: false },
    outputDetails: null,
    error: null,
    cause: null,
  },
});

describe('an event', () => {
  const begun = (input: unknown) => begin({ input, execution: 'arn:e1', started_at: '2026-11-21T10:00:00Z' });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ['errors', 'PascalStrategy'],
    ['a "quoted" \\name\\', 'a "quoted" \\name\\'],
    ['<detail-configuration-description>', '<detail-alarmName>'],
    ['", "operation": "promote', '","operation":"promote","model_name":"another'],
    ['$& $1 {{y}} {"z": 1}', "../../x?y#z '$1'"],
    ['ü 模型 \u2028 \u0085', 'line\nafter line\t\u0000'],
  ])('of an alarm called %j about a model called %j starts a rollback of it', (name, model) => {
    const alarm = `model-rollback-${name}`;
    expect(begun(handedOn(prod, 'RollbackOnAlarm', alarmEvent(alarm, model)))).toMatchObject({
      valid: true,
      problems: [],
      operation: 'rollback',
      model_name: model,
      reason: 'PERFORMANCE_DEGRADATION',
      alarm_name: alarm,
      wait_for_lease_minutes: 60,
      emergency: false,
    });
  });

  it('of an alarm that names no model is told as an input that cannot be used', () => {
    const { problems } = begun(handedOn(prod, 'RollbackOnAlarm', alarmEvent('model-rollback-errors', '')));
    expect(problems).toEqual(['model_name: must name a registered model']);
  });

  it('of an alarm with another name, or that is over, starts nothing', () => {
    for (const event of [
      alarmEvent('prod-ModelPromotion-prod-RollbackFailed', 'm'),
      alarmEvent('model-rollback-errors', 'm', 'OK'),
      alarmEvent('model-rollback-errors', 'm', 'INSUFFICIENT_DATA'),
    ])
      expect(() => handedOn(prod, 'RollbackOnAlarm', event)).toThrow('does not match');
  });

  it('of the source that is named starts an execution with its detail as the input', () => {
    const { template } = synthesisedConstruct({ start: { events: { source: 'retraining' } } });
    const detail = { model_name: 'PascalStrategy', challenger_version: '3', requested_by: 'retraining' };
    const event = { source: 'retraining', 'detail-type': 'Model Promotion Requested', detail };
    expect(begun(handedOn(template, 'StartOnEvent', event))).toMatchObject({
      valid: true,
      operation: 'promote',
      ...detail,
    });
    expect(() => handedOn(template, 'StartOnEvent', { ...event, source: 'another' })).toThrow(
      'does not match',
    );
  });

  it.each([
    ['FAILED', 'failed'],
    ['TIMED_OUT', 'timed out'],
    ['ABORTED', 'was aborted'],
  ])('of an execution that is %s is one that sweep-promotions cleans up after', async (status, said) => {
    printedLines();
    const answer = await sweepPromotions(handedOn(prod, 'CleanUp', executionEvent(status)));
    expect(answer).toMatchObject({ status: 'failed', succeeded: false });
    expect(answer).toHaveProperty('reason', expect.stringContaining(`The execution ${said}`));
  });

  it('of an execution that goes on, has ended well, or is of another state machine cleans nothing up', () => {
    for (const event of [
      executionEvent('RUNNING'),
      executionEvent('SUCCEEDED'),
      executionEvent('FAILED', 'arn:aws:states:us-east-1:123456789012:stateMachine:another'),
    ])
      expect(() => handedOn(prod, 'CleanUp', event)).toThrow('does not match');
  });

  it('of the clock is one at which sweep-promotions sends what is pending', async () => {
    printedLines();
    expect(await sweepPromotions(handedOn(prod, 'Sweep'))).toEqual({
      sent: 0,
      pending: 0,
      cleaned_up: 0,
      attempted: 0,
      told: 0,
    });
  });
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as sfn from '@aws-sdk/client-sfn';
import * as sns from '@aws-sdk/client-sns';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { ROLLBACK_ALARM_PREFIX, SWEEP_MINUTES } from '../../infra/event-rules.ts';
import { functionSizes } from '../../infra/functions/overrides.ts';
import {
  type AlarmId,
  alarmIds,
  alarmMetricCount,
  metricsPerAlarm,
} from '../../infra/operations/alarm-ids.ts';
import { PromotionAlarms } from '../../infra/operations/alarms.ts';
import { PromotionDashboard } from '../../infra/operations/dashboard.ts';
import { dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { PENDING_ALERTS_INDEX } from '../../lambdas/adapters/aws/table-indexes.ts';
import { errorNames } from '../../lambdas/domain/errors.ts';
import {
  attemptPauseMinutes,
  COMPARE_MINUTES,
  type FunctionName,
  functionNames,
} from '../../lambdas/domain/limits.ts';
import {
  ENVIRONMENT_DIMENSION,
  METRICS_NAMESPACE,
  metricUnits,
} from '../../lambdas/domain/outcome/metric-names.ts';
import { begin } from '../../lambdas/use-cases/begin-promotion.ts';

const metricNames = Object.keys(metricUnits);
const root = join(import.meta.dirname, '../..');
const RUNBOOK_URL = 'https://example.com/runbook.md';
const runbook = readFileSync(join(root, 'docs/runbook.md'), 'utf8').replaceAll('\r\n', '\n');

interface MetricStat {
  Metric: { Namespace: string; MetricName: string; Dimensions?: { Name: string; Value: unknown }[] };
}
interface AlarmProperties extends Partial<MetricStat['Metric']> {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions?: unknown[];
  OKActions?: unknown[];
  InsufficientDataActions?: unknown[];
  TreatMissingData?: string;
  Period?: number;
  Threshold?: number;
  EvaluationPeriods: number;
  DatapointsToAlarm: number;
  Metrics?: { Expression?: string; MetricStat?: MetricStat }[];
}

/** A stack in which everything that is watched has a name and is somebody else's. */
function deployed(stackName: string, environment: string, { chat = false } = {}) {
  const stack = new Stack(new App(), stackName, { env: { account: '123456789012', region: 'eu-central-1' } });
  const topic = (id: string) => new Topic(stack, id);
  const watched = {
    environment,
    machine: StateMachine.fromStateMachineName(stack, 'Machine', 'model-promotion'),
    functions: Object.fromEntries(
      functionNames.map((name) => [
        name,
        LambdaFunction.fromFunctionArn(
          stack,
          name,
          `arn:aws:lambda:eu-central-1:123456789012:function:${name}`,
        ),
      ]),
    ) as Record<FunctionName, IFunction>,
    table: Table.fromTableName(stack, 'Table', 'promotions'),
    alerts: topic('Alerts'),
    alertFailures: topic('AlertFailures'),
    ...(chat ? { chat: topic('Chat') } : {}),
    deadLetterQueue: new Queue(stack, 'Undelivered'),
    runbookUrl: RUNBOOK_URL,
  };
  const { alarms } = new PromotionAlarms(stack, 'Alarms', watched);
  new PromotionDashboard(stack, 'Dashboard', { ...watched, alarms, sizes: functionSizes() });
  const template = Template.fromStack(stack);
  const resources = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
  const properties = resources.map(({ Properties }) => Properties as AlarmProperties);
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const refOf = (t: Topic) => ({ Ref: stack.getLogicalId(t.node.defaultChild as never) });
  return {
    alarms: Object.fromEntries(
      alarmIds.map((id) => [id, properties.find(({ AlarmName }) => AlarmName.endsWith(`-${id}`))]),
    ) as Record<AlarmId, AlarmProperties>,
    count: properties.length,
    dashboard: dashboard?.['Properties'] as { DashboardName: string; DashboardBody: unknown },
    topics: {
      alerts: refOf(watched.alerts),
      failures: refOf(watched.alertFailures),
      chat: watched.chat === undefined ? null : refOf(watched.chat),
    },
  };
}

const prod = deployed('Promotion', 'prod');
const each = alarmIds.map((id) => ({ id, alarm: prod.alarms[id] }));

/** What each alarm is about, written down apart from the alarms. */
const lookedAt: Record<AlarmId, string[]> = {
  ExecutionsFailed: [
    'AWS/States ExecutionsFailed by StateMachineArn',
    'AWS/States ExecutionsTimedOut by StateMachineArn',
    'AWS/States ExecutionsAborted by StateMachineArn',
  ],
  RollbackFailed: ['ModelPromotion RollbackFailed by Environment'],
  AlertNotSent: ['ModelPromotion AlertsPending by Environment'],
  LeaseStuck: ['ModelPromotion LeaseStuck by Environment'],
  FunctionErrors: ['AWS/Lambda Errors by FunctionName'],
  FunctionThrottles: ['AWS/Lambda Throttles by FunctionName'],
  ChecksFailing: ['AWS/Lambda Errors by FunctionName', 'AWS/Lambda Throttles by FunctionName'],
  RolloutSlow: ['ModelPromotion RolloutDeadlineExceeded by Environment'],
  ChangeOpen: ['ModelPromotion OpenChangeAge by Environment'],
  OutOfStep: ['ModelPromotion OutOfStep by Environment'],
  EventsNotDelivered: ['AWS/SQS ApproximateNumberOfMessagesVisible by QueueName'],
};

/** The metrics that an alarm looks at, each with its place. */
function metricsOf({ Namespace, MetricName, Dimensions, Metrics }: AlarmProperties): MetricStat['Metric'][] {
  if (Namespace !== undefined && MetricName !== undefined)
    return [{ Namespace, MetricName, ...(Dimensions === undefined ? {} : { Dimensions }) }];
  return (Metrics ?? []).flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric]));
}

/** What stands in the graphs of the dashboard: `[namespace, name, dimension, value, …, options]`. */
function drawn(body: unknown): unknown[][] {
  const parts = (body as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  const text = parts.map((part) => (typeof part === 'string' ? part : 'resource')).join('');
  const { widgets } = JSON.parse(text) as { widgets: { properties: { metrics?: unknown[][] } }[] };
  return widgets.flatMap(({ properties }) => properties.metrics ?? []);
}

const headings = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
/** The heading of an alarm is its name; those of the other sections have more than one word. */
const alarmHeadings = headings.filter((heading) => !heading.includes(' '));
/** As GitHub makes it from a heading. */
const anchor = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

function sectionOf(heading: string): string {
  const [, after = ''] = runbook.split(`\n## ${heading}\n`);
  return after.split('\n## ')[0] ?? '';
}

describe('the runbook and the alarms', () => {
  it.each(each)('$id is explained under the heading that its text links', ({ alarm }) => {
    const linked = / Runbook: (\S+)#(\S+)$/.exec(alarm.AlarmDescription);
    expect(linked?.[1]).toBe(RUNBOOK_URL);
    expect(alarmHeadings.map(anchor)).toContain(linked?.[2]);
  });

  it('has a section for no alarm that does not exist', () => {
    const linked = each.map(({ alarm }) => alarm.AlarmDescription.split('#')[1]);
    expect(alarmHeadings.map(anchor).sort()).toEqual(linked.sort());
  });

  it.each(alarmHeadings)('%s: what happened, how to look, what to do', (heading) => {
    const parts = sectionOf(heading).split(/^\*\*(.+)\*\*$/m);
    expect(parts.filter((_, index) => index % 2 === 1)).toEqual([
      'What happened',
      'How to look',
      'What to do',
    ]);
    const texts = parts.filter((_, index) => index % 2 === 0).slice(1);
    for (const text of texts) expect(text.trim().length).toBeGreaterThan(50);
  });

  it('leads from section to section by headings that exist', () => {
    const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !headings.map(anchor).includes(link ?? ''))).toEqual([]);
  });

  it('names the alarms whose end is told', () => {
    const [, names = ''] = /says `OK: …` when it is over: ([^.]+)\./.exec(runbook) ?? [];
    const tell = each.filter(({ alarm }) => alarm.OKActions !== undefined).map(({ id }) => id);
    expect(names.split(/,\s+/).sort()).toEqual(tell.sort());
  });

  it('names alarms only that exist in the table of those that come together', () => {
    const rows = [...sectionOf('Alerts and alarms').matchAll(/^\| ([A-Z]\w+) \| ([A-Z][\w, ]+) \| .+ \|$/gm)];
    const named = rows.flatMap(([, first = '', others = '']) => [first, ...others.split(', ')]);
    expect(rows.length).toBeGreaterThan(3);
    expect(named.filter((name) => !alarmHeadings.includes(name) && name !== 'Begin with')).toEqual([]);
  });
});

describe('every alarm', () => {
  it('is there', () => {
    expect(prod.count).toBe(alarmIds.length);
    expect(each.filter(({ alarm }) => alarm === undefined)).toEqual([]);
  });

  it.each(each)('$id says in one sentence what happened', ({ alarm }) => {
    expect(alarm.AlarmDescription).toMatch(/^[A-Z][^.#]+\. Runbook: /);
    expect(alarm.AlarmDescription.length).toBeLessThan(1024);
  });

  it.each(each)('$id tells somebody', ({ id, alarm }) => {
    const { alerts, failures } = prod.topics;
    const told = id === 'AlertNotSent' ? [failures] : [alerts];
    expect(alarm.AlarmActions).toEqual(told);
    expect(alarm.OKActions ?? told).toEqual(told);
    expect(alarm.InsufficientDataActions).toBeUndefined();
  });

  it.each(alarmIds)('%s tells chat, too, where that has a topic of its own', (id) => {
    const { alarms, topics } = deployed('Promotion', 'prod', { chat: true });
    const told = id === 'AlertNotSent' ? [topics.failures] : [topics.alerts, topics.chat];
    expect(alarms[id].AlarmActions).toEqual(told);
    expect(alarms[id].OKActions ?? told).toEqual(told);
  });

  it.each(each)('$id says what missing data means', ({ id, alarm }) => {
    const special: Partial<Record<AlarmId, string>> = {
      // No sweep, no alert.
      AlertNotSent: 'breaching',
      // What is open or out of step stays so while no sweep can look.
      ChangeOpen: 'ignore',
      OutOfStep: 'ignore',
      // An idle queue is silent, whatever lies in it.
      EventsNotDelivered: 'ignore',
    };
    expect(alarm.TreatMissingData).toBe(special[id] ?? 'notBreaching');
  });

  it('has a name that another environment, or another stack, does not have', () => {
    const all = [prod, deployed('Promotion', 'dev'), deployed('Other', 'prod')];
    const names = all.flatMap(({ alarms }) => alarmIds.map((id) => alarms[id].AlarmName));
    expect(new Set(names).size).toBe(3 * alarmIds.length);
    expect(new Set(all.map(({ dashboard }) => dashboard.DashboardName)).size).toBe(3);
  });

  it('has a name that asks for no rollback', () => {
    expect(each.filter(({ alarm }) => alarm.AlarmName.startsWith(ROLLBACK_ALARM_PREFIX))).toEqual([]);
  });

  it.each(each)('$id looks at as many metrics as are said to cost money, at most 10', ({ id, alarm }) => {
    expect(metricsOf(alarm)).toHaveLength(metricsPerAlarm[id]);
    expect(metricsOf(alarm).length).toBeLessThanOrEqual(10);
  });

  it('counts to the number that the price is worked out from', () => {
    expect(each.flatMap(({ alarm }) => metricsOf(alarm))).toHaveLength(alarmMetricCount);
  });

  it('fills the gaps of a sum, and then looks at more than one period', () => {
    const sums = each.filter(({ alarm }) => alarm.Metrics !== undefined);
    expect(sums.map(({ id }) => id)).toEqual([
      ...['ExecutionsFailed', 'FunctionErrors', 'FunctionThrottles', 'ChecksFailing'],
    ]);
    for (const { alarm } of sums) {
      const [sum] = (alarm.Metrics ?? []).flatMap(({ Expression }) => Expression ?? []);
      expect(sum?.match(/FILL\(m\d+, 0\)/g)).toHaveLength(metricsOf(alarm).length);
      expect(alarm.EvaluationPeriods).toBeGreaterThan(alarm.DatapointsToAlarm);
    }
  });

  it.each(each)('$id looks at what its name and its runbook entry are about', ({ id, alarm }) => {
    const seen = metricsOf(alarm).map(
      ({ Namespace, MetricName, Dimensions = [] }) =>
        `${Namespace} ${MetricName} by ${Dimensions.map(({ Name }) => Name).join(', ')}`,
    );
    expect([...new Set(seen)]).toEqual(lookedAt[id]);
  });

  it('about alerts gives the second sweep a chance', () => {
    const { Period, EvaluationPeriods, DatapointsToAlarm } = prod.alarms.AlertNotSent;
    expect([Period, EvaluationPeriods, DatapointsToAlarm]).toEqual([SWEEP_MINUTES * 60, 2, 2]);
  });

  it('about an open change fires once the sweeps have started three attempts, and gives the next sweep a chance', () => {
    const starts = [0, 1, 2].map((attempt) =>
      [...Array(attempt + 1).keys()].reduce((sum, each) => sum + attemptPauseMinutes(each), 0),
    );
    const fourth = (starts[2] ?? 0) + attemptPauseMinutes(3);
    const { Period, EvaluationPeriods, DatapointsToAlarm, Threshold } = prod.alarms.ChangeOpen;
    expect([Period, EvaluationPeriods, DatapointsToAlarm]).toEqual([SWEEP_MINUTES * 60, 2, 2]);
    expect(Threshold).toBeGreaterThan(60 * (starts[2] ?? 0));
    expect(Threshold).toBeLessThan(60 * fourth);
  });

  it('about models out of step looks at as long a time as the comparisons are apart', () => {
    const { Period, EvaluationPeriods, Threshold } = prod.alarms.OutOfStep;
    expect([Period, EvaluationPeriods, Threshold]).toEqual([COMPARE_MINUTES * 60, 1, 1]);
  });

  it.each(['Errors', 'Throttles'])('%s of every function are looked at by one of them', (metric) => {
    const watched = each.flatMap(({ alarm }) =>
      metricsOf(alarm).flatMap(({ MetricName, Dimensions }) =>
        MetricName === metric ? [Dimensions?.[0]?.Value] : [],
      ),
    );
    expect(watched.sort()).toEqual([...functionNames].sort());
  });
});

describe('our own metrics', () => {
  const ours = each.flatMap(({ id, alarm }) =>
    metricsOf(alarm)
      .filter(({ Namespace }) => Namespace === METRICS_NAMESPACE)
      .map((metric) => ({ id, ...metric })),
  );
  const graphs = drawn(prod.dashboard.DashboardBody).filter(([namespace]) => namespace === METRICS_NAMESPACE);

  it.each(ours)('$MetricName of $id is one that the functions count', ({ MetricName, Dimensions }) => {
    expect(metricNames).toContain(MetricName);
    expect(Dimensions).toEqual([{ Name: ENVIRONMENT_DIMENSION, Value: 'prod' }]);
  });

  it('on the dashboard are those that the functions count, and all of those', () => {
    expect([...new Set(graphs.map(([, name]) => name))].sort()).toEqual(metricNames.toSorted());
    for (const [, , dimension, value] of graphs)
      expect([dimension, value]).toEqual([ENVIRONMENT_DIMENSION, 'prod']);
  });

  it('are watched by six alarms', () => {
    expect(ours.map(({ id }) => id)).toEqual([
      'RollbackFailed',
      'AlertNotSent',
      'LeaseStuck',
      'RolloutSlow',
      'ChangeOpen',
      'OutOfStep',
    ]);
  });
});

describe('what the runbook has people type', () => {
  const commands = [...runbook.matchAll(/\baws ([a-z-]+) ([a-z-]+)/g)].map(
    ([, service = '', operation = '']) => ({ service, operation }),
  );
  const clients: Record<string, object> = { stepfunctions: sfn, dynamodb, sns };
  const known = commands.filter(({ service }) => service in clients);

  it.each(known)('aws $service $operation is an operation of the service', ({ service, operation }) => {
    const name = operation.replace(/(^|-)([a-z])/g, (_, _hyphen, letter: string) => letter.toUpperCase());
    expect(Object.keys(clients[service] ?? {})).toContain(`${name}Command`);
  });

  it.each([...new Set([...runbook.matchAll(/npx promotion ([\w-]+)/g)].map(([, name = '']) => name))])(
    'npx promotion %s is a command',
    (name) => {
      const { status, stdout } = spawnSync(process.execPath, ['cli/promotion.mjs', name, '--help'], {
        cwd: root,
        encoding: 'utf8',
      });
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: promotion ${name}`);
    },
  );

  const inputs = [...runbook.matchAll(/--input "(\{[\s\S]*?\})"$/gm)].map(([, input = '']) =>
    JSON.parse(input.replaceAll('\\"', '"')),
  );

  it('starts two kinds of executions', () => {
    expect(inputs).toHaveLength(2);
  });

  it.each(inputs)('an execution is started with an input that is accepted: %j', (input) => {
    const { problems } = begin({ input, execution: 'x', started_at: '2026-01-01T00:00:00Z' });
    expect(problems).toEqual([]);
  });

  it('takes names from outputs that the stack has', () => {
    const stack = readFileSync(join(root, 'infra/outputs.ts'), 'utf8');
    const outputs = [...runbook.matchAll(/=\$\(output (\w+)\)/g)].map(([, name]) => name);
    expect(outputs.length).toBeGreaterThan(4);
    expect(outputs.filter((name) => !stack.includes(`\n    ${name}: `))).toEqual([]);
  });

  it('names the functions, and all of them', () => {
    const [, names = ''] = /^for name in (.+)$/m.exec(runbook) ?? [];
    expect(names.split(' ')).toEqual([...functionNames]);
    const invoked = [...runbook.matchAll(/\$\{PREFIX\}([\w-]+)/g)].map(([, name]) => name);
    expect(invoked.filter((name) => !(functionNames as readonly unknown[]).includes(name))).toEqual([]);
  });

  it('reads the table as the functions write it', () => {
    expect(runbook).toContain(`--index-name ${PENDING_ALERTS_INDEX} `);
    const keys = [...runbook.matchAll(/\{\\"pk\\":\{\\"S\\":\\"(\w+)#/g)].map(([, kind]) => kind);
    expect([...new Set(keys)].sort()).toEqual(['lease', 'outcome']);
    expect(runbook).not.toContain('delete-item');
  });

  it('explains every error that a function can throw, and no other', () => {
    const rows = [...sectionOf('FunctionErrors').matchAll(/^\| (`.+?`) \|/gm)].map(([, cell = '']) => cell);
    const explained = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(explained.sort()).toEqual([...errorNames].sort());
  });
});

describe('the lease of an execution that has ended', () => {
  let table: LocalTable;
  let client: dynamodb.DynamoDBClient;
  beforeAll(async () => {
    table = await startLocalTable();
    client = new dynamodb.DynamoDBClient({
      endpoint: table.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
  });
  afterAll(async () => {
    client.destroy();
    await table.close();
  });

  const now = new Date('2026-11-21T10:00:00Z');
  const aSecondLater = new Date(now.getTime() + 1000);

  /** The runbook's own command, with its variables filled in. */
  function release(model: string, owner: string) {
    const [, command = ''] = /aws dynamodb update-item([\s\S]+?)```/.exec(runbook) ?? [];
    const filled = command
      .replaceAll('\\"', '"')
      .replace('$MODEL', model)
      .replace('$EXECUTION', owner)
      .replace('$(date +%s)', String(now.getTime() / 1000));
    const option = (name: string) => {
      const [, plain, spliced] =
        new RegExp(`--${name} (?:'([^']+)'|"(.+)"(?: \\\\)?$)`, 'm').exec(filled) ?? [];
      return plain ?? spliced ?? '';
    };
    return client.send(
      new dynamodb.UpdateItemCommand({
        TableName: table.name,
        Key: JSON.parse(option('key')),
        UpdateExpression: option('update-expression'),
        ConditionExpression: option('condition-expression'),
        ExpressionAttributeNames: JSON.parse(option('expression-attribute-names')),
        ExpressionAttributeValues: JSON.parse(option('expression-attribute-values')),
      }),
    );
  }

  it('ends by the command of the runbook, and the next owner gets a higher fence', async () => {
    const store = dynamodbStore(client, table.name);
    await store.takeLease('stuck', 'gone', now, 86_400);
    expect(await store.takeLease('stuck', 'next', aSecondLater, 60)).toMatchObject({ taken: false });
    await release('stuck', 'gone');
    expect(await store.takeLease('stuck', 'next', aSecondLater, 60)).toMatchObject({
      taken: true,
      item: { owner: 'next', fence: 2 },
    });
  });

  it('is left alone by that command once somebody else has it', async () => {
    const store = dynamodbStore(client, table.name);
    await store.takeLease('taken', 'next', now, 86_400);
    await expect(release('taken', 'gone')).rejects.toThrow(dynamodb.ConditionalCheckFailedException);
    const { owner, fence, expires_at } = await store.readItem('taken');
    expect({ owner, fence }).toEqual({ owner: 'next', fence: 1 });
    expect(expires_at?.getTime()).toBeGreaterThan(aSecondLater.getTime());
  });
});

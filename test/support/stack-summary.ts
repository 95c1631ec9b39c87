/** A synthesised template in a few lines that a person can review: what exists, who may do what, what is watched. */

interface Resource {
  Type: string;
  Properties?: Record<string, unknown>;
  DeletionPolicy?: string;
}
export interface CloudFormation {
  Resources: Record<string, Resource>;
  Outputs?: Record<string, { Value: unknown }>;
}

export function summaryOf(template: CloudFormation): string {
  const sections = {
    RESOURCES: resources(template),
    PERMISSIONS: permissions(template),
    'RESOURCE POLICIES': resourcePolicies(template),
    NETWORK: securityGroups(template),
    CHAT: chat(template),
    RULES: rules(template),
    ALARMS: alarms(template),
    STATES: states(template),
    OUTPUTS: Object.keys(template.Outputs ?? {}).sort(),
  };
  return Object.entries(sections)
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`)
    .join('\n');
}

/** Resources of one type with their logical ids. */
export function resourcesOf(template: CloudFormation, type: string): [string, Record<string, unknown>][] {
  return Object.entries(template.Resources).flatMap(([id, { Type, Properties }]) =>
    Type === type ? [[id, Properties ?? {}]] : [],
  );
}

/** A value of the template as one readable text: references by logical id, without CDK's hash. */
export function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(readable).join(', ');
  if (!isRecord(value)) return String(value);
  const [key, argument] = Object.entries(value)[0] ?? [];
  if (key === 'Ref') return `{${bare(String(argument))}}`;
  if (key === 'Fn::GetAtt' && Array.isArray(argument)) return `{${bare(String(argument[0]))}}`;
  if (key === 'Fn::Join' && Array.isArray(argument)) return (argument[1] as unknown[]).map(readable).join('');
  return JSON.stringify(value);
}

const bare = (id: string) => id.replace(/[0-9A-F]{8}$/, '');

function resources({ Resources }: CloudFormation): string[] {
  const counts = new Map<string, number>();
  for (const { Type } of Object.values(Resources)) counts.set(Type, (counts.get(Type) ?? 0) + 1);
  // `RetainExceptOnCreate` is kept, too, once it has been deployed.
  const kept = Object.entries(Resources).flatMap(([id, { DeletionPolicy }]) =>
    DeletionPolicy?.startsWith('Retain') ? [bare(id)] : [],
  );
  return [
    ...[...counts].sort().map(([type, count]) => `${String(count).padStart(2)} ${type}`),
    'kept when the stack is removed:',
    ...(kept.length === 0 ? ['nothing'] : kept.sort()).map((each) => `  ${each}`),
  ];
}

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Principal?: unknown;
  Condition?: unknown;
}

interface InlinePolicy {
  PolicyDocument: { Statement: Statement[] };
}

const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** Every role with what it may do: one line for each resource. */
export function permissions(template: CloudFormation): string[] {
  const byRole = new Map<string, string[]>();
  const policies = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) =>
    resourcesOf(template, type),
  );
  for (const [, properties] of policies) {
    const { Statement: statements } = properties['PolicyDocument'] as { Statement: Statement[] };
    for (const role of list(properties['Roles'] ?? [])) {
      const name = readable(role).replace(/[{}]/g, '');
      byRole.set(name, [...(byRole.get(name) ?? []), ...statements.flatMap(linesOf)]);
    }
  }
  for (const [id, properties] of resourcesOf(template, 'AWS::IAM::Role')) {
    const managed = list(properties['ManagedPolicyArns'] ?? []).map(
      (arn) => `managed policy ${readable(arn)}`,
    );
    const trusts = (properties['AssumeRolePolicyDocument'] as { Statement: Statement[] }).Statement;
    const by = trusts.map((one) => `${who(one)}${conditionOf(one)}`);
    const inline = list((properties['Policies'] ?? []) as InlinePolicy[]).flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.flatMap(linesOf),
    );
    byRole.set(bare(id), [
      `taken by ${by.join(', ')}`,
      ...managed,
      ...inline,
      ...(byRole.get(bare(id)) ?? []),
    ]);
  }
  return [...byRole]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([role, lines]) => [role, ...lines.map((line) => `  ${line}`)]);
}

function linesOf(statement: Statement): string[] {
  const { Effect, Action, Resource } = statement;
  return list(Resource).map(
    (resource) =>
      `${Effect.toLowerCase()} ${list(Action).join(' ')} on ${readable(resource)}${conditionOf(statement)}`,
  );
}

const conditionOf = ({ Condition }: Statement) =>
  Condition === undefined ? '' : ` if ${readableJson(Condition)}`;

const POLICIES = [
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::Lambda::Permission',
  'AWS::KMS::Key',
];

function resourcePolicies(template: CloudFormation): string[] {
  return POLICIES.flatMap((type) =>
    resourcesOf(template, type).flatMap(([id, properties]) => {
      if (type === 'AWS::Lambda::Permission')
        return [
          bare(id),
          `  allow ${properties['Principal']} ${properties['Action']} from ${readable(properties['SourceArn'])}`,
        ];
      const document = (properties['PolicyDocument'] ?? properties['KeyPolicy']) as {
        Statement: Statement[];
      };
      return [
        bare(id),
        ...document.Statement.flatMap((one) => linesOf(one).map((line) => `  ${who(one)}: ${line}`)),
      ];
    }),
  );
}

const who = ({ Principal }: Statement) =>
  readable(isRecord(Principal) ? Object.values(Principal) : Principal);

/** Who may reach the functions, and whom they may reach. */
function securityGroups(template: CloudFormation): string[] {
  const directions = { in: 'SecurityGroupIngress', out: 'SecurityGroupEgress' };
  return Object.entries(directions).flatMap(([direction, name]) => {
    const line = (group: unknown, { Description, GroupId, ...rule }: Record<string, unknown>) =>
      `${readable(group).replace(/[{}]/g, '')} ${direction}: ${readableJson(rule)}`;
    const own = resourcesOf(template, 'AWS::EC2::SecurityGroup').flatMap(([id, properties]) =>
      ((properties[name] ?? []) as Record<string, unknown>[]).map((rule) => line(bare(id), rule)),
    );
    const apart = resourcesOf(template, `AWS::EC2::${name}`).map(([, rule]) => line(rule['GroupId'], rule));
    return [...own, ...apart];
  });
}

/** What may be done from a channel at most, and which topics are told there. */
function chat(template: CloudFormation): string[] {
  return resourcesOf(template, 'AWS::Chatbot::SlackChannelConfiguration').map(
    ([id, p]) =>
      `${bare(id)}: at most ${readable(p['GuardrailPolicies'] ?? 'anything')}, as ${readable(p['IamRoleArn'])}, told by ${readable(p['SnsTopicArns'])}`,
  );
}

function rules(template: CloudFormation): string[] {
  return resourcesOf(template, 'AWS::Events::Rule').flatMap(([id, properties]) => {
    const targets = properties['Targets'] as Record<string, unknown>[];
    const bus = properties['EventBusName'];
    return [
      bare(id),
      `  on ${properties['ScheduleExpression'] ?? readableJson(properties['EventPattern'])}${bus === undefined ? '' : ` of bus ${readable(bus)}`}`,
      ...targets.flatMap((target) => {
        const input = target['InputPath'] ?? target['Input'] ?? readableJson(target['InputTransformer']);
        return [`  to ${readable(target['Arn'])} with ${input}`, `  ${delivery(target)}`];
      }),
    ];
  });
}

/** How often and how long EventBridge tries, by default 185 times within a day, and where it puts what it could not deliver. */
function delivery({ RetryPolicy, DeadLetterConfig }: Record<string, unknown>): string {
  const { MaximumRetryAttempts = 185, MaximumEventAgeInSeconds = 86_400 } = (RetryPolicy ?? {}) as {
    MaximumRetryAttempts?: number;
    MaximumEventAgeInSeconds?: number;
  };
  const { Arn } = (DeadLetterConfig ?? { Arn: 'nowhere' }) as { Arn: unknown };
  return `again ${MaximumRetryAttempts} times within ${MaximumEventAgeInSeconds} s, then to ${readable(Arn)}`;
}

function alarms(template: CloudFormation): string[] {
  return resourcesOf(template, 'AWS::CloudWatch::Alarm').flatMap(([, p]) => [
    `${p['AlarmName']}: ${p['ComparisonOperator']} ${p['Threshold']}, ${p['DatapointsToAlarm'] ?? p['EvaluationPeriods']} of ${p['EvaluationPeriods']}, missing: ${p['TreatMissingData']}, tells ${readable(p['AlarmActions'])}, its end ${readable(p['OKActions'] ?? 'nobody')}`,
    ...watched(p).map((line) => `  ${line}`),
    `  ${readable(p['AlarmDescription'])}`,
  ]);
}

interface MetricData {
  Expression?: string;
  MetricStat?: { Metric: Record<string, unknown>; Stat: unknown; Period: unknown };
}

/** What an alarm looks at: one metric, or an expression over several. */
function watched(alarm: Record<string, unknown>): string[] {
  const parts = alarm['Metrics'] as MetricData[] | undefined;
  if (parts === undefined)
    return [metric(alarm, alarm['Statistic'] ?? alarm['ExtendedStatistic'], alarm['Period'])];
  return parts.map(({ Expression, MetricStat }) =>
    MetricStat === undefined
      ? String(Expression)
      : metric(MetricStat.Metric, MetricStat.Stat, MetricStat.Period),
  );
}

function metric(of: Record<string, unknown>, statistic: unknown, period: unknown): string {
  const dimensions = (of['Dimensions'] ?? []) as { Name: string; Value: unknown }[];
  const by = dimensions.map(({ Name, Value }) => `${Name} ${readable(Value)}`).join(', ');
  return `${of['Namespace']} ${of['MetricName']} ${statistic} in ${period} s of ${by}`;
}

/** The states with where each can go next. */
function states(template: CloudFormation): string[] {
  return resourcesOf(template, 'AWS::StepFunctions::StateMachine').flatMap(([, properties]) => {
    const { States } = JSON.parse(readable(properties['DefinitionString'])) as {
      States: Record<string, object>;
    };
    return Object.entries(States).map(([name, state]) => {
      const next = [...JSON.stringify(state).matchAll(/"(?:Next|Default)":"([^"]+)"/g)].map(
        (match) => match[1],
      );
      return `${name} → ${[...new Set(next)].join(', ') || 'end'}`;
    });
  });
}

const readableJson = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    isRecord(inner) && ('Ref' in inner || 'Fn::GetAtt' in inner || 'Fn::Join' in inner)
      ? readable(inner)
      : inner,
  );

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

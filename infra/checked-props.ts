import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { ApprovalFloors } from '../lambdas/domain/approval/policy-approval.ts';
import { problemMessages } from '../lambdas/domain/problems.ts';
import { RegistryMode } from '../lambdas/domain/registry.ts';
import {
  CompareEnvironment,
  functionEnvironments,
  RetrainingEnvironment,
  RollbackEnvironment,
} from '../lambdas/runtime/environment.ts';
import { certificateProblems, policyProblems } from './checks/files.ts';
import { Emails, recipientProblems } from './checks/recipients.ts';
import { unlessToken } from './checks/unless-token.ts';
import { floorsOf, MAX_FLOORS_LENGTH } from './functions/approval-floors.ts';
import { FunctionOverrides } from './functions/overrides.ts';
import type { ModelPromotionProps } from './props.ts';

const { MLFLOW_TRACKING_URI: TrackingUri } = functionEnvironments['compare-models'].shape;
const { DATAROBOT_ENDPOINT: Endpoint } = functionEnvironments['replace-workload'].shape;

const Name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,19}$/,
    'must be at most 20 lower-case letters, digits and hyphens, starting with a letter',
  );
const Prefix = z
  .string()
  .regex(
    /^([a-zA-Z][a-zA-Z0-9-]{0,19})?$/,
    'must be at most 20 letters, digits and hyphens, starting with a letter',
  );

/** Sources of AWS are rejected: the events of a service must not start promotions. */
export const EventSource = z
  .string()
  .regex(
    /^(?!aws\.)[\w.-]{1,256}$/,
    'must be your own event source: letters, digits, ".", "-" and "_", not starting with aws.',
  );

/** A construct, which has this attribute; its ARN as a text is not one. */
const resource = (attribute: string, message: string) =>
  z.custom<object>((given) => typeof given === 'object' && given !== null && attribute in given, message);

/** The props that are values, by the schemas of the functions' environment; constructs are checked by their type. */
const Values = z.object({
  environment: unlessToken(Name).optional(),
  namePrefix: unlessToken(Prefix).optional(),
  mlflow: z.object({
    trackingUri: unlessToken(TrackingUri),
    registryMode: unlessToken(RegistryMode).optional(),
    registryName: unlessToken(z.string().min(1, 'must not be empty').max(100)).optional(),
  }),
  workloads: z.object({ endpoint: unlessToken(Endpoint) }).optional(),
  alerts: z.object({
    emails: Emails.optional(),
    topic: resource('topicArn', 'must be a topic, such as Topic.fromTopicArn(…)').optional(),
    failureTopic: resource('topicArn', 'must be a topic, such as Topic.fromTopicArn(…)').optional(),
    slack: z
      .object({
        workspaceId: unlessToken(
          z.string().regex(/^T[A-Z0-9]{1,19}$/, 'must be the id of a Slack workspace, T…'),
        ),
        channelId: unlessToken(
          z.string().regex(/^[CG][A-Z0-9]{1,19}$/, 'must be the id of a Slack channel, C…'),
        ),
      })
      .optional(),
    prefix: unlessToken(
      z.string().regex(/^[\x20-\x7e]{1,40}$/, 'must be 1 to 40 printable ASCII characters'),
    ).optional(),
  }),
  encryptionKey: resource('keyArn', 'must be a key, such as Key.fromKeyArn(…)').optional(),
  functions: FunctionOverrides,
  minConfidence: unlessToken(CompareEnvironment.shape.MIN_CONFIDENCE_THRESHOLD).optional(),
  rollbackCooldownHours: unlessToken(RollbackEnvironment.shape.ROLLBACK_COOLDOWN_HOURS).optional(),
  retraining: z
    .object({
      intervalDays: unlessToken(RetrainingEnvironment.shape.RETRAINING_INTERVAL_DAYS).optional(),
      minHours: unlessToken(RetrainingEnvironment.shape.MIN_HOURS_BETWEEN_RETRAINING).optional(),
      models: z
        .array(unlessToken(z.string().regex(/^[^,]{1,250}$/, 'must be the name of a model, without a comma')))
        .optional(),
      stateMachine: resource(
        'stateMachineArn',
        'must be a state machine, such as StateMachine.fromStateMachineArn(…)',
      ).optional(),
    })
    .optional(),
  runbookUrl: unlessToken(
    z.string().regex(/^[^\s#]{1,300}$/, 'must be a URL or a path without spaces and without #'),
  ).optional(),
  start: z.object({ events: z.object({ source: unlessToken(EventSource) }).optional() }).optional(),
});

/** Props that have not been validated. */
type UncheckedProps = { readonly [Name in keyof ModelPromotionProps]?: unknown };

/** Every problem of the props: one sentence each, starting with the path of the prop. Empty when they are valid. */
export function findPropProblems(props: UncheckedProps): string[] {
  const issues = Values.safeParse(props, problemMessages).error?.issues ?? [];
  return [
    ...issues.map(describeIssue),
    ...combinationProblems(props),
    ...(typeof props.caBundle === 'string' ? certificateProblems(props.caBundle) : []),
    ...(typeof props.policies === 'string' ? policyProblems(props.policies) : []),
  ];
}

/** An issue of a schema as a sentence, starting with the path of the value. */
export const describeIssue = ({ path, message }: z.core.$ZodIssue) => `${path.join('.')} ${message}`.trim();

/** The approvals of the deployment, as the functions will read them. */
function approvalProblems(approval: unknown): string[] {
  if (approval === undefined) return [];
  if (!Array.isArray(approval)) return ['approval must be a list'];
  const floors = floorsOf(approval);
  if (JSON.stringify(floors).length > MAX_FLOORS_LENGTH)
    return [
      `approval must be at most ${MAX_FLOORS_LENGTH} characters of JSON: it is part of the functions' environment`,
    ];
  const issues = ApprovalFloors.safeParse(floors, problemMessages).error?.issues ?? [];
  return issues.map((issue) => `approval.${describeIssue(issue)}`);
}

/** On Lambda these hosts are the function itself. */
const LOOPBACK = /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(?=[:/]|$)/i;

/** Values that are valid on their own but not in combination, or not on Lambda. */
function combinationProblems(props: UncheckedProps): string[] {
  const { mlflow, alerts, vpc, vpcSubnets, securityGroups } = props as Partial<ModelPromotionProps>;
  const uri = String(mlflow?.trackingUri);
  const signed = uri.startsWith('arn:');
  const isUnresolved = Token.isUnresolved(uri) && !/^https?:\/\//.test(uri);
  return [
    ...(LOOPBACK.test(uri)
      ? ['mlflow.trackingUri must be an address that the functions can reach, not a loopback address']
      : []),
    ...(isUnresolved
      ? [
          'mlflow.trackingUri must be known at synthesis: the permissions of the functions depend on whether it is an ARN',
        ]
      : []),
    ...(signed && mlflow?.credentials !== undefined
      ? ['mlflow.credentials must be omitted: requests to a tracking server on SageMaker are signed']
      : []),
    ...recipientProblems(alerts),
    ...approvalProblems(props.approval),
    ...(vpc === undefined && vpcSubnets !== undefined ? ['vpcSubnets needs vpc'] : []),
    ...(vpc === undefined && securityGroups !== undefined ? ['securityGroups needs vpc'] : []),
  ];
}

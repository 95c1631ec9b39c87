import { z } from 'zod';
import { problemMessages } from '../../lambdas/domain/problems.ts';
import { RegistryMode } from '../../lambdas/domain/registry.ts';
import { EventSource } from '../checked-props.ts';
import type { EmailProps } from '../props.ts';

/** The settings of the app's environments: the only file to change before the first `npm run deploy`. */

const text = (pattern: RegExp, message: string) => z.string(message).regex(pattern, message);

const SecretArn = text(
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:.+-\w{6}$/,
  "must be 'create', or the complete ARN of a secret, including the six-character suffix",
);
const KeyArn = text(
  /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/,
  'must be the ARN of a key, …:key/…; IAM permissions do not support aliases',
);

/**
 * A secret that the stack creates and you fill (`docs/deploy.md`), or the ARN of an existing one; with the key's ARN where
 * it is encrypted with your own key.
 */
export type SecretSetting = 'create' | (string & {}) | { arn: string; keyArn: string };
/** Not a union, whose message would list every alternative. */
const SecretSetting = z.custom<SecretSetting>().superRefine((given, context) => {
  if (given === 'create') return;
  const schema = typeof given === 'object' ? z.strictObject({ arn: SecretArn, keyArn: KeyArn }) : SecretArn;
  for (const { message, path } of schema.safeParse(given, problemMessages).error?.issues ?? [])
    context.addIssue({ code: 'custom', message, path });
});

/** Settings of one environment, mapped to the props of `ModelPromotion`; see `ModelPromotionProps` for meaning and defaults. */
export const EnvironmentSettings = z.strictObject({
  /** Default of account and region: those of the deploying credentials. */
  account: text(/^\d{12}$/, 'must be a twelve-digit account id').optional(),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1').optional(),
  /** Prefix of the names of functions and state machine. Default: none. */
  namePrefix: z.string().optional(),
  mlflow: z.strictObject({
    trackingUri: z.string(),
    /** Default: none, the server needs none. */
    credentials: SecretSetting.optional(),
    registryMode: RegistryMode.optional(),
    registryName: z.string().optional(),
  }),
  /** Default: none; models are promoted in the registry only. */
  workloads: z.strictObject({ endpoint: z.string(), token: SecretSetting }).optional(),
  alerts: z.strictObject({
    /** An address, or one with filters: `{ address, models?, owners?, kinds? }`. Checked with the props. */
    emails: z.array(z.custom<string | EmailProps>()).optional(),
    slack: z
      .strictObject({ workspaceId: z.string(), channelId: z.string(), ownTopic: z.boolean().optional() })
      .optional(),
    prefix: z.string().optional(),
  }),
  /** Network of the functions, for a private MLflow server or platform. */
  network: z
    .strictObject({
      vpcId: text(/^vpc-/, 'must be the id of a VPC, vpc-…'),
      availabilityZones: z.array(z.string()).min(1),
      /** One for each availability zone, in the same order. */
      privateSubnetIds: z.array(text(/^subnet-/, 'must be the id of a subnet, subnet-…')).min(1),
      securityGroupIds: z.array(text(/^sg-/, 'must be the id of a security group, sg-…')).min(1),
    })
    .refine(
      ({ availabilityZones, privateSubnetIds }) => availabilityZones.length === privateSubnetIds.length,
      { path: ['privateSubnetIds'], error: 'must contain one subnet for each of availabilityZones' },
    )
    .optional(),
  caBundle: z.string().optional(),
  policies: z.string().optional(),
  minConfidence: z.number().optional(),
  rollbackCooldownHours: z.number().optional(),
  /** When a model should be retrained, and which. Checked with the props. */
  retraining: z
    .strictObject({
      intervalDays: z.number().optional(),
      minHours: z.number().optional(),
      models: z.array(z.string()).optional(),
    })
    .optional(),
  runbookUrl: text(/^https?:\/\/./, 'must be an address, https://…').optional(),
  /** Other accounts and roles that can start executions. */
  starters: z
    .array(
      text(
        /^(\d{12}|arn:[\w-]+:iam::\d{12}:(root|role\/.+|user\/.+))$/,
        'must be a twelve-digit account id or the ARN of a role',
      ),
    )
    .optional(),
  /** `source` of the events that start an execution. */
  startOnEventsFrom: EventSource.optional(),
});
export type EnvironmentSettings = z.infer<typeof EnvironmentSettings>;

export const environmentNames = ['dev', 'staging', 'prod'] as const;
export type EnvironmentName = (typeof environmentNames)[number];

const everywhere = {
  workloads: { endpoint: 'https://app.datarobot.com/api/v2', token: 'create' },
  alerts: { emails: ['ml-platform@example.com'] },
  /** An address that the recipients of alarms can open. */
  runbookUrl: 'https://git.example.com/model-promotion/blob/main/docs/runbook.md',
} satisfies Partial<EnvironmentSettings>;

export const environments: Readonly<Record<EnvironmentName, EnvironmentSettings>> = {
  dev: {
    ...everywhere,
    namePrefix: 'dev-',
    mlflow: { trackingUri: 'https://mlflow.dev.example.com', credentials: 'create' },
  },
  staging: {
    ...everywhere,
    namePrefix: 'staging-',
    mlflow: { trackingUri: 'https://mlflow.staging.example.com', credentials: 'create' },
  },
  prod: {
    ...everywhere,
    mlflow: { trackingUri: 'https://mlflow.example.com', credentials: 'create' },
  },
};

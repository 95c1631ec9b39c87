import { z } from 'zod';
import { RegistryMode } from '../../lambdas/domain/registry.ts';
import { EventSource } from '../checked-props.ts';

/** What differs between the environments of the app. The one place to change before the first `npm run deploy`. */

const text = (pattern: RegExp, message: string) => z.string(message).regex(pattern, message);

const SecretArn = text(
  /^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:.+-\w{6}$/,
  "must be 'create', or the whole ARN of a secret, with the six characters at its end",
);
const KeyArn = text(
  /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/,
  'must be the ARN of a key, …:key/…; permissions do not know aliases',
);

/**
 * A secret that the stack creates and you fill (`docs/deploy.md`), or the ARN of one that you have; with the key's ARN
 * where it is encrypted with one of your own.
 */
export type SecretSetting = 'create' | (string & {}) | { arn: string; keyArn: string };
/** Not a union, which would tell of every way in which a secret may be given. */
const SecretSetting = z.custom<SecretSetting>().superRefine((given, context) => {
  if (given === 'create') return;
  const schema = typeof given === 'object' ? z.strictObject({ arn: SecretArn, keyArn: KeyArn }) : SecretArn;
  for (const { message, path } of schema.safeParse(given).error?.issues ?? [])
    context.addIssue({ code: 'custom', message, path });
});

/** Settings of one environment; everything else is a prop of `ModelPromotion` with a default. */
export const EnvironmentSettings = z.strictObject({
  /** Default: those of the credentials that deploy. */
  account: text(/^\d{12}$/, 'must be the twelve digits of an account').optional(),
  region: text(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1').optional(),
  /** Begins the names of functions and state machine. None: a deployed function is called `promote-model`. */
  namePrefix: z.string().optional(),
  mlflow: z.strictObject({
    trackingUri: z.string(),
    /** Left out: the server asks for none. */
    credentials: SecretSetting.optional(),
    registryMode: RegistryMode.optional(),
    registryName: z.string().optional(),
  }),
  /** Left out: models are promoted in the registry only. */
  workloads: z.strictObject({ endpoint: z.string(), token: SecretSetting }).optional(),
  alerts: z.strictObject({
    emails: z.array(z.string()).optional(),
    slack: z
      .strictObject({ workspaceId: z.string(), channelId: z.string(), ownTopic: z.boolean().optional() })
      .optional(),
    prefix: z.string().optional(),
  }),
  /** Network of an MLflow server or a platform that is private. */
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
      { path: ['privateSubnetIds'], error: 'must be one for each of availabilityZones' },
    )
    .optional(),
  caBundle: z.string().optional(),
  policies: z.string().optional(),
  minConfidence: z.number().optional(),
  rollbackCooldownHours: z.number().optional(),
  runbookUrl: text(/^https?:\/\/./, 'must be an address, https://…').optional(),
  /** Accounts and roles that may start executions, besides those of this account that its policies allow to. */
  starters: z
    .array(
      text(
        /^(\d{12}|arn:[\w-]+:iam::\d{12}:(root|role\/.+|user\/.+))$/,
        'must be the twelve digits of an account, or the ARN of a role',
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
  /** Where the people who get the alarms can read it. */
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

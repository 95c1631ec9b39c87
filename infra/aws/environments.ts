import { z } from 'zod';
import { RegistryMode } from '../../lambdas/domain/registry.ts';

/** What differs between the environments of the app. The one place to change before the first `npm run deploy`. */

const Arn = (service: string) =>
  z.string().regex(new RegExp(`^arn:[\\w-]+:${service}:`), `must be an ARN of ${service}`);

/**
 * A secret that the stack creates and you fill (`docs/deploy.md`), or the ARN of one that you have; with the key's ARN
 * where it is encrypted with one of your own.
 */
const SecretSetting = z.union([
  z.literal('create'),
  Arn('secretsmanager'),
  z.strictObject({ arn: Arn('secretsmanager'), keyArn: Arn('kms') }),
]);
export type SecretSetting = z.infer<typeof SecretSetting>;

/** Settings of one environment; everything else is a prop of `ModelPromotion` with a default. */
export const EnvironmentSettings = z.strictObject({
  /** Default: those of the credentials that deploy. */
  account: z
    .string()
    .regex(/^\d{12}$/, 'must be the twelve digits of an account')
    .optional(),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1')
    .optional(),
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
      vpcId: z.string().startsWith('vpc-'),
      availabilityZones: z.array(z.string()).min(1),
      /** In the order of the availability zones. */
      privateSubnetIds: z.array(z.string().startsWith('subnet-')).min(1),
      securityGroupIds: z.array(z.string().startsWith('sg-')).min(1),
    })
    .optional(),
  caBundle: z.string().optional(),
  policies: z.string().optional(),
  minConfidence: z.number().optional(),
  rollbackCooldownHours: z.number().optional(),
  runbookUrl: z.string().optional(),
  /** Accounts and roles that may start executions, besides those of this account that its policies allow to. */
  starters: z.array(z.union([z.string().regex(/^\d{12}$/), Arn('iam')])).optional(),
  /** `source` of the events that start an execution. */
  startOnEventsFrom: z.string().optional(),
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

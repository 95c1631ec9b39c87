import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Token } from 'aws-cdk-lib';
import { z } from 'zod';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { RegistryMode } from '../../lambdas/domain/registry.ts';
import {
  CompareEnvironment,
  functionEnvironments,
  RollbackEnvironment,
} from '../../lambdas/runtime/config.ts';
import type { ModelPromotionProps } from './props.ts';

const { MLFLOW_TRACKING_URI: TrackingUri } = functionEnvironments['compare-models'].shape;
const { DATAROBOT_ENDPOINT: Endpoint } = functionEnvironments['replace-workload'].shape;

/** A value that is known only when the stack is deployed cannot be looked at before. */
const known = <T extends z.ZodType>(schema: T) =>
  z
    .unknown()
    .superRefine((value, context) => {
      if (value === undefined || Token.isUnresolved(value)) return;
      const parsed = schema.safeParse(value);
      for (const { message, path } of parsed.error?.issues ?? [])
        context.addIssue({ code: 'custom', message, path });
    })
    .optional();

const Name = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,19}$/,
    'must be lower-case letters, digits and hyphens, at most 20, a letter first',
  );
const Prefix = z
  .string()
  .regex(
    /^([a-zA-Z][a-zA-Z0-9-]{0,19})?$/,
    'must be letters, digits and hyphens, at most 20, a letter first',
  );

/** The values among the props; constructs are right by their type. The functions' own schemas say what is allowed. */
const Values = z.object({
  environment: known(Name),
  namePrefix: known(Prefix),
  mlflow: z.object({
    trackingUri: known(TrackingUri),
    registryMode: known(RegistryMode),
    registryName: known(z.string().min(1, 'must not be empty').max(100)),
  }),
  workloads: z.object({ endpoint: known(Endpoint) }).optional(),
  alerts: z.object({
    emails: z.array(known(z.email('must be an email address'))).optional(),
    slack: z
      .object({
        workspaceId: known(z.string().regex(/^T[A-Z0-9]{1,19}$/, "must be Slack's id of a workspace, T…")),
        channelId: known(z.string().regex(/^[CG][A-Z0-9]{1,19}$/, "must be Slack's id of a channel, C…")),
      })
      .optional(),
    prefix: known(z.string().regex(/^[\x20-\x7e]{1,40}$/, 'must be 1 to 40 printable ASCII characters')),
  }),
  minConfidence: known(CompareEnvironment.shape.MIN_CONFIDENCE_THRESHOLD),
  rollbackCooldownHours: known(RollbackEnvironment.shape.ROLLBACK_COOLDOWN_HOURS),
  runbookUrl: known(z.string().regex(/^[^\s#]{1,300}$/, 'must be an address without spaces and without #')),
});

/** Every mistake in the props, one sentence each, with the path of the prop. */
export function mistakesIn(props: ModelPromotionProps): string[] {
  const issues = Values.safeParse(props).error?.issues ?? [];
  return [
    ...issues.map(({ path, message }) => `${path.join('.')} ${message}`),
    ...together(props),
    ...certificates(props.caBundle),
    ...policies(props.policies),
  ];
}

/** What is right by itself and wrong together. */
function together({ mlflow, alerts, vpc, vpcSubnets, securityGroups }: ModelPromotionProps): string[] {
  const signed = mlflow.trackingUri.startsWith('arn:');
  const told = (alerts.emails ?? []).length > 0 || alerts.slack !== undefined;
  const late = Token.isUnresolved(mlflow.trackingUri) && !/^https?:\/\//.test(mlflow.trackingUri);
  return [
    ...(late
      ? [
          'mlflow.trackingUri must be known when the stack is synthesised: whether it is an ARN decides what the functions may do',
        ]
      : []),
    ...(signed && mlflow.credentials !== undefined
      ? ['mlflow.credentials must be left out: requests to a server of SageMaker are signed']
      : []),
    ...(told ? [] : ['alerts needs emails or slack: nobody would be told']),
    ...(vpc === undefined && vpcSubnets !== undefined ? ['vpcSubnets needs vpc'] : []),
    ...(vpc === undefined && securityGroups !== undefined ? ['securityGroups needs vpc'] : []),
  ];
}

function certificates(file: string | undefined): string[] {
  if (file === undefined) return [];
  const text = textOf(file);
  if (text === null) return [`caBundle: ${file} cannot be read`];
  if (text.includes('PRIVATE KEY'))
    return [`caBundle: ${file} holds a private key; only certificates belong there`];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return [`caBundle: ${file} holds no certificate in PEM format`];
  return blocks.flatMap((block, index) =>
    isCertificate(block) ? [] : [`caBundle: certificate ${index + 1} in ${file} cannot be read`],
  );
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}

function policies(directory: string | undefined): string[] {
  if (directory === undefined) return [];
  const names = namesIn(directory);
  if (names === null) return [`policies: ${directory} is not a directory that can be read`];
  const missing = names.includes('default') ? [] : [`policies: ${directory} has no default.json`];
  return [
    ...missing,
    ...names.flatMap((name) => {
      try {
        parsePolicy(name, JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')));
        return [];
      } catch (error) {
        return [`policies: ${name}.json: ${error instanceof Error ? error.message : String(error)}`];
      }
    }),
  ];
}

function namesIn(directory: string): string[] | null {
  try {
    return readdirSync(directory).flatMap(
      (file) => /^([a-z0-9][a-z0-9-]{0,63})\.json$/.exec(file)?.[1] ?? [],
    );
  } catch {
    return null;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

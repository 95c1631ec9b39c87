import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { parsePolicyFile } from '../lambdas/domain/comparison/policy.ts';
import { problemMessages } from '../lambdas/domain/problems.ts';
import { RegistryMode } from '../lambdas/domain/registry.ts';
import {
  CompareEnvironment,
  functionEnvironments,
  RollbackEnvironment,
} from '../lambdas/runtime/environment.ts';
import type { ModelPromotionProps } from './props.ts';

const { MLFLOW_TRACKING_URI: TrackingUri } = functionEnvironments['compare-models'].shape;
const { DATAROBOT_ENDPOINT: Endpoint } = functionEnvironments['replace-workload'].shape;

/** Validates a value unless it is a token, which is known only at deployment. */
const unlessToken = <T extends z.ZodType>(schema: T) =>
  z.custom<unknown>().superRefine((value, context) => {
    if (Token.isUnresolved(value)) return;
    const parsed = schema.safeParse(value, problemMessages);
    for (const { message, path } of parsed.error?.issues ?? [])
      context.addIssue({ code: 'custom', message, path });
  });

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
    emails: z.array(unlessToken(z.email('must be an email address'))).optional(),
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
  minConfidence: unlessToken(CompareEnvironment.shape.MIN_CONFIDENCE_THRESHOLD).optional(),
  rollbackCooldownHours: unlessToken(RollbackEnvironment.shape.ROLLBACK_COOLDOWN_HOURS).optional(),
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

/** On Lambda these hosts are the function itself. */
const LOOPBACK = /^https?:\/\/(localhost|127\.[\d.]+|\[::1\])(?=[:/]|$)/i;

/** Values that are valid on their own but not in combination, or not on Lambda. */
function combinationProblems(props: UncheckedProps): string[] {
  const { mlflow, alerts, vpc, vpcSubnets, securityGroups } = props as Partial<ModelPromotionProps>;
  const uri = String(mlflow?.trackingUri);
  const signed = uri.startsWith('arn:');
  const hasRecipient = (alerts?.emails ?? []).length > 0 || alerts?.slack !== undefined;
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
    ...(hasRecipient
      ? []
      : ['alerts needs emails or slack: without a recipient no notification is delivered']),
    ...(vpc === undefined && vpcSubnets !== undefined ? ['vpcSubnets needs vpc'] : []),
    ...(vpc === undefined && securityGroups !== undefined ? ['securityGroups needs vpc'] : []),
  ];
}

function certificateProblems(file: string): string[] {
  const text = textOf(file);
  if (text === null) return [`caBundle: ${file} cannot be read`];
  if (text.includes('PRIVATE KEY'))
    return [`caBundle: ${file} contains a private key; it must contain only certificates`];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return [`caBundle: ${file} contains no certificate in PEM format`];
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

function policyProblems(directory: string): string[] {
  const names = policyNames(directory);
  if (names === null) return [`policies: ${directory} is not a readable directory`];
  const missing = names.includes('default') ? [] : [`policies: ${directory} has no default.json`];
  return [
    ...missing,
    ...names.flatMap((name) => {
      try {
        parsePolicyFile(name, JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')));
        return [];
      } catch (error) {
        return [`policies: ${name}.json: ${error instanceof Error ? error.message : String(error)}`];
      }
    }),
  ];
}

function policyNames(directory: string): string[] | null {
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

import * as z from 'zod';
import { managedServer } from '../adapters/aws/sagemaker-arn.ts';
import { ApprovalFloors } from '../domain/approval/policy-approval.ts';
import { defaults } from '../domain/defaults.ts';
import { InvalidConfiguration } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import type { FunctionName } from '../domain/limits.ts';
import { problemMessages } from '../domain/problems.ts';
import { RegistryMode } from '../domain/registry.ts';

/** The environment of the functions, parsed once at cold start. Messages name variables, never values. */

const Flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const TrackingUri = z.string().superRefine((value, context) => {
  const problem = uriProblem(value);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** Why a tracking URI is invalid, or null. The message does not contain the value, which may hold a password. */
function uriProblem(value: string): string | null {
  if (value.startsWith('arn:')) {
    return managedServer(value) !== null
      ? null
      : 'must be the ARN of a tracking server or an app of MLflow on SageMaker';
  }
  if (!URL.canParse(value)) return 'must be a URL with its scheme, such as https://mlflow.example.com';
  const { protocol } = new URL(value);
  if (protocol !== 'http:' && protocol !== 'https:') {
    return `must be http: or https: (an MLflow server), not ${protocol} (a local store has no registry API)`;
  }
  return forbiddenPartOf(value, 'use MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or a secret');
}

/** A part of the URL that is not allowed, as paths are appended to it; null if there is none. */
function forbiddenPartOf(address: string, instead: string): string | null {
  const { username, password, search, hash } = new URL(address);
  if (username !== '' || password !== '') return `must not hold credentials: ${instead}`;
  return search !== '' || hash !== '' ? 'must not have a query or a fragment' : null;
}

/** A value for an HTTP header; checked here, because the HTTP client's error would contain it. */
export const HeaderText = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'must be a token: printable characters without spaces');

const SecretArn = z
  .string()
  .regex(/^arn:[\w-]+:secretsmanager:/, 'must be the ARN of a secret of Secrets Manager');

export const MlflowEnvironment = z.object({
  MLFLOW_TRACKING_URI: TrackingUri,
  /** On AWS instead of the next three. */
  MLFLOW_CREDENTIALS_SECRET_ARN: SecretArn.optional(),
  MLFLOW_TRACKING_USERNAME: z.string().optional(),
  MLFLOW_TRACKING_PASSWORD: z.string().optional(),
  MLFLOW_TRACKING_TOKEN: z.string().optional(),
  MLFLOW_REGISTRY_MODE: RegistryMode.default(defaults.registryMode),
  /** Endpoint of MLflow on SageMaker, named as in its MLflow plugin; for tests. */
  SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT: z
    .string()
    .refine(
      (value) => !value.startsWith('arn:') && uriProblem(value) === null,
      'must be an http: or https: address',
    )
    .optional(),
});

const LOGIN = ['MLFLOW_TRACKING_USERNAME', 'MLFLOW_TRACKING_PASSWORD', 'MLFLOW_TRACKING_TOKEN'];
const SECRET = 'MLFLOW_CREDENTIALS_SECRET_ARN';

/** Allows one source of credentials for MLflow, and none for SageMaker, whose requests are signed. */
export const withOneLogin = <T extends z.ZodObject>(schema: T): T => {
  const hasLogin = (env: Record<string, unknown>) => LOGIN.some((name) => env[name] !== undefined);
  return schema
    .refine((env) => env[SECRET] === undefined || !hasLogin(env), {
      path: [SECRET],
      error: `and ${LOGIN.join(', ')} are mutually exclusive`,
      when: () => true,
    })
    .refine(
      (env) =>
        managedServer(String(env['MLFLOW_TRACKING_URI'])) === null ||
        (env[SECRET] === undefined && !hasLogin(env)),
      {
        path: ['MLFLOW_TRACKING_URI'],
        error: `is an MLflow server on SageMaker, whose requests are signed: remove ${SECRET}, ${LOGIN.join(', ')}`,
        when: () => true,
      },
    );
};

export const StoreEnvironment = z.object({ PROMOTION_TABLE: z.string().optional() });

export const SweepEnvironment = z.object({
  STATE_MACHINE_ARN: z
    .string()
    .regex(/^arn:[\w-]+:states:/, 'must be the ARN of a state machine')
    .optional(),
});

export const AlertEnvironment = z.object({
  ALERT_SNS_TOPIC_ARN: z
    .string()
    .regex(/^arn:[\w-]+:sns:/, 'must be the ARN of an SNS topic')
    .optional(),
  ALERT_CHAT_TOPIC_ARN: z
    .string()
    .regex(/^arn:[\w-]+:sns:/, 'must be the ARN of an SNS topic')
    .optional(),
  ALERT_PREFIX: z.string().default(defaults.alertPrefix),
  ALERTS_ENABLED: Flag.default(true),
  ENVIRONMENT: z.string().default(defaults.environment),
  MODEL_REGISTRY_NAME: z.string().default(defaults.registryName),
});

export const CompareEnvironment = z.object({
  MIN_CONFIDENCE_THRESHOLD: z.coerce.number().min(0).max(1).default(defaults.minConfidence),
});
export const RollbackEnvironment = z.object({
  ROLLBACK_COOLDOWN_HOURS: z.coerce.number().min(0).max(8760).default(defaults.rollbackCooldownHours),
});

export const RetrainingEnvironment = z.object({
  RETRAINING_INTERVAL_DAYS: z.coerce.number().positive().max(3650).default(defaults.retrainingIntervalDays),
  MIN_HOURS_BETWEEN_RETRAINING: z.coerce
    .number()
    .min(0)
    .max(8760)
    .default(defaults.minHoursBetweenRetraining),
  /** Names of registered models with commas between them; empty for all. */
  ALLOWED_MODELS: z
    .string()
    .default('')
    .transform((names) =>
      names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  /** Started for each attempt. Without it the caller trains. */
  RETRAINING_STATE_MACHINE_ARN: SweepEnvironment.shape.STATE_MACHINE_ARN,
});

/** JSON text of the approvals that the deployment asks for, whatever a policy says. */
export const ApprovalEnvironment = z.object({
  APPROVAL_FLOORS: z
    .string()
    .default('[]')
    .transform((text) => jsonOrNull(text))
    .pipe(ApprovalFloors),
});

const Endpoint = z.string().superRefine((value, context) => {
  const problem = endpointProblem(value);
  if (problem !== null) context.addIssue({ code: 'custom', message: problem });
});

/** Why an endpoint is invalid, or null. The message does not contain the value, which may hold a password. */
function endpointProblem(value: string): string | null {
  if (!URL.canParse(value)) return 'must be a URL with its scheme, such as https://app.datarobot.com/api/v2';
  const { protocol } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return `must be https: or http:, not ${protocol}`;
  return forbiddenPartOf(value, 'use DATAROBOT_API_TOKEN');
}

const WorkloadFields = z.object({
  DATAROBOT_ENDPOINT: Endpoint,
  DATAROBOT_API_TOKEN: HeaderText.optional(),
  /** On AWS instead of the token. */
  DATAROBOT_TOKEN_SECRET_ARN: SecretArn.optional(),
});

/** Requires exactly one of the token and its secret. */
export const withOneToken = <T extends z.ZodObject>(schema: T): T =>
  schema.refine(
    (env) => (env['DATAROBOT_API_TOKEN'] === undefined) !== (env['DATAROBOT_TOKEN_SECRET_ARN'] === undefined),
    {
      path: ['DATAROBOT_API_TOKEN'],
      error: ({ input }) =>
        typeof input === 'object' && input !== null && 'DATAROBOT_API_TOKEN' in input
          ? 'and DATAROBOT_TOKEN_SECRET_ARN are mutually exclusive'
          : 'is not set',
      when: () => true,
    },
  );

export const WorkloadEnvironment = withOneToken(WorkloadFields);

/** Optional: models without a Workload do not need them. */
const Workloads = WorkloadFields.partial().shape;
const LogEnvironment = z.object({ ENVIRONMENT: AlertEnvironment.shape.ENVIRONMENT });

/** Environment variables of each function; the stack's `environment` is typed by it. */
export const functionEnvironments = {
  'begin-promotion': LogEnvironment,
  'check-retraining-needed': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...RetrainingEnvironment.shape,
  }),
  'compare-models': z.object({
    ...LogEnvironment.shape,
    ...MlflowEnvironment.shape,
    ...CompareEnvironment.shape,
    ...StoreEnvironment.shape,
  }),
  'prepare-promotion': z.object({
    ...LogEnvironment.shape,
    ...MlflowEnvironment.shape,
    ...CompareEnvironment.shape,
    ...StoreEnvironment.shape,
    ...ApprovalEnvironment.shape,
    ...Workloads,
  }),
  'request-approval': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...ApprovalEnvironment.shape,
  }),
  'replace-workload': z.object({ ...LogEnvironment.shape, ...StoreEnvironment.shape, ...Workloads }),
  'promote-model': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...ApprovalEnvironment.shape,
  }),
  'close-promotion': z.object({
    ...MlflowEnvironment.shape,
    ...LogEnvironment.shape,
    ...StoreEnvironment.shape,
    ...Workloads,
  }),
  'model-rollback': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...RollbackEnvironment.shape,
    ...Workloads,
  }),
  'end-promotion': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...Workloads,
  }),
  'sweep-promotions': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...SweepEnvironment.shape,
    ...Workloads,
  }),
  'watch-releases': z.object({
    ...MlflowEnvironment.shape,
    ...StoreEnvironment.shape,
    ...AlertEnvironment.shape,
    ...SweepEnvironment.shape,
    ...Workloads,
  }),
  'decide-approval': z.object({
    ...LogEnvironment.shape,
    ...StoreEnvironment.shape,
    ...SweepEnvironment.shape,
  }),
} satisfies Record<FunctionName, z.ZodObject>;

/** The environment of a function as it is set, before parsing. */
export type FunctionEnvironment<Name extends FunctionName> = z.input<(typeof functionEnvironments)[Name]>;

/** Parses a function's variables; an empty one counts as absent. Throws `InvalidConfiguration` with every problem, without values. */
export function configuration<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(set, problemMessages);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const missing = issue.code === 'invalid_type' && set[String(issue.path[0])] === undefined;
    return `${issue.path.join('.')} ${missing ? 'is not set' : issue.message}`;
  });
  throw new InvalidConfiguration(`Invalid environment: ${problems.join('; ')}`);
}

/** The value of a JSON text; null if it is invalid or exceeds the limits of `domain/json.ts`. */
export function jsonOrNull(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return null;
  }
}

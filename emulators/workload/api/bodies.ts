import { z } from 'zod';

/** Bodies of requests. They are closed, as the API's are: an unknown field is an error. */
const name = z.string().min(1).max(5000);
const minutes = z.int().min(0);

/** An object whose source is left out has this one. */
const withSource = (source: string) => (value: unknown) =>
  typeof value === 'object' && value !== null && !('source' in value) ? { source, ...value } : value;

const environmentVar = z.preprocess(
  withSource('string'),
  z.discriminatedUnion('source', [
    z.strictObject({ source: z.literal('string'), name: z.string(), value: z.string() }),
    z.strictObject({
      source: z.literal('dr-credential'),
      name: z.string(),
      drCredentialId: z.string(),
      key: z.string(),
    }),
    z.strictObject({ source: z.literal('api-key'), name: z.string().optional() }),
  ]),
);

const probe = z.strictObject({
  path: z.string(),
  port: z.int().min(1).max(65_535).default(8080),
  scheme: z.enum(['HTTP', 'HTTPS']).default('HTTP'),
  host: z.string().nullable().default(null),
  httpHeaders: z.record(z.string(), z.string()).default({}),
  initialDelaySeconds: z.int().min(0).default(30),
  periodSeconds: z.int().min(1).default(30),
  timeoutSeconds: z.int().min(1).default(30),
  failureThreshold: z.int().min(1).default(3),
  successThreshold: z.int().min(1).optional(),
});

const imageBuildConfig = z.strictObject({
  codeRef: z
    .strictObject({
      type: z.literal('datarobot').default('datarobot'),
      provider: z.literal('datarobot').default('datarobot'),
      datarobot: z.strictObject({ catalogId: z.string(), catalogVersionId: z.string() }),
    })
    .nullish(),
  dockerfile: z
    .preprocess(
      withSource('provided'),
      z.discriminatedUnion('source', [
        z.strictObject({ source: z.literal('provided'), path: z.string().default('./Dockerfile') }),
        z.strictObject({
          source: z.literal('generated'),
          executionEnvironmentId: z.string(),
          executionEnvironmentVersionId: z.string(),
          entrypoint: z.array(z.string()),
        }),
      ]),
    )
    .optional(),
});

const capabilities = z.array(z.string()).nullish();
const securityContext = z.strictObject({
  allowPrivilegeEscalation: z.boolean().nullish(),
  readOnlyRootFilesystem: z.boolean().nullish(),
  capabilities: z.strictObject({ add: capabilities, drop: capabilities }).nullish(),
  seccompProfile: z
    .strictObject({
      type: z.enum(['RuntimeDefault', 'Unconfined', 'Localhost']),
      localhostProfile: z.string().nullish(),
    })
    .nullish(),
});

const containerFields = z.strictObject({
  name: z.string().nullable().default(null),
  description: z.string().default(''),
  imageUri: z.string().nullable().default(null),
  imageBuildConfig: imageBuildConfig.nullable().default(null),
  primary: z.boolean().nullable().default(null),
  port: z.int().min(1024).max(65_535).nullable().default(null),
  entrypoint: z.array(z.string()).nullable().default(null),
  environmentVars: z.array(environmentVar).default([]),
  readinessProbe: probe.nullable().default(null),
  livenessProbe: probe.nullable().default(null),
  startupProbe: probe.nullable().default(null),
  securityContext: securityContext.nullable().default(null),
  routes: z
    .array(z.strictObject({ path: z.string(), auth: z.enum(['required', 'optional', 'disabled']) }))
    .max(50)
    .optional(),
  build: z.unknown().optional(),
});

/** The server sets a container's build: a client may send back what it has read. */
const container = containerFields.transform(({ build: _, ...fields }) => fields);

const containerGroups = z
  .array(z.strictObject({ name: z.string().default('default'), containers: z.array(container).min(1) }))
  .min(1);

const artifactType = z.enum(['service', 'nim', 'agent', 'mcp']);
export const artifactStatus = z.enum(['draft', 'locked']);

/** The server sets the type inside. */
const spec = z.strictObject({
  type: artifactType.optional(),
  containerGroups,
  storage: z
    .strictObject({ mode: z.enum(['dedicatedPvc', 'nimCache']), pvcSize: z.string().nullish() })
    .nullish(),
  templateId: z.string().optional(),
  a2aEnabled: z.boolean().optional(),
});

export const newArtifact = z.strictObject({
  name,
  description: z.string().optional(),
  type: artifactType.optional(),
  status: artifactStatus.optional(),
  artifactRepositoryId: z.string().nullish(),
  spec,
});

export const artifactChanges = z.strictObject({
  name: name.optional(),
  description: z.string().optional(),
  status: artifactStatus.optional(),
  spec: spec.optional(),
});

/** PUT sets every writable field; a description left out is empty. */
export const wholeArtifact = newArtifact.extend({ description: z.string().default('') });

export const cloneRequest = z.strictObject({ name });
/** An absent body, or an empty object. */
export const emptyBody = z.strictObject({}).optional();

const count = z.int().min(0);
const amount = z.number().min(0).nullish();
const size = z.union([z.string(), z.number().min(0)]).nullish();

const runtime = z.strictObject({
  containerGroups: z
    .array(
      z.strictObject({
        name: z.string().optional(),
        replicaCount: z.int().min(1).nullish(),
        autoscaling: z
          .strictObject({
            enabled: z.boolean().default(true),
            minReplicaCount: count.optional(),
            maxReplicaCount: count.optional(),
            cooldownPeriodMinutes: minutes.nullish(),
            policies: z.array(
              z.strictObject({
                scalingMetric: z.string(),
                target: z.number().min(0),
                minCount: count.optional(),
                maxCount: count.optional(),
                priority: z.int().nullish(),
              }),
            ),
          })
          .nullish(),
        resourceBundles: z.array(z.string()).max(1).optional(),
        bundleSelectionPolicy: z.literal('availability').optional(),
        resolvedBundle: z.unknown().optional(),
        containers: z
          .array(
            z.strictObject({
              name: z.string(),
              resourceAllocation: z
                .strictObject({ cpu: amount, gpu: amount, memory: size, gpuMemory: size })
                .nullish(),
            }),
          )
          .optional(),
      }),
    )
    .min(1),
  enclaveSelectionPolicy: z.enum(['availability', 'manual']).optional(),
  enclaves: z.array(z.string()).optional(),
});

export const importance = z.enum(['critical', 'high', 'moderate', 'low']);

export const newWorkload = z.strictObject({
  name,
  description: z.string().nullish(),
  importance: importance.optional(),
  artifact: newArtifact.nullish(),
  artifactId: z.string().nullish(),
  runtime: runtime.nullish(),
  useCaseId: z.string().optional(),
});

export const workloadChanges = z.strictObject({
  name: name.optional(),
  description: z.string().nullish(),
  importance: importance.optional(),
});

export const settingsChange = z.strictObject({ runtime });

export const newReplacement = z.strictObject({
  artifactId: z.string(),
  strategy: z.literal('rolling'),
  config: z
    .strictObject({ warmupDurationMinutes: minutes.default(0), keepOldVersionMinutes: minutes.default(0) })
    .default({ warmupDurationMinutes: 0, keepOldVersionMinutes: 0 }),
  runtime: runtime.nullish(),
});

const role = z.enum([
  'NO_ROLE',
  'OWNER',
  'READ_WRITE',
  'EDITOR',
  'USER',
  'DATA_SCIENTIST',
  'ADMIN',
  'READ_ONLY',
  'CONSUMER',
  'OBSERVER',
]);

export const roleChange = z.strictObject({
  operation: z.literal('updateRoles'),
  roles: z
    .array(
      z
        .strictObject({
          id: z.string().optional(),
          username: z.string().optional(),
          role,
          shareRecipientType: z.enum(['user', 'group', 'organization', 'role']),
        })
        .refine(
          ({ id, username }) => (id === undefined) !== (username === undefined),
          'Provide id or username',
        ),
    )
    .max(100),
});

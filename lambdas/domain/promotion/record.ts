import * as z from 'zod';
import { type ModelVersion, type RegistryView, ROLLED_BACK_TAG } from '../registry.ts';

/**
 * The records of promotions and rollbacks in MLflow: two JSON tags on the model version, `promotion.<id>` written before
 * the registry moves (the intent) and `promotion.<id>.result` after it. MLflow itself keeps no history of stages.
 */

const text = z.string().nullable().default(null);

/** What a promotion changes on the Workload, for people. */
const RecordedServing = z.object({
  workload_id: z.string(),
  /** The artifact that the promotion puts in service. */
  artifact_id: z.string(),
  /** The artifact that was served before; null when the Workload had none. */
  previous_artifact_id: z.string().nullable(),
});

const Intent = z.object({
  /** Null in records of the first version, which decisions were based on. */
  schema: z.literal(2).nullable().default(null),
  kind: z.enum(['promote', 'rollback']),
  id: z.string(),
  /** The version to be in Production. */
  to: z.string(),
  /** The champion it replaces; null for a first model. */
  from: text,
  confidence: z.number().nullable().default(null),
  evidence_digest: text,
  reason: text,
  requested_by: text,
  /** ARN of the execution, or null when a function was invoked directly. */
  execution: text,
  fence: z.number().nullable().default(null),
  /** The serving state before the promotion; null without a Workload. */
  serving: RecordedServing.nullable().catch(null).default(null),
  /** ISO 8601. */
  at: z.string(),
});
export type Intent = z.infer<typeof Intent>;

const Result = z.object({
  id: z.string(),
  result: z.enum(['promoted', 'rolled_back', 'not_promoted', 'contested']),
  /** `pending` until the alert is known to be sent; `execution` when `end-promotion` sends it. */
  alert: z.enum(['sent', 'pending', 'off', 'execution']),
  /** ARN of the execution that recorded this result. */
  by: text,
  at: z.string(),
});
export type Result = z.infer<typeof Result>;

/** A promotion or rollback: its intent and, once it has ended, its result. `holder` is the tagged version. */
export interface PromotionRecord extends Intent {
  readonly result: Result | null;
  readonly holder: string;
}

/** The mark on a version that a rollback took out of Production, in its tag `rolled_back`. */
const Mark = z.object({
  /** Id of the rollback's record. */
  id: text,
  /** The version that replaced it. */
  to: text,
  /** Why the rollback was requested. */
  reason: text,
  /** Who requested it. */
  by: text,
  /** ISO 8601. */
  at: z.string(),
});
type Mark = z.infer<typeof Mark>;

const PREFIX = 'promotion.';
const RESULT = '.result';
const MAX_TEXT_LENGTH = 1000;

/** Id of an execution's record: the last part of its ARN, in characters that MLflow allows in a tag key. */
export function recordId(execution: string): string {
  const name = execution.slice(execution.lastIndexOf(':') + 1);
  return name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 100) || 'unnamed';
}

/** The tag `promotion.<id>` of an intent; its reason is cut to 1000 characters. */
export function intentTag(intent: Omit<Intent, 'schema'>): { key: string; value: string } {
  const short = { ...intent, schema: 2, reason: intent.reason?.slice(0, MAX_TEXT_LENGTH) ?? null };
  return { key: `${PREFIX}${intent.id}`, value: JSON.stringify(short) };
}

/** The tag `promotion.<id>.result` of a result. */
export function resultTag(result: Result): { key: string; value: string } {
  return { key: `${PREFIX}${result.id}${RESULT}`, value: JSON.stringify(result) };
}

/** All records on these versions, newest first. Other tags are ignored. */
export function recordsOn(versions: readonly ModelVersion[]): PromotionRecord[] {
  const found = versions.flatMap(({ version, tags }) =>
    Object.entries(tags).flatMap(([key, value]) => {
      if (!key.startsWith(PREFIX) || key.endsWith(RESULT)) return [];
      const intent = parse(Intent, value);
      if (intent === null || key !== `${PREFIX}${intent.id}`) return [];
      const result = parse(Result, tags[`${key}${RESULT}`]);
      return [{ ...intent, result, holder: version }];
    }),
  );
  return found.sort((a, b) => b.at.localeCompare(a.at));
}

/** The tag `rolled_back` of a version that a rollback took out of Production. */
export function markTag(mark: Mark): { key: string; value: string } {
  return { key: ROLLED_BACK_TAG, value: JSON.stringify(mark) };
}

/** The mark as a rollback wrote it; null if there is none, or if the tag was set by hand. */
export const markOn = ({ tags }: ModelVersion): Mark | null => parse(Mark, tags[ROLLED_BACK_TAG]);

/** The version that an artifact serves, from the versions' tags, else from the records of promotions; null if unknown. */
export function versionOf({ versions }: RegistryView, artifactId: string): string | null {
  const tagged = versions.find(({ tags }) => tags['workload.artifact_id'] === artifactId);
  const recorded = recordsOn(versions).find(({ serving }) => serving?.artifact_id === artifactId);
  return tagged?.version ?? recorded?.to ?? null;
}

/**
 * True when the newest promotion that the first version of this system recorded on these versions has no result: it was
 * interrupted, and no item says where it was to go.
 */
export function hasUnfinishedPromotion(versions: readonly ModelVersion[]): boolean {
  const newest = recordsOn(versions).find((r) => r.kind === 'promote' && r.holder === r.to);
  return newest !== undefined && newest.result === null && newest.schema === null;
}

function parse<T>(schema: z.ZodType<T>, value: string | undefined): T | null {
  try {
    return schema.parse(JSON.parse(value ?? ''));
  } catch {
    return null;
  }
}

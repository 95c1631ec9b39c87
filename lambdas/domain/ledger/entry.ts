import { createHash } from 'node:crypto';
import * as z from 'zod';
import { canonicalJson } from '../canonical-json.ts';
import type { AllocationFacts } from '../comparison/paired-facts.ts';
import { readAs } from '../json.ts';
import type { Outcome } from '../outcome/outcome-schema.ts';

/**
 * The ledger of a model: one entry for each decision and each change, never changed afterwards. An entry is kept as text and
 * names the SHA-256 of the text before it, so that a change of any entry but the last breaks the chain, and one of the last
 * is found against a head that people were told (`SEQ:HASH`, in every alert and in the log).
 */

const text = z.string().nullable();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** A release as an entry names it. */
const LedgerRelease = z.object({ version: text, artifact_id: text });

/** What was decided, and on what. */
const LedgerDecision = z.looseObject({
  decision: z.string(),
  champion_version: text,
  challenger_version: text,
  policy: z.string(),
  evidence_digest: z.string(),
  /** Of the files, metrics and policy alone. Absent in the first entries, whose evidence digest it is. */
  inputs_digest: text.optional(),
  evidence_grade: text,
  confidence: z.number().nullable(),
  /** Of per-row evidence: what names the data; null without rows. */
  fingerprint: text,
  /** The risk that a claim took from the budget of the year; null without a claim. */
  alpha_spent: z.number().nullable(),
  /** What the risk was divided by; absent without a claim. */
  comparisons: z.number().optional(),
  uses: z.number().optional(),
  candidates: z.number().optional(),
});

/** Further fields of later versions are kept, as they are part of the text. */
export const LedgerEntry = z.looseObject({
  model: z.string(),
  /** 1 for the first entry of a model. */
  seq: z.int().positive(),
  /** SHA-256 of the text of the entry before it, hexadecimal; null for the first. */
  previous: hash.nullable(),
  /** ISO 8601. */
  at: z.string(),
  /** ARN of the execution, or `direct:<request id>`. */
  execution: z.string(),
  operation: z.string(),
  status: z.string(),
  /** What the caller gave as its name, trusted for nothing. */
  requested_by: text,
  dry_run: z.boolean(),
  /** Null where no versions were compared. */
  decision: LedgerDecision.nullable(),
  /** The champion before, with no artifact where it is not known. */
  before: LedgerRelease.nullable(),
  /** What both sides showed at the end; null if they were not read. */
  after: LedgerRelease.nullable(),
  /** What the watch of a release has seen, of each series that could be compared; absent where none has. */
  watch: z
    .array(
      z.looseObject({
        series: z.string(),
        /** Hours after the release. */
        blocks: z.number(),
        /** How much worse the new version is. */
        estimate: z.number(),
        interval: z.tuple([z.number(), z.number()]).nullable(),
      }),
    )
    .optional(),
  /** What people decided on a promotion; absent where nobody was asked. */
  approval: z
    .looseObject({
      request_id: z.string(),
      /** Of what was approved. */
      digest: z.string(),
      status: z.string(),
      /** Who started the execution, by CloudTrail; null where that was not asked for. */
      requester: text,
      decisions: z.array(
        z.looseObject({ who: z.string(), verdict: z.string(), reason: z.string(), at: z.string() }),
      ),
    })
    .optional(),
  /** SHA-256 of the page that reports the decision; absent where no versions were compared. */
  report: hash.optional(),
  /** True for the first entry after the table was found to be older than the registry, as after a restore from a backup. */
  table_behind: z.boolean(),
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;

/** Where a ledger ends: the number of its last entry, and the hash of that entry's text. */
export interface LedgerHead {
  readonly seq: number;
  readonly hash: string;
}

/** SHA-256 of an entry's text, hexadecimal. */
export const hashOf = (entry: string): string => createHash('sha256').update(entry).digest('hex');

/** A head as people see it: `SEQ:HASH`. */
export const headText = ({ seq, hash: of }: LedgerHead): string => `${seq}:${of}`;

/** Parses `SEQ:HASH`; null for anything else. */
export function parseHead(given: string): LedgerHead | null {
  const [, seq, of] = /^([1-9]\d{0,11}):([0-9a-f]{64})$/.exec(given.trim()) ?? [];
  return seq === undefined || of === undefined ? null : { seq: Number(seq), hash: of };
}

/** Statuses of outcomes that are neither a decision nor a change: nothing was compared, and nothing moved. */
const NOT_IN_LEDGER: readonly Outcome['status'][] = [
  ...(['invalid_input', 'busy', 'in_step', 'degraded', 'awaiting_approval'] as const),
];

/** True for an outcome that belongs into the ledger of its model. */
export const belongsInLedger = ({ model_name, status, cause }: Outcome): boolean =>
  model_name !== null &&
  !NOT_IN_LEDGER.includes(status) &&
  cause?.code !== 'out-of-step' &&
  cause?.code !== 'no-new-version';

/** The text of the entry for an outcome, which follows `head`; `report` is the SHA-256 of its report. */
export function entryText(
  outcome: Outcome,
  head: LedgerHead | null,
  tableBehind: boolean,
  report: string | null = null,
): string {
  const { comparison, ending, serving } = outcome;
  const entry: LedgerEntry = {
    model: outcome.model_name ?? '',
    seq: (head?.seq ?? 0) + 1,
    previous: head?.hash ?? null,
    at: outcome.recorded_at,
    execution: outcome.execution,
    operation: outcome.operation,
    status: outcome.status,
    requested_by: outcome.requested_by,
    dry_run: outcome.dry_run,
    decision:
      comparison === null
        ? null
        : {
            decision: comparison.decision,
            champion_version: comparison.champion_version,
            challenger_version: comparison.challenger_version,
            policy: comparison.policy,
            evidence_digest: comparison.evidence_digest,
            inputs_digest: comparison.inputs_digest ?? comparison.evidence_digest,
            evidence_grade: comparison.evidence_grade,
            confidence: Number.isFinite(comparison.confidence) ? comparison.confidence : null,
            fingerprint: comparison.paired?.fingerprint ?? null,
            alpha_spent: comparison.paired?.spent ?? null,
            ...dividedBy(comparison.paired?.allocation),
          },
    before: outcome.champion_before === null ? null : { version: outcome.champion_before, artifact_id: null },
    after:
      ending === null
        ? outcome.champion_after === null
          ? null
          : { version: outcome.champion_after, artifact_id: serving?.artifact_id ?? null }
        : {
            version: ending.champions?.length === 1 ? (ending.champions[0] ?? null) : null,
            artifact_id: ending.workload?.artifact_id ?? null,
          },
    ...observedIn(outcome),
    ...approvedIn(outcome),
    ...(report === null ? {} : { report }),
    table_behind: tableBehind,
  };
  return canonicalJson(entry);
}

function observedIn({ watch }: Outcome): Pick<LedgerEntry, 'watch'> {
  if (watch === undefined) return {};
  const compared = watch.series.flatMap(({ series, blocks, estimate, interval }) =>
    estimate === null ? [] : [{ series, blocks, estimate, interval }],
  );
  return { watch: compared };
}

function approvedIn({ approval }: Outcome): Pick<LedgerEntry, 'approval'> {
  if (approval === undefined) return {};
  const { request_id, digest, status, requester } = approval;
  const decisions = approval.decisions.map(({ who, verdict, reason, at }) => ({ who, verdict, reason, at }));
  return { approval: { request_id, digest, status, requester, decisions } };
}

const dividedBy = (allocation: AllocationFacts | undefined) =>
  allocation === undefined
    ? {}
    : {
        comparisons: allocation.comparisons,
        uses: allocation.uses,
        candidates: allocation.candidates,
      };

/** The entry of a text; null if it is none. */
export function parseEntry(entry: string): LedgerEntry | null {
  try {
    return readAs(LedgerEntry, JSON.parse(entry)).data ?? null;
  } catch {
    return null;
  }
}

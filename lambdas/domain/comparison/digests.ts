import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import { headText, type LedgerHead } from '../ledger/entry.ts';
import type { Comparison } from '../payloads.ts';
import type { Counted } from './budget.ts';
import type { InputDigests } from './paired-facts.ts';
import type { Policy } from './policy.ts';
import { allocationFor } from './tested-claim.ts';

/** Digests of what a decision is based on: an equal digest of the evidence is an equal decision. */

/** What a comparison read: of both versions, or why it read none. Tags and metrics that no rule names are left out. */
export interface Used {
  readonly [part: string]: unknown;
  /** Digests of the files with rows; absent where none were read. */
  readonly rows?: unknown;
}

/** What was counted for a claim, and up to which head of the ledger. */
export interface CountedUpTo {
  readonly head: LedgerHead | null;
  readonly counted: Counted;
}

/** Fields of the answer about the inputs. */
export interface Inputs {
  readonly inputs_digest: string;
  readonly input_digests: InputDigests;
}

const sha256 = (value: unknown) => createHash('sha256').update(canonicalJson(value)).digest('hex');

/** Digests of files, metrics and policy alone: whole, and in parts to name what changed. */
export function inputsOf(model: string, policy: Policy, minConfidence: number, used: Used): Inputs {
  const judged = { policy, min_confidence: minConfidence };
  const { rows, ...metrics } = used;
  return {
    inputs_digest: sha256({ ...judged, evidence: { model_name: model, ...used } }),
    input_digests: {
      policy: sha256(judged),
      metrics: sha256(metrics),
      rows: rows === undefined ? null : sha256(rows),
    },
  };
}

/** The digest of the evidence: of the inputs, and of what divided the risk of a claim. Without a claim, of the inputs alone. */
export function basedOn(
  policy: Policy,
  inputs: Inputs,
  counted: CountedUpTo | null,
): Inputs & Pick<Comparison, 'evidence_digest' | 'ledger_head'> {
  if (counted === null || policy.claim === undefined)
    return { evidence_digest: inputs.inputs_digest, ...inputs };
  const ledger_head = counted.head === null ? null : headText(counted.head);
  const { alpha, facts } = allocationFor(policy.claim, policy, counted.counted);
  const { inputs_digest } = inputs;
  const { others: files } = counted.counted;
  const others = files === undefined ? {} : { others: files };
  return {
    evidence_digest: sha256({ inputs_digest, ledger_head, alpha, ...facts, ...others }),
    ...inputs,
    ledger_head,
  };
}

const parts = ['policy', 'metrics', 'rows'] as const;

/** What a second comparison of the same versions may find changed. */
export type ChangedPart = (typeof parts)[number] | 'budget';

/** What changed between two comparisons of the same versions; empty where nothing did. */
export function changedParts(before: Comparison, again: Comparison): ChangedPart[] {
  // An execution that began before an update of the functions: its digest is that of the inputs.
  if (before.inputs_digest === undefined || again.inputs_digest === undefined)
    return before.evidence_digest === again.inputs_digest ? [] : ['metrics'];
  if (before.evidence_digest === again.evidence_digest) return [];
  if (before.inputs_digest === again.inputs_digest) return ['budget'];
  return parts.filter((part) => before.input_digests?.[part] !== again.input_digests?.[part]);
}

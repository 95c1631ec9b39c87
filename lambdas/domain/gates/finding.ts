import type { MissingNumber } from '../comparison/rule-result.ts';
import { clipped } from '../visible-text.ts';
import type { SignatureProblem } from './signature.ts';

/** What a gate or a check found. Tags, names and digests in it are untrusted text. */

export type Side = 'champion' | 'challenger';

/** Why the file `MLmodel` of a version is not known. */
export type ModelFileProblem = 'missing' | 'too-large' | 'unreadable';

/** Why a gate or a check is not passed. */
export type GateReason =
  | { readonly code: 'tag-missing'; readonly tag: string }
  | { readonly code: 'tag-differs'; readonly tag: string; readonly value: string; readonly pattern: string }
  | { readonly code: 'no-run' | 'run-not-finished' | 'no-commit' | 'no-data' }
  | { readonly code: 'no-champion' }
  | { readonly code: 'model-file'; readonly of: Side; readonly problem: ModelFileProblem }
  | { readonly code: 'no-signature'; readonly of: Side }
  | SignatureProblem
  /** The run has no tag that says what the digest was at training. */
  | { readonly code: 'not-recorded' | 'not-found'; readonly of: 'data' | 'model' }
  | {
      readonly code: 'digest-differs';
      readonly of: 'data' | 'model';
      readonly recorded: string;
      readonly found: string;
    }
  | { readonly code: 'too-young'; readonly hours: number; readonly needed: number }
  | { readonly code: 'not-in-staging'; readonly stage: string }
  | { readonly code: 'age-unknown' }
  | { readonly code: 'frozen'; readonly until: string; readonly time_zone: string }
  /** By whom and why, as the tag says. */
  | { readonly code: 'on-hold' | 'quarantined'; readonly said: string }
  | { readonly code: 'too-old'; readonly days: number; readonly most: number }
  | { readonly code: 'metric-differs'; readonly version: MissingNumber['version']; readonly metric: string }
  | { readonly code: 'no-rows' | 'no-ids' | 'no-slices' | 'no-measure' }
  | { readonly code: 'filter'; readonly problem: 'too-large' | 'too-small' | 'unreadable' }
  | {
      readonly code: 'overlap';
      /** Evaluation rows that the filter knows, all of them, and the share of them that mistakes do not explain. */
      readonly known: number;
      readonly rows: number;
      readonly share: number;
    }
  | {
      /** `slice-worst`: the slice with the smallest gain, where none is shown to be worse than allowed. */
      readonly code: 'slice-worse' | 'slice-worst';
      readonly slice: string;
      readonly rows: number;
      readonly estimate: number;
      readonly upper: number;
      readonly margin: number;
    }
  /** So many slices are not judged, as they have too few rows, or values on which the metric is not defined. */
  | { readonly code: 'slices-too-small'; readonly count: number }
  /** So many slices beyond the largest ones are not judged. */
  | { readonly code: 'slices-left-out'; readonly count: number };

export interface GateFinding {
  readonly name: string;
  readonly kind: string;
  readonly result: 'passed' | 'failed' | 'not-judged';
  readonly dry_run: boolean;
  readonly why: readonly GateReason[];
}

/** Reasons of one finding that are kept, and characters of each text in them: they travel with the execution. */
const MAX_REASONS = 4;
const MAX_TEXT = 150;

/** The first reasons, with what comes from outside cut off. */
export const bounded = (why: readonly GateReason[]): GateReason[] =>
  why.slice(0, MAX_REASONS).map((reason) => {
    const fields = Object.entries(reason).map(([key, value]) => [
      key,
      typeof value === 'string' ? clipped(value.toWellFormed(), MAX_TEXT) : value,
    ]);
    return Object.fromEntries(fields) as GateReason;
  });

/** What is judged by the clock or by tags that people set at any time: not part of the evidence, and judged again before a change. */
export const TIMED: readonly string[] = ['min_age', 'freeze', 'hold', 'quarantine', 'evaluation_age'];
export const isTimed = ({ kind }: { readonly kind: string }): boolean => TIMED.includes(kind);

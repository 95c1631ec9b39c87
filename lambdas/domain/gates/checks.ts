import { type Candidate, type Evidence, joinedRows, metricKey } from '../comparison/evidence.ts';
import type { Policy } from '../comparison/policy.ts';
import type { EvaluatedRule } from '../comparison/rules.ts';
import { isBeyond, type Overlap } from '../rows/training-filter.ts';
import { bounded, type GateFinding, type GateReason } from './finding.ts';
import { compareSlices } from './slices.ts';

/** The evidence checked against itself. */

/** Evaluation rows of the challenger among its training rows, or why that is not known. */
export type OverlapRead =
  | { readonly overlap: Overlap }
  | { readonly problem: 'no-ids' | 'too-large' | 'too-small' | 'unreadable' };

/** The filter of a run's training rows: what stands for its file in the evidence digest, and what it knows of the evaluation. */
export interface FilterRead {
  readonly file: string;
  readonly found: OverlapRead;
}

/** Above it a filter knows nearly everything, and says nothing. */
const MOST_MISTAKES = 0.5;

/**
 * The checks for which the runs hold what they need. `rules` are those that were evaluated, empty where none was. `overlap` is
 * null where the run has no filter of its training rows.
 */
export function checkEvidence(
  policy: Policy,
  evidence: Evidence,
  rules: readonly EvaluatedRule[],
  overlap: OverlapRead | null,
  now: Date,
): GateFinding[] {
  return [
    ...rowChecks(evidence, rules),
    ...(overlap === null ? [] : [overlapCheck(overlap, policy.max_overlap ?? 0)]),
    ...sliceCheck(policy, evidence),
    ...ageCheck(policy, evidence, now),
  ];
}

type Result = GateFinding['result'];
const check = (kind: string, result: Result, why: readonly GateReason[] = []): GateFinding => ({
  name: kind.replaceAll('_', ' '),
  kind,
  result,
  dry_run: false,
  why: bounded(why),
});

/** Labels are equal where the rows could be joined; metrics are computed again from them. */
function rowChecks(evidence: Evidence, rules: readonly EvaluatedRule[]): GateFinding[] {
  if (joinedRows(evidence) === null) return [];
  const differing = rules.flatMap(({ result }) =>
    result.why.flatMap(({ code, version, metric }): GateReason[] =>
      code === 'differs-from-rows' ? [{ code: 'metric-differs', version, metric }] : [],
    ),
  );
  const computed = rules.some(({ gain }) => gain?.byRows != null);
  const recomputed = differing.length > 0 || computed;
  return [
    check('labels', 'passed'),
    ...(recomputed ? [check('recomputed', differing.length > 0 ? 'failed' : 'passed', differing)] : []),
  ];
}

function overlapCheck(read: OverlapRead, allowed: number): GateFinding {
  if ('problem' in read) {
    const { problem } = read;
    const why: GateReason = problem === 'no-ids' ? { code: 'no-ids' } : { code: 'filter', problem };
    return check('overlap', 'not-judged', [why]);
  }
  const { overlap } = read;
  if (overlap.mistakes > MOST_MISTAKES)
    return check('overlap', 'not-judged', [{ code: 'filter', problem: 'unreadable' }]);
  if (!isBeyond(overlap, allowed)) return check('overlap', 'passed');
  const { known, rows, share } = overlap;
  return check('overlap', 'failed', [{ code: 'overlap', known, rows, share }]);
}

function sliceCheck(policy: Policy, evidence: Evidence): GateFinding[] {
  if (policy.slices === undefined || evidence.champion === null) return [];
  const rows = joinedRows(evidence);
  if (rows === null) return [check('slices', 'failed', [{ code: 'no-rows' }])];
  const { failed, judged, why } = compareSlices(policy, rows);
  return [check('slices', failed ? 'failed' : judged === 0 ? 'not-judged' : 'passed', why)];
}

const DAY_MS = 24 * 3_600_000;

/** By the clock: judged again before a change. */
export function ageCheck(policy: Policy, { champion, challenger }: Evidence, now: Date): GateFinding[] {
  const { max_age_days: most } = policy;
  if (most === undefined) return [];
  const logged = [challenger, ...(champion === null ? [] : [champion])].flatMap((side) =>
    timesOf(side, policy),
  );
  const oldest = Math.min(...logged);
  if (logged.length === 0 || !(oldest > 0))
    return [check('evaluation_age', 'failed', [{ code: 'age-unknown' }])];
  const days = Math.max(0, (now.getTime() - oldest) / DAY_MS);
  return [
    check(
      'evaluation_age',
      days > most ? 'failed' : 'passed',
      days > most ? [{ code: 'too-old', days, most }] : [],
    ),
  ];
}

/** When the metrics of the rules were logged; 0 for one that does not say. */
function timesOf(side: Candidate, { rules }: Policy): number[] {
  const keys = new Set(rules.map(({ metric }) => metricKey(side, metric)));
  return (side.run?.metrics ?? []).filter(({ key }) => keys.has(key)).map(({ timestamp }) => timestamp ?? 0);
}

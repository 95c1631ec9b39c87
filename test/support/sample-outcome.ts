import type { RuleResult } from '../../lambdas/domain/comparison/rule-result.ts';
import type { Ending, Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import { METHODS } from '../../lambdas/words/confidence.ts';

export const sampleRule: RuleResult = {
  name: 'profit',
  metric: 'profit_total',
  champion: 1200.5,
  challenger: 1310.25,
  passed: true,
  counted: 'counted',
  why: [],
  critical: true,
  reason: 'gain +109.75, needed > 0; limit 0 kept',
};

export const sampleComparison: Comparison = {
  decision: 'PROMOTE',
  confidence: 0.85,
  champion_version: '2',
  challenger_version: '3',
  same_version: false,
  recommendation:
    'Promote version 3 over version 2: 1 of 1 rules passed (1 not counted); profit (gain +109.75); grade E.',
  basis: 'share',
  method: METHODS.share,
  evidence_grade: 'E',
  rules: [
    sampleRule,
    {
      ...sampleRule,
      name: 'win rate',
      metric: 'win_rate',
      champion: null,
      challenger: 0.5,
      passed: false,
      counted: 'skipped',
      why: [{ code: 'not-logged', version: '2', metric: 'win_rate' }],
      critical: false,
      reason: 'Skipped: version 2 has no metric win_rate',
    },
  ],
  evidence_digest: 'a'.repeat(64),
  policy: 'trading',
};

/** What both sides show after a promotion of a model that a Workload serves; tests change what they are about. */
export const sampleEnding: Ending = {
  live: {
    version: '3',
    artifact_id: 'a3',
    change: 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1',
    result: 'promoted',
  },
  change: null,
  champions: ['3'],
  pointers: null,
  workload: { workload_id: 'w1', artifact_id: 'a3', in_flight: null },
  agreed: { version: '3', artifact_id: 'a3' },
  in_step: true,
  known: null,
  picture: 'f'.repeat(32),
  unread: [],
};

/** The open change of the same execution, on its way to version 3. */
export const sampleChange: NonNullable<Ending['change']> = {
  id: 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1',
  kind: 'promote',
  to: '3',
  aim: '3',
  safe: '2',
  turned: false,
  attempts: 0,
  next_at: '2026-01-02T03:09:05.000Z',
};

/** A promotion that went well; tests change what they are about. */
export const sampleOutcome: Outcome = {
  status: 'promoted',
  cause: { code: 'promoted', direct: false, workload_unchanged: false },
  operation: 'promote',
  execution: 'arn:aws:states:us-east-1:123456789012:execution:promotion:run-1',
  model_name: 'PascalStrategy',
  owner: 'quant-research',
  champion_before: '2',
  champion_after: '3',
  challenger_version: '3',
  confidence: 0.85,
  reason: sampleComparison.recommendation,
  comparison: sampleComparison,
  rollback: null,
  serving: null,
  holder: null,
  error: null,
  rollback_error: null,
  problems: [],
  overwritten: [],
  ending: null,
  requested_by: 'nightly retraining',
  dry_run: false,
  recorded_at: '2026-01-02T03:04:05.000Z',
};

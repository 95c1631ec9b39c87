import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import type { RollbackRefusal } from '../../lambdas/domain/promotion/rollback-finding.ts';
import type { RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import type { ServingUndo } from '../../lambdas/domain/serving/payloads.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { METHODS } from '../../lambdas/words/confidence.ts';
import { rollbackDetail } from '../../lambdas/words/reasons.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';
import { notReplaced, servingUndo } from '../support/stub-functions.ts';

const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };
const alert = (changes: Partial<Outcome>) => alertFor({ ...sampleOutcome, ...changes }, context);

const rollback: RollbackAnswer = {
  rolled_back: true,
  model_name: 'PascalStrategy',
  from_version: '3',
  to_version: '2',
  champion_before: '3',
  reason: 'PERFORMANCE_DEGRADATION',
  alarm_name: null,
  timestamp: '2026-01-02T03:04:05.000Z',
  serving: null,
  status: 'completed',
  retry_after_seconds: null,
  finding: { code: 'moved', from: '3', to: '2' },
  detail: 'Version 2 is the champion again; version 3 is marked as rolled back',
  dry_run: false,
};

const withServing = (changes: Partial<ServingUndo>, more: Partial<RollbackAnswer> = {}): RollbackAnswer => {
  const serving = servingUndo(changes);
  return {
    ...rollback,
    ...more,
    serving,
    detail: rollbackDetail({ ...rollback, ...more, serving }),
  };
};

const refused = (why: RollbackRefusal) =>
  ({ code: 'refused', why, from: '3', to: '2', held: null, until: null, hours: null }) as const;

/** A rollback as somebody asked for it; version 3 was the champion. */
const asked = (answer: RollbackAnswer, changes: Partial<Outcome> = {}) =>
  alert({
    status: 'rolled_back',
    operation: 'rollback',
    champion_before: '3',
    champion_after: '2',
    challenger_version: null,
    comparison: null,
    confidence: null,
    cause: { code: 'asked' },
    reason: answer.detail,
    rollback: answer,
    ...changes,
  });

/** The lines of the email that say anything: no two of them may be equal or hold one another. */
const sentences = (text: string) => text.split('\n').filter((line) => line.length > 25);

describe('the alert of a promotion', () => {
  it('says everything, the six fixed lines first', () => {
    const { kind, subject, text } = alert({});
    expect(kind).toBe('promoted');
    expect(subject).toBe('[TradAI] Model Promoted: PascalStrategy');
    expect(text).toMatchInlineSnapshot(`
      "Model Promotion Completed
      Model: PascalStrategy
      New Production Version: 3
      Previous Version: 2
      Comparison Confidence: not available
      Environment: prod
      Confidence Method: weighted share of passed rules, not a probability (grade E: point values only)
      Registry: tradai-models

      What happened:
      Version 3 was promoted and replaced version 2.
      Reason: Promote version 3 over version 2: 1 of 1 rules passed (1 not counted); profit (gain +109.75); grade E.

      Current state:
      Champion now: version 3.
      Champion before: version 2.

      What to do:
      1. Monitor the model. No other action needed.
      2. To roll back to version 2, start an execution with "operation": "rollback" and "target_version": "2".

      Evidence:
      Decision: PROMOTE by policy trading

        rule      metric        champion  challenger  result   reason
        --------  ------------  --------  ----------  -------  --------------------------------------
        profit    profit_total    1200.5     1310.25  passed   gain +109.75, needed > 0; limit 0 kept
        win rate  win_rate       missing         0.5  skipped  version 2 has no metric win_rate

      Record:
      Execution: arn:aws:states:us-east-1:123456789012:execution:promotion:run-1
      Requested by: nightly retraining
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
  });

  const probable: Comparison = {
    ...sampleComparison,
    basis: 'probability',
    method: METHODS.probability,
    evidence_grade: 'C',
  };

  it('begins with exactly the lines that other programs read', () => {
    expect(alert({ comparison: probable }).text.split('\n').slice(0, 6)).toEqual([
      'Model Promotion Completed',
      'Model: PascalStrategy',
      'New Production Version: 3',
      'Previous Version: 2',
      'Comparison Confidence: 85.0%',
      'Environment: prod',
    ]);
  });

  it('writes None where there was no champion before', () => {
    const first = alert({ champion_before: null });
    expect(first.text).toContain('\nPrevious Version: None\n');
    expect(first.text).toContain('No earlier champion is known for a rollback.');
  });

  it('writes None where the champion before is the version itself, and promises no way back to it', () => {
    const { text } = alert({ champion_before: '3' });
    expect(text).toContain('\nPrevious Version: None\n');
    expect(text).not.toContain('To go back to');
  });

  it.each([
    [0, 'not available'],
    [null, 'not available'],
    [0.8567, '85.7%'],
    [0.99999, '> 99.9%'],
    [1, '100.0%'],
    [Number.NaN, 'not available'],
  ])('shows the confidence %s of the caller as %s', (confidence, shown) => {
    const cause = { code: 'promoted', direct: true, workload_unchanged: false } as const;
    const { text } = alert({ confidence, comparison: null, cause });
    expect(text.split('\n')[4]).toBe(`Comparison Confidence: ${shown}`);
  });

  it.each<[string, Partial<Comparison>]>([
    ['> 99.9%', { ...probable, confidence: 1 }],
    ['not available', { confidence: 1 }],
    ['not available', { confidence: 1, basis: 'limits', evidence_grade: null }],
  ])('shows %s for what a comparison found: a share of rules is no confidence', (shown, found) => {
    const comparison = { ...sampleComparison, ...found };
    const { text } = alert({ comparison, confidence: comparison.confidence });
    expect(text.split('\n')[4]).toBe(`Comparison Confidence: ${shown}`);
  });

  it('never shows a confidence without its method', () => {
    const method = (changes: Partial<Outcome>) => /^Confidence Method: (.*)$/m.exec(alert(changes).text)?.[1];
    expect(method({})).toBe('weighted share of passed rules, not a probability (grade E: point values only)');
    const cause = { code: 'promoted', direct: true, workload_unchanged: false } as const;
    expect(method({ comparison: null, confidence: 0.9, cause })).toBe(
      'as given by the caller; no comparison was made in this execution',
    );
    expect(method({ comparison: null, confidence: null })).toBe('no comparison was made');
    expect(method({ confidence: 0.9 })).toBe('as recorded when this promotion started');
    const { slack } = alert({});
    const shown = '85.0% = weighted share of passed rules, not a probability (grade E: point values only)';
    expect(slack.content.description).toContain(shown);
    expect(slack.metadata.additionalContext['confidence']).toBe(shown);
  });

  it.each<[Partial<Comparison>, string]>([
    [
      { confidence: 1 },
      '100.0% = weighted share of passed rules, not a probability (grade E: point values only)',
    ],
    [
      { confidence: 0.99999, basis: 'probability', method: METHODS.probability, evidence_grade: 'C' },
      '> 99.9% = one minus the one-sided p-value of an unpaired comparison (grade C)',
    ],
    [
      { confidence: 0.8, basis: 'limits', method: METHODS.limits, evidence_grade: null },
      '80.0% = weighted share of limits met, not a probability; there is no champion to compare with',
    ],
    [{ confidence: 0, basis: 'none', method: METHODS.none, evidence_grade: null }, 'not compared'],
    [
      { confidence: 1, basis: 'same', method: METHODS.same, evidence_grade: null },
      'not compared: challenger and champion are the same version',
    ],
    [
      { confidence: Number.NaN },
      'unknown = weighted share of passed rules, not a probability (grade E: point values only)',
    ],
  ])('says of %j: %s', (changes, shown) => {
    const comparison = { ...sampleComparison, ...changes };
    expect(alert({ status: 'kept', comparison }).text).toContain(`\nConfidence: ${shown}\n`);
  });

  it('says method and recommendation once, and no line twice', () => {
    const { text } = alert({});
    expect(text.split('not a probability')).toHaveLength(2);
    expect(text.split(sampleComparison.recommendation)).toHaveLength(2);
    const lines = sentences(text);
    for (const line of lines) expect(lines.filter((other) => other.includes(line))).toHaveLength(1);
  });

  it('names what is served, and where, for a model that a Workload serves', () => {
    const { text, slack } = alert({
      serving: {
        workload_id: 'w1',
        artifact_id: 'a3',
        status: 'completed',
        endpoint: 'https://app.example/endpoints/w1',
        reason: 'done',
        diagnosis: null,
      },
    });
    expect(text).toContain(
      '\nWorkload: w1 serves artifact "a3"\nEndpoint: https://app.example/endpoints/w1\n',
    );
    expect(slack.content.description).toContain('Workload: `w1 serves artifact "a3"`');
  });

  it('announces a promotion that a repeat found done', () => {
    const { kind, subject, text } = alert({ status: 'already_promoted' });
    expect([kind, subject]).toEqual(['promoted', '[TradAI] Model Promoted: PascalStrategy']);
    expect(text).toContain('an earlier attempt made it so, and this message reports it');
  });
});

describe('the alert of another ending', () => {
  it.each<[string, Partial<Outcome>, string, string]>([
    [
      'kept',
      { status: 'kept', champion_after: '2' },
      'Champion Kept',
      'did not beat the champion, version 2',
    ],
    [
      'kept',
      { status: 'kept', champion_before: null, champion_after: null },
      'Champion Kept',
      'did not meet the policy',
    ],
    [
      'kept',
      { status: 'declined', champion_after: '2' },
      'Promotion Declined',
      'was declined by an approver',
    ],
    ['needs_investigation', { status: 'needs_investigation' }, 'Needs Investigation', 'was inconclusive'],
    [
      'needs_investigation',
      {
        status: 'needs_investigation',
        challenger_version: null,
        cause: null,
        reason: 'No Staging version found.',
      },
      'Needs Investigation',
      'Reason: No Staging version found.',
    ],
    [
      'failed',
      { status: 'failed', champion_after: '2' },
      'Promotion Failed',
      'Champion: version 2, unchanged.',
    ],
    [
      'failed',
      { status: 'failed', operation: 'rollback' },
      'Rollback Failed',
      'The requested rollback failed.',
    ],
    [
      'failed',
      { status: 'invalid_input', problems: ['model_name: missing'] },
      'Promotion Not Started',
      'Problem: model_name: missing',
    ],
    [
      'rolled_back',
      {
        status: 'rolled_back',
        cause: { code: 'refused', said: 'it broke' },
        champion_after: '2',
        rollback,
      },
      'Promotion Rolled Back',
      `The promotion of version 3 failed and was undone.\nReason: it broke\nIn the registry: ${rollback.detail}\n`,
    ],
    [
      'contested',
      { status: 'contested', champion_after: null },
      'Promotion Contested',
      'Champion now: unknown',
    ],
    [
      'failed',
      {
        status: 'failed',
        cause: { code: 'stopped', status: 'ABORTED', interrupted: 'nothing' },
        comparison: null,
      },
      'Promotion Failed',
      'The promotion of version 3 failed.\nReason: ABORTED: The execution was aborted; it left no change open\n',
    ],
    [
      'failed',
      {
        status: 'failed',
        operation: 'rollback',
        cause: { code: 'stopped', status: 'TIMED_OUT', interrupted: 'open' },
      },
      'Rollback Failed',
      'its change is open and goes on by itself',
    ],
    [
      'failed',
      {
        status: 'failed',
        cause: { code: 'rollout-failed', failure: null },
        serving: { ...notReplaced, workload_id: 'w1' },
      },
      'Promotion Failed',
      'Reason: The candidate did not come up.',
    ],
    ['busy', { status: 'busy', holder: 'arn:of-another' }, 'Model Busy', 'Lease held by: arn:of-another'],
  ])('%s: %o', (kind, changes, title, said) => {
    const one = alert(changes);
    expect(one.kind).toBe(kind);
    expect(one.subject).toBe(`[TradAI] ${title}: PascalStrategy`);
    expect(one.text).toContain(said);
    for (const heading of ['What happened', 'Current state', 'What to do']) {
      expect(one.text).toMatch(new RegExp(`\n${heading}:\n\\S`));
    }
    expect(one.slack.content.nextSteps).not.toHaveLength(0);
    expect(one.slack.content.title).toContain(title);
  });

  it('is loudest, and says what to do by hand, when the rollback itself failed', () => {
    const { subject, text } = alert({
      status: 'failed',
      champion_after: null,
      cause: { code: 'rollback-failed' },
      error: { name: 'MlflowUnavailable', message: 'POST transition-stage answered 503' },
      rollback_error: { name: 'MlflowUnavailable', message: 'MLflow timed out' },
      comparison: null,
    });
    expect(subject).toBe('[TradAI] ACTION NEEDED: Rollback Failed: PascalStrategy');
    expect(text).toMatchInlineSnapshot(`
      "!!! ACTION NEEDED: ROLLBACK FAILED !!!
      Model: PascalStrategy
      Environment: prod
      Registry: tradai-models

      What happened:
      The promotion of version 3 failed, and its rollback failed too.
      No automatic step is left: check the registry now.
      Error: MlflowUnavailable: POST transition-stage answered 503
      Rollback error: MlflowUnavailable: MLflow timed out

      Current state:
      Champion before: version 2.
      Champion now: unknown. It can be version 2, version 3 or both.

      What to do:
      1. Open the model in MLflow and check which versions are champion. There must be exactly one.
      2. When MLflow is available again, start an execution with "operation": "rollback" and "target_version": "2". Repeating it is safe.
      3. If that fails too, make version 2 the only champion in MLflow: alone in stage Production, or named by the alias "champion", whichever the functions use.
      4. If version 3 is bad, set its tag "rolled_back" to the reason: automatic runs then do not promote it.

      Evidence:
      No comparison was made.

      Record:
      Execution: arn:aws:states:us-east-1:123456789012:execution:promotion:run-1
      Requested by: nightly retraining
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
  });

  it('does not send people back to the very version that a failed rollback was to remove', () => {
    const { text } = alert({
      status: 'failed',
      operation: 'rollback',
      champion_before: '3',
      champion_after: null,
      cause: { code: 'rollback-failed' },
      challenger_version: null,
      rollback_error: { name: 'MlflowUnavailable', message: 'timed out' },
    });
    expect(text).not.toContain('"target_version"');
    expect(text).not.toContain('move version 3');
    expect(text).toContain('If version 3 is bad');
  });

  it('counts the problems it does not show', () => {
    const problems = Array.from({ length: 25 }, (_, index) => `field${index}: wrong`);
    expect(alert({ status: 'invalid_input', problems }).text).toContain('More problems, not shown: 15.');
  });

  it('says of a dry run that nothing was changed', () => {
    const one = alert({ status: 'kept', cause: { code: 'dry-run' }, dry_run: true, champion_after: '2' });
    expect([one.kind, one.subject]).toEqual(['kept', '[TradAI] Dry Run of a Promotion: PascalStrategy']);
    expect(one.text).toContain('nothing was changed');
    expect(one.text.split(sampleComparison.recommendation)).toHaveLength(2);
    expect(one.text).toContain('1. To apply this change, start the execution without "dry_run".');
  });

  it('does not ask anybody to carry out a dry run that came to KEEP', () => {
    const comparison = { ...sampleComparison, decision: 'KEEP' as const };
    const { text } = alert({ status: 'kept', dry_run: true, champion_after: '2', comparison });
    expect(text).toContain('1. Without "dry_run" nothing would be promoted either.');
  });

  it('leaves out a stack trace and what looks like a credential', () => {
    const { text, slack } = alert({
      status: 'failed',
      cause: { code: 'no-result' },
      error: {
        name: 'MlflowRefused',
        message:
          'GET https://user:hunter2@mlflow.example/x: Authorization: Bearer abc.def, password=s3cret\n    at Object.get (/var/task/index.mjs:1:2)',
      },
    });
    for (const shown of [text, JSON.stringify(slack)]) {
      expect(shown).toContain('mlflow.example');
      expect(shown).not.toMatch(/hunter2|abc\.def|s3cret|index\.mjs/);
    }
  });

  it('shows the table of rules with the reasons, and in Slack without', () => {
    const { text, slack } = alert({ comparison: sampleComparison });
    expect(text).toContain('version 2 has no metric win_rate');
    expect(slack.content.description).toMatch(/win_rate.*skipped/);
    expect(slack.content.description).not.toContain('version 2 has no metric win_rate');
  });

  it('shows what the candidate of a failed rollout wrote last', () => {
    const log_lines = ['one', 'two', 'three', 'Traceback: no module named churn'];
    const { text } = alert({
      status: 'failed',
      champion_after: '2',
      cause: { code: 'rollout-failed', failure: null },
      serving: {
        workload_id: 'w1',
        artifact_id: 'a3',
        status: 'failed',
        endpoint: null,
        reason: 'The rollout failed',
        diagnosis: {
          message: 'Replacement failed',
          protons: [],
          containers: [],
          log_lines,
          log_source: 'otel',
          unavailable: [],
        },
      },
    });
    expect(text).toContain('\nPlatform message: Replacement failed\nCandidate log: two\n');
    expect(text).toContain('\nCandidate log: Traceback: no module named churn\n');
    expect(text).toContain('\nWorkload: w1: check which artifact it serves\n');
  });
});

describe('the alert of a rollback', () => {
  it('says why and by whom it was asked, and each thing once', () => {
    const { subject, text, slack } = asked({ ...rollback, alarm_name: 'churn-accuracy-low' });
    expect(subject).toBe('[TradAI] Model Rolled Back: PascalStrategy');
    expect(text).toMatchInlineSnapshot(`
      "Model Rolled Back
      Model: PascalStrategy
      Environment: prod
      Registry: tradai-models

      What happened:
      The requested rollback is complete.
      Rollback reason: PERFORMANCE_DEGRADATION (alarm churn-accuracy-low)
      Requested by: nightly retraining
      In the registry: Version 2 is the champion again; version 3 is marked as rolled back

      Current state:
      Champion now: version 2.
      Champion before: version 3.

      What to do:
      1. Find the cause in version 3 or in its promotion.
      2. Automatic runs do not promote version 3 while its tag "rolled_back" has a value.

      Record:
      Execution: arn:aws:states:us-east-1:123456789012:execution:promotion:run-1
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
    expect(slack.content.description).toContain(
      'Rollback reason: `PERFORMANCE_DEGRADATION (alarm churn-accuracy-low)`\nRequested by: `nightly retraining`',
    );
    expect(slack.content.description.split('nightly retraining')).toHaveLength(2);
  });

  it('says so where an earlier attempt had done it', () => {
    expect(asked({ ...rollback, already_rolled_back: true }).text).toContain(
      'The requested rollback is complete. An earlier attempt completed it; this message reports it.',
    );
  });

  it.each<[string, Partial<ServingUndo>, string]>([
    ['was put back', {}, 'The previous artifact was restored on the Workload by a replacement.'],
    [
      'never switched',
      { action: 'cancelled' },
      'The rollout on the Workload was cancelled before it switched.',
    ],
    ['was untouched', { action: 'none' }, 'There was nothing to undo on the Workload.'],
  ])('says of a Workload that %s what happened and what it serves', (_, changes, happened) => {
    const { text } = asked(withServing(changes));
    expect(text).toContain(`\n${happened}\n`);
    expect(text).toContain('\nWorkload: w1 serves artifact "a2"\n');
    expect(text).not.toContain('Serving: ');
  });

  it('is loudest where the Workload was promoted in place, and says what to do by hand', () => {
    const finding = { code: 'locked-in-place' } as const;
    const answer = withServing({
      undone: false,
      action: 'left',
      finding,
      reason: 'locked in place',
    });
    const { kind, subject, text } = asked(answer, { status: 'failed' });
    expect(kind).toBe('failed');
    expect(subject).toBe('[TradAI] ACTION NEEDED: Workload Not Rolled Back: PascalStrategy');
    expect(text).toMatchInlineSnapshot(`
      "!!! ACTION NEEDED: WORKLOAD NOT ROLLED BACK !!!
      Model: PascalStrategy
      Environment: prod
      Registry: tradai-models

      What happened:
      The requested rollback failed on the Workload.
      The artifact was promoted in place on the Workload, which cannot be undone.
      The registry was rolled back but the Workload was not: they differ now.
      Rollback reason: PERFORMANCE_DEGRADATION
      Requested by: nightly retraining
      In the registry: Version 2 is the champion again; version 3 is marked as rolled back

      Current state:
      Champion now: version 2.
      Champion before: version 3.
      Workload: w1 still serves the artifact that was promoted with version 3; it is locked in place

      What to do:
      1. Find the artifact of the version to be served, and lock it if it is a draft: a draft cannot replace a locked artifact.
      2. Then start a replacement of the Workload with that artifact in DataRobot.
      3. The Workload was not stopped. If the served version does harm, stop the Workload or redirect its callers.

      Record:
      Execution: arn:aws:states:us-east-1:123456789012:execution:promotion:run-1
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
  });

  it('is as loud after a failed promotion, and keeps its cause', () => {
    const detail = 'Version 2 is the champion; version 3 is not';
    const noCapacity = { code: 'start-refused', http_status: 409, detail: 'No capacity' } as const;
    const answer = withServing(
      { undone: false, action: 'left', finding: noCapacity, reason: 'No capacity' },
      { rolled_back: false, finding: { code: 'unmoved', from: '3', to: '2' } },
    );
    const { text } = alert({
      status: 'failed',
      champion_after: '2',
      cause: { code: 'error' },
      error: { name: 'MlflowUnavailable', message: 'timed out' },
      rollback: answer,
    });
    expect(text).toContain('!!! ACTION NEEDED: WORKLOAD NOT ROLLED BACK !!!');
    expect(text).toContain(`\nReason: MlflowUnavailable: timed out\nIn the registry: ${detail}\n`);
    expect(text).toContain('\nWorkload: w1: check which artifact it serves; last response: No capacity\n');
    expect(text).toContain('Open the Workload in DataRobot');
    expect(text).not.toContain('they differ');
  });

  it('names what somebody else put in service, and asks for a person', () => {
    const reason = 'Another actor put artifact "a9" in service after the rollout began';
    const finding = { code: 'superseded', served: 'a9', switched: false } as const;
    const answer = withServing({ undone: false, action: 'left', contested: true, finding, reason });
    const { kind, subject, text } = asked(answer, { status: 'contested', champion_after: null });
    expect(kind).toBe('contested');
    expect(subject).toBe('[TradAI] ACTION NEEDED: Rollback Contested: PascalStrategy');
    expect(text).toContain(`\nWorkload: w1: ${reason}\n`);
    expect(text).toContain('they differ now');
  });

  it('says that the way back on the Workload is open where the rollback itself failed', () => {
    const finding = { code: 'rollout-leaving', state: 'cancelling' } as const;
    const reason = 'The platform is removing the cancelled rollout (cancelling)';
    const answer = withServing({ undone: null, finding, reason });
    const { text } = asked(answer, {
      status: 'failed',
      cause: { code: 'rollback-failed' },
      champion_after: null,
      rollback_error: { name: 'WorkloadApiUnavailable', message: 'timed out' },
    });
    expect(text).toContain('The rollback on the Workload did not finish.');
    expect(text).toContain(
      'Workload: w1: the served artifact is unknown; last known: The platform is removing the cancelled rollout (cancelling)',
    );
    expect(text).toContain('Open the Workload in DataRobot');
  });

  it('says of a dry run whether it would be possible, and what it would do', () => {
    const move = { code: 'would-move', from: '3', to: '2', workload: null, artifact: null } as const;
    const dry = { ...rollback, rolled_back: false, dry_run: true };
    const changes: Partial<Outcome> = { status: 'kept', dry_run: true, champion_after: '3' };
    const possible = asked({ ...dry, finding: move }, changes);
    expect([possible.kind, possible.subject]).toEqual([
      'kept',
      '[TradAI] Dry Run of a Rollback: PascalStrategy',
    ]);
    expect(possible.text).toContain('The rollback would be possible.');
    expect(possible.text).toContain('Expected result: version 2 would be the champion in place of version 3');
    expect(possible.text).toContain('start the execution without "dry_run"');

    const no = 'No known-good version recorded; name target_version';
    const impossible = asked({ ...dry, to_version: null, finding: refused('no-known-good') }, changes);
    expect(impossible.subject).toBe('[TradAI] Dry Run: Rollback Not Possible: PascalStrategy');
    expect(impossible.text).toContain(`The rollback would not be possible.\n`);
    expect(impossible.text).toContain(`\nReason: ${no}\n`);
    expect(impossible.text).not.toContain('without "dry_run"');

    const settled = asked({ ...dry, finding: { code: 'would-settle', to: '2' } }, changes);
    expect(settled.text).toContain('Current state:\nChampion: version 2.\n');
    expect(settled.text).toContain('1. No action needed.');
  });
});

describe('an outcome that was stored before there were codes', () => {
  const stored = (answer: RollbackAnswer, changes: Partial<Outcome> = {}) =>
    asked({ ...answer, finding: null }, { cause: null, ...changes });

  it('shows its reason, and steps that are right for a locked artifact too', () => {
    const serving = servingUndo({ undone: false, action: 'left', finding: null, reason: 'locked in place' });
    const { text } = stored(
      { ...rollback, serving },
      { status: 'failed', reason: 'It stays. Serving: locked' },
    );
    expect(text).toContain('\nReason: It stays. Serving: locked\n');
    expect(text).toContain('lock it if it is a draft');
  });

  it('does not say of a dry run whether it would be possible', () => {
    const dry = { ...rollback, rolled_back: false, dry_run: true };
    const { subject, text } = stored(dry, {
      status: 'kept',
      dry_run: true,
      reason: 'Dry run: it would move',
    });
    expect(subject).toBe('[TradAI] Dry Run of a Rollback: PascalStrategy');
    expect(text).toContain('\nReason: Dry run: it would move\n');
    expect(text).not.toContain('possible');
  });

  it('shows the error beside that of the rollback, which alone is in the reason', () => {
    const { text } = alert({
      status: 'failed',
      cause: null,
      reason: 'The rollback itself failed: timed out',
      error: { name: 'MlflowRefused', message: 'HTTP 403' },
      rollback_error: { name: 'MlflowUnavailable', message: 'timed out' },
    });
    expect(text).toContain('\nError: MlflowRefused: HTTP 403\n');
  });
});

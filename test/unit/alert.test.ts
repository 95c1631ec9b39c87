import { describe, expect, it } from 'vitest';
import { alertFor } from '../../lambdas/domain/alert/alert.ts';
import type { Outcome, RollbackAnswer } from '../../lambdas/domain/payloads.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';

const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };
const alert = (changes: Partial<Outcome>) => alertFor({ ...sampleOutcome, ...changes }, context);

const rollback: RollbackAnswer = {
  rolled_back: true,
  model_name: 'PascalStrategy',
  from_version: '3',
  to_version: '2',
  reason: 'PERFORMANCE_DEGRADATION',
  alarm_name: null,
  timestamp: '2026-01-02T03:04:05.000Z',
  serving: null,
  status: 'completed',
  retry_after_seconds: null,
  detail: 'Version 2 is in Production again.',
  dry_run: false,
};

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
      Comparison Confidence: 85.0%
      Environment: prod
      Confidence Method: weighted share of passed rules; evidence grade E (point values only, no uncertainty available)
      Registry: tradai-models

      What happened:
      Version 3 was promoted to Production in place of version 2.
      Reason: Promote version 3 over version 2: 1 of 2 rules passed.

      What is where:
      In Production now: version 3.
      In Production before: version 2.

      What to do:
      1. Watch how the model does; nothing else has to be done.
      2. To go back to version 2, start an execution with "operation": "rollback".

      Evidence:
      Decision: PROMOTE by policy trading
      Confidence: 85.0% by weighted share of passed rules; evidence grade E (point values only, no uncertainty available)

        rule          metric        champion  challenger  result      reason
        ------------  ------------  --------  ----------  ----------  ---------------------------------
        profit_total  profit_total    1200.5     1310.25  passed      gain of 109.75, at least 0 needed
        win_rate      win_rate       missing         0.5  not passed  the champion has no win_rate

      Record:
      Execution: arn:aws:states:us-east-1:123456789012:execution:promotion:run-1
      Requested by: nightly retraining
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
  });

  it('begins with exactly the lines that other programs read', () => {
    expect(alert({}).text.split('\n').slice(0, 6)).toEqual([
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
    expect(first.text).toContain('No earlier champion is known to go back to.');
  });

  it('writes None where the champion before is the version itself, and promises no way back to it', () => {
    const { text } = alert({ champion_before: '3' });
    expect(text).toContain('\nPrevious Version: None\n');
    expect(text).not.toContain('To go back to');
  });

  it.each([
    [0, '0.0%'],
    [null, '0.0%'],
    [0.8567, '85.7%'],
    [1, '100.0%'],
    [Number.NaN, '0.0%'],
  ])('shows a confidence of %s as %s', (confidence, shown) => {
    expect(alert({ confidence }).text.split('\n')[4]).toBe(`Comparison Confidence: ${shown}`);
  });

  it('never shows a confidence without its method', () => {
    expect(alert({ comparison: null, confidence: 0.9 }).text).toContain(
      'Confidence Method: none, nothing was compared',
    );
    const { slack } = alert({});
    expect(slack.content.description).toContain('85.0% by weighted share of passed rules; evidence grade E');
    expect(slack.metadata.additionalContext['confidence']).toContain('evidence grade E');
  });

  it('announces a promotion that a repeat found done', () => {
    const { kind, subject, text } = alert({ status: 'already_promoted' });
    expect([kind, subject]).toEqual(['promoted', '[TradAI] Model Promoted: PascalStrategy']);
    expect(text).toContain('an earlier attempt had moved it');
  });
});

describe('the alert of another ending', () => {
  it.each<[string, Partial<Outcome>, string, string]>([
    [
      'kept',
      { status: 'kept', champion_after: '2' },
      'Champion Kept',
      'did not win against the champion, version 2',
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
    ['needs_investigation', { status: 'needs_investigation' }, 'Needs Investigation', 'could not decide'],
    [
      'needs_investigation',
      { status: 'needs_investigation', challenger_version: null, reason: 'No Staging version found.' },
      'Needs Investigation',
      'Reason: No Staging version found.',
    ],
    [
      'failed',
      { status: 'failed', champion_after: '2' },
      'Promotion Failed',
      'In Production: version 2, as before.',
    ],
    [
      'failed',
      { status: 'failed', operation: 'rollback' },
      'Rollback Failed',
      'The rollback that was asked for failed.',
    ],
    [
      'failed',
      { status: 'invalid_input', problems: ['model_name: missing'] },
      'Promotion Not Started',
      'Problem: model_name: missing',
    ],
    [
      'rolled_back',
      { status: 'rolled_back', rollback },
      'Promotion Rolled Back',
      'The promotion of version 3 failed and was undone: version 2',
    ],
    [
      'rolled_back',
      { status: 'rolled_back', operation: 'rollback', rollback },
      'Model Rolled Back',
      'As asked, version 2 is in Production again, in place of version 3.',
    ],
    [
      'contested',
      { status: 'contested', champion_after: null },
      'Promotion Contested',
      'In Production now: not known',
    ],
    ['busy', { status: 'busy', holder: 'arn:of-another' }, 'Model Busy', 'Lease held by: arn:of-another'],
  ])('%s: %o', (kind, changes, title, said) => {
    const one = alert(changes);
    expect(one.kind).toBe(kind);
    expect(one.subject).toBe(`[TradAI] ${title}: PascalStrategy`);
    expect(one.text).toContain(said);
    for (const heading of ['What happened', 'What is where', 'What to do']) {
      expect(one.text).toMatch(new RegExp(`\n${heading}:\n\\S`));
    }
    expect(one.slack.content.nextSteps).not.toHaveLength(0);
    expect(one.slack.content.title).toContain(title);
  });

  it('is loudest, and says what to do by hand, when the rollback itself failed', () => {
    const { subject, text } = alert({
      status: 'failed',
      champion_after: null,
      reason: 'The rollback itself failed: MLflow timed out',
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
      The promotion of version 3 failed, and the rollback that should have undone it failed too.
      No automatic step is left: somebody has to look at the registry now.
      Reason: The rollback itself failed: MLflow timed out
      Error: MlflowUnavailable: POST transition-stage answered 503
      Error of the rollback: MlflowUnavailable: MLflow timed out

      What is where:
      In Production before: version 2.
      In Production now: not known. It can be version 2, or version 3, or both.

      What to do:
      1. Open the model in MLflow and see which versions are in Production. Exactly one must be.
      2. When MLflow answers again, start an execution with "operation": "rollback" and "target_version": "2". It can be repeated safely.
      3. If that fails too, move version 2 to stage Production in MLflow, archiving the others (with aliases: set "champion" to it).
      4. If version 3 is bad, set its tag "rolled_back" to the reason: no automatic run promotes it then.

      Evidence:
      Nothing was compared.

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
      challenger_version: null,
      rollback_error: { name: 'MlflowUnavailable', message: 'timed out' },
    });
    expect(text).not.toContain('"target_version"');
    expect(text).not.toContain('move version 3');
    expect(text).toContain('If version 3 is bad');
  });

  it('counts the problems it does not show', () => {
    const problems = Array.from({ length: 25 }, (_, index) => `field${index}: wrong`);
    expect(alert({ status: 'invalid_input', problems }).text).toContain('And 15 more problems.');
  });

  it('says of a dry run that nothing was changed', () => {
    const one = alert({ status: 'kept', dry_run: true, champion_after: '2' });
    expect([one.kind, one.subject]).toEqual(['kept', '[TradAI] Dry Run of a Promotion: PascalStrategy']);
    expect(one.text).toContain('nothing was changed');
    expect(one.text).toContain("The comparison's decision for version 3 is PROMOTE.");
    const back = alert({ status: 'rolled_back', operation: 'rollback', dry_run: true, rollback });
    expect(back.kind).toBe('kept');
    expect(back.text).toContain('It would put version 2 in Production.');
  });

  it('leaves out a stack trace and what looks like a credential', () => {
    const { text, slack } = alert({
      status: 'failed',
      reason: 'it broke',
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
    expect(text).toContain('the champion has no win_rate');
    expect(slack.content.description).toContain('win_rate');
    expect(slack.content.description).not.toContain('the champion has no win_rate');
  });
});

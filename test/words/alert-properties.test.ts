import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../lambdas/adapters/aws/sns.ts';
import {
  type DecidedOutcome,
  type Ending,
  type Outcome,
  OutcomeCause,
  outcomeStatuses,
} from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { Comparison } from '../../lambdas/domain/payloads.ts';
import type { RollbackFinding } from '../../lambdas/domain/promotion/rollback-finding.ts';
import { Progress, type ServingFinding } from '../../lambdas/domain/serving/payloads.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { inWords, rollbackDetail } from '../../lambdas/words/reasons.ts';
import { servingReason } from '../../lambdas/words/rollout.ts';
import { anyCharacter } from '../support/any-character.ts';
import { sampleComparison, sampleOutcome, sampleRule } from '../support/sample-outcome.ts';
import { notReplaced, rolledBack, servingUndo } from '../support/stub-functions.ts';

const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };
const nasty = fc.constantFrom(
  '\n',
  '\r\n',
  '\u2028',
  '\u0085',
  '\u202e',
  '\u200b',
  '\u0000',
  '\u001b[31m',
  '\ud83d',
  '😀',
  'é',
  '本',
  '"',
  '\\',
  '`',
  '```',
  '*',
  '_',
  '~',
  '<!channel>',
  '<@U012AB3CD>',
  '<https://example.com|here>',
  '@here',
  '&',
  '<',
  '>',
  '\nEnvironment: prod',
  '\nFORGED: yes',
  '                    FORGED: yes',
  ' ',
  '€',
);
const hostile = fc
  .array(fc.oneof(nasty, fc.string({ unit: anyCharacter })), { maxLength: 30 })
  .map((parts) => parts.join(''));
const statuses = fc.constantFrom(...outcomeStatuses);

/** Gates, checks and changes in which every text is somebody else's, as many as there can be. */
function gatesAndChanges(text: string): Pick<Comparison, 'gates' | 'checks' | 'changes'> {
  const gate = { name: text, kind: 'tags', result: 'failed' as const, dry_run: false, why: [], reason: text };
  const kinds = ['parameter', 'data', 'code', 'input', 'output', 'size'] as const;
  return {
    gates: Array.from({ length: 20 }, () => gate),
    checks: [gate],
    changes: {
      listed: Array.from({ length: 30 }, (_, index) => ({
        what: kinds[index % kinds.length] ?? 'code',
        name: text,
        before: text,
        after: text,
      })),
      left_out: 1,
      unknown: [...kinds],
    },
  };
}

/** A rollback and a rollout in which every text is somebody else's. */
function onWorkload(text: string, undone: boolean | null): Pick<Outcome, 'rollback' | 'serving'> {
  const serving = {
    workload_id: text,
    undone,
    action: 'left' as const,
    finding: { code: 'serves-previous' as const, artifact: text, state: text },
    reason: text,
    phase: text,
    contested: false,
    began_at: '2026-01-02T03:00:00.000Z',
    progress: Progress.parse({}),
  };
  return {
    rollback: {
      rolled_back: true,
      model_name: text,
      from_version: text,
      to_version: text,
      champion_before: text,
      reason: text,
      alarm_name: text,
      timestamp: text,
      serving: text.length % 2 === 0 ? serving : null,
      status: 'completed',
      retry_after_seconds: null,
      finding: null,
      detail: `3${text}`,
      dry_run: false,
    },
    serving: {
      workload_id: text,
      artifact_id: text,
      status: undone === null ? 'completed' : 'failed',
      endpoint: text,
      reason: text,
      diagnosis: {
        message: `4${text}`,
        protons: [],
        containers: [],
        log_lines: [text, text, text, text],
        log_source: null,
        unavailable: [],
      },
    },
  };
}

/** A last reading in which every text is somebody else's; `found` says how the sides stand to what is recorded. */
function endingWith(text: string, found: (typeof readings)[number]): Ending {
  const change = {
    ...{ id: text, kind: 'promote' as const, to: text, aim: text, safe: `1${text}` },
    ...{ turned: text.length % 2 === 0, attempts: 3, next_at: text },
  };
  return {
    live: found === 'unrecorded' ? null : { version: text, artifact_id: text, change: text, result: null },
    change: found === 'open' || found === 'foreign' ? change : null,
    champions: found === 'unread' ? null : Array.from({ length: text.length % 9 }, () => text),
    pointers: found === 'moved' ? { stage: [text, '2', '3', '4', '5', '6', '7'], alias: text } : null,
    workload: { workload_id: text, artifact_id: text, in_flight: `5${text}` },
    agreed: found === 'unread' ? null : { version: text, artifact_id: text },
    in_step: found === 'in-step',
    known: found === 'foreign' ? false : null,
    picture: text,
    unread: found === 'unread' ? ['table', 'registry', 'workload'] : [],
  };
}
const readings = ['in-step', 'open', 'foreign', 'moved', 'unrecorded', 'unread'] as const;

const outcomes: fc.Arbitrary<Outcome> = fc
  .record({
    status: statuses,
    text: hostile,
    name: hostile,
    operation: fc.constantFrom('promote', 'rollback', 'resume', 'adopt'),
    reading: fc.option(fc.constantFrom(...readings)),
    undone: fc.boolean(),
    dry_run: fc.boolean(),
    cause: fc.constantFrom('stored', 'error', 'refused', 'rollback-failed', 'rollout-failed', 'out-of-step'),
    workload: fc.option(fc.constantFrom(true, false, null), { nil: undefined }),
  })
  .map(({ status, text, name, operation, undone, dry_run, cause, workload, reading }) => ({
    ...sampleOutcome,
    ending: reading === null ? null : endingWith(text, reading),
    overwritten: [text, text],
    ...(workload === undefined ? {} : onWorkload(text, workload)),
    status,
    cause: causeNamed(cause, text),
    operation,
    dry_run,
    model_name: name,
    reason: text,
    holder: text,
    requested_by: text,
    execution: text,
    problems: [text],
    champion_before: text.slice(0, 5),
    error: { name: text, message: text },
    rollback_error: undone ? null : { name: 'Error', message: text },
    comparison: {
      ...sampleComparison,
      method: text,
      policy: text,
      rules: [{ ...sampleRule, name: text, metric: text, reason: text }],
      ...gatesAndChanges(text),
    },
  }));

/** `stored`: an outcome that was recorded before there were causes. */
function causeNamed(name: string, text: string): Outcome['cause'] {
  return OutcomeCause.safeParse({ code: name, said: text, failure: null, change_open: true }).data ?? null;
}

const worstStatus = (changes: Partial<Outcome>) => alertFor({ ...sampleOutcome, ...changes }, context);

describe('the subject', () => {
  it("keeps to SNS's rules for any model, prefix and status", () => {
    fc.assert(
      fc.property(outcomes, hostile, (outcome, prefix) => {
        const { subject } = alertFor(outcome, { ...context, prefix });
        expect(subject).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
      }),
    );
  });

  it.each([
    ['PascalStrategy', 'PascalStrategy'],
    ['risk/model: "v2" 100%', 'risk/model: "v2" 100%'],
    ['Café', 'Cafe'],
    ['a\nBcc: everybody', 'a?Bcc: everybody'],
    ['模型', '??'],
    ['', ''],
  ])('writes the name %j as %j', (name, shown) => {
    expect(worstStatus({ model_name: name }).subject).toBe(`[TradAI] Model Promoted: ${shown}`.trimEnd());
  });

  it('keeps both ends of a name that is too long', () => {
    const { subject } = worstStatus({ model_name: `churn-${'x'.repeat(5000)}-eu-west-7` });
    expect(subject).toMatch(/^\[TradAI\] Model Promoted: churn-x+\.\.\.xx-eu-west-7$/);
    expect(subject).toHaveLength(99);
  });

  it('does without brackets when there is no prefix', () => {
    expect(alertFor(sampleOutcome, { ...context, prefix: ' ' }).subject).toBe(
      'Model Promoted: PascalStrategy',
    );
  });
});

describe('foreign text', () => {
  it('begins no line of the email and hides no character in it', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { text } = alertFor(outcome, context);
        expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toMatch(/^FORGED/m);
        expect(text.match(/^Environment:/gm)).toHaveLength(1);
      }),
    );
  });

  it('keeps the six lines of a promotion at their places', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const lines = worstStatus({ model_name: name }).text.split('\n');
        expect(lines[1]).toMatch(/^Model: /);
        expect(lines.slice(2, 6)).toEqual([
          'New Production Version: 3',
          'Previous Version: 2',
          'Comparison Confidence: not available',
          'Environment: prod',
        ]);
      }),
    );
  });

  it('reaches nobody in Slack and breaks no formatting there', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { content, metadata } = alertFor(outcome, context).slack;
        const shown = [
          content.title,
          content.description,
          ...content.nextSteps,
          ...content.keywords,
          metadata.summary,
        ];
        for (const text of shown) {
          expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)|(?<!\w)@/);
          // Whatever stands outside of code spans and blocks is ours.
          const ours = text.replace(/```\n[^`]*\n```/g, '').replace(/`[^`\n]+`/g, '');
          expect(ours).toMatch(/^[\w\s:.,;()"'*-]*$/);
        }
        expect(JSON.stringify(metadata)).not.toMatch(/[<>]/);
      }),
    );
  });

  it('stays within the lengths that Slack shows whole', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { content, metadata } = alertFor(outcome, context).slack;
        expect(content.description.length).toBeLessThanOrEqual(2900);
        expect(content.title.length).toBeLessThanOrEqual(200);
        expect(metadata.threadId.length).toBeLessThanOrEqual(200);
        expect(content.keywords.every((word) => word.length <= 60 && word !== '')).toBe(true);
      }),
    );
  });

  it.each(outcomeStatuses)('stays within them when every text of an outcome %s is long', (status) => {
    for (const character of ['x', '<', '"']) {
      const text = character.repeat(500);
      for (const reading of readings) {
        for (const operation of ['promote', 'rollback', 'resume', 'adopt'] as const) {
          const outcome = {
            ...{ ...sampleOutcome, ...onWorkload(text, false), status, operation },
            ...{ ending: endingWith(text, reading), overwritten: ['4', '5', '6', '7', '8', '9'] },
            ...{
              requested_by: text,
              execution: text,
              holder: text,
              problems: Array.from({ length: 9 }, () => text),
            },
            ...{ error: { name: text, message: `1${text}` }, rollback_error: { name: text, message: text } },
          };
          const run = { url: `http://mlflow/${'x'.repeat(300)}`, report: text };
          for (const traces of [{}, { run }])
            expect(alertFor(outcome, context, traces).slack.content.description.length).toBeLessThanOrEqual(
              2900,
            );
          const { content } = alertFor(outcome, context).slack;
          for (const step of content.nextSteps) expect(step.length).toBeLessThanOrEqual(250);
        }
      }
    }
  });

  it('link the run of the challenger, and no other address', () => {
    const url = 'https://mlflow.internal/#/experiments/1/runs/r1/artifacts';
    const linked = (address: string) => {
      const { description } = alertFor(sampleOutcome, context, { run: { url: address, report: null } }).slack
        .content;
      return description.match(/<[^>]*>/g);
    };
    expect(linked(url)).toEqual([
      expect.stringMatching(/^<https:\/\/mlflow\.internal\/#\/experiments\/1\/runs\/r1\/artifacts\|/),
    ]);
    expect(linked(`${url}>|<!channel>`)).toBeNull();
    expect(linked('javascript:alert(1)')).toBeNull();
  });

  it('gives every model a thread of its own', () => {
    const thread = (name: string) => worstStatus({ model_name: name }).slack.metadata.threadId;
    expect(thread('a/b')).not.toBe(thread('a b'));
    expect(thread('a')).toBe(thread('a'));
  });
});

describe('the size of the message', () => {
  const bytes = (outcome: Outcome) => Buffer.byteLength(messageOf(alertFor(outcome, context)));

  it.each(['"', '\\', '€', '\n', '\u202e', '\ud800', '<', '&', '`', 'x'])(
    'stays within 256 KB when every text is a long run of %j',
    (character) => {
      const sizeOf = (status: Outcome['status'], length: number) => {
        const text = character.repeat(length);
        const rule = { ...sampleRule, name: text, metric: text, reason: text, passed: false };
        return bytes({
          ...sampleOutcome,
          ...onWorkload(text, false),
          ending: endingWith(text, 'foreign'),
          overwritten: Array.from({ length: 100 }, () => text),
          status,
          model_name: text,
          reason: text,
          holder: text,
          requested_by: text,
          execution: text,
          problems: Array.from({ length: 100 }, () => text),
          error: { name: text, message: `1${text}` },
          rollback_error: { name: text, message: `2${text}` },
          comparison: {
            ...sampleComparison,
            rules: Array.from({ length: 100 }, () => rule),
            method: text,
            policy: text,
            ...gatesAndChanges(text),
          },
        });
      };
      // Nothing is shown whole beyond 5,000 characters and 30 rules: one status tells what more of them bring.
      for (const status of outcomeStatuses) expect(sizeOf(status, 6_000)).toBeLessThan(262_144);
      expect(sizeOf('promoted', 50_000)).toBeLessThan(262_144);
    },
  );

  it('cuts a long table, says how many rules are left out, and keeps the name of 5,000 characters', () => {
    const rules = Array.from({ length: 2000 }, (_, index) => ({
      ...sampleRule,
      name: `rule ${index}`,
      passed: index % 2 === 0,
    }));
    const name = 'm'.repeat(5000);
    const { text } = worstStatus({ model_name: name, comparison: { ...sampleComparison, rules } });
    expect(text.split('\n')[1]).toBe(`Model: ${name}`);
    const left = /… (\d+) more rules not shown, (\d+) of them not passed/.exec(text);
    const shown = text.split('\n').filter((line) => /^ {2}rule \d+ /.test(line)).length;
    expect(shown).toBeGreaterThan(50);
    expect(Number(left?.[1])).toBe(2000 - shown);
  });
});

describe('a sentence that is stored in an outcome', () => {
  const causes: Exclude<Outcome['cause'], null>[] = [
    { code: 'promoted', direct: false, workload_unchanged: false },
    { code: 'adopted' },
    { code: 'moved-since' },
    { code: 'out-of-step', change_open: true },
    { code: 'in-step-again' },
    { code: 'already', version: '3' },
    { code: 'dry-run' },
    { code: 'gates', gates: ['freeze'], said: 'Gate freeze does not pass any more' },
    { code: 'refused', said: 'Version 3 is PENDING_REGISTRATION, not READY' },
    { code: 'rollout-failed', failure: null },
    { code: 'error' },
    { code: 'stopped', status: 'ABORTED', interrupted: 'open' },
    { code: 'rollback-failed' },
    { code: 'contested', said: 'The evidence has changed since the comparison' },
    { code: 'busy', said: 'The lease for "PascalStrategy" is held by another until noon' },
    { code: 'asked' },
    { code: 'no-result' },
  ];
  const [from, to] = ['3', '2'];
  const refused = { from, to, held: null, until: null, hours: null };
  const findings: RollbackFinding[] = [
    { code: 'would-move', from, to, workload: 'w1', artifact: 'a2' },
    { code: 'would-settle', to },
    { code: 'moved', from, to },
    { code: 'refused', why: 'no-known-good', ...refused },
    { code: 'open', from, to, first_champion: true },
    { code: 'unmoved', from, to },
    { code: 'contested', why: 'lost-race', from, to, champions: [], held: null },
  ];
  const undos: (ServingFinding | null)[] = [
    null,
    { code: 'locked-in-place' },
    { code: 'superseded', served: 'a9', switched: false },
  ];
  const rollbacks: Outcome['rollback'][] = [
    null,
    ...findings.flatMap((finding) =>
      undos.map((undo) => {
        const serving =
          undo === null ? null : servingUndo({ finding: undo, reason: servingReason(undo), undone: false });
        const answer = rolledBack({ finding, serving });
        return { ...answer, detail: rollbackDetail(answer) };
      }),
    ),
  ];

  /** Every sentence with another of the same length, whose words end where its words end. */
  function muffled<T>(value: T, field?: string): T;
  function muffled(value: unknown, field = ''): unknown {
    if (typeof value === 'string')
      return ['reason', 'detail', 'recommendation', 'method', 'said'].includes(field) && /\s/.test(value)
        ? value.replace(/\S/g, 'x')
        : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => muffled(each));
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, muffled(each, name)]));
  }

  const endings = [null, ...readings.map((reading) => endingWith('3', reading))];

  it.each(outcomeStatuses)('is shown and not read, in an outcome that is %s', (status) => {
    for (const cause of causes) {
      for (const [index, rollback] of rollbacks.entries()) {
        const ending = endings[index % endings.length] ?? null;
        const decided: DecidedOutcome = {
          ...{ ...sampleOutcome, status, cause, rollback, ending },
          operation: cause.code === 'asked' ? 'rollback' : 'promote',
          serving: { ...notReplaced, workload_id: 'w1' },
          error: { name: 'MlflowUnavailable', message: 'no answer' },
        };
        const outcome = inWords(decided);
        for (const told of [outcome, { ...outcome, cause: null }]) {
          const [plain, blind] = [alertFor(told, context), alertFor(muffled(told), context)];
          const expected = [...plain.text].map((each, at) => (blind.text[at] === 'x' ? 'x' : each)).join('');
          expect(blind.text).toBe(expected);
          expect([blind.kind, blind.subject, blind.slack.content.nextSteps]).toEqual([
            plain.kind,
            plain.subject,
            plain.slack.content.nextSteps,
          ]);
        }
      }
    }
  });
});

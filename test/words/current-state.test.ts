import { describe, expect, it } from 'vitest';
import type { Ending, Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { sampleChange, sampleEnding, sampleOutcome } from '../support/sample-outcome.ts';
import { rolledBack, servingUndo } from '../support/stub-functions.ts';

/** What an alert says of both sides as they were read after the last write, and what it advises. */

const context = { prefix: 'TradAI', environment: 'prod', registryName: 'tradai-models' };

/** An outcome with what was read at its end: version 2 with artifact a2 is live unless told otherwise. */
function told(changes: Partial<Outcome>, read: Partial<Ending> = {}) {
  const ending: Ending = {
    ...sampleEnding,
    ...{
      live: { version: '2', artifact_id: 'a2', change: 'arn:first', result: 'promoted' },
      champions: ['2'],
    },
    ...{ workload: { workload_id: 'w1', artifact_id: 'a2', in_flight: null } },
    ...{ agreed: { version: '2', artifact_id: 'a2' } },
    ...read,
  };
  const alert = alertFor({ ...sampleOutcome, champion_after: null, ...changes, ending }, context);
  const section = (title: string) =>
    new RegExp(`\n${title}:\n([\\s\\S]*?)\n(?:\n|$)`).exec(`${alert.text}\n`)?.[1]?.split('\n') ?? [];
  return {
    ...alert,
    title: alert.subject.replace('[TradAI] ', '').replace(': PascalStrategy', ''),
    happened: section('What happened'),
    state: section('Current state'),
    todo: section('What to do').map((line) => line.replace(/^\d\. /, '')),
  };
}

const failed: Partial<Outcome> = {
  status: 'failed',
  cause: { code: 'error' },
  error: { name: 'MlflowUnavailable', message: 'timed out' },
};
const contested: Partial<Outcome> = {
  status: 'contested',
  cause: { code: 'contested', said: 'Another actor changed the registry at the same time' },
};
const asked: Partial<Outcome> = {
  ...{ status: 'rolled_back', operation: 'rollback', cause: { code: 'asked' }, comparison: null },
  ...{ champion_before: '3', challenger_version: null },
};
const open = (changes: Partial<typeof sampleChange> = {}, read: Partial<Ending> = {}) => ({
  ...{ change: { ...sampleChange, ...changes }, in_step: false, known: true, agreed: null },
  ...read,
});
const turned = { turned: true, aim: '2' };
const hotfix = { workload_id: 'w1', artifact_id: 'a9', in_flight: null };
const moved: Partial<Ending> = { champions: ['1'], in_step: false, agreed: null };

describe('the current state', () => {
  it.each<[string, Partial<Outcome>, Partial<Ending>, string[]]>([
    [
      'both sides in step, with another champion than before',
      { status: 'promoted' },
      sampleEnding,
      [
        'Champion now: version 3.',
        'Champion before: version 2.',
        'Workload: w1 serves artifact "a3"',
        'In step: both sides show the live release.',
      ],
    ],
    [
      'the champion of before',
      failed,
      {},
      [
        'Champion: version 2, as before.',
        'Workload: w1 serves artifact "a2"',
        'In step: both sides show the live release.',
      ],
    ],
    [
      'a model that no Workload serves',
      failed,
      { workload: null, live: { version: '2', artifact_id: null, change: 'arn:first', result: 'promoted' } },
      ['Champion: version 2, as before.', 'In step: the registry shows the live release.'],
    ],
    [
      'several versions in Production',
      contested,
      { ...moved, champions: ['3', '2'] },
      [
        'Champion now: version 3 and version 2.',
        'There must be exactly one champion.',
        'Champion before: version 2.',
        'Workload: w1 serves artifact "a2"',
        'Live release: version 2 with artifact "a2"',
        'Not in step: the sides do not show the live release.',
      ],
    ],
    [
      'more versions in Production than a line holds',
      contested,
      { ...moved, workload: null, champions: ['9', '8', '7', '6', '5', '4', '3'] },
      [
        'Champion now: version 9 and version 8 and version 7 and version 6 and version 5 and 2 more.',
        'There must be exactly one champion.',
        'Champion before: version 2.',
        'Live release: version 2 with artifact "a2"',
        'Not in step: the sides do not show the live release.',
      ],
    ],
    [
      'no version in Production',
      contested,
      { ...moved, champions: [], workload: null },
      [
        'Champion now: none.',
        'Champion before: version 2.',
        'Live release: version 2 with artifact "a2"',
        'Not in step: the sides do not show the live release.',
      ],
    ],
    [
      'a stage and an alias that disagree',
      failed,
      open(turned, { champions: ['3', '2'], pointers: { stage: ['2'], alias: '3' }, workload: null }),
      [
        'Champion now: version 3 and version 2.',
        'There must be exactly one champion.',
        'Champion before: version 2.',
        'Stage Production names version 2, and alias "champion" names version 3.',
        'Live release: version 2 with artifact "a2"',
        'Open change: promotion of version 3, on its way back to version 2',
      ],
    ],
    [
      'an alias that is not set',
      failed,
      { pointers: { stage: ['2'], alias: null }, in_step: false, workload: null },
      [
        'Champion: version 2, as before.',
        'Stage Production names version 2, and alias "champion" is not set.',
        'Live release: version 2 with artifact "a2"',
        'Not in step: the sides do not show the live release.',
      ],
    ],
    [
      'a stage and an alias that agree',
      failed,
      { pointers: { stage: ['2'], alias: '2' }, workload: null },
      ['Champion: version 2, as before.', 'In step: the registry shows the live release.'],
    ],
    [
      'a replacement by another artifact',
      failed,
      open(turned, { workload: { workload_id: 'w1', artifact_id: 'a2', in_flight: 'a3' } }),
      [
        'Champion: version 2, as before.',
        'Workload: w1 serves artifact "a2"; a replacement with artifact "a3" is in progress',
        'Live release: version 2 with artifact "a2"',
        'Open change: promotion of version 3, on its way back to version 2',
      ],
    ],
    [
      'the tail of a rollout',
      { status: 'promoted' },
      { ...sampleEnding, workload: { workload_id: 'w1', artifact_id: 'a3', in_flight: 'a3' } },
      [
        'Champion now: version 3.',
        'Champion before: version 2.',
        'Workload: w1 serves artifact "a3"; its replacement has not ended yet',
        'In step: both sides show the live release.',
      ],
    ],
    [
      'a rollback that another execution opened, after attempts',
      failed,
      open({ kind: 'rollback', to: '1', aim: '1', safe: '1', attempts: 2, id: 'arn:other' }),
      [
        'Champion: version 2, as before.',
        'Workload: w1 serves artifact "a2"',
        'Live release: version 2 with artifact "a2"',
        'Open change: rollback to version 1, 2 attempts so far, opened by arn:other',
      ],
    ],
    [
      'an open change beside something else',
      contested,
      open({}, { known: false, workload: hotfix }),
      [
        'Champion: version 2, as before.',
        'Workload: w1 serves artifact "a9"',
        'Live release: version 2 with artifact "a2"',
        'Open change: promotion of version 3',
        'Not in step: the sides show something that the open change did not put there.',
      ],
    ],
    [
      'the first champion, and nothing recorded',
      { ...failed, champion_before: null },
      { live: null, champions: [], workload: null, in_step: null },
      ['Champion: none.', 'Live release: none is recorded.'],
    ],
    [
      'a Workload that could not be read',
      failed,
      { workload: null, in_step: null, unread: ['workload'] },
      [
        'Champion: version 2, as before.',
        'Live release: version 2 with artifact "a2"',
        'Not read: the Workload.',
      ],
    ],
    [
      'a registry that could not be read',
      failed,
      { champions: null, workload: null, in_step: null, unread: ['registry'] },
      [
        'Champion now: unknown.',
        'Champion before: version 2.',
        'Live release: version 2 with artifact "a2"',
        'Not read: the registry and the Workload, if one serves the model.',
      ],
    ],
    [
      'a table that could not be read',
      failed,
      { live: null, workload: null, in_step: null, unread: ['table'] },
      [
        'Champion: version 2, as before.',
        'Not read: the promotion table and the Workload, if one serves the model.',
      ],
    ],
    [
      'a registered model that was deleted',
      failed,
      { champions: null, workload: null, in_step: null },
      [
        'Champion now: none, as the registered model does not exist.',
        'Live release: version 2 with artifact "a2"',
      ],
    ],
  ])('shows %s', (_, changes, read, lines) => {
    expect(told(changes, read).state).toEqual(lines);
  });

  it('names the endpoint only while the artifact of this rollout is served there', () => {
    const serving = {
      ...{ workload_id: 'w1', artifact_id: 'a3', status: 'completed' as const },
      ...{ endpoint: 'https://app.example/endpoints/w1', reason: 'done', diagnosis: null },
    };
    const line = 'Endpoint: https://app.example/endpoints/w1';
    expect(told({ status: 'promoted', serving }, sampleEnding).state).toContain(line);
    expect(told({ ...failed, serving }).state).not.toContain(line);
  });

  it('calls nothing unchanged, and shows no belief of a step beside the reading', () => {
    const rollback = rolledBack({ serving: servingUndo() });
    const serving = {
      ...{ workload_id: 'w1', artifact_id: 'a3', status: 'failed' as const, endpoint: null },
      ...{ reason: 'It failed', diagnosis: null },
    };
    const { text } = told(
      { ...failed, champion_after: '2', rollback, serving },
      { workload: null, in_step: null, unread: ['workload'] },
    );
    expect(text).not.toMatch(/unchanged|serves artifact|check which artifact/);
  });

  it.each<[Ending['champions'], string]>([
    [['3'], '3'],
    [null, '3'],
  ])('leaves the six first lines of a promotion as they are, with %j in Production', (champions, shown) => {
    const { text } = told(
      { status: 'promoted', champion_after: champions === null ? null : '3' },
      { ...sampleEnding, champions },
    );
    expect(text.split('\n').slice(0, 4)).toEqual([
      'Model Promotion Completed',
      'Model: PascalStrategy',
      `New Production Version: ${shown}`,
      'Previous Version: 2',
    ]);
  });
});

const WAIT = 'Wait: the open change goes on by itself';
const AT = 'the sweep starts an attempt at about 2026-01-02 03:09 UTC.';
const EMERGENCY = '("emergency": true passes the cool-down)';
const AGAIN = 'Start a new execution if the change is still needed.';
const LATER = 'If the next attempts fail as well, fix the cause that their alerts name.';
const PROMOTE_3 = 'To promote version 3 after all, start a promotion with "challenger_version": "3".';
const DECIDE = 'Find out who changed the model, and decide which version is to be live';
const BACK_2 = `To go back to version 2: start an execution with "operation": "rollback" and "target_version": "2" ${EMERGENCY}.`;
const OTHER = `To have another version live instead, start an execution with "operation": "rollback" and "target_version" ${EMERGENCY}.`;
const LOCKED_OUT = ['The artifact in service is locked, and the one to go back to is a draft.'];

describe('an execution that did not complete its change', () => {
  it.each<[string, Partial<Outcome>, Partial<Ending>, string, string, string[]]>([
    [
      'on its way forward',
      failed,
      open(),
      'Promotion Not Complete',
      'The promotion of version 3 is not complete.',
      [`${WAIT}, back to version 2 unless both sides show version 3 already; ${AT}`, LATER, PROMOTE_3],
    ],
    [
      'on its way back',
      failed,
      open({ ...turned, next_at: '2026-01-02T03:04:05.000Z' }),
      'Promotion Failed',
      'The promotion of version 3 failed, and the way back to version 2 is not complete.',
      [`${WAIT}, to version 2; the sweep starts an attempt within a few minutes.`, LATER, PROMOTE_3],
    ],
    [
      'of the first champion',
      { ...failed, champion_before: null },
      open({ safe: null }, { live: null }),
      'Promotion Not Complete',
      'The promotion of version 3 is not complete.',
      [`${WAIT}, to version 3 if that is the champion already; ${AT}`, LATER, PROMOTE_3],
    ],
    [
      'of a rollback that threw',
      { ...failed, operation: 'rollback', cause: { code: 'rollback-failed' } },
      open({ kind: 'rollback', to: '1', aim: '1', safe: '1' }),
      'Rollback Not Complete',
      'The rollback to version 1 is not complete.',
      [`${WAIT}, to version 1; ${AT}`, LATER, OTHER],
    ],
    [
      'in an attempt of the sweep',
      { ...failed, operation: 'resume', execution: 'arn:resume-1' },
      open({ ...turned, attempts: 4, next_at: '2026-01-02T04:04:05.000Z' }),
      'Promotion Failed',
      'The promotion of version 3 failed, and the way back to version 2 is not complete.',
      [`${WAIT}, to version 2; the sweep starts an attempt at about 2026-01-02 04:04 UTC.`, LATER, PROMOTE_3],
    ],
    [
      'because it was stopped',
      { ...failed, error: null, cause: { code: 'stopped', status: 'ABORTED', interrupted: 'open' } },
      open(),
      'Promotion Not Complete',
      'The promotion of version 3 is not complete.',
      [`${WAIT}, back to version 2 unless both sides show version 3 already; ${AT}`, LATER, PROMOTE_3],
    ],
    [
      'while that of another execution is open',
      failed,
      open({ id: 'arn:other', kind: 'rollback', to: '1', aim: '1', safe: '1' }),
      'Promotion Failed',
      'The promotion of version 3 failed.',
      [`${WAIT}, to version 1; ${AT}`, OTHER, AGAIN],
    ],
  ])('%s is told quietly: attempts go on', (_, changes, read, title, happened, todo) => {
    const one = told(changes, read);
    expect([one.title, one.happened[0]]).toEqual([title, happened]);
    expect(one.todo).toEqual(todo);
    expect(one.text).not.toMatch(/ACTION NEEDED|No automatic step|!!!/);
  });

  it.each<[string, Partial<Outcome>, string[]]>([
    [
      'that opened nothing',
      failed,
      [
        'Fix the cause named in this message.',
        'Then start a new execution. It reads the current state and does not repeat completed steps.',
      ],
    ],
    [
      'that was stopped before it opened anything',
      { ...failed, error: null, cause: { code: 'stopped', status: 'TIMED_OUT', interrupted: 'nothing' } },
      [AGAIN, 'Executions that are started before 2026-01-02 03:08 UTC can end busy.'],
    ],
  ])('%s is started again', (_, changes, todo) => {
    expect(told(changes).todo).toEqual(todo);
  });

  it('says where it was not compared, but not of a stopped one, whose comparison is not known', () => {
    expect(told({ ...failed, comparison: null }).text).toContain('No comparison was made.');
    const cause = { code: 'stopped', status: 'ABORTED', interrupted: 'nothing' } as const;
    expect(told({ ...failed, cause, comparison: null }).text).not.toContain('No comparison was made.');
  });

  it('is told with what could not be read, and that a sweep reads it later', () => {
    const { todo, title } = told(failed, {
      ...{ live: null, champions: null, workload: null, agreed: null },
      ...{ in_step: null, unread: ['table', 'registry'] },
    });
    expect(title).toBe('Promotion Failed');
    expect(todo[0]).toBe(
      'Nothing else needs to be done now: an open change goes on by itself, and a sweep compares both sides with the live release every hour.',
    );
  });

  it('is told with the time of the next attempt left out where nothing was read, after a direct call', () => {
    const answer = rolledBack({
      ...{ rolled_back: false, status: 'open' as const },
      finding: { code: 'open', from: '3', to: '2', first_champion: false },
    });
    const { subject, text } = alertFor(
      {
        ...sampleOutcome,
        ...failed,
        ...asked,
        status: 'failed',
        error: null,
        rollback: answer,
        ending: null,
      },
      context,
    );
    expect(subject).toBe('[TradAI] Rollback Not Complete: PascalStrategy');
    expect(text).toContain('\nThe way to version 2 is not complete.\n');
    expect(text).toContain(`1. ${WAIT}; the sweep starts an attempt within a few minutes.\n`);
  });

  describe('as the artifact in service is locked and the other a draft', () => {
    const LOCK =
      'Lock the artifact of version 2 in DataRobot: a draft cannot replace the locked artifact in service.';
    const HARM =
      'The Workload was not stopped. If the served version does harm, stop the Workload or redirect its callers.';
    const serving = servingUndo({
      ...{ undone: false, action: 'left', reason: 'locked in place' },
      finding: { code: 'locked-in-place' },
    });

    it('is loud, and refused before anything is moved', () => {
      const refusal = { from: '3', to: '2', held: 'a2', until: null, hours: null };
      const rollback = rolledBack({
        ...{ rolled_back: false, serving },
        finding: { code: 'refused', why: 'locked-in-place', ...refusal },
      });
      const one = told(
        { ...asked, status: 'failed', rollback },
        {
          ...sampleEnding,
          live: { version: '3', artifact_id: 'a3', change: 'arn:first', result: 'promoted' },
        },
      );
      expect(one.title).toBe('ACTION NEEDED: Workload Not Rolled Back');
      expect(one.happened.slice(0, 2)).toEqual([
        'The requested rollback was refused, and nothing was changed.',
        ...LOCKED_OUT,
      ]);
      expect(one.todo).toEqual([LOCK, 'Then start the rollback again with the same input.', HARM]);
    });

    it('is loud while its change is open, which then goes on by itself', () => {
      const rollback = rolledBack({
        ...{ rolled_back: false, status: 'open' as const, serving },
        finding: { code: 'open', from: '3', to: '2', first_champion: false },
      });
      const one = told({ ...failed, rollback }, open(turned, { workload: hotfix }));
      expect(one.title).toBe('ACTION NEEDED: Workload Not Rolled Back');
      expect(one.happened[1]).toEqual(LOCKED_OUT[0]);
      expect(one.todo).toEqual([LOCK, HARM, `${WAIT}, to version 2; ${AT}`, PROMOTE_3]);
    });
  });
});

describe('a model that somebody else has changed', () => {
  const adopt = (version: string, sides: string, more = '') =>
    `To keep version ${version}, as ${sides} it: start an execution with "operation": "adopt" (or run: promotion adopt MODEL)${more}.`;
  const CLOSES = ', and the open change is then closed';
  const HAND = 'Or undo the other change by hand: then nothing else is to be done.';
  const HAND_OPEN = 'Or undo the other change by hand: the open change then goes on by itself.';

  it.each<[string, Partial<Ending>, string[]]>([
    [
      'so that both sides agree on another release',
      { ...moved, agreed: { version: '1', artifact_id: 'a2' } },
      [`${DECIDE}.`, adopt('1', 'both sides show'), BACK_2, HAND],
    ],
    [
      'in the registry, with no Workload',
      { ...moved, workload: null, agreed: { version: '1', artifact_id: null } },
      [`${DECIDE}.`, adopt('1', 'the registry shows'), BACK_2, HAND],
    ],
    ['so that the sides do not agree', moved, [`${DECIDE}.`, BACK_2, HAND]],
    [
      'while a promotion is open',
      open({}, { known: false, champions: ['1'], agreed: { version: '1', artifact_id: 'a2' } }),
      [
        `${DECIDE}: until then the open change waits.`,
        adopt('1', 'both sides show', CLOSES),
        BACK_2,
        'To promote version 3 from there: start a promotion with "adopt": true and "challenger_version": "3".',
        HAND_OPEN,
      ],
    ],
    [
      'to the very version that is being promoted',
      open({}, { known: false, champions: ['3'], agreed: { version: '3', artifact_id: 'a9' } }),
      [
        `${DECIDE}: until then the open change waits.`,
        adopt('3', 'both sides show', CLOSES),
        BACK_2,
        HAND_OPEN,
      ],
    ],
    [
      'while the promotion of the first champion is open',
      open({ safe: null }, { live: null, known: false, champions: ['1', '3'] }),
      [
        `${DECIDE}: until then the open change waits.`,
        'To have another version live: start an execution with "operation": "rollback" and "target_version".',
        HAND_OPEN,
      ],
    ],
  ])('%s, needs a person, and is told so with every way out', (_, read, todo) => {
    const one = told(contested, read);
    expect(one.title).toBe('ACTION NEEDED: Promotion Contested');
    expect(one.happened[0]).toBe(
      'Another actor changed the registry or the Workload; those changes were kept.',
    );
    expect(one.todo).toEqual(todo);
    expect(told(failed, read)).toMatchObject({ title: expect.stringMatching(/^ACTION NEEDED: /), todo });
  });

  it('is told by the sweep that found it, with what is recorded', () => {
    const found: Partial<Outcome> = {
      ...{ status: 'contested', execution: 'sweep:model:1', comparison: null, requested_by: null },
      cause: { code: 'out-of-step', change_open: false },
    };
    const one = told(found, { ...moved, workload: hotfix });
    expect(one.title).toBe('ACTION NEEDED: Model Out of Step');
    expect(one.text).toMatchInlineSnapshot(`
      "!!! ACTION NEEDED: MODEL OUT OF STEP !!!
      Model: PascalStrategy
      Environment: prod
      Registry: tradai-models

      What happened:
      A sweep compared both sides with what is recorded.
      Reason: The registry or the Workload shows something else than the live release

      Current state:
      Champion now: version 1.
      Workload: w1 serves artifact "a9"
      Live release: version 2 with artifact "a2"
      Not in step: the sides do not show the live release.

      What to do:
      1. Find out who changed the model, and decide which version is to be live.
      2. To go back to version 2: start an execution with "operation": "rollback" and "target_version": "2" ("emergency": true passes the cool-down).
      3. Or undo the other change by hand: then nothing else is to be done.

      Record:
      Execution: sweep:model:1
      Requested by: not given
      Recorded at: 2026-01-02T03:04:05.000Z"
    `);
  });

  it.each<[string, Partial<Ending>, RegExp, RegExp]>([
    [
      'its Workload does not exist',
      { ...moved, workload: { workload_id: 'w1', artifact_id: null, in_flight: null, missing: true } },
      /^Workload: w1 does not exist/m,
      /workload\.id.*"operation": "adopt".*"target_version": "2" and "workload_id"/s,
    ],
    [
      'its registered model does not exist',
      { ...moved, champions: null, agreed: null, workload: null },
      /^Champion now: none, as the registered model does not exist/m,
      /deleted or renamed on purpose/,
    ],
  ])('is told with ways out of its own where %s', (_, read, state, todo) => {
    const one = told(contested, read);
    expect(one.text).toMatch(state);
    expect(one.todo.join(' ')).toMatch(todo);
  });

  it('is told by the sweep that found it in step again, and asks nobody to act', () => {
    const found: Partial<Outcome> = {
      ...{ status: 'in_step', execution: 'sweep:model:2', comparison: null, requested_by: null },
      cause: { code: 'in-step-again' },
    };
    const one = told(found, sampleEnding);
    expect([one.kind, one.title]).toEqual(['in_step', 'Model In Step Again']);
    expect(one.text).not.toContain('No comparison was made');
    expect(one.state).toContain('In step: both sides show the live release.');
    expect(one.todo).toEqual(['No action needed. The earlier message is settled.']);
  });

  it.each<[string, Partial<Ending>, string, string[]]>([
    ['and both sides are in step again', {}, 'Promotion Contested', [AGAIN]],
    [
      'and another operation has a change open',
      open({ id: 'arn:other', kind: 'rollback', to: '2', aim: '2' }),
      'Promotion Contested',
      [`${WAIT}, to version 2; ${AT}`, OTHER, AGAIN],
    ],
    [
      'and nothing is recorded, but both sides agree',
      { live: null, in_step: null },
      'Promotion Contested',
      [
        AGAIN,
        'If it is contested again: take version 2, as both sides show it, as live with "operation": "adopt" (or run: promotion adopt MODEL).',
      ],
    ],
    [
      'and nothing is recorded, nor do the sides agree',
      { live: null, in_step: null, agreed: null, workload: hotfix },
      'Promotion Contested',
      [
        'Decide which version is to be live, and start an execution with "operation": "rollback" and "target_version": it brings both sides to that version, and to the artifact in its tag "workload.artifact_id".',
        AGAIN,
      ],
    ],
    [
      'and nothing is recorded of a model with several versions in Production',
      { live: null, in_step: null, agreed: null, workload: null, champions: ['3', '2'] },
      'Promotion Contested',
      [
        'Decide which version is to be live, and start an execution with "operation": "rollback" and "target_version": it brings the registry to that version.',
        AGAIN,
      ],
    ],
  ])('%s: told quietly, as nothing waits for a person', (_, read, title, todo) => {
    const one = told(contested, read);
    expect(one.title).toBe(title);
    expect(one.todo).toEqual(todo);
  });

  it.each([
    ['rollback', 'Rollback Contested'],
    ['adopt', 'Adoption Contested'],
    ['resume', 'Attempt Contested'],
  ] as const)('contests a %s by its name', (operation, title) => {
    expect(told({ ...contested, operation }).title).toBe(title);
  });
});

describe('a change that is complete', () => {
  it('names what it has overwritten, and whom to ask', () => {
    const { kind, happened, todo } = told({ status: 'promoted', overwritten: ['5', '4'] }, sampleEnding);
    expect(kind).toBe('promoted');
    expect(happened).toContain(
      'It archived version 5 and version 4, which another actor had just made the champion.',
    );
    expect(todo.slice(0, 2)).toEqual([
      'Monitor the model.',
      'Agree with whoever moved version 5 and version 4 which version is to be live.',
    ]);
  });

  it.each(['promote', 'rollback'] as const)('names it also after the way back (%s)', (operation) => {
    const { happened, todo } = told({ status: 'rolled_back', operation, overwritten: ['4'] }, sampleEnding);
    expect(happened[1]).toBe('It archived version 4, which another actor had just made the champion.');
    expect(todo[0]).toBe('Agree with whoever moved version 4 which version is to be live.');
  });

  it.each(['failed', 'contested'] as const)('names it also where nothing is complete (%s)', (status) => {
    const cause = { code: 'contested', said: 'lost' } as const;
    const { happened, todo } = told({ status, cause, overwritten: ['4'] }, moved);
    expect(happened).toContain('It archived version 4, which another actor had just made the champion.');
    expect(todo[0]).toBe('Agree with whoever moved version 4 which version is to be live.');
  });

  it('says of a direct promotion that the Workload was not changed, and how it serves the version', () => {
    const cause = { code: 'promoted', direct: true, workload_unchanged: true } as const;
    const { text } = alertFor({ ...sampleOutcome, cause, comparison: null }, context);
    expect(text).toContain('\nReason: promote-model was invoked directly: Workload not changed\n');
    expect(text).toContain(
      '\n1. Monitor the model.\n2. To have the Workload serve it as well, start an execution with "artifact_id" and "challenger_version": "3".\n',
    );
    expect(text).not.toContain('No other action needed');
  });

  it.each<[string, Partial<Outcome>, Partial<RollbackAnswer>, string, string[], string]>([
    [
      'after a failed promotion',
      { ...failed, status: 'rolled_back' },
      { finding: { code: 'moved', from: '3', to: '2' } },
      'Promotion Rolled Back',
      [
        'The promotion of version 3 failed, and version 2 is live.',
        'Reason: MlflowUnavailable: timed out',
        'In the registry: Version 2 is the champion again; version 3 is marked as rolled back',
      ],
      'Automatic runs do not promote version 3 while its tag "rolled_back" has a value.',
    ],
    [
      'after a promotion that never reached the registry',
      { ...failed, status: 'rolled_back' },
      { finding: { code: 'unmoved', from: '3', to: '2' }, serving: servingUndo({ action: 'cancelled' }) },
      'Promotion Rolled Back',
      [
        'The promotion of version 3 failed, and version 2 is live.',
        'The rollout on the Workload was cancelled before it switched.',
        'Reason: MlflowUnavailable: timed out',
      ],
      'The tag "rolled_back" was not set, so that an automatic run can try version 3 again.',
    ],
    [
      'as it was asked for',
      asked,
      { finding: { code: 'moved', from: '3', to: '2' }, serving: servingUndo() },
      'Model Rolled Back',
      [
        'The requested rollback is complete.',
        'A replacement put the artifact of version 2 in service.',
        'Rollback reason: ROLLOUT_FAILED',
        'Requested by: nightly retraining',
        'In the registry: Version 2 is the champion again; version 3 is marked as rolled back',
      ],
      'Automatic runs do not promote version 3 while its tag "rolled_back" has a value.',
    ],
    [
      'by an attempt of the sweep',
      { ...asked, operation: 'resume', cause: { code: 'no-result' } },
      { finding: { code: 'unmoved', from: '3', to: '2' }, serving: servingUndo({ action: 'none' }) },
      'Model Rolled Back',
      ['An attempt of the sweep completed the open change: version 2 is live.'],
      'Automatic runs do not promote version 3 while its tag "rolled_back" has a value.',
    ],
  ])('went back %s', (_, changes, answer, title, happened, mark) => {
    const one = told({ ...changes, rollback: rolledBack(answer) });
    expect(one.title).toBe(title);
    expect(one.happened).toEqual(happened);
    expect(one.todo).toEqual(['Find the cause in version 3 or in its promotion.', mark]);
  });

  it('was promoted by an attempt of the sweep', () => {
    const rollback = rolledBack({ rolled_back: false, finding: { code: 'completed', from: '3', to: '3' } });
    const cause = { code: 'promoted', direct: false, workload_unchanged: false } as const;
    const one = told(
      {
        ...{ status: 'promoted', operation: 'resume', cause, rollback, comparison: null },
        ...{ champion_before: '3', champion_after: '3' },
      },
      sampleEnding,
    );
    expect(one.title).toBe('Model Promoted');
    expect(one.happened[0]).toBe('An attempt of the sweep completed the promotion of version 3.');
    expect(one.text).not.toContain('No comparison was made');
  });

  it('was adopted', () => {
    const one = told({ status: 'adopted', operation: 'adopt', cause: { code: 'adopted' }, comparison: null });
    expect(one.kind).toBe('adopted');
    expect(one.title).toBe('Release Adopted');
    expect(one.happened[0]).toBe('Version 2 was recorded as live, as both sides show it.');
    expect(one.state).toContain('In step: both sides show the live release.');
    expect(one.todo).toEqual(['No action needed.']);
  });
});

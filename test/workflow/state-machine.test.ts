import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LeaseStoreUnavailable, MlflowRefused, StaleFence } from '../../lambdas/domain/errors.ts';
import { CloseInput } from '../../lambdas/domain/release/payloads.ts';
import { WorkloadApiRefused } from '../../lambdas/domain/serving/errors.ts';
import { ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { renderedFile } from '../../tools/render.ts';
import { execution, play } from '../support/play.ts';
import {
  asked,
  begun,
  busy,
  closed,
  compared,
  ended,
  notPromoted,
  notReplaced,
  platformError,
  prepared,
  promoted,
  replaced,
  rolledBack,
  rolling,
  served,
  stubFunctions,
  tasks,
  wayTo,
} from '../support/stub-functions.ts';

type Replies = Parameters<typeof stubFunctions>[0];

const refused = () => new MlflowRefused('MLflow said no', { status: 403, errorCode: 'PERMISSION_DENIED' });
const unsuccessful = ended({ status: 'failed', succeeded: false, reason: 'Version 3 was not promoted.' });

const begin = 'BeginPromotion Operation?';
const compare = `${begin} CompareModels PinChallenger Decision?`;
const request = `${compare} RequestApproval Approval?`;
const prepare = `${request} PreparePromotion Prepared?`;
const replace = `${prepare} ReplaceWorkload Rollout?`;
const promote = `${prepare} PromoteModel WasPromoted?`;
const close = `${promote} ClosePromotion Closed?`;
const rollback = `${promote} ModelRollback RolledBack?`;
const rollbackAsked = `${begin} PreparePromotion Prepared? ModelRollback RolledBack?`;
const announce = 'NotifyOutcome Outcome? Done';
/** From the registry's move to its end. */
const promoteAndClose = 'PromoteModel WasPromoted? ClosePromotion Closed? NotifySuccess Outcome? Done';

/** People are asked, and may take so many seconds. */
const waitingFor = (seconds: number | null) =>
  asked({ status: 'waiting', request_id: 'r', wait_seconds: seconds });

/** A closing that goes on, to be called again after so many seconds. */
const closing = (seconds: number | null) =>
  closed({ status: 'in_progress', retry_after_seconds: seconds, finding: { code: 'promoting' } });

describe('each choice leads where its answer says', () => {
  const invalid = begun({ valid: false, problems: ['model_name: is missing'], model_name: null });
  const askedForRollback = begun({ operation: 'rollback' });

  it.each<[string, Replies, string]>([
    ['a challenger that wins is promoted', {}, `${close} NotifySuccess Outcome? Done`],
    ['invalid input is announced', { 'begin-promotion': [invalid] }, `${begin} ${announce}`],
    [
      'an operation nobody knows is announced',
      { 'begin-promotion': [begun({ operation: 'x' })] },
      `${begin} ${announce}`,
    ],
    ['KEEP is announced', { 'compare-models': [compared({ decision: 'KEEP' })] }, `${compare} ${announce}`],
    [
      'INVESTIGATE that nobody may let through is announced',
      {
        'compare-models': [compared({ decision: 'INVESTIGATE' })],
        'request-approval': [asked({ status: 'investigate' })],
      },
      `${request} ${announce}`,
    ],
    [
      'INVESTIGATE that people have let through is promoted',
      {
        'compare-models': [compared({ decision: 'INVESTIGATE' })],
        'request-approval': [asked({ status: 'approved' })],
      },
      `${close} NotifySuccess Outcome? Done`,
    ],
    ...(['rejected', 'expired', 'void'] as const).map((status): [string, Replies, string] => [
      `a promotion is announced that is ${status}`,
      { 'request-approval': [asked({ status })] },
      `${request} ${announce}`,
    ]),
    [
      'a promotion that waits for people is asked about again until they have approved',
      {
        'request-approval': [
          waitingFor(3600),
          { wake: false },
          waitingFor(60),
          { wake: true },
          asked({ status: 'approved' }),
        ],
      },
      `${request} ${'AwaitDecision RequestApproval Approval? '.repeat(2)}PreparePromotion Prepared? ${promoteAndClose}`,
    ],
    [
      'a promotion that waits without saying for how long is announced',
      { 'request-approval': [waitingFor(null)] },
      `${request} ${announce}`,
    ],
    [
      'a wait for people that fails is announced',
      { 'request-approval': [waitingFor(60), refused()] },
      `${request} AwaitDecision ${announce}`,
    ],
    [
      'a dry run stops after the comparison',
      { 'begin-promotion': [begun({ dry_run: true })] },
      `${compare} ${announce}`,
    ],
    ['a busy model is announced', { 'prepare-promotion': [busy()] }, `${prepare} ${announce}`],
    [
      'a busy model is waited for and compared afresh',
      { 'prepare-promotion': [busy({ wait: true }), prepared()] },
      `${prepare} WaitForLease Operation? CompareModels PinChallenger Decision? RequestApproval Approval? PreparePromotion Prepared? ${promoteAndClose}`,
    ],
    ...(['contested', 'refused', 'already_promoted', 'adopted'] as const).map(
      (status): [string, Replies, string] => [
        `a model is announced that is ${status}`,
        { 'prepare-promotion': [prepared({ status, change_id: null })] },
        `${prepare} ${announce}`,
      ],
    ),
    [
      'a model that a Workload serves is rolled out first',
      { 'prepare-promotion': [served()] },
      `${replace} ${promoteAndClose}`,
    ],
    [
      'a served model without an artifact to put in service moves in the registry only',
      { 'prepare-promotion': [served({ artifact_id: null })] },
      `${close} NotifySuccess Outcome? Done`,
    ],
    [
      'an artifact without a Workload to serve it moves in the registry only',
      { 'prepare-promotion': [served({ workload_id: null })] },
      `${close} NotifySuccess Outcome? Done`,
    ],
    [
      'a served model whose rollback was asked for is not rolled out',
      { 'begin-promotion': [askedForRollback], 'prepare-promotion': [served()] },
      `${rollbackAsked} ${announce}`,
    ],
    [
      'a busy model that a Workload serves is not rolled out',
      { 'prepare-promotion': [busy({ workload_id: 'w1', artifact_id: 'a3' })] },
      `${prepare} ${announce}`,
    ],
    [
      'a rollout that goes on is called again until it is completed',
      {
        'prepare-promotion': [served()],
        'replace-workload': [rolling(1), rolling(3), rolling(60), replaced()],
      },
      `${replace} ${'WaitForRollout ReplaceWorkload Rollout? '.repeat(3)}${promoteAndClose}`,
    ],
    [
      'a rollout that fails is rolled back, and the registry never moves',
      { 'prepare-promotion': [served()], 'replace-workload': [rolling(3), notReplaced] },
      `${replace} WaitForRollout ReplaceWorkload Rollout? ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a rollout that goes on without saying for how long is rolled back',
      { 'prepare-promotion': [served()], 'replace-workload': [rolling(null)] },
      `${replace} ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a registry that refuses after the switch is rolled back',
      { 'prepare-promotion': [served()], 'promote-model': [notPromoted] },
      `${replace} PromoteModel WasPromoted? ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a promotion that is not closed yet is called again until it is',
      { 'close-promotion': [closing(3), closing(60), closed()] },
      `${close} ${'WaitForClose ClosePromotion Closed? '.repeat(2)}NotifySuccess Outcome? Done`,
    ],
    [
      'a promotion that is being closed without saying for how long is rolled back',
      { 'close-promotion': [closing(null)] },
      `${close} ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a promotion that cannot be closed is rolled back',
      { 'close-promotion': [closing(3), closed({ status: 'failed' })] },
      `${close} WaitForClose ClosePromotion Closed? ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a promotion that somebody interfered with before it was closed is looked at once more, by the rollback',
      {
        'close-promotion': [closed({ status: 'contested' })],
        'model-rollback': [rolledBack({ status: 'contested', rolled_back: false })],
      },
      `${close} ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a version that was not promoted is rolled back',
      { 'promote-model': [notPromoted] },
      `${rollback} ${announce}`,
    ],
    [
      'a rollback that goes on is called again',
      {
        'promote-model': [notPromoted],
        'model-rollback': [rolledBack({ status: 'in_progress', retry_after_seconds: 15 }), rolledBack()],
      },
      `${rollback} WaitForRollback ModelRollback RolledBack? ${announce}`,
    ],
    [
      'a rollback that goes on without saying for how long is announced',
      {
        'promote-model': [notPromoted],
        'model-rollback': [rolledBack({ status: 'in_progress', retry_after_seconds: null })],
      },
      `${rollback} ${announce}`,
    ],
    [
      'a contested rollback is announced',
      {
        'promote-model': [notPromoted],
        'model-rollback': [rolledBack({ status: 'contested', rolled_back: false })],
      },
      `${rollback} ${announce}`,
    ],
    [
      'a rollback that leaves its change open is announced: attempts go on with it',
      {
        'promote-model': [notPromoted],
        'model-rollback': [rolledBack({ status: 'open', rolled_back: false })],
      },
      `${rollback} ${announce}`,
    ],
    [
      'an attempt at an open change compares and promotes nothing, and brings it to its end',
      { 'begin-promotion': [begun({ operation: 'resume', change_id: 'run-0' })] },
      `${rollbackAsked} ${announce}`,
    ],
    [
      'an attempt at a change of a served model rolls nothing out itself',
      {
        'begin-promotion': [begun({ operation: 'resume', change_id: 'run-0' })],
        'prepare-promotion': [served()],
      },
      `${rollbackAsked} ${announce}`,
    ],
    [
      'an attempt that finds the model busy is announced',
      {
        'begin-promotion': [begun({ operation: 'resume', change_id: 'run-0' })],
        'prepare-promotion': [busy()],
      },
      `${begin} PreparePromotion Prepared? ${announce}`,
    ],
    [
      'adopting compares and moves nothing',
      {
        'begin-promotion': [begun({ operation: 'adopt' })],
        'prepare-promotion': [prepared({ status: 'adopted', change_id: null })],
      },
      `${begin} PreparePromotion Prepared? ${announce}`,
    ],
    [
      'a rollback that was asked for compares nothing',
      { 'begin-promotion': [askedForRollback] },
      `${rollbackAsked} ${announce}`,
    ],
    [
      'a rollback waits for a busy model',
      { 'begin-promotion': [askedForRollback], 'prepare-promotion': [busy({ wait: true }), prepared()] },
      `${begin} PreparePromotion Prepared? WaitForLease Operation? PreparePromotion Prepared? ModelRollback RolledBack? ${announce}`,
    ],
    [
      'an ending without success fails the execution',
      { 'promote-model': [notPromoted], 'end-promotion': [unsuccessful] },
      `${rollback} NotifyOutcome Outcome? Failed`,
    ],
  ])('%s', async (_title, replies, path) => {
    const played = await play(stubFunctions(replies));
    expect(played.path).toEqual(path.split(' '));
    expect(played.status).toBe(path.endsWith('Done') ? 'SUCCEEDED' : 'FAILED');
  });

  it('fails with the status and the reason of the recorded outcome', async () => {
    const played = await play(
      stubFunctions({ 'promote-model': [notPromoted], 'end-promotion': [unsuccessful] }),
    );
    expect(played.error).toEqual({ Error: 'failed', Cause: 'Version 3 was not promoted.' });
  });
});

describe('each catch leads to an announcement', () => {
  const afterPromote = 'ModelRollback RolledBack?';
  const oops = new TypeError('a mistake of ours');
  const tooLarge = platformError('States.DataLimitExceeded');

  const notServed = new WorkloadApiRefused('Workload w1: 403', { status: 403, detail: 'no entitlement' });
  const rollingOut = (error: Error): Replies => ({
    'prepare-promotion': [served()],
    'replace-workload': [rolling(3), error],
  });
  const looping = `${replace} WaitForRollout ReplaceWorkload`;

  it.each<[string, Error, Replies, string]>([
    ['BeginPromotion', oops, { 'begin-promotion': [oops] }, 'BeginPromotion'],
    ['BeginPromotion', tooLarge, { 'begin-promotion': [tooLarge] }, 'BeginPromotion'],
    ['CompareModels', refused(), { 'compare-models': [refused()] }, `${begin} CompareModels`],
    ['CompareModels', tooLarge, { 'compare-models': [tooLarge] }, `${begin} CompareModels`],
    ['PreparePromotion', refused(), { 'prepare-promotion': [refused()] }, `${request} PreparePromotion`],
    ['PreparePromotion', tooLarge, { 'prepare-promotion': [tooLarge] }, `${request} PreparePromotion`],
    ['ReplaceWorkload', notServed, rollingOut(notServed), `${looping} ${afterPromote}`],
    ['ReplaceWorkload', tooLarge, rollingOut(tooLarge), `${looping} ${afterPromote}`],
    ['PromoteModel', refused(), { 'promote-model': [refused()] }, `${prepare} PromoteModel ${afterPromote}`],
    ['PromoteModel', tooLarge, { 'promote-model': [tooLarge] }, `${prepare} PromoteModel ${afterPromote}`],
    [
      'ClosePromotion',
      refused(),
      { 'close-promotion': [closing(3), refused()] },
      `${close} WaitForClose ClosePromotion ${afterPromote}`,
    ],
    [
      'ClosePromotion',
      tooLarge,
      { 'close-promotion': [tooLarge] },
      `${promote} ClosePromotion ${afterPromote}`,
    ],
    [
      'ModelRollback',
      refused(),
      { 'promote-model': [notPromoted], 'model-rollback': [refused()] },
      `${promote} ModelRollback`,
    ],
    [
      'ModelRollback',
      tooLarge,
      { 'promote-model': [notPromoted], 'model-rollback': [tooLarge] },
      `${promote} ModelRollback`,
    ],
    ['NotifySuccess', oops, { 'end-promotion': [oops, ended()] }, `${close} NotifySuccess`],
    ['NotifySuccess', tooLarge, { 'end-promotion': [tooLarge, ended()] }, `${close} NotifySuccess`],
  ])('of %s for %s', async (state, error, replies, path) => {
    const stubs = stubFunctions(replies);
    const played = await play(stubs);

    expect(played.path).toEqual(`${path} ${announce}`.split(' '));
    expect(played.events).toContainEqual(
      expect.objectContaining({ kind: 'caught', state, error: error.name }),
    );
    const seen = stubs.eventsOf('end-promotion').at(-1)?.['state'] as Record<string, unknown>;
    const place = { BeginPromotion: seen, ModelRollback: seen['rollback_error'] }[state] ?? seen['error'];
    expect(place).toMatchObject({ Error: error.name, Cause: expect.stringContaining(error.message) });
  });

  it('leaves what it was about to close alone after StaleFence', async () => {
    const stale = new StaleFence('fence 8 was seen, ours is 7');
    const stubs = stubFunctions({ 'close-promotion': [closing(3), stale] });
    expect((await play(stubs)).path).toEqual(`${close} WaitForClose ClosePromotion ${announce}`.split(' '));
    expect(stubs.eventsOf('model-rollback')).toEqual([]);
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      error: { Error: 'StaleFence' },
      closing: closing(3),
    });
  });

  it('leaves the registry alone after StaleFence: a lost lease never leads to a rollback', async () => {
    const stubs = stubFunctions({ 'promote-model': [new StaleFence('fence 8 was seen, ours is 7')] });
    const played = await play(stubs);
    expect(played.path).toEqual(`${prepare} PromoteModel ${announce}`.split(' '));
    expect(stubs.eventsOf('model-rollback')).toEqual([]);
  });

  it('leaves the Workload alone after StaleFence in the middle of a rollout', async () => {
    const stubs = stubFunctions(rollingOut(new StaleFence('fence 8 was seen, ours is 7')));
    expect((await play(stubs)).path).toEqual(`${looping} ${announce}`.split(' '));
    expect(stubs.eventsOf('model-rollback')).toEqual([]);
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      error: { Error: 'StaleFence' },
      serving: rolling(3),
    });
  });

  it('waits until a step of the rollout without an answer has ended, and then rolls back', async () => {
    const stubs = stubFunctions(rollingOut(platformError('Sandbox.Timedout')));
    const played = await play(stubs);
    expect(played.path).toEqual(`${looping} WaitForReplaceWorkload ${afterPromote} ${announce}`.split(' '));
    // What the rollout had come to is still told.
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      error: { Error: 'Sandbox.Timedout' },
      serving: rolling(3),
      rollback: rolledBack(),
    });
  });

  it('keeps what a rollback had done when it fails in the middle', async () => {
    const half = rolledBack({ status: 'in_progress', rolled_back: false, retry_after_seconds: 5 });
    const played = await play(
      stubFunctions({ 'promote-model': [notPromoted], 'model-rollback': [half, notServed] }),
    );
    expect(played.path).toEqual(`${rollback} WaitForRollback ModelRollback ${announce}`.split(' '));
    expect(played.output).toMatchObject({ rollback: half, rollback_error: { Error: 'WorkloadApiRefused' } });
  });

  it('announces a StaleFence of the rollback as its error', async () => {
    const stale = new StaleFence('fence 8 was seen, ours is 7');
    const stubs = stubFunctions({ 'promote-model': [notPromoted], 'model-rollback': [stale] });
    expect((await play(stubs)).path).toEqual(`${promote} ModelRollback ${announce}`.split(' '));
    expect(stubs.eventsOf('end-promotion').at(-1)?.['state']).toMatchObject({
      rollback_error: { Error: 'StaleFence' },
    });
  });

  it('waits until a move without an answer has ended, and then rolls back', async () => {
    const played = await play(
      stubFunctions({ 'promote-model': [platformError('Lambda.SdkClientException')] }),
    );
    expect(played.path).toEqual(
      `${prepare} PromoteModel WaitForPromoteModel ${afterPromote} ${announce}`.split(' '),
    );
  });

  it('waits until a closing without an answer has ended, and lets the rollback see what it came to', async () => {
    const stubs = stubFunctions({
      'close-promotion': [closing(3), platformError('Sandbox.Timedout')],
      'model-rollback': [
        rolledBack({ rolled_back: false, finding: { code: 'completed', from: '2', to: '3' } }),
      ],
    });
    const played = await play(stubs);
    expect(played.path).toEqual(
      `${close} WaitForClose ClosePromotion WaitForClosePromotion ${afterPromote} ${announce}`.split(' '),
    );
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({
      error: { Error: 'Sandbox.Timedout' },
      closing: closing(3),
      rollback: { finding: { code: 'completed' } },
    });
  });

  it('waits until a rollback without an answer has ended before it gives the lease back', async () => {
    const played = await play(
      stubFunctions({ 'promote-model': [notPromoted], 'model-rollback': [platformError('States.Timeout')] }),
    );
    expect(played.path).toEqual(`${promote} ModelRollback WaitForModelRollback ${announce}`.split(' '));
    expect(played.output).toMatchObject({ rollback_error: { Error: 'States.Timeout' } });
  });

  it.each([new LeaseStoreUnavailable('no table'), tooLarge])(
    'fails the execution by another name when nothing could be announced (%s)',
    async (error) => {
      const played = await play(stubFunctions({ 'end-promotion': [error] }));
      expect(played.path.slice(-3)).toEqual(['NotifySuccess', 'NotifyOutcome', 'OutcomeNotRecorded']);
      expect(played.error).toMatchObject({
        Error: 'OutcomeNotRecorded',
        Cause: expect.stringContaining('NotifyOutcome failed'),
      });
    },
  );
});

describe('each catch of the rendered definition', () => {
  interface State {
    Catch?: { ErrorEquals: string[]; Next: string }[];
  }
  const { States }: { States: Record<string, State> } = JSON.parse(readFileSync(renderedFile, 'utf8'));
  const all = [...tasks, ['AwaitDecision', 'request-approval'] as const];
  const cases = all.flatMap(([state, functionName]) =>
    (States[state]?.Catch ?? []).flatMap(({ ErrorEquals, Next }) =>
      ErrorEquals.map((name) => ({
        ...{ state, functionName, next: Next },
        // Whatever no catch before it names, and no retrier.
        name: name === 'States.ALL' ? 'TypeError' : name,
      })),
    ),
  );

  it('is one of a task that is thrown in here', () => {
    const caught = Object.values(States).flatMap(({ Catch = [] }) => Catch.flatMap((one) => one.ErrorEquals));
    expect(cases).toHaveLength(caught.length);
    // Each step that may write names what to do about a lost lease, and about an answer that never came.
    const named = cases.filter(({ name }) => name === 'StaleFence').map(({ state }) => state);
    expect(named).toEqual(['ReplaceWorkload', 'PromoteModel', 'ClosePromotion']);
    const unknown = cases.filter(({ name }) => name === 'States.Timeout').map(({ state }) => state);
    expect(unknown).toEqual([...named, 'ModelRollback', 'AwaitDecision']);
  });

  it.each(cases)('of $state leads $name to $next', async ({ state, functionName, name, next }) => {
    const error = platformError(name);
    const again = functionName === 'end-promotion' && state !== 'NotifyOutcome';
    const failing =
      state === 'AwaitDecision' ? [waitingFor(60), error, asked({ status: 'rejected' })] : [error];
    const replies = { ...wayTo[state], [functionName]: again ? [error, ended()] : failing };
    const played = await play(stubFunctions(replies));
    expect(played.events).toContainEqual(
      expect.objectContaining({ kind: 'caught', state, error: name, next }),
    );
    expect(played.path[played.path.indexOf(state) + 1]).toBe(next);
    const last = state === 'NotifyOutcome' ? 'OutcomeNotRecorded' : 'Done';
    expect(played.path.at(-1)).toBe(last);
  });
});

describe('each step is given what it needs', () => {
  it('gives BeginPromotion the raw input with the name and the start of the execution', async () => {
    const stubs = stubFunctions();
    await play(stubs, { model_name: 'Ünï/côde "x"', reason: '$.model_name' });
    expect(stubs.eventsOf('begin-promotion')).toEqual([
      {
        input: { model_name: 'Ünï/côde "x"', reason: '$.model_name' },
        execution: execution.id,
        started_at: execution.startTime,
      },
    ]);
  });

  it('pins the compared version and the champion it was compared with', async () => {
    const stubs = stubFunctions({ 'begin-promotion': [begun({ reason: 'nightly' })] });
    await play(stubs);
    const [event] = stubs.eventsOf('promote-model');
    expect(event).toEqual({
      model_name: 'PascalStrategy',
      new_version: '3',
      confidence: 0.85,
      expected_champion: '2',
      fence: 7,
      execution: execution.id,
      reason: 'nightly',
      requested_by: 'retraining',
    });
    expect(Object.keys(event ?? {}).slice(0, 3)).toEqual(['model_name', 'new_version', 'confidence']);
  });

  it('passes null on for a first model and for a model without a challenger', async () => {
    const first = stubFunctions({ 'compare-models': [compared({ champion_version: null })] });
    await play(first);
    expect(first.eventsOf('promote-model')[0]).toMatchObject({ expected_champion: null });

    const none = compared({ decision: 'INVESTIGATE', challenger_version: null });
    const without = stubFunctions({ 'compare-models': [none] });
    expect((await play(without)).status).toBe('SUCCEEDED');
    expect(without.eventsOf('end-promotion')[0]?.['state']).toMatchObject({ challenger_version: null });
  });

  it('compares the pinned version again after waiting for the lease', async () => {
    const stubs = stubFunctions({ 'prepare-promotion': [busy({ wait: true }), prepared()] });
    await play(stubs);
    expect(stubs.eventsOf('compare-models').map((event) => event['challenger_version'])).toEqual([null, '3']);
  });

  it('gives PreparePromotion the comparison, or null for a rollback', async () => {
    const stubs = stubFunctions();
    await play(stubs);
    const event = stubs.eventsOf('prepare-promotion')[0];
    expect(event).toMatchObject({ operation: 'promote', comparison: compared(), challenger_version: '3' });
    expect(event).toMatchObject({ execution: execution.id, started_at: execution.startTime });

    const asked = stubFunctions({ 'begin-promotion': [begun({ operation: 'rollback' })] });
    await play(asked);
    expect(asked.eventsOf('prepare-promotion')[0]).toMatchObject({ operation: 'rollback', comparison: null });
  });

  it('gives ModelRollback the open change, the fence and the reason that PreparePromotion answered', async () => {
    const stubs = stubFunctions({ 'promote-model': [notPromoted] });
    await play(stubs);
    expect(stubs.eventsOf('model-rollback')).toEqual([
      {
        ...{
          model_name: 'PascalStrategy',
          champion_version: null,
          target_version: null,
          reason: 'ROLLOUT_FAILED',
          alarm_name: null,
          asked_at: '2026-01-01T00:00:00.000Z',
        },
        ...{ dry_run: false, emergency: false, workload_id: null, requested_by: 'retraining' },
        ...{ change_id: 'run-1', fence: 7, execution: execution.id, previous: null },
      },
    ]);
  });

  it('gives ModelRollback no change where it is to open one itself', async () => {
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'rollback', target_version: '1', alarm_name: 'drift' })],
      'prepare-promotion': [prepared({ change_id: null, rollback_reason: 'MANUAL_REQUEST' })],
    });
    await play(stubs);
    expect(stubs.eventsOf('model-rollback')).toMatchObject([
      { change_id: null, target_version: '1', alarm_name: 'drift', reason: 'MANUAL_REQUEST', fence: 7 },
    ]);
  });

  it('gives an attempt the change that was asked for, and the lease in its own name', async () => {
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'resume', change_id: 'run-0' })],
      'prepare-promotion': [prepared({ change_id: 'run-0' })],
    });
    await play(stubs);
    expect(stubs.eventsOf('prepare-promotion')).toMatchObject([
      { operation: 'resume', change_id: 'run-0', comparison: null, execution: execution.id },
    ]);
    expect(stubs.eventsOf('model-rollback')).toMatchObject([
      { change_id: 'run-0', execution: execution.id, fence: 7 },
    ]);
  });

  it('gives ClosePromotion the open change and its deadline, and each time its own last answer', async () => {
    const stubs = stubFunctions({
      'prepare-promotion': [served()],
      'close-promotion': [closing(3), closing(60), closed()],
    });
    await play(stubs);
    const event = {
      ...{ model_name: 'PascalStrategy', change_id: 'run-1', execution: execution.id, fence: 7 },
      deadline: '2026-01-01T01:00:00.000Z',
    };
    const events = stubs.eventsOf('close-promotion');
    expect(events).toEqual([null, closing(3), closing(60)].map((previous) => ({ ...event, previous })));
    for (const one of events) expect(CloseInput.parse(one)).toMatchObject(event);
  });

  it('gives ModelRollback the Workload that was named, and each time its own last answer', async () => {
    const half = rolledBack({ status: 'in_progress', rolled_back: false, retry_after_seconds: 5 });
    const further = { ...half, detail: 'The old artifact is coming up.' };
    const stubs = stubFunctions({
      'begin-promotion': [begun({ operation: 'rollback', workload_id: 'w1' })],
      'model-rollback': [half, further, rolledBack()],
    });
    await play(stubs);
    const events = stubs.eventsOf('model-rollback');
    expect(events.map((event) => event['previous'])).toEqual([null, half, further]);
    expect(events.map((event) => event['workload_id'])).toEqual(['w1', 'w1', 'w1']);
  });

  it('gives PreparePromotion the artifact, the rollout and the leave to adopt that were asked for', async () => {
    const rollout = { strategy: 'rolling', keepOldVersionMinutes: 10 };
    const asked = { artifact_id: 'a3', rollout, adopt: true, lock_artifact: true };
    const stubs = stubFunctions({ 'begin-promotion': [begun(asked)] });
    await play(stubs);
    expect(stubs.eventsOf('prepare-promotion')[0]).toMatchObject(asked);
  });

  it('gives ReplaceWorkload what was asked for and prepared, and each time its own last answer', async () => {
    const rollout = { strategy: 'rolling', keepOldVersionMinutes: 10, runtime: { containerGroups: [] } };
    const started_at = '2026-01-01T00:00:07.000Z';
    const asked = { artifact_id: 'named', workload_id: null, lock_artifact: true, importance: 'high' };
    const stubs = stubFunctions({
      'begin-promotion': [begun({ ...asked, rollout, started_at })],
      'prepare-promotion': [served()],
      'replace-workload': [rolling(1), rolling(3), replaced()],
    });
    await play(stubs);
    const event = {
      ...{ workload_id: 'w1', artifact_id: 'a3', rollout, importance: 'high', lock_artifact: true },
      ...{ deadline: '2026-01-01T01:00:00.000Z', fence: 7, model_name: 'PascalStrategy' },
      ...{ execution: execution.id, since: '2026-01-01T00:20:00.000Z' },
    };
    const events = stubs.eventsOf('replace-workload');
    expect(events).toEqual([null, rolling(1), rolling(3)].map((previous) => ({ ...event, previous })));
    for (const one of events) expect(ReplaceInput.parse(one)).toMatchObject(event);
  });

  it('hands the rollback after a failed rollout its change, and end-promotion why it failed', async () => {
    const stubs = stubFunctions({ 'prepare-promotion': [served()], 'replace-workload': [notReplaced] });
    await play(stubs);
    expect(stubs.eventsOf('promote-model')).toEqual([]);
    expect(stubs.eventsOf('model-rollback')[0]).toMatchObject({
      change_id: 'run-1',
      reason: 'ROLLOUT_FAILED',
    });
    expect(stubs.eventsOf('end-promotion')[0]?.['state']).toMatchObject({ serving: notReplaced });
  });

  it('gives NotifySuccess the whole state, with every answer in it', async () => {
    const stubs = stubFunctions();
    const played = await play(stubs);
    const state = {
      ...begun(),
      challenger_version: '3',
      comparison: compared(),
      approval: asked(),
      prepared: prepared(),
      promotion: promoted,
      closing: closed(),
    };
    expect(stubs.eventsOf('end-promotion')).toEqual([{ state, execution: execution.id }]);
    expect(played.output).toEqual({ ...state, ending: ended() });
  });

  it.each([['text'], [7], [0], [true], [false], [null], [[]], [['a']], [{}], ['']])(
    'lets BeginPromotion judge the input %j, which need not be an object',
    async (input) => {
      const stubs = stubFunctions({ 'begin-promotion': [begun({ valid: false })] });
      expect((await play(stubs, input)).path).toEqual(`${begin} ${announce}`.split(' '));
      expect(stubs.eventsOf('begin-promotion')[0]?.['input']).toEqual(input);
    },
  );

  it.each([['text'], [null], [[1]]])(
    'announces an error in BeginPromotion for the input %j',
    async (input) => {
      const stubs = stubFunctions({ 'begin-promotion': [new TypeError('a mistake of ours')] });
      expect((await play(stubs, input)).path).toEqual(`BeginPromotion ${announce}`.split(' '));
      expect(stubs.eventsOf('end-promotion')[0]).toMatchObject({
        state: { Error: 'TypeError' },
        execution: execution.id,
      });
    },
  );
});

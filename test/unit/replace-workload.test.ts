import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { StaleFence } from '../../lambdas/domain/errors.ts';
import type { PromotionStore } from '../../lambdas/domain/release/store.ts';
import {
  WorkloadApiInvalidResponse,
  WorkloadApiUnavailable,
  WorkloadNotFound,
} from '../../lambdas/domain/serving/errors.ts';
import { type ReplaceAnswer, ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { replace } from '../../lambdas/use-cases/replace-workload.ts';
import {
  type ChangeWorld,
  changeWorld,
  goingBack,
  RUN,
  type Setting,
  three,
  two,
} from '../support/change-world.ts';
import { arn, change, MODEL } from '../support/releases.ts';
import {
  artifact,
  at,
  type Candidate,
  FakePlatform,
  NOON,
  proton,
  refused,
  replaceInput,
  rollOut,
  type Trouble,
  workload,
} from '../support/serving.ts';

let platform: FakePlatform;
beforeEach(() => {
  platform = new FakePlatform();
});

const oneStep = (input: ReplaceInput, store: PromotionStore = noStore) =>
  replace(input, { workloads: platform, store, clock: { now: () => platform.now } }, { requestId: 'r1' });
const run = (input: Record<string, unknown> = {}) => rollOut(platform, oneStep, input);
const last = (answers: ReplaceAnswer[]) => answers.at(-1);

function drafts(...ids: string[]): void {
  for (const id of ids) platform.artifacts.set(id, artifact(id, 'draft'));
}

describe('a rollout from its first step to its last', () => {
  it('replaces one locked artifact by another', async () => {
    const answers = await run({ importance: 'high' });
    expect(answers[0]).toMatchObject({
      action: 'replace',
      status: 'in_progress',
      artifact_id: 'new',
      retry_after_seconds: 3,
    });
    expect(answers[0]?.waiting).toEqual({ code: 'starting', artifact: 'new' });
    expect(answers[1]).toMatchObject({
      phase: 'initializing',
      waiting: { code: 'replacing', state: 'initializing' },
      candidate: { proton_id: 'p2', status: 'launching' },
    });
    expect(last(answers)).toMatchObject({
      action: 'replace',
      status: 'completed',
      previous_artifact_id: 'old',
      already_replaced: false,
      retry_after_seconds: null,
      waiting: null,
      failure: null,
      failure_details: null,
      diagnosis: null,
    });
    expect(platform.calls).toEqual(['startReplacement', 'setImportance']);
  });

  it('answers every field every time', async () => {
    const fields = [
      'action',
      'status',
      'phase',
      'artifact_id',
      'previous_artifact_id',
      'endpoint',
      'candidate',
      'retry_after_seconds',
      'already_replaced',
      'reason',
      'waiting',
      'failure',
      'failure_details',
      'diagnosis',
      'progress',
    ];
    platform.candidate = 'fails';
    const answers = [...(await run()), ...(await rollOut(new FakePlatform(), oneStep))];
    for (const answer of answers) {
      expect(Object.keys(answer).sort()).toEqual([...fields].sort());
      expect(Object.values(answer)).not.toContain(undefined);
      expect(answer.waiting !== null).toBe(answer.status === 'in_progress');
      expect(answer.failure).toBe(answer.failure_details?.code ?? null);
    }
  });

  it('changes nothing more and says so when asked again', async () => {
    await run();
    platform.calls.length = 0;
    expect(last(await run())).toMatchObject({
      action: 'none',
      status: 'completed',
      already_replaced: true,
      previous_artifact_id: null,
    });
    expect(platform.calls).toEqual([]);
  });

  it('promotes a draft in place', async () => {
    platform.workload = workload({ artifactId: 'new' });
    platform.protonList = [proton('p1', 'new')];
    drafts('new');
    const answer = last(await run({ importance: 'critical' }));
    expect(answer).toMatchObject({ action: 'promote', status: 'completed', already_replaced: false });
    expect(platform.calls).toEqual(['setImportance', 'promote']);
  });

  it('replaces a draft by a draft and then promotes it in place', async () => {
    drafts('old', 'new');
    expect(last(await run())).toMatchObject({
      action: 'promote',
      status: 'completed',
      previous_artifact_id: 'old',
    });
    expect(platform.calls).toEqual(['startReplacement', 'promote']);
  });

  it('locks the artifact first when asked to', async () => {
    drafts('new');
    expect(last(await run({ lock_artifact: true }))).toMatchObject({
      action: 'replace',
      status: 'completed',
    });
    expect(platform.calls).toEqual(['lockArtifact', 'startReplacement']);
  });

  it('adopts a replacement that goes on already', async () => {
    platform.begin('new');
    expect(last(await run())).toMatchObject({
      action: 'replace',
      status: 'completed',
      previous_artifact_id: 'old',
    });
    expect(platform.calls).toEqual([]);
  });

  it('waits for a settings change and then begins', async () => {
    platform.begin('old');
    expect(last(await run())).toMatchObject({ action: 'replace', status: 'completed' });
    expect(platform.calls).toEqual(['startReplacement']);
  });

  it("leaves another's replacement alone and names it", async () => {
    platform.begin('third');
    expect(last(await run())).toMatchObject({
      action: 'none',
      status: 'failed',
      failure: 'foreign-replacement',
      failure_details: { code: 'foreign-replacement', artifact: 'third' },
    });
    expect(platform.calls).toEqual([]);
  });
});

describe('a rollout that fails', () => {
  const container = (more: object = {}) => ({
    name: 'lrs-p2-model',
    status: 'waiting',
    ready: false,
    restarts: 7,
    reason: 'CrashLoopBackOff, Error',
    exitCode: 1,
    message: 'back-off 5m0s',
    ...more,
  });

  beforeEach(() => {
    platform.details = {
      state: 'launching',
      summary: 'pods are not ready',
      replicas: [
        {
          name: 'lrs-p2-a-b',
          status: 'pending',
          containers: [container()],
          unmet: [{ reason: 'Unschedulable', message: '0/3 nodes' }],
        },
      ],
      logTail: ['ok', 'Traceback\u001b[31m\nSubject: all fine', 'password=hunter2'],
    };
  });

  it('says why, container by container, in text that cannot mislead', async () => {
    platform.candidate = 'fails';
    const answer = last(await run());
    expect(answer).toMatchObject({
      status: 'failed',
      failure: 'candidate-failed',
      failure_details: { state: 'errored', message: 'Failed to launch candidate protons' },
      diagnosis: {
        message: 'Failed to launch candidate protons',
        protons: [
          { id: 'p2', role: 'candidate', summary: 'pods are not ready', unmet: ['Unschedulable: 0/3 nodes'] },
        ],
        containers: [{ container: 'model', restarts: 7, reason: 'CrashLoopBackOff, Error', exit_code: 1 }],
        log_source: 'status_details',
        unavailable: [],
      },
    });
    expect(answer?.diagnosis?.log_lines).toEqual([
      'ok',
      'Traceback\\u{001b}[31m\\nSubject: all fine',
      'password=***',
    ]);
    expect(platform.calls).toEqual(['startReplacement']);
  });

  it('takes the log from OpenTelemetry where the status has none, and the containers from the event', async () => {
    platform.candidate = 'dropped';
    platform.details = null;
    platform.logLines = ['out of memory'];
    platform.eventList = [
      {
        id: 'e',
        timestamp: at(60).toISOString(),
        eventType: 'Replacement Errored',
        artifactId: 'new',
        message: 'no luck',
        protons: {
          p2: [
            {
              name: 'lrs-p2-x',
              status: 'failed',
              containers: [container({ reason: 'OOMKilled' })],
              unmet: [],
            },
          ],
        },
      },
    ];
    expect(last(await run())).toMatchObject({
      failure: 'candidate-dropped',
      diagnosis: {
        message: 'no luck',
        protons: [{ id: 'p2', status: 'gone' }],
        containers: [{ reason: 'OOMKilled' }],
        log_lines: [expect.stringContaining('out of memory')],
        log_source: 'otel',
      },
    });
  });

  it('is still explained as far as possible when details cannot be read', async () => {
    platform.candidate = 'fails';
    platform.trouble = (call) =>
      ['getStatusDetails', 'getLogs', 'getEvents'].includes(call) ? 'away' : null;
    const answer = last(await run());
    expect(answer).toMatchObject({
      failure: 'candidate-failed',
      diagnosis: { containers: [], log_source: null },
    });
    expect(answer?.diagnosis?.unavailable).toHaveLength(3);
  });

  it('is not begun again when the candidate silently goes away', async () => {
    platform.candidate = 'dropped';
    expect(last(await run())).toMatchObject({ status: 'failed', failure: 'candidate-dropped' });
    expect(platform.calls).toEqual(['startReplacement']);
  });

  it('is cancelled at its deadline, diagnosed before that, and failed once the old artifact is confirmed', async () => {
    platform.candidate = 'never-ready';
    const cancel = platform.cancelReplacement;
    platform.cancelReplacement = async () => {
      await cancel();
      platform.details = null;
    };
    const answers = await run();
    const cancelled = answers.findIndex(({ waiting }) => waiting?.code === 'cancelling');
    expect(answers[cancelled]).toMatchObject({
      status: 'in_progress',
      diagnosis: { containers: [{ restarts: 7 }] },
    });
    expect(last(answers)).toMatchObject({
      status: 'failed',
      failure: 'deadline',
      failure_details: { code: 'deadline', at: { code: 'cancelled', artifact: 'old' } },
      diagnosis: { containers: [{ restarts: 7 }] },
    });
    expect(platform.calls).toEqual(['startReplacement', 'cancelReplacement']);
    expect(platform.workload?.artifactId).toBe('old');
    expect(platform.now.getTime() - at(3600).getTime()).toBeLessThan(60_000);
  });
});

describe('an answer that is lost', () => {
  const once = (call: string, trouble: Trouble) => {
    let left = 1;
    platform.trouble = (asked) => (asked === call && left-- > 0 ? trouble : null);
  };

  it.each(['lost-after', 'lost-before'] as const)(
    'of a start (%s) is settled by looking',
    async (trouble) => {
      once('startReplacement', trouble);
      const answers = await run();
      expect(answers[0]).toMatchObject({
        status: 'in_progress',
        waiting: { code: trouble === 'lost-after' ? 'starting' : 'start-unconfirmed' },
        progress: { confirmed: trouble === 'lost-after', attempts: 1 },
      });
      expect(last(answers)).toMatchObject({
        action: 'replace',
        status: 'completed',
        previous_artifact_id: 'old',
      });
      expect(platform.calls).toEqual(['startReplacement']);
      expect(platform.violations).toEqual([]);
    },
  );

  it('of a start is remembered even when the look fails too', async () => {
    platform.trouble = (call) => (call === 'startReplacement' ? 'lost-after' : null);
    let looks = 0;
    const look = platform.getReplacement;
    platform.getReplacement = async () => {
      if (++looks === 2) throw new WorkloadApiInvalidResponse('a proxy page');
      return look();
    };
    expect(await oneStep(replaceInput())).toMatchObject({
      status: 'in_progress',
      progress: { started_at: NOON.toISOString(), confirmed: false },
    });
  });

  it.each(['lost-after', 'lost-before'] as const)(
    'of a promotion in place (%s) is settled by looking',
    async (trouble) => {
      platform.workload = workload({ artifactId: 'new' });
      platform.protonList = [proton('p1', 'new')];
      drafts('new');
      once('promote', trouble);
      const answers = await run();
      expect(answers[0]?.waiting).toEqual({ code: 'promotion-unconfirmed' });
      expect(last(answers)).toMatchObject({ action: 'promote', status: 'completed' });
      expect(platform.calls).toEqual(['promote']);
    },
  );

  it('and with it what was begun: the history still tells', async () => {
    platform.candidate = 'fails';
    await oneStep(replaceInput({ since: NOON.toISOString() }));
    platform.now = at(120);
    await oneStep(replaceInput({ since: NOON.toISOString() }));
    expect(await oneStep(replaceInput({ since: NOON.toISOString() }))).toMatchObject({
      failure: 'candidate-failed',
    });
    expect(platform.calls).toEqual(['startReplacement']);
  });
});

describe("the platform's own no", () => {
  it.each([400, 404, 409, 422])('to a start (%i) is a failure with its words', async (status) => {
    platform.startReplacement = async () => {
      throw refused(status, 'quota\nexceeded');
    };
    const answers = await run();
    expect(last(answers)).toMatchObject({
      status: 'failed',
      failure: 'start-refused',
      failure_details: { http_status: status, detail: 'quota\nexceeded' },
    });
    if (status !== 400)
      expect(answers[0]?.waiting).toEqual({ code: 'start-refused-for-now', detail: 'quota\nexceeded' });
  });

  it('because somebody was faster is looked at again', async () => {
    const start = platform.startReplacement;
    platform.startReplacement = async () => {
      platform.begin('third');
      platform.startReplacement = start;
      throw refused(422, 'A replacement is already in progress');
    };
    const answers = await run();
    const waiting = { code: 'start-overtaken', detail: 'A replacement is already in progress' };
    expect(answers[0]).toMatchObject({ action: 'none', status: 'in_progress', waiting });
    expect(last(answers)).toMatchObject({ failure: 'foreign-replacement' });
  });

  it.each([401, 403])('to the caller (%i) is thrown', async (status) => {
    platform.startReplacement = async () => {
      throw refused(status, 'no seat');
    };
    await expect(run()).rejects.toMatchObject({ name: 'WorkloadApiRefused', status });
  });

  it('to a lock or a promotion in place is a failure, unless it is locked by now', async () => {
    drafts('new');
    platform.lockArtifact = async () => {
      throw refused(422, 'complete a build first');
    };
    expect(last(await run({ lock_artifact: true }))).toMatchObject({
      failure: 'lock-refused',
      failure_details: { http_status: 422, detail: 'complete a build first' },
    });
    platform.lockArtifact = async () => {
      platform.artifacts.set('new', artifact('new'));
      throw refused(403, 'artifact is locked');
    };
    expect(last(await run({ lock_artifact: true }))).toMatchObject({ status: 'completed' });

    platform = new FakePlatform();
    drafts('new');
    platform.workload = workload({ artifactId: 'new' });
    platform.protonList = [proton('p1', 'new')];
    platform.promote = async () => {
      throw refused(404, 'not the owner of the artifact');
    };
    expect(last(await run())).toMatchObject({ failure: 'promote-refused', action: 'promote' });
  });
});

describe('who may write', () => {
  const machine = { fence: 1, model_name: MODEL, execution: RUN };
  const within = (world: ChangeWorld, more: object = {}) =>
    replace(
      replaceInput({ ...machine, ...more }),
      { workloads: world.platform, store: world.store, clock: world.services.clock },
      { requestId: 'r1' },
    );

  it('is the execution with the lease and the open change', async () => {
    const world = changeWorld();
    expect(await within(world)).toMatchObject({ status: 'in_progress', waiting: { code: 'starting' } });
    expect(world.platform.calls).toEqual(['startReplacement']);
  });

  it.each<[string, Setting, object]>([
    ['another fence', { item: { fence: 2 } }, {}],
    ['another holds the lease', { item: { owner: arn('run-2') } }, {}],
    ['nobody holds it', { item: { owner: null, expires_at: null } }, {}],
    ['the lease has run out', { item: { expires_at: at(0) } }, {}],
    ['less of the lease is left than the function can run', { item: { expires_at: at(60) } }, {}],
    ['no change is open', { change: null }, {}],
    ['the open change is of another', { change: change(two, three, { id: arn('run-2') }) }, {}],
    ['the open change has been turned back', { change: goingBack() }, {}],
    ['the open change has another aim', {}, { artifact_id: 'third' }],
    ['the open change is for another Workload', {}, { workload_id: 'w2' }],
  ])('is not an execution where %s: it is stale, and looks at nothing', async (_, setting, more) => {
    const world = changeWorld(setting);
    const asked: string[] = [];
    world.platform.trouble = (call) => {
      asked.push(call);
      return null;
    };
    await expect(within(world, more)).rejects.toBeInstanceOf(StaleFence);
    expect(asked).toEqual([]);
  });

  it('with a change leaves the lock to the end, and cancels what the change has left', async () => {
    const world = changeWorld({ served: 'new' });
    for (const id of ['old', 'new']) world.platform.artifacts.set(id, artifact(id, 'draft'));
    expect(await within(world)).toMatchObject({ status: 'completed' });
    const retargeted = changeWorld();
    retargeted.platform.begin('old');
    if (retargeted.platform.workload)
      retargeted.platform.workload = { ...retargeted.platform.workload, artifactId: 'new' };
    expect(await within(retargeted)).toMatchObject({ waiting: { code: 'rollout-cancelled' } });
    expect([...world.platform.calls, ...retargeted.platform.calls]).toEqual(['cancelReplacement']);
  });

  it('locks the artifact first only where what was in service is locked: a lock bars the way back to a draft', async () => {
    const draft = { ...two, draft: true };
    const world = changeWorld({ live: draft, change: change(draft, three) });
    world.platform.artifacts.set('new', artifact('new', 'draft'));
    expect(await within(world, { lock_artifact: true })).toMatchObject({ failure: 'draft-onto-locked' });
    const locked = changeWorld();
    locked.platform.artifacts.set('new', artifact('new', 'draft'));
    expect(await within(locked, { lock_artifact: true })).toMatchObject({ waiting: { code: 'locking' } });
    expect([...world.platform.calls, ...locked.platform.calls]).toEqual(['lockArtifact']);
  });

  it('does not write where its look is too old by then', async () => {
    const world = changeWorld();
    world.platform.protonList = [proton('p1', 'old'), proton('p2', 'new', 'candidate', 'errored')];
    world.platform.begin('old');
    if (world.platform.workload) world.platform.workload = { ...world.platform.workload, artifactId: 'new' };
    const { statusDetails } = world.platform;
    world.platform.statusDetails = () => {
      world.pass(21);
      return statusDetails();
    };
    expect(await within(world)).toMatchObject({ status: 'in_progress', waiting: { code: 'looking-again' } });
    expect(world.platform.calls).toEqual([]);
  });

  it('is nobody directly while a change is open', async () => {
    const open = changeWorld({ item: { owner: null, expires_at: null } });
    const answer = await within(open, { fence: null, execution: null });
    expect(answer).toMatchObject({ status: 'failed', failure: 'change-open' });
    expect(answer.failure_details).toEqual({ code: 'change-open', model: MODEL, holder: RUN });
    expect(open.platform.calls).toEqual([]);
  });

  it('directly: whoever takes the lease of the model, or of the Workload', async () => {
    const taken: string[] = [];
    const store: PromotionStore = {
      ...noStore,
      takeLease: async (model) => {
        taken.push(model);
        return { taken: false, holder: 'somebody', expiresAt: NOON.toISOString() };
      },
    };
    expect(await oneStep(replaceInput(), store)).toMatchObject({
      status: 'failed',
      failure: 'lease-held',
      failure_details: { model: 'workload:w1', holder: 'somebody', until: NOON.toISOString() },
    });
    await oneStep(replaceInput({ model_name: 'prices' }), store);
    expect(taken).toEqual(['workload:w1', 'prices']);
    expect(platform.calls).toEqual([]);
  });
});

describe('the input', () => {
  const problems = (more: Record<string, unknown>) => {
    const input = { workload_id: 'w1', artifact_id: 'new', deadline: NOON.toISOString(), ...more };
    return ReplaceInput.safeParse(input).error?.issues.map((issue) => issue.message);
  };

  it.each([
    { workload_id: '..' },
    { artifact_id: '' },
    { deadline: 'soon' },
    { rollout: { strategy: 'canary' } },
    { importance: 'huge' },
    { fence: 3 },
  ])('refuses %j', (more) => {
    expect(problems(more)).toHaveLength(1);
  });

  it('takes null for what nobody set, and its own last answer', async () => {
    expect(
      problems({
        rollout: null,
        importance: null,
        lock_artifact: null,
        fence: null,
        model_name: null,
        execution: null,
        since: null,
        previous: null,
      }),
    ).toBeUndefined();
    expect(problems({ previous: await oneStep(replaceInput()) })).toBeUndefined();
  });

  it('names a Workload that does not exist', async () => {
    platform.workload = null;
    const error = await run().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WorkloadNotFound);
    expect(String(error)).toContain('"w1"');
  });
});

it('settles on any platform, under any trouble, without touching what is not ours', async () => {
  const trouble = fc.constantFrom<Trouble>(null, null, null, 'lost-before', 'lost-after', 'away');
  const scenario = fc.record({
    candidate: fc.constantFrom<Candidate>('healthy', 'never-ready', 'fails', 'dropped'),
    old: fc.constantFrom('draft', 'locked'),
    fresh: fc.constantFrom('draft', 'locked'),
    served: fc.constantFrom('old', 'new'),
    running: fc.constantFrom(null, 'old', 'third'),
    lock_artifact: fc.boolean(),
    importance: fc.constantFrom('high', null),
    troubles: fc.array(trouble, { maxLength: 60 }),
    forgetful: fc.integer({ min: 0, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async (s) => {
      platform = new FakePlatform();
      platform.candidate = s.candidate;
      platform.artifacts.set('old', artifact('old', s.old));
      platform.artifacts.set('new', artifact('new', s.fresh));
      platform.workload = workload({ artifactId: s.served });
      platform.protonList = [proton('p1', s.served)];
      if (s.running !== null) platform.begin(s.running === 'old' ? s.served : s.running);
      const foreign = platform.record?.id;
      const troubles = [...s.troubles];
      // Reads are only ever away: an answer that is lost before or after a read is the same.
      platform.trouble = (call) => {
        const next = troubles.shift() ?? null;
        return next !== null && call.startsWith('get') ? 'away' : next;
      };
      let steps = 0;
      const answers = await rollOut(
        platform,
        async (input) => {
          const answer = await oneStep(input);
          // A function that is killed after its work: its answer is lost with what it remembers.
          if (++steps === s.forgetful) throw new WorkloadApiUnavailable('killed', { outcomeUnknown: true });
          return answer;
        },
        { lock_artifact: s.lock_artifact, importance: s.importance, since: NOON.toISOString() },
      );
      const end = last(answers);
      expect(['completed', 'failed']).toContain(end?.status);
      expect(platform.violations).toEqual([]);
      if (end?.status === 'completed') {
        expect(platform.workload?.artifactId).toBe('new');
        expect(platform.artifacts.get('new')?.status).toBe('locked');
      } else if (s.candidate !== 'healthy' && s.served === 'old' && s.running !== 'third') {
        expect(platform.workload?.artifactId).toBe('old');
        expect(
          platform.record === null || platform.record.id === foreign || platform.record.status === 'errored',
        ).toBe(true);
      }
      expect(platform.calls.filter((call) => call === 'startReplacement').length).toBeLessThanOrEqual(3);
    }),
    { numRuns: 1500 },
  );
});

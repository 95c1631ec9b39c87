import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxRolloutMinutes } from '../../lambdas/domain/limits.ts';
import { nextStep } from '../../lambdas/domain/rollout/plan.ts';
import { pollSeconds } from '../../lambdas/domain/rollout/progress.ts';
import type { DesiredState, ObservedState } from '../../lambdas/domain/rollout/step.ts';
import { hasPrimary, withPrimary } from '../../lambdas/domain/serving/artifact-spec.ts';
import type { RolloutFailure } from '../../lambdas/domain/serving/rollout-finding.ts';
import {
  artifact,
  at,
  NOON,
  progress,
  proton,
  replacement,
  seen,
  wanted,
  workload,
} from '../support/serving.ts';

const step = (of: Partial<ObservedState> = {}, want: Partial<DesiredState> = {}, now = NOON) =>
  nextStep(seen(of), wanted(want), now);

/** `new` is served. */
const served = (status: string, more: Partial<ObservedState> = {}): Partial<ObservedState> => ({
  workload: workload({ artifactId: 'new' }),
  artifact: artifact('new', status),
  servedStatus: status,
  protons: [proton('p1', 'new')],
  ...more,
});

describe('the six cases of two artifacts', () => {
  it.each<[string, Partial<ObservedState>, Partial<DesiredState>, Record<string, unknown>]>([
    [
      'locked, the same: nothing',
      served('locked'),
      {},
      { kind: 'complete', finding: { code: 'serves', importance_left: null }, progress: { action: 'none' } },
    ],
    [
      'draft, the same: promoted in place',
      served('draft'),
      {},
      { kind: 'promote', finding: { code: 'promoting' }, progress: { action: 'promote' } },
    ],
    [
      'locked, another locked: replaced',
      {},
      {},
      {
        kind: 'start',
        finding: { code: 'starting', artifact: 'new' },
        request: { artifactId: 'new', strategy: 'rolling' },
      },
    ],
    [
      'locked, another draft, to be locked: locked first',
      { artifact: artifact('new', 'draft') },
      { lockArtifact: true },
      { kind: 'lock', finding: { code: 'locking', artifact: 'new' } },
    ],
    [
      'locked, another draft: refused',
      { artifact: artifact('new', 'draft') },
      {},
      { kind: 'fail', finding: { code: 'draft-onto-locked', artifact: 'new', served: 'old' } },
    ],
    [
      'draft, another draft: replaced (and promoted once it is served)',
      { servedStatus: 'draft', artifact: artifact('new', 'draft') },
      { lockArtifact: true },
      { kind: 'start' },
    ],
    [
      'draft, another locked: refused',
      { servedStatus: 'draft' },
      {},
      { kind: 'fail', finding: { code: 'locked-onto-draft', artifact: 'new', served: 'old' } },
    ],
  ])('%s', (_, of, want, expected) => {
    expect(step(of, want)).toMatchObject(expected);
  });

  it('compares statuses without regard to case', () => {
    expect(step({ ...served('LOCKED'), protons: [proton('p1', 'new', 'Active', 'RUNNING')] })).toMatchObject({
      kind: 'complete',
    });
  });

  it('sets the importance before promotion in place, and after a switch', () => {
    expect(step(served('draft'), { importance: 'high' })).toMatchObject({
      kind: 'set-importance',
      importance: 'high',
    });
    expect(step(served('locked'), { importance: 'high' })).toMatchObject({
      kind: 'set-importance',
      finding: { code: 'setting-importance', importance: 'high' },
      progress: { importance_set: true },
    });
    expect(step({}, { importance: 'high' })).toMatchObject({ kind: 'start' });
    const set = progress({ importance_set: true });
    expect(step(served('draft'), { importance: 'high', progress: set })).toMatchObject({ kind: 'promote' });
    expect(step(served('locked'), { importance: 'low' })).toMatchObject({ kind: 'complete' });
  });

  it('hands warm-up, keep-old and runtime on as they are', () => {
    const runtime = {
      containerGroups: [
        { name: 'default', containers: [{ name: 'model' }], autoscaling: { enabled: true, policies: [] } },
      ],
    };
    const rollout = {
      strategy: 'rolling' as const,
      warmupDurationMinutes: 10,
      keepOldVersionMinutes: 60,
      runtime,
    };
    expect(step({}, { rollout })).toMatchObject({
      request: { config: { warmupDurationMinutes: 10, keepOldVersionMinutes: 60 }, runtime },
    });
    const plain = step();
    expect(plain.kind === 'start' && 'runtime' in plain.request).toBe(false);
  });
});

describe('what is refused before anything is sent', () => {
  const rollout = (more: object) => ({
    rollout: { strategy: 'rolling' as const, keepOldVersionMinutes: 0, ...more },
  });
  const runtime = (name: string, container: string) =>
    rollout({ runtime: { containerGroups: [{ name, containers: [{ name: container }] }] } });

  it.each<[string, Partial<ObservedState>, Partial<DesiredState>, RolloutFailure]>([
    [
      'an artifact that is not there',
      { artifact: null },
      {},
      { code: 'artifact-not-found', artifact: 'new' },
    ],
    [
      'an artifact of another type',
      { artifact: artifact('new', 'locked', { type: 'nim' }) },
      {},
      { code: 'type-mismatch', artifact: 'new', type: 'nim', workload: 'w1', workload_type: 'service' },
    ],
    [
      'a status that nobody knows',
      { artifact: artifact('new', 'archived') },
      {},
      {
        code: 'artifact-status-unknown',
        artifact: 'new',
        status: 'archived',
        served_status: 'locked',
      },
    ],
    [
      'a stopped Workload',
      { workload: workload({ status: 'stopped' }) },
      {},
      { code: 'workload-not-running', workload: 'w1', state: 'stopped' },
    ],
    [
      'an errored Workload without an active proton',
      { workload: workload({ status: 'errored' }), protons: [proton('p1', 'old', null, 'errored')] },
      {},
      { code: 'no-active-proton', workload: 'w1', state: 'errored' },
    ],
    [
      'a stopped Workload that has the artifact already',
      served('draft', { workload: workload({ artifactId: 'new', status: 'stopped' }) }),
      {},
      { code: 'workload-not-running', workload: 'w1', state: 'stopped' },
    ],
    [
      'a group that the artifact lacks',
      {},
      runtime('gpu', 'model'),
      { code: 'unknown-container', artifact: 'new', group: 'gpu', container: null, has: ['default'] },
    ],
    [
      'a container that the artifact lacks',
      {},
      runtime('default', 'agent'),
      { code: 'unknown-container', artifact: 'new', group: 'default', container: 'agent', has: ['model'] },
    ],
    [
      'negative minutes',
      {},
      rollout({ warmupDurationMinutes: -1 }),
      { code: 'minutes-out-of-range', field: 'warmupDurationMinutes', minutes: -1, most: 240 },
    ],
    [
      'half minutes',
      {},
      rollout({ keepOldVersionMinutes: 0.5 }),
      { code: 'minutes-out-of-range', field: 'keepOldVersionMinutes', minutes: 0.5, most: 1440 },
    ],
    [
      'absurd minutes',
      {},
      rollout({ keepOldVersionMinutes: maxRolloutMinutes.keepOldVersionMinutes + 1 }),
      { code: 'minutes-out-of-range', field: 'keepOldVersionMinutes', minutes: 1441, most: 1440 },
    ],
    [
      "a third artifact's replacement of the one that is wanted and served",
      served('locked', { replacement: replacement('third') }),
      {},
      { code: 'foreign-replacement', artifact: 'third', replacement: 'r-third', state: 'initializing' },
    ],
    [
      'a warm-up that outlasts the deadline',
      {},
      rollout({ warmupDurationMinutes: 60 }),
      { code: 'deadline', at: { code: 'warm-up', minutes: 60 } },
    ],
    [
      "a third artifact's replacement in progress",
      { replacement: replacement('third', { status: 'Warming-Up' }) },
      {},
      { code: 'foreign-replacement', artifact: 'third', replacement: 'r-third', state: 'Warming-Up' },
    ],
  ])('%s', (_, of, want, finding) => {
    expect(step(of, want)).toMatchObject({ kind: 'fail', finding });
  });

  it('lets an errored Workload be replaced while it has an active proton', () => {
    const errored = {
      workload: workload({ status: 'errored' }),
      protons: [proton('p1', 'old', 'active', 'errored')],
    };
    expect(step(errored)).toMatchObject({ kind: 'start' });
  });

  it('takes words of the platform on one line and cut to size, and of many names the first', () => {
    const third = replacement('third', { status: `new\nword${'x'.repeat(99)}` });
    const { finding } = step({ replacement: third });
    expect(finding).toMatchObject({ state: `new\\nword${'x'.repeat(30)}…` });
    const failed = replacement('new', { status: 'failed', message: `no\u202e image${'x'.repeat(999)}` });
    expect(step({ replacement: failed }, { since: NOON }).finding).toMatchObject({
      message: expect.stringMatching(/^no\\u\{202e\} imagex{283}…$/),
    });
    const groups = Array.from({ length: 9 }, (_, i) => ({ name: `g${i}`, containers: [] }));
    const many = { artifact: artifact('new', 'locked', { groups }) };
    expect(step(many, runtime('gpu', 'model')).finding).toMatchObject({
      has: groups.slice(0, 8).map(({ name }) => name),
    });
  });
});

describe('a replacement in progress', () => {
  it('by the wanted artifact is adopted, whoever started it', () => {
    expect(step({ replacement: replacement('new', { status: 'never-heard-of' }) })).toMatchObject({
      kind: 'wait',
      finding: { code: 'replacing', state: 'never-heard-of' },
      progress: {
        action: 'replace',
        confirmed: true,
        replacement_id: 'r-new',
        previous_artifact_id: 'old',
        candidate_proton_ids: ['p2'],
      },
    });
  });

  it('by the served artifact is a settings change and waited for, and never cancelled', () => {
    const settings = { replacement: replacement('old') };
    const settingsChange = { code: 'settings-change', state: 'initializing' };
    expect(step(settings)).toMatchObject({
      finding: settingsChange,
      kind: 'wait',
      progress: { action: 'none' },
    });
    expect(step(settings, {}, at(3601))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: settingsChange },
    });
    const own = served('draft', { replacement: replacement('new') });
    expect(step(own)).toMatchObject({
      finding: { code: 'promotion-blocked' },
      kind: 'wait',
      progress: { action: 'none' },
    });
    expect(step(own, {}, at(3601))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: { code: 'draft' } },
    });
  });

  it('counts as settled by a terminal word only', () => {
    for (const status of ['completed', 'FAILED', 'Errored']) {
      expect(step({ replacement: replacement('third', { status }) }), status).toMatchObject({
        kind: 'start',
      });
    }
    for (const status of ['cleaning_up', 'staged', 'unknown', '']) {
      expect(step({ replacement: replacement('third', { status }) }), status).toMatchObject({
        finding: { code: 'foreign-replacement' },
      });
    }
  });

  it('that is over for longer than this rollout exists says nothing about it', () => {
    const old = replacement('new', { status: 'errored', createdAt: at(-600).toISOString() });
    expect(step({ replacement: old }, { since: at(-60) })).toMatchObject({ kind: 'start' });
    expect(
      step({ replacement: { ...old, createdAt: NOON.toISOString() } }, { since: at(-60) }),
    ).toMatchObject({ finding: { code: 'candidate-failed' } });
  });
});

describe('when it has switched', () => {
  const replacing = progress({
    action: 'replace',
    started_at: NOON.toISOString(),
    confirmed: true,
    previous_artifact_id: 'old',
    endpoint: workload().endpoint,
  });

  it('it is completed, even while the old one is kept', () => {
    const kept = served('locked', {
      replacement: replacement('new', { status: 'finalizing', switchedAt: NOON.toISOString() }),
      protons: [proton('p1', 'old', null, 'draining'), proton('p2', 'new')],
    });
    expect(step(kept, { progress: replacing })).toMatchObject({
      kind: 'complete',
      progress: { action: 'replace', previous_artifact_id: 'old' },
    });
  });

  it.each([
    ['another active proton runs the old artifact still', [proton('p1', 'old'), proton('p2', 'new')]],
    [
      'one of its active protons is not running yet',
      [proton('p2', 'new'), proton('p3', 'new', 'active', 'launching')],
    ],
  ])('it is not completed while %s', (_, protons) => {
    const activating = { code: 'activating', running: 1, active: 2 };
    expect(step(served('locked', { protons }))).toMatchObject({ kind: 'wait', finding: activating });
    expect(step(served('locked', { protons }), {}, at(3600))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: activating },
    });
  });

  it('it has failed when the new proton went down, or the endpoint is another', () => {
    const down = served('locked', { protons: [proton('p2', 'new', 'active', 'errored')] });
    expect(step(down, { progress: replacing })).toMatchObject({
      kind: 'fail',
      finding: { code: 'active-unhealthy', problem: { code: 'proton-down', proton: 'p2', state: 'errored' } },
    });
    const stopped = served('locked', { workload: workload({ artifactId: 'new', status: 'stopped' }) });
    expect(step(stopped, { progress: replacing })).toMatchObject({
      kind: 'fail',
      finding: { code: 'active-unhealthy', problem: { code: 'workload-not-running', workload: 'w1' } },
    });
    const moved = served('locked', {
      workload: workload({ artifactId: 'new', endpoint: 'https://elsewhere/' }),
    });
    expect(step(moved, { progress: replacing })).toMatchObject({
      kind: 'fail',
      finding: { code: 'endpoint-changed', from: workload().endpoint, to: 'https://elsewhere/' },
    });
  });

  it('a draft is promoted in place, once, and not while its replacement goes on', () => {
    expect(
      step(served('draft', { replacement: replacement('new', { status: 'finalizing' }) }), {
        progress: replacing,
      }),
    ).toMatchObject({ kind: 'wait', finding: { code: 'promotion-blocked' } });
    const first = step(served('draft'), { progress: replacing });
    expect(first).toMatchObject({ kind: 'promote' });
    expect(step(served('draft'), { progress: first.progress }, at(5))).toMatchObject({
      kind: 'wait',
      finding: { code: 'promotion-requested' },
    });
    expect(step(served('draft'), { progress: first.progress }, at(31))).toMatchObject({ kind: 'promote' });
    expect(step(served('draft'), { progress: first.progress }, at(3600))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: { code: 'draft' } },
    });
  });

  it('somebody else may have replaced it again', () => {
    const other = { workload: workload({ artifactId: 'third' }), protons: [proton('p3', 'third')] };
    expect(step(other, { progress: replacing })).toMatchObject({
      kind: 'fail',
      finding: { code: 'superseded', served: 'third', switched: false },
    });
  });
});

describe('when the record is gone and the old artifact is served', () => {
  const started = progress({
    action: 'replace',
    started_at: NOON.toISOString(),
    confirmed: true,
    attempts: 1,
    previous_artifact_id: 'old',
  });
  const missing = (want: Partial<DesiredState>, seconds: number, more: Partial<ObservedState> = {}) => {
    const first = step(more, want, at(1));
    return { first, later: step(more, { ...want, progress: first.progress }, at(1 + seconds)) };
  };

  it('it is given a grace and then has failed: it is not started again', () => {
    const { first, later } = missing({ progress: started }, 31);
    expect(first).toMatchObject({ kind: 'wait', finding: { code: 'start-not-visible' } });
    expect(later).toMatchObject({
      kind: 'fail',
      finding: { code: 'candidate-dropped', state: null, served: 'old' },
    });
  });

  it("the platform's history says how it ended, also when our own memory is lost", () => {
    const history = [
      replacement('new', {
        id: 'h1',
        status: 'errored',
        message: 'no image',
        createdAt: at(2).toISOString(),
      }),
    ];
    expect(step({ history }, { progress: started }, at(10))).toMatchObject({
      finding: { code: 'candidate-failed', state: 'errored', message: 'no image' },
    });
    expect(step({ history }, { since: NOON }, at(10))).toMatchObject({
      finding: { code: 'candidate-failed' },
    });
    const done = [replacement('new', { status: 'completed', createdAt: at(2).toISOString() })];
    expect(step({ history: done }, { since: NOON }, at(10))).toMatchObject({
      finding: { code: 'superseded', served: 'old', switched: true },
    });
    const left = [replacement('new', { status: 'deleting', createdAt: at(2).toISOString() })];
    expect(step({ history: left }, { since: NOON }, at(10))).toMatchObject({
      finding: { code: 'candidate-dropped', state: 'deleting', served: 'old' },
    });
    expect(step({ history }, { since: at(5) }, at(10))).toMatchObject({ kind: 'start' });
    const another = history.map((entry) => ({ ...entry, candidateArtifactId: 'third' }));
    expect(step({ history: another }, { since: NOON }, at(10))).toMatchObject({ kind: 'start' });
  });

  it('a start whose answer was lost is sent again only after the grace, and three times at most', () => {
    const open = { ...started, confirmed: false };
    expect(missing({ progress: open }, 10).later).toMatchObject({
      kind: 'wait',
      finding: { code: 'start-not-visible' },
    });
    expect(missing({ progress: open }, 31).later).toMatchObject({
      kind: 'start',
      progress: { attempts: 2, missing_since: null },
    });
    expect(missing({ progress: { ...open, attempts: 3 } }, 31).later).toMatchObject({
      kind: 'fail',
      finding: { code: 'not-started' },
    });
  });
});

describe('past the deadline', () => {
  const late = at(3600);
  const going = { replacement: replacement('new') };

  it('nothing is started', () => {
    expect(step({}, {}, late)).toMatchObject({ kind: 'fail', finding: { code: 'deadline' } });
  });

  it('our replacement is cancelled, and failed only when the old artifact is confirmed', () => {
    const cancel = step(going, {}, late);
    expect(cancel).toMatchObject({
      finding: { code: 'cancelling', state: 'initializing' },
      kind: 'cancel',
      progress: { cancelled_for: 'deadline' },
    });
    const { progress: after1 } = cancel;
    const leaving = { replacement: replacement('new', { status: 'deleting' }) };
    expect(step(leaving, { progress: after1 }, at(3610))).toMatchObject({
      kind: 'wait',
      finding: { code: 'cancelling', state: 'deleting' },
    });
    expect(step({ protons: [] }, { progress: after1 }, at(3620))).toMatchObject({
      kind: 'wait',
      finding: { code: 'cancelled' },
    });
    expect(step({}, { progress: after1 }, at(3630))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: { code: 'cancelled', artifact: 'old' } },
    });
  });

  it('a cancellation that was lost is sent again, and given up after a quarter of an hour', () => {
    const again = progress({ cancelled_for: 'deadline' });
    expect(step(going, { progress: again }, at(3610))).toMatchObject({ kind: 'cancel' });
    expect(step(going, { progress: again }, at(3600 + 901))).toMatchObject({
      kind: 'fail',
      finding: { code: 'cancel-unconfirmed', replacement: { id: 'r-new', state: 'initializing' } },
    });
    expect(step({ protons: [] }, { progress: again }, at(3600 + 901))).toMatchObject({
      finding: { code: 'cancel-unconfirmed', replacement: null },
    });
  });

  it('a switch that was faster than the cancellation counts', () => {
    expect(
      step(served('locked'), { progress: progress({ action: 'replace', cancelled_for: 'deadline' }) }, late),
    ).toMatchObject({ kind: 'complete' });
    const switched = { replacement: replacement('new', { switchedAt: NOON.toISOString() }) };
    expect(step(switched, {}, late)).toMatchObject({
      kind: 'wait',
      finding: { code: 'switched-by-deadline' },
    });
  });

  it('an importance is left as it is, and said to be', () => {
    expect(step(served('locked'), { importance: 'high' }, late)).toMatchObject({
      kind: 'complete',
      finding: { code: 'serves', artifact: 'new', importance_left: 'low' },
    });
  });
});

it('asks often at first, every two minutes later, and just after the deadline', () => {
  const started = progress({ started_at: NOON.toISOString() });
  const pause = (seconds: number, deadline = at(90_000)) =>
    pollSeconds('wait', started, deadline, at(seconds));
  expect([0, 40, 240, 480, 960, 7200].map((s) => pause(s))).toEqual([3, 5, 30, 60, 120, 120]);
  expect(pause(480, at(500))).toBe(20);
  expect(pause(900, at(500))).toBe(10);
  expect(pollSeconds('lock', started, at(500), NOON)).toBe(1);
});

describe('a derived artifact', () => {
  const groups = [
    {
      name: 'default',
      containers: [
        { name: 'proxy' },
        {
          name: 'model',
          primary: true,
          imageUri: 'a',
          build: { status: 'COMPLETED' },
          imageBuildConfig: {},
          extra: 1,
          environmentVars: [{ source: 'string', name: 'MODEL_URI', value: '1' }, { source: 'api-key' }],
        },
      ],
    },
    { name: 'side', containers: [{ name: 'x' }] },
  ];

  it('differs in the primary container only', () => {
    const result = withPrimary(groups, {
      environment: { MODEL_URI: '2', MODEL_VERSION: '2' },
      imageUri: 'b',
    });
    expect(result).toEqual([
      {
        name: 'default',
        containers: [
          { name: 'proxy' },
          {
            name: 'model',
            primary: true,
            imageUri: 'b',
            extra: 1,
            environmentVars: [
              { source: 'string', name: 'MODEL_URI', value: '2' },
              { source: 'api-key' },
              { source: 'string', name: 'MODEL_VERSION', value: '2' },
            ],
          },
        ],
      },
      groups[1],
    ]);
    expect(hasPrimary(groups, { environment: { MODEL_URI: '1' }, imageUri: 'a' })).toBe(true);
    expect(hasPrimary(groups, { environment: { MODEL_URI: '2' }, imageUri: null })).toBe(false);
  });

  it('takes the first container where none is flagged, and needs one', () => {
    expect(
      withPrimary([{ containers: [{ name: 'x' }] }], { environment: { A: '1' }, imageUri: null }),
    ).toEqual([
      { containers: [{ name: 'x', environmentVars: [{ source: 'string', name: 'A', value: '1' }] }] },
    ]);
    expect(withPrimary(['nonsense', { containers: [] }], { environment: {}, imageUri: null })).toBeNull();
  });
});

describe('as part of a change', () => {
  const part = { touched: ['old', 'new', 'middle'], back: false };
  const stepIn = (of: Partial<ObservedState> = {}, want: Partial<DesiredState> = {}, now = NOON) =>
    step(of, { change: part, ...want }, now);
  const back = { change: { ...part, back: true } };
  const gone = at(3600 + 16 * 60);

  it('another rollout of the change is cancelled before its switch', () => {
    expect(stepIn({ replacement: replacement('middle') })).toMatchObject({
      kind: 'cancel',
      finding: { code: 'rollout-cancelled', state: 'initializing' },
      progress: { action: 'none', cancelled_for: null },
    });
    expect(stepIn({ ...served('locked'), replacement: replacement('old') })).toMatchObject({
      kind: 'cancel',
    });
  });

  it.each([
    ['is leaving', { status: 'deleting' }, 'rollout-leaving'],
    ['has switched', { status: 'warming_up', switchedAt: NOON.toISOString() }, 'rollout-switched'],
  ] as const)('another rollout of the change is waited for once it %s', (_, more, code) => {
    const other = { replacement: replacement('middle', more) };
    expect(stepIn(other)).toMatchObject({ kind: 'wait', finding: { code, state: more.status } });
    expect(stepIn(other, {}, at(3600))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: { code } },
    });
  });

  it('another rollout that no cancellation ends is given up a quarter of an hour after the deadline', () => {
    const other = { replacement: replacement('middle') };
    expect(stepIn(other, {}, at(3600 + 60))).toMatchObject({ kind: 'cancel' });
    expect(stepIn(other, {}, gone)).toMatchObject({
      kind: 'fail',
      finding: { code: 'cancel-unconfirmed', replacement: { id: 'r-middle', state: 'initializing' } },
    });
  });

  it('a rollout that nobody of the change has started is left alone', () => {
    expect(stepIn({ replacement: replacement('third') })).toMatchObject({
      kind: 'fail',
      finding: { code: 'foreign-replacement', artifact: 'third' },
    });
  });

  it('an artifact that nobody of the change has put in service is left alone', () => {
    const other = { workload: workload({ artifactId: 'third' }), protons: [proton('p3', 'third')] };
    expect(stepIn(other)).toMatchObject({
      kind: 'fail',
      finding: { code: 'superseded', served: 'third', switched: false },
    });
    expect(step(other)).toMatchObject({ kind: 'start' });
  });

  it('a change of settings is waited for, forwards and back', () => {
    const settings = { replacement: replacement('old') };
    expect(stepIn(settings)).toMatchObject({ kind: 'wait', finding: { code: 'settings-change' } });
    expect(stepIn(settings, back)).toMatchObject({ kind: 'wait', finding: { code: 'settings-change' } });
  });

  it('its own rollout is waited for, and started where nothing is in flight', () => {
    expect(stepIn({ replacement: replacement('new') })).toMatchObject({
      kind: 'wait',
      finding: { code: 'replacing' },
    });
    expect(stepIn()).toMatchObject({ kind: 'start', request: { artifactId: 'new' } });
  });

  it('the lock is left to the end: a served draft is complete', () => {
    expect(stepIn(served('draft'))).toMatchObject({ kind: 'complete', finding: { code: 'serves' } });
    const tail = replacement('new', { status: 'finalizing', switchedAt: NOON.toISOString() });
    expect(stepIn(served('draft', { replacement: tail }))).toMatchObject({ kind: 'complete' });
  });

  it('the importance is set before, and not after the deadline', () => {
    expect(stepIn(served('draft'), { importance: 'high' })).toMatchObject({ kind: 'set-importance' });
    expect(stepIn(served('draft'), { importance: 'high' }, at(3600))).toMatchObject({ kind: 'complete' });
  });

  it('on the way back what was in service before is not judged', () => {
    const ill = served('draft', {
      workload: workload({ artifactId: 'new', status: 'errored', endpoint: 'https://elsewhere/' }),
      protons: [proton('p1', 'new', 'active', 'errored')],
    });
    const known = { progress: progress({ endpoint: workload().endpoint }) };
    expect(stepIn(ill, { ...back, ...known })).toMatchObject({ kind: 'complete' });
    expect(stepIn(ill, known)).toMatchObject({ kind: 'fail' });
  });

  it('on the way back every active proton must have it', () => {
    const half = served('locked', { protons: [proton('p1', 'new'), proton('p2', 'old')] });
    const activating = { code: 'activating', running: 1, active: 2 };
    expect(stepIn(half, back)).toMatchObject({ kind: 'wait', finding: activating });
    expect(stepIn(half, back, at(3600))).toMatchObject({
      kind: 'fail',
      finding: { code: 'deadline', at: activating },
    });
  });

  it('on the way back the importance is as before only where a rollout went back', () => {
    const importance = { ...back, importance: 'high' as const };
    expect(stepIn(served('locked'), importance)).toMatchObject({ kind: 'complete' });
    const replaced = { progress: progress({ action: 'replace' }) };
    expect(stepIn(served('locked'), { ...importance, ...replaced })).toMatchObject({
      kind: 'set-importance',
    });
  });
});

describe('whatever is observed', () => {
  const id = fc.constantFrom('old', 'new', 'third');
  const status = fc.constantFrom(
    'submitted',
    'promoting',
    'finalizing',
    'deleting',
    'completed',
    'failed',
    'errored',
    'ERRORED',
    'odd\nword',
  );
  const when = fc.option(
    fc.integer({ min: -7200, max: 3600 }).map((s) => at(s).toISOString()),
    { nil: null },
  );
  const anyReplacement = fc.record({
    id: fc.string(),
    candidateArtifactId: id,
    candidateProtonIds: fc.array(fc.string(), { maxLength: 3 }),
    previousProtonIds: fc.constant(['p1']),
    status,
    message: fc.option(fc.string(), { nil: null }),
    switchedAt: when,
    createdAt: when,
  });
  const anyProton = fc.record({
    id: fc.constantFrom('p1', 'p2'),
    artifactId: fc.option(id, { nil: null }),
    role: fc.constantFrom('active', 'candidate', null),
    status: fc.constantFrom('running', 'launching', 'errored', 'draining'),
    logTail: fc.constant([]),
  });
  const artifactStatus = fc.constantFrom('draft', 'locked', 'LOCKED', 'odd');
  const anyObserved: fc.Arbitrary<ObservedState> = fc.record({
    workload: fc
      .record({
        artifactId: fc.option(id, { nil: null }),
        status: fc.constantFrom('running', 'stopped', 'errored'),
        importance: fc.constantFrom('low', null),
        endpoint: fc.constantFrom('a', 'b', null),
      })
      .map(workload),
    artifact: fc.option(
      artifactStatus.map((s) => artifact('new', s)),
      { nil: null },
    ),
    servedStatus: fc.option(artifactStatus, { nil: null }),
    replacement: fc.option(anyReplacement, { nil: null }),
    protons: fc.array(anyProton, { maxLength: 3 }),
    history: fc.array(anyReplacement, { maxLength: 3 }),
  });
  const anyProgress = fc
    .record({
      action: fc.constantFrom('replace', 'promote', 'none'),
      previous_artifact_id: fc.option(id, { nil: null }),
      endpoint: fc.constantFrom('a', 'b', null),
      started_at: when,
      confirmed: fc.boolean(),
      replacement_id: fc.option(fc.string(), { nil: null }),
      attempts: fc.integer({ min: 0, max: 5 }),
      missing_since: when,
      promoted_at: when,
      importance_set: fc.boolean(),
      cancelled_for: fc.constantFrom('deadline', null),
    })
    .map(progress);
  const anyDesired: fc.Arbitrary<DesiredState> = fc
    .record({
      progress: anyProgress,
      importance: fc.constantFrom('high', null),
      lockArtifact: fc.boolean(),
      since: fc.option(
        fc.integer({ min: -7200, max: 7200 }).map((s) => at(s)),
        { nil: null },
      ),
      change: fc.option(
        fc.record({ touched: fc.subarray(['old', 'new', 'third', null]), back: fc.boolean() }),
        { nil: null },
      ),
    })
    .map(wanted);
  const anyNow = fc.integer({ min: -3600, max: 9000 }).map((s) => at(s));

  it('a foreign replacement is never cancelled, none is started beside one, and nothing is written past the deadline', () => {
    const terminal = ['completed', 'failed', 'errored'];
    fc.assert(
      fc.property(anyObserved, anyDesired, anyNow, (of, want, now) => {
        const { kind } = nextStep(of, want, now);
        const going = of.replacement !== null && !terminal.includes(of.replacement.status.toLowerCase());
        if (kind === 'cancel') {
          expect(going).toBe(true);
          expect(['new', ...(want.change?.touched ?? [])]).toContain(of.replacement?.candidateArtifactId);
          expect(of.workload.artifactId).not.toBe(of.replacement?.candidateArtifactId);
        }
        if (kind === 'start' || kind === 'promote') expect(going).toBe(false);
        if (['start', 'promote', 'lock', 'set-importance'].includes(kind))
          expect(now < want.deadline).toBe(true);
        if (kind === 'complete') {
          const active = of.protons.filter((p) => p.role === 'active');
          expect(of.workload.artifactId).toBe('new');
          expect(active.every((p) => p.artifactId === 'new')).toBe(true);
          // The lock is left to the end of a change, and what was in service before is not judged on the way back to it.
          if (want.change === null) expect(of.artifact?.status.toLowerCase()).toBe('locked');
          if (want.change?.back !== true)
            expect(active.length > 0 && active.every((p) => p.status === 'running')).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('the same observation gives the same step, and a quarter of an hour after the deadline (and a grace) it is over', () => {
    fc.assert(
      fc.property(anyObserved, anyDesired, (of, want) => {
        const now = at(3600 + 16 * 60);
        const first = nextStep(of, want, now);
        expect(nextStep(of, want, now)).toEqual(first);
        let last = first;
        for (let i = 1; i < 5; i++)
          last = nextStep(of, { ...want, progress: last.progress }, at(40 * i, now));
        expect(['complete', 'fail']).toContain(last.kind);
      }),
      { numRuns: 3000 },
    );
  });
});

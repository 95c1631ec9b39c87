import { describe, expect, it } from 'vitest';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { ApprovalFloor } from '../../lambdas/domain/approval/policy-approval.ts';
import { type ApprovalSubject, openRequest, subjectOf } from '../../lambdas/domain/approval/request.ts';
import { type Comparison, PrepareInput } from '../../lambdas/domain/payloads.ts';
import { compare } from '../../lambdas/use-cases/compare-models.ts';
import { placeAsked } from '../../lambdas/use-cases/parts/place-of.ts';
import type { PrepareServices } from '../../lambdas/use-cases/parts/preparation.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { promote } from '../../lambdas/use-cases/promote-model.ts';
import { type ChangeWorld, changeWorld, RUN } from '../support/change-world.ts';
import { run } from '../support/evidence.ts';
import { promoteInput } from '../support/registry.ts';
import { MODEL } from '../support/releases.ts';
import { NOON } from '../support/serving.ts';

/** What `prepare-promotion` and `promote-model` do where a promotion has to be approved. */

const champion = { profit_total: 100, sharpe_ratio: 1.2, max_drawdown: 0.2, win_rate: 0.6 };
const better = { profit_total: 120, sharpe_ratio: 1.4, max_drawdown: 0.15, win_rate: 0.58 };
const ADA = 'sso:ada@example.com';
const floors = [ApprovalFloor.parse({ models: [`${MODEL.slice(0, 3)}*`], approvers: [ADA] })];

/** Version 2 is live on both sides, version 3 better; `policy` judges. */
function worldWith(policy = 'four-eyes', more: Partial<PrepareServices> = {}) {
  const world = changeWorld({ change: null, item: { owner: null, expires_at: null, fence: 4 } });
  const { registry } = world;
  Object.assign(registry.runs, { 'run-2': run(champion), 'run-3': run(better) });
  registry.view = {
    ...registry.view,
    model: { ...registry.view.model, tags: { 'workload.id': 'w1' } },
    versions: registry.view.versions.map((v) => (v.version === '3' ? { ...v, stage: 'Staging' } : v)),
  };
  const services: PrepareServices = {
    ...world.services,
    policies: policyFiles(new URL('../../policies/', import.meta.url)),
    minConfidence: 0.7,
    ...more,
  };
  const comparing = { model_name: MODEL, champion_version: null, challenger_version: '3', policy };
  const compared = () => compare({ ...comparing, execution: RUN }, services);
  const input = (comparison: Comparison, given: object = {}) =>
    PrepareInput.parse({
      ...{ operation: 'promote', model_name: MODEL, challenger_version: '3', policy, comparison },
      ...{ wait_for_lease_minutes: 0, dry_run: false, change_id: null },
      ...{ execution: RUN, started_at: NOON.toISOString(), requested_by: 'Ada', ...given },
    });
  return { world, services, compared, input };
}

/** As `request-approval` and `decide-approval` leave the table; `who` have approved. */
async function approve(
  { world, services }: { world: ChangeWorld; services: PrepareServices },
  comparison: Comparison,
  who: string[] = [ADA],
  subject: Partial<ApprovalSubject> = {},
) {
  const asked = {
    ...{ execution: RUN, started_at: NOON.toISOString(), requested_by: null, importance: null },
    ...{ model_name: MODEL, comparison, workload_id: null, artifact_id: null, rollout: null },
    lock_artifact: null,
  };
  const place = await placeAsked(asked, services);
  const { decision } = comparison;
  if (decision === 'KEEP') throw new Error('nothing to approve');
  const request = openRequest(
    {
      ...{ execution: RUN, started_at: NOON.toISOString(), requested_by: null },
      subject: { ...subjectOf({ ...asked, ...place }, comparison, decision), ...subject },
    },
    {
      ...{ approvers: [['sso:*@example.com']], count: 1, not_requester: true },
      ...{ expires_after_hours: 72, remind_after_hours: null },
    },
    NOON,
  );
  await world.store.writeApproval(null, { request, token: null });
  for (const [index, each] of who.entries())
    await world.store.putDecision(request, index + 1, {
      ...{ verdict: 'approve', who: each, reason: 'checked', at: NOON.toISOString() },
      ...{ digest: request.digest, requester: null },
    });
}

const writes = ({ platform, registry }: ChangeWorld) => [...platform.calls, ...registry.writes];
const opened = ({ world }: { world: ChangeWorld }) => world.item().change?.to ?? null;

describe('a promotion that has to be approved', () => {
  it('is opened where people have approved it, for the same execution', async () => {
    const given = worldWith();
    const comparison = await given.compared();
    await approve(given, comparison);
    const other = given.input(comparison, { execution: `${RUN}-2` });
    expect(await prepare(other, given.services)).toMatchObject({ status: 'refused' });
    given.world.pass(2 * 3600);
    await given.world.store.releaseLease(MODEL, `${RUN}-2`, given.world.platform.now);
    const answer = await prepare(given.input(comparison), given.services);
    expect(answer).toMatchObject({ status: 'ready', artifact_id: 'new' });
    expect(opened(given)).toBe('3');
    // A repeated step goes on with what it has opened.
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({
      status: 'ready',
      change_id: RUN,
    });
  });

  it.each([
    ['nobody was asked', null],
    ['nobody has approved', []],
    ['somebody else has approved', ['sso:eve@evil.org']],
  ])('is refused where %s, whatever the payload says, and nothing is written', async (_, who) => {
    const given = worldWith();
    const comparison = await given.compared();
    if (who !== null) await approve(given, comparison, who);
    const approval = { status: 'approved', approvals: [{ who: ADA, reason: 'x', at: NOON.toISOString() }] };
    const answer = await prepare(given.input(comparison, { approval }), given.services);
    expect(answer).toMatchObject({ status: 'refused', change_id: null });
    expect(opened(given)).toBeNull();
    expect(writes(given.world)).toEqual([]);
  });

  it('is refused by the floor of the deployment, whatever the policy', async () => {
    const given = worldWith('trading', { floors });
    const comparison = await given.compared();
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'refused' });
    await approve(given, comparison, ['sso:bob@example.com']);
    // What was enough when it was asked is not enough for the floor.
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'refused' });
    expect(opened(given)).toBeNull();
  });

  it.each([
    ['the artifact in the tag of the version', 'artifact_id', { artifact_id: 'another' }],
    ['the Workload', 'workload_id', { workload_id: 'w2' }],
    ['the settings of the rollout', 'rollout', { rollout: { warmupDurationMinutes: 9 } }],
    ['the evidence', 'inputs_digest', { inputs_digest: 'another' }],
  ])('is contested where %s is not the approved one', async (_, _part, subject) => {
    const given = worldWith();
    const comparison = await given.compared();
    await approve(given, comparison, [ADA], subject);
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'contested' });
    expect(opened(given)).toBeNull();
    expect(writes(given.world)).toEqual([]);
  });

  it('is contested where the evidence has changed since it was compared', async () => {
    const given = worldWith();
    const comparison = await given.compared();
    await approve(given, comparison);
    Object.assign(given.world.registry.runs, { 'run-3': run({ ...better, sharpe_ratio: 1.9 }) });
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'contested' });
    expect(opened(given)).toBeNull();
  });

  it('may be one that the evidence leaves open, where the policy lets people decide', async () => {
    const given = worldWith();
    Object.assign(given.world.registry.runs, {
      'run-3': run(better, { datasets: [{ name: 'd', digest: 'other', context: 'backtest' }] }),
      'run-2': run(champion, { datasets: [{ name: 'd', digest: 'one', context: 'backtest' }] }),
    });
    const comparison = await given.compared();
    expect(comparison.decision).toBe('INVESTIGATE');
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'refused' });
    await approve(given, comparison);
    expect(await prepare(given.input(comparison), given.services)).toMatchObject({ status: 'ready' });
    expect(opened(given)).toBe('3');
  });

  it('waits for the lease as long as was asked for, from the approval on', async () => {
    const given = worldWith();
    const comparison = await given.compared();
    await given.world.store.takeLease(MODEL, 'another', NOON, 10 * 3600);
    given.world.pass(5 * 3600);
    const later = new Date(NOON.getTime() + 4.9 * 3_600_000).toISOString();
    const asked = { wait_for_lease_minutes: 30 };
    const approval = { approvals: [{ at: later }] };
    expect(await prepare(given.input(comparison, asked), given.services)).toMatchObject({
      status: 'busy',
      wait: false,
    });
    expect(await prepare(given.input(comparison, { ...asked, approval }), given.services)).toMatchObject({
      status: 'busy',
      wait: true,
    });
  });
});

describe('promote-model called directly', () => {
  it('refuses a model that has to be approved, and no other', async () => {
    const world = changeWorld({ change: null, item: { owner: null, expires_at: null } });
    const call = (more: object) =>
      promote(promoteInput({ new_version: '3' }), { ...world.services, ...more }, { requestId: 'r1' });
    expect(await call({ floors })).toMatchObject({ promoted: false });
    expect(writes(world)).toEqual([]);
    const others = [ApprovalFloor.parse({ models: ['fraud*'], approvers: [ADA] })];
    expect(await call({ floors: others })).toMatchObject({ promoted: true });
  });
});

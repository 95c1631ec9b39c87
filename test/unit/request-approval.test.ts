import { describe, expect, it } from 'vitest';
import { RequestApprovalInput } from '../../lambdas/domain/approval/payloads.ts';
import { ApprovalFields, ApprovalFloor } from '../../lambdas/domain/approval/policy-approval.ts';
import { type ApprovalStore, requestId } from '../../lambdas/domain/approval/request.ts';
import { type DecideServices, decideApproval } from '../../lambdas/use-cases/decide-approval.ts';
import {
  awaitDecision,
  endApproval,
  type RequestServices,
  requestApproval,
} from '../../lambdas/use-cases/request-approval.ts';
import { memoryStore } from '../support/memory-store.ts';
import { compared } from '../support/stub-functions.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:promotion:e1';
const ADA = 'sso:ada@example.com';
const BOB = 'sso:bob@example.com';
const EVE = 'sso:eve@example.com';

const rules = { approvers: ['sso:*@example.com'], remind_after_hours: 24 };

/** Everything around one execution that needs approval; `at` moves the clock, in hours. */
function world({
  approval = rules as object | null,
  floors = [] as object[],
  store = memoryStore([]) as RequestServices['store'],
} = {}) {
  let now = NOW;
  const told: string[] = [];
  const woken: string[] = [];
  const facts = { running: true, requester: EVE as string | null };
  const clock = { now: () => now, wait: async () => {} };
  const services = {
    store,
    clock,
    approvalOf: async () => (approval === null ? null : ApprovalFields.parse(approval)),
    floors: floors.map((floor) => ApprovalFloor.parse(floor)),
    // As recording an outcome does: once under a name.
    place: async () => ({ workload_id: null, artifact_id: null, image_uri: null }),
    tell: async (occasion: string, request: { digest: string }) => {
      const name = `${occasion} ${request.digest.slice(0, 8)}`;
      if (!told.includes(name)) told.push(name);
    },
    isRunning: async () => facts.running,
    requesterOf: async () => facts.requester,
    wake: async (token: string) => void woken.push(token),
  } as unknown as RequestServices & DecideServices;
  const ask = (more: object = {}) =>
    requestApproval(
      RequestApprovalInput.parse({
        ...{ execution: EXECUTION, started_at: NOW.toISOString(), model_name: 'fraud' },
        comparison: compared({ inputs_digest: 'i', ...more }),
      }),
      services,
    );
  const decide = async (who: string, verdict: 'approve' | 'reject' = 'approve', digest?: string) =>
    decideApproval(
      {
        ...{ execution: EXECUTION, who, verdict, reason: 'checked' },
        digest: digest ?? (await services.store.readApproval(EXECUTION))?.request.digest ?? '',
      },
      services,
    );
  const park = async (token = 't1') => {
    const kept = await services.store.readApproval(EXECUTION);
    const request_id = kept === null ? null : requestId(kept.request);
    return awaitDecision({ execution: EXECUTION, request_id, task_token: token }, services);
  };
  const at = (hours: number) => {
    now = new Date(NOW.getTime() + hours * 3_600_000);
  };
  return { services, ask, decide, park, at, told, woken, facts };
}

describe('asking for approval', () => {
  it('is not needed where nobody asks for it, and leaves nothing', async () => {
    const { ask, services, told } = world({ approval: null });
    expect(await ask()).toMatchObject({ status: 'not_needed', request_id: null, wait_seconds: null });
    expect(await services.store.readApproval(EXECUTION)).toBeNull();
    expect(told).toEqual([]);
  });

  it('opens one request however often it is called, tells once, reminds once, and expires', async () => {
    const { ask, at, told } = world();
    const first = await ask();
    expect(first).toMatchObject({ status: 'waiting', missing: 1, wait_seconds: 24 * 3600, approvals: [] });
    expect(await ask()).toEqual(first);
    at(24);
    expect(await ask()).toMatchObject({ status: 'waiting', wait_seconds: 48 * 3600 });
    at(30);
    await ask();
    expect(told.map((each) => each.split(' ')[0])).toEqual(['requested', 'reminder']);
    at(72);
    expect(await ask()).toMatchObject({ status: 'expired', wait_seconds: null });
    expect(await ask()).toMatchObject({ status: 'expired' });
  });

  it('asks anew for another subject, without more time; not for a budget that moved', async () => {
    const { ask, at, told } = world();
    const { digest, expires_at } = await ask();
    at(5);
    expect(await ask({ evidence_digest: 'another', confidence: 0.5 })).toMatchObject({ digest });
    const other = await ask({ inputs_digest: 'j' });
    expect(other).toMatchObject({ status: 'waiting', expires_at });
    expect(other.digest).not.toBe(digest);
    expect(told).toHaveLength(2);
  });

  it('needs what the deployment asks for, whatever the policy says', async () => {
    const floors = [{ models: ['fraud'], approvers: [BOB] }];
    const { ask, decide } = world({ approval: { approvers: [ADA], when: 'on_investigate' }, floors });
    expect(await ask()).toMatchObject({ status: 'waiting' });
    expect(await decide(ADA)).toBe('not_approver');
    expect(await decide(BOB)).toBe('recorded');
    expect(await ask()).toMatchObject({ status: 'approved', approvals: [{ who: BOB, reason: 'checked' }] });
  });

  it('lets people promote what the evidence left open only where the policy says so', async () => {
    const open = { decision: 'INVESTIGATE' };
    expect(await world().ask(open)).toMatchObject({ status: 'investigate', digest: null });
    const { ask, decide } = world({ approval: { ...rules, when: 'on_investigate' } });
    expect(await ask(open)).toMatchObject({ status: 'waiting' });
    await decide(ADA);
    expect(await ask(open)).toMatchObject({ status: 'approved' });
    expect(await world({ approval: { ...rules, when: 'on_investigate' } }).ask()).toMatchObject({
      status: 'not_needed',
    });
  });

  it.each([
    ['requested', 0],
    ['reminded', 24],
    ['expired', 72],
  ])('that is killed after each write leaves one request, one message of each kind: %s', async (_, hours) => {
    for (let killed = 1; killed < 6; killed += 1) {
      const memory = memoryStore([]);
      let writes = 0;
      const dying = async (...args: Parameters<ApprovalStore['writeApproval']>) => {
        const written = await memory.writeApproval(...args);
        writes += 1;
        if (writes === killed) throw new Error('killed');
        return written;
      };
      const { ask, at, told, decide } = world({ store: { ...memory, writeApproval: dying } });
      await ask().catch(() => {});
      at(hours);
      await ask().catch(() => {});
      const answer = await ask();
      expect(answer.status).toBe(hours === 72 ? 'expired' : 'waiting');
      expect(told).toHaveLength(new Set(told).size);
      if (hours === 72) expect(await decide(ADA)).toBe('expired');
      else expect(told).toHaveLength(hours === 24 ? 2 : 1);
    }
  });
});

describe('a decision', () => {
  it('is recorded once, wakes the execution, and is answered the same after a lost answer', async () => {
    const { services, ask, decide, park, woken } = world();
    await ask();
    expect(await park()).toEqual({ wake: false });
    expect(await decide(ADA)).toBe('recorded');
    expect(await decide(ADA)).toBe('recorded');
    expect(woken).toEqual(['t1', 't1']);
    const kept = await services.store.readApproval(EXECUTION);
    expect(kept === null ? [] : await services.store.decisionsOn(kept.request)).toHaveLength(1);
    expect(await decide(ADA, 'reject')).toBe('repeat');
    expect(await decide(BOB)).toBe('decided');
  });

  it('that comes before the execution waits wakes it at once', async () => {
    const { ask, decide, park, woken } = world();
    await ask();
    await decide(ADA);
    expect(woken).toEqual([]);
    expect(await park()).toEqual({ wake: true });
    expect(woken).toEqual(['t1']);
  });

  it('counts although the bell does not ring', async () => {
    const { services, ask, decide, park } = world();
    await ask();
    await park();
    services.wake = () => Promise.reject(new Error('away'));
    expect(await decide(ADA)).toBe('recorded');
    expect(await ask()).toMatchObject({ status: 'approved' });
  });

  it('of many people at once is whole: each is recorded, and one rejection ends it', async () => {
    const { ask, decide } = world({ approval: { ...rules, count: 3 } });
    await ask();
    const people = ['a', 'b', 'c', 'd', 'e'].map((name) => `sso:${name}@example.com`);
    const answers = await Promise.all(people.map((who) => decide(who)));
    expect(answers.filter((answer) => answer === 'recorded').length).toBeGreaterThanOrEqual(3);
    expect(await ask()).toMatchObject({ status: 'approved', missing: 0 });
    const other = world({ approval: { ...rules, count: 3 } });
    await other.ask();
    await Promise.all([...people.map((who) => other.decide(who)), other.decide(BOB, 'reject')]);
    const { status } = await other.ask();
    expect(['approved', 'rejected']).toContain(status);
  });

  it('is not asked for by who may not decide: they learn nothing of execution and requester', async () => {
    const { services, ask, decide } = world();
    await ask();
    const never = () => Promise.reject(new Error('asked'));
    Object.assign(services, { isRunning: never, requesterOf: never });
    expect(await decide('sso:eve@evil.org')).toBe('not_approver');
    expect(await decide(ADA, 'approve', 'another')).toBe('other_digest');
  });

  it.each([
    ['requester', EVE, { requester: EVE }],
    ['requester_unknown', ADA, { requester: null }],
    ['not_running', ADA, { running: false }],
  ] as const)('is %s', async (answer, who, more) => {
    const { ask, decide, facts } = world();
    await ask();
    Object.assign(facts, more);
    expect(await decide(who)).toBe(answer);
    expect(await ask()).toMatchObject({ status: 'waiting' });
  });

  it('on an execution that was stopped is too late', async () => {
    const { services, ask, decide } = world();
    await ask();
    await endApproval(EXECUTION, services);
    await endApproval(EXECUTION, services);
    expect(await decide(ADA)).toBe('not_running');
    expect(await ask()).toMatchObject({ status: 'void' });
  });

  it('is listed as waiting until it is noted', async () => {
    const { services, ask, decide } = world();
    await ask();
    const waiting = async () => (await services.store.waitingApprovals(null, 10)).executions;
    expect(await waiting()).toEqual([EXECUTION]);
    await decide(ADA);
    await ask();
    expect(await waiting()).toEqual([]);
  });
});

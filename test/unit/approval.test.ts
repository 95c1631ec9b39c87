import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerTo, type DecisionFacts } from '../../lambdas/domain/approval/decide.ts';
import { personOf } from '../../lambdas/domain/approval/person.ts';
import {
  ApprovalFields,
  ApprovalFloor,
  approvalNeeded,
  floorsFor,
  matches,
} from '../../lambdas/domain/approval/policy-approval.ts';
import {
  type ApprovalDecision,
  type ApprovalSubject,
  openRequest,
  standingOf,
  subjectDigest,
} from '../../lambdas/domain/approval/request.ts';

const NOW = new Date('2026-11-22T10:00:00Z');
const later = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
const ADA = 'sso:ada@example.com';
const BOB = 'sso:bob@example.com';
const ROLE = 'arn:aws:iam::123456789012:role/ml-leads';

const policy = (more: object = {}) => ApprovalFields.parse({ approvers: ['sso:*@example.com'], ...more });
const floor = (more: object = {}) =>
  ApprovalFloor.parse({ models: ['fraud*'], approvers: [ADA, ROLE], ...more });

const subject: ApprovalSubject = {
  model_name: 'fraud',
  decision: 'PROMOTE',
  champion_version: '2',
  challenger_version: '3',
  policy: 'default',
  inputs_digest: 'i',
  workload_id: null,
  artifact_id: null,
  image_uri: null,
  importance: null,
  lock_artifact: null,
  rollout: null,
};

function request(more: object = {}, until: Date | null = null) {
  const needed = approvalNeeded('PROMOTE', policy(more), []);
  if (needed === null || needed === 'investigate') throw new Error('nothing is asked');
  const asked = { execution: 'e1', subject, started_at: NOW.toISOString(), requested_by: null };
  return openRequest(asked, needed, NOW, until);
}
const decision = (who: string, more: Partial<ApprovalDecision> = {}): ApprovalDecision => ({
  verdict: 'approve',
  who,
  reason: 'checked',
  at: later(1).toISOString(),
  digest: subjectDigest(subject),
  requester: null,
  ...more,
});

describe('the approval that a promotion needs', () => {
  it('is none where neither the policy nor the deployment asks for one', () => {
    expect(approvalNeeded('PROMOTE', null, [])).toBeNull();
    expect(approvalNeeded('PROMOTE', policy({ when: 'on_investigate' }), [])).toBeNull();
    expect(floorsFor([floor()], 'churn')).toEqual([]);
  });

  it('lets nobody promote what the evidence left open, unless the policy says so', () => {
    expect(approvalNeeded('INVESTIGATE', null, [floor()])).toBe('investigate');
    expect(approvalNeeded('INVESTIGATE', policy(), [floor({ when: 'on_investigate' })])).toBe('investigate');
    expect(approvalNeeded('INVESTIGATE', policy({ when: ['always', 'on_investigate'] }), [])).toMatchObject({
      count: 1,
    });
  });

  it('is that of the deployment, whatever the policy is, and the strictest of both', () => {
    const [own] = floorsFor([floor({ count: 2, remind_after_hours: 8 })], 'fraud-eu');
    const floors = own === undefined ? [] : [own];
    expect(approvalNeeded('PROMOTE', null, floors)).toMatchObject({ count: 2, approvers: [[ADA, ROLE]] });
    const lax = policy({ not_requester: false, expires_after_hours: 200, when: 'on_investigate' });
    for (const asked of ['PROMOTE', 'INVESTIGATE'] as const)
      expect(approvalNeeded(asked, lax, floors)).toMatchObject({
        ...{ count: 2, not_requester: true, expires_after_hours: 72, remind_after_hours: 8 },
        approvers: expect.arrayContaining([[ADA, ROLE]]),
      });
  });

  it('never becomes less by what a policy says', () => {
    const any = fc.record({
      when: fc.constantFrom('always', 'on_investigate', ['always', 'on_investigate']),
      approvers: fc.constantFrom([ADA], [BOB], ['sso:*'], [ROLE, ADA]),
      count: fc.integer({ min: 1, max: 3 }),
      not_requester: fc.boolean(),
      expires_after_hours: fc.integer({ min: 1, max: 300 }),
    });
    fc.assert(
      fc.property(any, any, fc.constantFrom('PROMOTE', 'INVESTIGATE'), (own, base, decided) => {
        const floors = [floor({ ...base, when: 'always' })];
        const alone = approvalNeeded('PROMOTE', null, floors);
        const both = approvalNeeded(decided as 'PROMOTE', policy(own), floors);
        if (both === 'investigate') return;
        if (alone === null || alone === 'investigate' || both === null) throw new Error('the floor is gone');
        expect(both.count).toBeGreaterThanOrEqual(alone.count);
        expect(both.expires_after_hours).toBeLessThanOrEqual(alone.expires_after_hours);
        expect(both.not_requester || !alone.not_requester).toBe(true);
        expect(both.approvers).toEqual(expect.arrayContaining([...alone.approvers]));
      }),
    );
  });

  it('names approvers that exist, and ends within two weeks', () => {
    const mistakes = [
      { approvers: [] },
      { approvers: ['ada@example.com'] },
      { approvers: ['arn:aws:sts::123456789012:assumed-role/x/y'] },
      { approvers: ['*'] },
      { expires_after_hours: 337 },
      { count: 0 },
      { unknown: 1 },
    ];
    for (const each of mistakes)
      expect(ApprovalFields.safeParse({ approvers: [ADA], ...each }).success, JSON.stringify(each)).toBe(
        false,
      );
  });
});

describe('a pattern', () => {
  it('matches the whole text, and its star nothing with / or :', () => {
    expect(matches('sso:*@example.com', ADA)).toBe(true);
    expect(matches('sso:*@example.com', 'sso:ada@example.com.evil.org')).toBe(false);
    expect(matches('sso:*@example.com', 'sso:x:y@example.com')).toBe(false);
    expect(matches('arn:aws:iam::*:role/ml-*', ROLE)).toBe(true);
    expect(matches('arn:aws:iam::*:role/ml-*', 'arn:aws:iam::123456789012:role/ml-a/b')).toBe(false);
    expect(matches('sso:a.a', 'sso:axa')).toBe(false);
  });

  it('is no regular expression: a text matches itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        if (!text.includes('*')) expect(matches(text, text)).toBe(true);
      }),
    );
  });
});

describe('the person behind a call', () => {
  const sts = 'arn:aws:sts::123456789012:assumed-role';
  it.each([
    [`${sts}/AWSReservedSSO_Leads_0123456789abcdef/ada@example.com`, ADA],
    ['arn:aws:sts::999999999999:assumed-role/AWSReservedSSO_Admin_fedcba9876543210/ada@example.com', ADA],
    [`${sts}/ml-leads/ada@example.com`, ROLE],
    [`${sts}/ml-leads/somebody-else`, ROLE],
    // Not as IAM Identity Center names its roles.
    [`${sts}/AWSReservedSSO_Leads/ada@example.com`, 'arn:aws:iam::123456789012:role/AWSReservedSSO_Leads'],
    ['arn:aws:iam::123456789012:user/team/eve', 'arn:aws:iam::123456789012:user/team/eve'],
    ['arn:aws:iam::123456789012:root', null],
    ['arn:aws:sts::123456789012:federated-user/ada', null],
    [`${sts}/ml-leads`, null],
    ['', null],
    [null, null],
    [{ toString: null }, null],
  ])('%s is %s', (arn, person) => {
    expect(personOf(arn)).toBe(person);
  });
});

describe('a request', () => {
  it('has one digest for the same subject, and another for every other', () => {
    const changed: Partial<ApprovalSubject>[] = [
      { challenger_version: '4' },
      { champion_version: null },
      { inputs_digest: 'j' },
      { policy: 'trading' },
      { decision: 'INVESTIGATE' },
      { artifact_id: 'a' },
      { lock_artifact: true },
      { rollout: { strategy: 'canary' } },
    ];
    expect(
      new Set([subject, ...changed.map((each) => ({ ...subject, ...each }))].map(subjectDigest)).size,
    ).toBe(changed.length + 1);
    expect(subjectDigest(JSON.parse(JSON.stringify(subject)))).toBe(subjectDigest(subject));
  });

  it('waits until its reminder, then until its end', () => {
    const open = request({ expires_after_hours: 10, remind_after_hours: 4 });
    expect(standingOf(open, [], later(1))).toMatchObject({
      ...{ status: 'waiting', missing: 1, wait_seconds: 3 * 3600, remind: false },
    });
    expect(standingOf(open, [], later(4))).toMatchObject({ wait_seconds: 6 * 3600, remind: true });
    const reminded = { ...open, reminded_at: later(4).toISOString() };
    expect(standingOf(reminded, [], later(5))).toMatchObject({ wait_seconds: 5 * 3600, remind: false });
    expect(standingOf(open, [], later(10))).toMatchObject({ status: 'expired', wait_seconds: null });
  });

  it('is not extended by another one of the same execution', () => {
    expect(request({}, later(3)).expires_at).toBe(later(3).toISOString());
  });

  it('is approved by as many people as it needs, each counted once', () => {
    const two = request({ count: 2 });
    expect(standingOf(two, [decision(ADA)], later(2))).toMatchObject({ status: 'waiting', missing: 1 });
    expect(standingOf(two, [decision(ADA), decision(ADA)], later(2)).status).toBe('waiting');
    expect(standingOf(two, [decision(ADA), decision(BOB)], later(2))).toMatchObject({
      ...{ status: 'approved', approvals: [{ who: ADA }, { who: BOB }] },
    });
    // It stays so, whenever the execution looks.
    expect(standingOf(two, [decision(ADA), decision(BOB)], later(500)).status).toBe('approved');
  });

  it('is ended by one rejection', () => {
    const rejected = decision(BOB, { verdict: 'reject' });
    expect(standingOf(request(), [decision(ADA), rejected], later(2))).toMatchObject({
      ...{ status: 'rejected', rejection: { who: BOB } },
    });
  });

  it('counts nothing of another digest, of others, or from outside its time', () => {
    const none = [
      decision(ADA, { digest: 'other' }),
      decision('sso:eve@evil.org'),
      decision(ADA, { at: later(72).toISOString() }),
      decision(ADA, { at: later(-1).toISOString() }),
      decision(ADA, { at: 'never' }),
    ];
    expect(standingOf(request(), none, later(2))).toMatchObject({ status: 'waiting', approvals: [] });
  });

  it('that is void stays so', () => {
    expect(standingOf({ ...request(), ended: 'void' }, [decision(ADA)], later(2)).status).toBe('void');
  });
});

describe('a decision', () => {
  const facts = (more: Partial<DecisionFacts> = {}): DecisionFacts => ({
    ...{ request: request(), decisions: [], requester: 'sso:eve@example.com', running: true, now: later(2) },
    ...more,
  });
  const offer = (who: string, more: object = {}) => ({
    ...{ who, verdict: 'approve' as const, reason: 'checked', digest: subjectDigest(subject) },
    ...more,
  });
  const reject = { verdict: 'reject' };

  it.each<[string, ReturnType<typeof offer>, Partial<DecisionFacts>]>([
    ['recorded', offer(ADA), {}],
    ['not_running', offer(ADA), { request: null }],
    ['not_running', offer(ADA), { running: false }],
    ['not_running', offer(ADA), { request: { ...request(), ended: 'void' } }],
    ['not_approver', offer('sso:eve@evil.org'), {}],
    ['not_approver', offer('sso:eve@evil.org', { digest: 'other' }), {}],
    ['other_digest', offer(ADA, { digest: 'other' }), {}],
    ['repeat', offer(ADA), { decisions: [decision(ADA)] }],
    ['repeat', offer(ADA, reject), { decisions: [decision(ADA)] }],
    ['decided', offer(BOB), { decisions: [decision(ADA)] }],
    ['expired', offer(ADA), { now: later(72) }],
    ['requester_unknown', offer(ADA), { requester: null }],
    ['requester', offer(ADA), { requester: ADA }],
    ['recorded', offer(ADA, reject), { requester: ADA }],
    ['recorded', offer(ADA, reject), { requester: null }],
    ['recorded', offer(ADA), { requester: ADA, request: request({ not_requester: false }) }],
    ['recorded', offer(BOB), { request: request({ count: 2 }), decisions: [decision(ADA)] }],
  ])('is %s', (answer, offered, more) => {
    expect(answerTo(offered as Parameters<typeof answerTo>[0], facts(more))).toBe(answer);
  });

  it('that is recorded in whatever order never approves without enough other people', () => {
    const people = fc.constantFrom(ADA, BOB, 'sso:eve@example.com', 'sso:eve@evil.org', ROLE);
    const offers = fc.array(
      fc.record({
        who: people,
        verdict: fc.constantFrom('approve', 'reject'),
        hours: fc.integer({ min: 0, max: 80 }),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(offers, fc.integer({ min: 1, max: 3 }), (all, count) => {
        const open = request({ count });
        const decisions: ApprovalDecision[] = [];
        for (const { who, verdict, hours } of all) {
          const now = later(hours);
          const offered = offer(who, { verdict }) as Parameters<typeof answerTo>[0];
          if (answerTo(offered, facts({ request: open, decisions, now })) === 'recorded')
            decisions.push(decision(who, { verdict: verdict as 'approve', at: now.toISOString() }));
        }
        const { status, approvals } = standingOf(open, decisions, later(1000));
        const persons = new Set(approvals.map(({ who }) => who));
        if (status === 'approved') expect(persons.size).toBeGreaterThanOrEqual(count);
        expect([...persons].every((who) => who === ADA || who === BOB)).toBe(true);
        if (decisions.some(({ verdict }) => verdict === 'reject')) expect(status).toBe('rejected');
      }),
    );
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import {
  attemptPauseMinutes,
  CANCEL_MINUTES,
  MAX_LEASE_WAIT_MINUTES,
  maxRolloutMinutes,
  ROLLBACK_MINUTES,
  rolloutSeconds,
} from '../../lambdas/domain/limits.ts';
import { PrepareInput } from '../../lambdas/domain/payloads.ts';
import { type CloseAnswer, CloseInput, type RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import { nextStep } from '../../lambdas/domain/rollout/plan.ts';
import { pollSeconds } from '../../lambdas/domain/rollout/progress.ts';
import { closePromotion } from '../../lambdas/use-cases/close-promotion.ts';
import type { PrepareServices } from '../../lambdas/use-cases/parts/preparation.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import { rollback } from '../../lambdas/use-cases/roll-back.ts';
import type { StateName } from '../../statemachines/names.ts';
import { type ChangeWorld, changeWorld, goingBack, RUN, type Setting } from '../support/change-world.ts';
import { rollbackInput } from '../support/registry.ts';
import { MODEL } from '../support/releases.ts';
import { artifact, at, NOON, progress, proton, replacement, seen, wanted } from '../support/serving.ts';

/** Services of which only these are used: a call of another one fails. */
const only = <Services extends object>(used: Partial<Services>): Services => used as Services;

/** Polls, from noon on, until `poll` answers null instead of the seconds until the next poll. */
async function polls(
  poll: (now: Date) => Promise<number | null>,
): Promise<{ count: number; seconds: number }> {
  let [count, seconds] = [0, 0];
  for (let pause = await poll(NOON); pause !== null; pause = await poll(at(seconds))) {
    count += 1;
    seconds += pause;
  }
  return { count, seconds };
}

/** Waits as long as may be requested, for a lease that another execution keeps. */
const waitForLease = () =>
  polls(async (now) => {
    const input = PrepareInput.parse({
      operation: 'promote',
      model_name: 'model',
      wait_for_lease_minutes: MAX_LEASE_WAIT_MINUTES,
      dry_run: false,
      comparison: null,
      change_id: null,
      execution: 'this one',
      started_at: NOON.toISOString(),
    });
    const takeLease = async () => ({ taken: false, holder: 'another', expiresAt: '' }) as const;
    const services = only<PrepareServices>({ store: { ...noStore, takeLease }, clock: { now: () => now } });
    const { wait, retry_after_seconds } = await prepare(input, services);
    return wait ? retry_after_seconds : null;
  });

/** A replacement that has switched, so that it cannot be cancelled, and that never ends. */
const endless = replacement('new', { status: 'finalizing', switchedAt: NOON.toISOString() });

function waitForRollout(rollout: { warmupDurationMinutes: number; keepOldVersionMinutes: number }) {
  const deadline = at(rolloutSeconds(rollout));
  let known = progress();
  return polls(async (now) => {
    const target = wanted({
      rollout: { strategy: 'rolling', ...rollout },
      deadline,
      since: NOON,
      progress: known,
    });
    const step = nextStep(seen({ replacement: endless }), target, now);
    if (step.kind === 'fail' || step.kind === 'complete') return null;
    known = step.progress;
    return pollSeconds(step.kind, known, deadline, now);
  });
}

/** On the Workload another rollout of the change has switched, and never ends: nothing can be replaced meanwhile. */
function endlessTail(setting: Setting): ChangeWorld {
  const world = changeWorld({ ...setting, served: 'new', item: { expires_at: at(1e9) } });
  world.platform.begin('new');
  world.platform.record = replacement('new', {
    status: 'warming_up',
    switchedAt: '2099-01-01T00:00:00.000Z',
  });
  world.platform.protonList = [proton('p1', 'new')];
  return world;
}

/** The way back cannot start while the rollout goes on. */
function waitForRollback() {
  const world = endlessTail({ change: goingBack() });
  let previous: RollbackAnswer | null = null;
  return polls(async (now) => {
    world.platform.now = now;
    const input = rollbackInput({ fence: 1, execution: RUN, change_id: RUN, previous });
    const answer = await rollback(input, world.services, { requestId: 'r' });
    previous = answer;
    return answer.retry_after_seconds;
  });
}

/** The lock of a draft waits for the end of its own rollout, whose old version is kept. */
function waitForClose(deadline: Date) {
  const world = endlessTail({ production: ['3'] });
  for (const id of ['old', 'new']) world.platform.artifacts.set(id, artifact(id, 'draft'));
  let previous: CloseAnswer | null = null;
  return polls(async (now) => {
    world.platform.now = now;
    const fields = { model_name: MODEL, change_id: RUN, execution: RUN, fence: 1 };
    const input = CloseInput.parse({ ...fields, deadline: deadline.toISOString(), previous });
    const answer = await closePromotion(input, world.services, { requestId: 'r' });
    previous = answer;
    return answer.retry_after_seconds;
  });
}

const { States: states } = JSON.parse(
  readFileSync(new URL('../../statemachines/promotion.asl.json', import.meta.url), 'utf8'),
) as { States: Record<StateName, { Type: string }> };

/** A task has the three events of its Lambda function besides; a `Fail` is entered only. */
const eventsOf: Record<string, number> = { Task: 5, Choice: 2, Pass: 2, Wait: 2, Fail: 1 };

const repeat = (count: number, round: StateName[]) => Array.from({ length: count }, () => round).flat();

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MOST_EVENTS = 25_000;

/** The states of an execution that waits as often as these say. */
function pathOf(waits: { lease: number; rollout: number; close: number; rollback: number }): StateName[] {
  const compareAndPrepare: StateName[] = [
    ...(['Operation?', 'CompareModels', 'PinChallenger', 'Decision?'] as const),
    ...(['RequestApproval', 'Approval?'] as const),
    ...(['PreparePromotion', 'Prepared?'] as const),
  ];
  const waitForPeople: StateName[] = ['RequestApproval', 'Approval?', 'AwaitDecision'];
  const replace: StateName[] = ['ReplaceWorkload', 'Rollout?'];
  const close: StateName[] = ['ClosePromotion', 'Closed?'];
  const rollBack: StateName[] = ['ModelRollback', 'RolledBack?'];
  return [
    'BeginPromotion',
    ...(['Operation?', 'CompareModels', 'PinChallenger', 'Decision?'] as const),
    // Ten approvals and a reminder.
    ...repeat(11, waitForPeople),
    ...(['RequestApproval', 'Approval?', 'PreparePromotion', 'Prepared?'] as const),
    ...repeat(waits.lease, ['WaitForLease', ...compareAndPrepare]),
    ...repeat(waits.rollout, [...replace, 'WaitForRollout']),
    ...replace,
    ...(['PromoteModel', 'WasPromoted?'] as const),
    ...repeat(waits.close, [...close, 'WaitForClose']),
    ...close,
    ...repeat(waits.rollback, [...rollBack, 'WaitForRollback']),
    ...rollBack,
    ...(['NotifyOutcome', 'Outcome?', 'Failed'] as const),
  ];
}

describe('the longest execution that can be requested', () => {
  const longest = rolloutSeconds(maxRolloutMinutes);

  it('waits as long as the limits say', async () => {
    expect((await waitForLease()).seconds).toBeGreaterThanOrEqual(MAX_LEASE_WAIT_MINUTES * 60);
    expect((await waitForRollout(maxRolloutMinutes)).seconds).toBeGreaterThan(longest);
    const close = (await waitForClose(at(longest))).seconds;
    expect(close).toBeGreaterThanOrEqual(longest);
    expect(close).toBeLessThan(longest + 5 * 60);
    const back = (await waitForRollback()).seconds;
    expect(back).toBeGreaterThanOrEqual(ROLLBACK_MINUTES * 60);
    expect(back).toBeLessThan((ROLLBACK_MINUTES + CANCEL_MINUTES) * 60);
  });

  it('is longer than one with a shorter rollout', async () => {
    const short = { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 };
    const { seconds } = await waitForRollout(short);
    expect(seconds).toBeGreaterThan(rolloutSeconds(short));
    expect(seconds).toBeLessThan(rolloutSeconds(short) + 20 * 60);
  });

  it('leaves a tenth of the events of a history for retries', async () => {
    const [lease, rollout] = [(await waitForLease()).count, (await waitForRollout(maxRolloutMinutes)).count];
    const [close, back] = [(await waitForClose(at(longest))).count, (await waitForRollback()).count];
    const next = Object.fromEntries(
      Object.entries(states).map(([name, state]) => [
        name,
        [...JSON.stringify(state).matchAll(/"(?:Next|Default)":"([^"]+)"/g)].map(([, to]) => to),
      ]),
    );
    // The rollout and the lock wait until the same deadline: either the one or the other takes long.
    for (const waits of [
      { lease, rollout, close: 0, rollback: back },
      { lease, rollout: 0, close, rollback: back },
    ]) {
      const path = pathOf(waits);
      expect(path.filter((name, n) => n > 0 && !next[path[n - 1] ?? '']?.includes(name))).toEqual([]);
      // `ExecutionStarted` and `ExecutionFailed` are the other two.
      const events = path.reduce((sum, name) => sum + (eventsOf[states[name].Type] ?? Number.NaN), 2);
      expect(events).toBeLessThan(0.9 * MOST_EVENTS);
    }
  });
});

describe('attempts at an open change', () => {
  const HOUR = 60;
  const pauses = Array.from({ length: 1000 }, (_, attempts) => attemptPauseMinutes(attempts));
  const within = (minutes: number) => {
    let [count, passed] = [0, pauses[0] ?? 0];
    while (passed <= minutes) passed += pauses[++count] ?? 0;
    return count;
  };

  it('follow one another at growing pauses: soon, then hourly, and daily where nothing mends it', () => {
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    expect(pauses.slice(0, 5)).toEqual([5, 10, 20, 40, HOUR]);
    expect(pauses.at(-1)).toBe(24 * HOUR);
  });

  it('end an outage of nine hours within the hour, and alert about a lasting failure in the end daily', () => {
    expect(pauses[within(9 * HOUR)]).toBe(HOUR);
    expect(within(7 * 24 * HOUR)).toBeLessThan(24);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import {
  MAX_LEASE_WAIT_MINUTES,
  MAX_POLL_SECONDS,
  maxRolloutMinutes,
  ROLLBACK_MINUTES,
  rolloutSeconds,
} from '../../lambdas/domain/limits.ts';
import { PrepareInput } from '../../lambdas/domain/payloads.ts';
import { nextStep } from '../../lambdas/domain/rollout/plan.ts';
import { pollSeconds, rollbackPollSeconds } from '../../lambdas/domain/rollout/progress.ts';
import type { PrepareServices } from '../../lambdas/use-cases/parts/preparation.ts';
import { prepare } from '../../lambdas/use-cases/prepare-promotion.ts';
import type { StateName } from '../../statemachines/names.ts';
import { at, NOON, progress, replacement, seen, wanted } from '../support/serving.ts';

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

/** The way back cannot start while the rollout goes on: it ends open, and the next attempt goes on. */
const waitForRollback = () =>
  polls(async (now) =>
    now >= at(ROLLBACK_MINUTES * 60) ? null : rollbackPollSeconds(NOON.toISOString(), now),
  );

/** A served draft is locked when its rollout has ended: its old version may be kept until the deadline. */
const waitForClose = (rollout: typeof maxRolloutMinutes) =>
  polls(async (now) => (now >= at(rolloutSeconds(rollout)) ? null : MAX_POLL_SECONDS.closing));

const { States: states } = JSON.parse(
  readFileSync(new URL('../../statemachines/promotion.asl.json', import.meta.url), 'utf8'),
) as { States: Record<StateName, { Type: string }> };

/** A task has the three events of its Lambda function besides; a `Fail` is entered only. */
const eventsOf: Record<string, number> = { Task: 5, Choice: 2, Pass: 2, Wait: 2, Fail: 1 };

const repeat = (count: number, round: StateName[]) => Array.from({ length: count }, () => round).flat();

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MOST_EVENTS = 25_000;

describe('the longest execution that can be requested', () => {
  it('waits as long as the limits say', async () => {
    expect((await waitForLease()).seconds).toBeGreaterThanOrEqual(MAX_LEASE_WAIT_MINUTES * 60);
    expect((await waitForRollout(maxRolloutMinutes)).seconds).toBeGreaterThan(
      rolloutSeconds(maxRolloutMinutes),
    );
    expect((await waitForRollback()).seconds).toBeGreaterThanOrEqual(ROLLBACK_MINUTES * 60);
    expect((await waitForClose(maxRolloutMinutes)).seconds).toBeGreaterThanOrEqual(
      rolloutSeconds(maxRolloutMinutes),
    );
  });

  it('is longer than one with a shorter rollout', async () => {
    const short = { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 };
    const { seconds } = await waitForRollout(short);
    expect(seconds).toBeGreaterThan(rolloutSeconds(short));
    expect(seconds).toBeLessThan(rolloutSeconds(short) + 20 * 60);
  });

  it.each(['a rollout', 'a draft that waits for its lock'])(
    'leaves a tenth of the events of a history for retries: %s',
    async (which) => {
      const compareAndPrepare: StateName[] = [
        ...(['Operation?', 'CompareModels', 'PinChallenger', 'Decision?'] as const),
        ...(['PreparePromotion', 'Prepared?'] as const),
      ];
      const replace: StateName[] = ['ReplaceWorkload', 'Rollout?'];
      const close: StateName[] = ['ClosePromotion', 'Closed?'];
      const rollBack: StateName[] = ['ModelRollback', 'RolledBack?'];
      const path: StateName[] = [
        'BeginPromotion',
        ...compareAndPrepare,
        ...repeat((await waitForLease()).count, ['WaitForLease', ...compareAndPrepare]),
        ...(which === 'a rollout'
          ? [
              ...repeat((await waitForRollout(maxRolloutMinutes)).count, [...replace, 'WaitForRollout']),
              ...replace,
            ]
          : [
              ...replace,
              ...(['PromoteModel', 'WasPromoted?'] as const),
              ...repeat((await waitForClose(maxRolloutMinutes)).count, [...close, 'WaitForClose']),
              ...close,
            ]),
        ...repeat((await waitForRollback()).count, [...rollBack, 'WaitForRollback']),
        ...rollBack,
        ...(['NotifyOutcome', 'Outcome?', 'Failed'] as const),
      ];
      const next = Object.fromEntries(
        Object.entries(states).map(([name, state]) => [
          name,
          [...JSON.stringify(state).matchAll(/"(?:Next|Default)":"([^"]+)"/g)].map(([, to]) => to),
        ]),
      );
      expect(path.filter((name, n) => n > 0 && !next[path[n - 1] ?? '']?.includes(name))).toEqual([]);
      // `ExecutionStarted` and `ExecutionFailed` are the other two.
      const events = path.reduce((sum, name) => sum + (eventsOf[states[name].Type] ?? Number.NaN), 2);
      expect(events).toBeLessThan(0.9 * MOST_EVENTS);
    },
  );
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DriftRead } from '../../lambdas/domain/drift/drift-file.ts';
import {
  LeaseStoreUnavailable,
  MlflowUnavailable,
  StateMachineUnavailable,
} from '../../lambdas/domain/errors.ts';
import { entryText } from '../../lambdas/domain/ledger/entry.ts';
import type { ModelVersion } from '../../lambdas/domain/registry.ts';
import type { ModelItem } from '../../lambdas/domain/release/release.ts';
import { emptyItem } from '../../lambdas/domain/release/store.ts';
import { attemptOutcome } from '../../lambdas/domain/retraining/need.ts';
import { CheckInput } from '../../lambdas/domain/retraining/payloads.ts';
import { type CheckServices, checkRetraining } from '../../lambdas/use-cases/check-retraining-needed.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { type MemoryStore, memoryStore } from '../support/memory-store.ts';
import { sampleComparison, sampleOutcome } from '../support/sample-outcome.ts';

const MODEL = 'churn';
const HOUR = 3_600_000;
const START = Date.parse('2026-11-22T12:00:00Z');
const ARN = 'arn:aws:states:eu-west-1:123456789012:execution:retraining';

/** A model, its table and its executions, in a time of their own. */
class World {
  ms = START;
  readonly registry: FakeRegistry;
  readonly store: MemoryStore;
  /** Executions that were started, each name once, as Step Functions keeps them. */
  readonly started = new Map<string, object>();
  readonly alerts: string[] = [];
  drift: DriftRead | null = null;
  starts = true;
  /** Called before and after each write and each start, with its name. */
  disturb: (what: string) => void = () => {};

  constructor(versions: readonly ModelVersion[], item: ModelItem = emptyItem(MODEL)) {
    this.registry = new FakeRegistry({ model: { name: MODEL, tags: {}, aliases: {} }, versions });
    this.store = memoryStore([item]);
  }

  get services(): CheckServices {
    const { registry, store } = this;
    const disturbed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      this.disturb(`before ${what}`);
      const value = await work();
      this.disturb(`after ${what}`);
      return value;
    };
    const { drift } = this;
    const tagged = { ...registry.view.model, tags: drift === null ? {} : { 'promotion.drift': 'run' } };
    registry.view = { ...registry.view, model: tagged };
    return {
      registry,
      mode: 'stages',
      store: {
        ...store,
        writeNeed: (...args) => disturbed('write', () => store.writeNeed(...args)),
        recordOutcome: (...args) => disturbed('outcome', () => store.recordOutcome(...args)),
      },
      alerts: { publish: async ({ execution }) => void this.alerts.push(execution) },
      alertContext: { prefix: 'Test', environment: 'test', registryName: 'models' },
      allowed: [],
      intervalDays: 7,
      minHours: 24,
      retrainings: async () =>
        this.starts
          ? {
              start: (name, input) =>
                disturbed('start', async () => {
                  if (!this.started.has(name)) this.started.set(name, input);
                }),
              listUnsuccessful: async () => [],
              describeUnsuccessful: async () => null,
            }
          : null,
      clock: { now: () => new Date(this.ms) },
      ...(drift === null ? {} : { drift: async () => drift }),
    };
  }

  check(input: object = {}, request = 'request-1', services: Partial<CheckServices> = {}) {
    return checkRetraining(
      CheckInput.parse({ model_name: MODEL, ...input }),
      { ...this.services, ...services },
      request,
    );
  }

  /** A pipeline registers the next version. */
  register(stage = 'None'): string {
    const { view } = this.registry;
    const number = Math.max(0, ...view.versions.map(({ version }) => Number(version))) + 1;
    this.registry.view = { ...view, versions: [version(String(number), this.ms, stage), ...view.versions] };
    return String(number);
  }
}

const version = (number: string, createdAt: number, stage = 'None'): ModelVersion => ({
  ...{ version: number, stage, status: 'READY', runId: null, createdAt, tags: {} },
});
const hoursOld = (hours: number, stage = 'Production') => version('6', START - hours * HOUR, stage);

const rows = (counts: number[]) => ({ format: 1 as const, features: { age: { edges: [0, 1, 2], counts } } });
const SHIFTED: DriftRead = {
  file: { reference: rows([400, 400, 150, 50]), current: rows([50, 150, 400, 400]) },
};
const FEW: DriftRead = { file: { reference: rows([4, 4, 1, 1]), current: rows([1, 1, 4, 4]) } };

describe('the answer', () => {
  it('has every field, null where there is nothing', async () => {
    expect(await new World([hoursOld(72)]).check()).toEqual({
      decision: 'no_retraining',
      trigger: null,
      reason: expect.any(String),
      hours_since_retrain: 72,
      days_since_retrain: 3,
      ...{ drift_severity: null, drift_psi: null, drift_n: null, drift_needed: null },
      ...{ newest_version: '6', need_id: null, attempt: null, execution: null },
    });
  });

  it.each([
    ['a week without a version', [hoursOld(170)], {}, null, 'needs_retraining', 'scheduled'],
    ['no version', [], {}, null, 'needs_retraining', 'scheduled'],
    ['drift', [hoursOld(48)], {}, SHIFTED, 'needs_retraining', 'drift_detected'],
    ['drift within the pause', [hoursOld(23)], {}, SHIFTED, 'recently_trained', null],
    ['too few rows to tell', [hoursOld(48)], {}, FEW, 'no_retraining', null],
    ['force', [hoursOld(1)], { force: true }, null, 'needs_retraining', 'manual'],
    ['manual_trigger', [hoursOld(1)], { manual_trigger: true }, null, 'needs_retraining', 'manual'],
    ['a version in Staging', [hoursOld(48, 'Staging')], {}, SHIFTED, 'recently_trained', null],
    ['another model', [hoursOld(48)], { model_name: 'other' }, SHIFTED, 'invalid_model', null],
    ['a name of no model', [hoursOld(48)], { model_name: 'a/b' }, SHIFTED, 'invalid_model', null],
  ] as const)('to %s', async (_, versions, input, drift, decision, trigger) => {
    const world = new World(versions);
    world.drift = drift;
    expect(await world.check(input)).toMatchObject({ decision, trigger });
    expect(world.started.size).toBe(decision === 'needs_retraining' ? 1 : 0);
  });

  it('names the numbers of drift, and how many rows would do where these are too few', async () => {
    const world = new World([hoursOld(48)]);
    world.drift = SHIFTED;
    const found = await world.check();
    expect(found).toMatchObject({ drift_severity: 'significant', drift_n: 1000, drift_needed: null });
    expect(found.drift_psi).toBeGreaterThan(0.1);
    const small = new World([hoursOld(48)]);
    small.drift = FEW;
    const answer = await small.check();
    expect(answer).toMatchObject({ drift_severity: 'unknown', drift_psi: null, drift_n: 10 });
    const needed = answer.drift_needed ?? 0;
    expect(needed).toBeGreaterThan(100);
    // As many do: drift that is not there is then not unknown any more.
    const many = rows([needed, needed, needed, needed].map((count) => Math.ceil(count / 4)));
    small.drift = { file: { reference: many, current: many } };
    expect(await small.check()).toMatchObject({ drift_severity: 'none', drift_needed: null });
  });

  it('does not count drift that was measured before the newest version', async () => {
    const at = (hours: number): DriftRead => ({
      file: {
        ...(SHIFTED as { file: object }).file,
        at: new Date(START - hours * HOUR).toISOString(),
      } as never,
    });
    const world = new World([hoursOld(48)]);
    world.drift = at(49);
    expect(await world.check()).toMatchObject({ decision: 'no_retraining', drift_severity: 'unknown' });
    world.drift = at(47);
    expect(await world.check()).toMatchObject({ trigger: 'drift_detected', drift_severity: 'significant' });
  });

  it('is that somebody works on the model, while the lease is held', async () => {
    const held = { ...emptyItem(MODEL), owner: ARN, expires_at: new Date(START + HOUR) };
    const world = new World([hoursOld(170)], held);
    expect(await world.check()).toMatchObject({ decision: 'recently_trained' });
    world.ms += 2 * HOUR;
    expect(await world.check()).toMatchObject({ decision: 'needs_retraining' });
  });

  it('is not held up for ever by a challenger that nobody promotes', async () => {
    const world = new World([hoursOld(48, 'Staging')]);
    world.drift = SHIFTED;
    expect(await world.check()).toMatchObject({ decision: 'recently_trained' });
    world.ms += 6 * 24 * HOUR;
    expect(await world.check()).toMatchObject({ decision: 'needs_retraining' });
  });

  it.each([
    ['this version', { challenger: '6', dry_run: false }, 'needs_retraining'],
    ['this version, in a dry run', { challenger: '6', dry_run: true }, 'recently_trained'],
    ['another version', { challenger: '5', dry_run: false }, 'recently_trained'],
  ])(
    'is held up by a version in Staging until the ledger has a comparison of %s',
    async (_, entry, decision) => {
      const world = new World([hoursOld(48, 'Staging')]);
      world.drift = SHIFTED;
      const comparison = { ...sampleComparison, challenger_version: entry.challenger };
      const kept = { ...sampleOutcome, model_name: MODEL, comparison, dry_run: entry.dry_run };
      await world.store.putEntry(MODEL, 1, entryText({ ...kept, status: 'kept' }, null, false));
      expect(await world.check()).toMatchObject({ decision });
    },
  );

  it('is an error where MLflow is away, or tells no time of a version', async () => {
    const world = new World([hoursOld(170)]);
    world.registry.trouble = () => 'lost-before';
    await expect(world.check()).rejects.toThrow(MlflowUnavailable);
    const { createdAt: _, ...timeless } = hoursOld(1);
    await expect(new World([timeless]).check()).rejects.toMatchObject({ name: 'MlflowInvalidResponse' });
    const away = { drift: async () => Promise.reject(new MlflowUnavailable('away')) };
    const drifting = new World([hoursOld(48)]);
    drifting.drift = SHIFTED;
    await expect(drifting.check({}, 'request-1', away)).rejects.toThrow(MlflowUnavailable);
  });
});

describe('a need', () => {
  it('is opened once, started under one name, and closed by the next version', async () => {
    const world = new World([hoursOld(170)]);
    const first = await world.check();
    expect([...world.started]).toEqual([
      [first.execution, { model_name: MODEL, trigger: 'scheduled', need_id: first.need_id, attempt: 1 }],
    ]);
    world.ms += HOUR;
    expect(await world.check({}, 'request-2')).toMatchObject({
      ...{ decision: 'recently_trained', need_id: first.need_id, attempt: 1, execution: null },
    });
    world.register();
    world.ms += HOUR;
    expect(await world.check({}, 'request-3')).toMatchObject({ decision: 'recently_trained', need_id: null });
    expect((await world.store.readNeed(MODEL))?.need.closed_at).not.toBeNull();
    expect(world.started.size).toBe(1);
  });

  it('is tried again a day later, then after two days, with an alert from the third attempt', async () => {
    const world = new World([hoursOld(170)]);
    const attempts: (number | null)[] = [];
    for (let hour = 0; hour < 24 * 7; hour += 1) {
      const { decision, attempt } = await world.check({}, `request-${hour}`);
      if (decision === 'needs_retraining') attempts.push(hour, attempt);
      world.ms += HOUR;
    }
    expect(attempts).toEqual([0, 1, 24, 2, 72, 3, 144, 4]);
    const { id = '' } = (await world.store.readNeed(MODEL))?.need ?? {};
    expect(world.alerts).toEqual([3, 4].map((attempt) => attemptOutcome({ id, attempt })));
  });

  it('is answered again to the request that opened it, as Lambda repeats one', async () => {
    const world = new World([hoursOld(170)]);
    const first = await world.check();
    const again = await world.check();
    expect(again).toMatchObject({ decision: 'needs_retraining', execution: first.execution, attempt: 1 });
    expect(world.started.size).toBe(1);
  });

  it('is opened by one of two callers at once', async () => {
    const world = new World([hoursOld(170)]);
    const both = await Promise.all([world.check({}, 'request-1'), world.check({}, 'request-2')]);
    expect(both.map(({ decision }) => decision).sort()).toEqual(['needs_retraining', 'recently_trained']);
    expect(world.started.size).toBe(1);
  });

  it('is given up to others after too many writes of theirs', async () => {
    const world = new World([hoursOld(170)]);
    const store = { ...world.services.store, writeNeed: async () => false };
    await expect(world.check({}, 'request-1', { store })).rejects.toThrow(LeaseStoreUnavailable);
  });

  it('is started by the next caller under the same name where the start was refused', async () => {
    const world = new World([hoursOld(170)]);
    world.disturb = (what) => {
      if (what === 'before start') throw new StateMachineUnavailable('away');
    };
    await expect(world.check()).rejects.toThrow(StateMachineUnavailable);
    world.disturb = () => {};
    const { decision } = await world.check({}, 'request-2');
    expect(decision).toBe('recently_trained');
    expect(world.started.size).toBe(1);
    expect((await world.store.readNeed(MODEL))?.need.started).toBe(true);
  });

  it.each([1, 3])(
    'of attempt %i is started once and told once, wherever the process dies',
    async (attempt) => {
      const upTo = async () => {
        const world = new World([hoursOld(170)]);
        for (let done = 1; done < attempt; done += 1) {
          await world.check({}, `attempt-${done}`);
          world.ms += done * 24 * HOUR;
        }
        return world;
      };
      const seen: string[] = [];
      const whole = await upTo();
      whole.disturb = (what) => seen.push(what);
      await whole.check({}, 'last');
      expect(seen.length).toBeGreaterThanOrEqual(6);
      for (const dieAt of seen.keys()) {
        const world = await upTo();
        const before = world.started.size;
        let count = 0;
        world.disturb = () => {
          if (count++ === dieAt) throw new Error('killed');
        };
        await expect(world.check({}, 'last'), seen[dieAt]).rejects.toThrow('killed');
        world.disturb = () => {};
        // Others come first; then the request is repeated.
        await world.check({}, 'other');
        await world.check({}, 'last');
        expect(world.started.size, seen[dieAt]).toBe(before + 1);
        expect(new Set(world.alerts).size, seen[dieAt]).toBe(Math.max(0, attempt - 2));
      }
    },
  );
});

describe('an execution that asks', () => {
  const execution = `${ARN}:mine`;

  it('is the attempt: nothing is started for it, and it gets the same answer again', async () => {
    const world = new World([hoursOld(170)]);
    const first = await world.check({ execution });
    expect(first).toMatchObject({ decision: 'needs_retraining', attempt: 1, execution: null });
    expect(await world.check({ execution }, 'request-2')).toEqual({ ...first, reason: expect.any(String) });
    expect(world.started.size).toBe(0);
    expect(await world.check({ execution: `${ARN}:other` })).toMatchObject({ decision: 'recently_trained' });
  });

  it('by hand is one attempt, however often the step is repeated', async () => {
    const world = new World([hoursOld(1)]);
    for (let times = 0; times < 3; times += 1)
      expect(await world.check({ execution, force: true }, `request-${times}`)).toMatchObject({
        ...{ decision: 'needs_retraining', attempt: 1 },
      });
  });

  it('is the attempt that was started for the need', async () => {
    const world = new World([hoursOld(170)]);
    const { execution: name } = await world.check();
    expect(await world.check({ execution: `${ARN}:${name}` }, 'request-2')).toMatchObject({
      ...{ decision: 'needs_retraining', attempt: 1, trigger: 'scheduled' },
    });
    expect(world.started.size).toBe(1);
  });

  it('learns after its training whether a version came, and opens nothing', async () => {
    const world = new World([hoursOld(170)]);
    world.drift = SHIFTED;
    const { need_id } = await world.check({ execution });
    const asked = () => world.check({ execution, after_training: true, force: true });
    expect(await asked()).toMatchObject({ decision: 'needs_retraining', need_id, attempt: 1 });
    world.ms += HOUR;
    world.register('Staging');
    const trained = { decision: 'recently_trained', need_id, attempt: 1, newest_version: '7' };
    expect(await asked()).toMatchObject(trained);
    expect(await asked()).toMatchObject(trained);
  });

  it('is given its own input, whose fields it need not know', () => {
    const input = { model_name: MODEL, force: true, more: 1 };
    expect(CheckInput.parse({ input, execution })).toMatchObject({
      model_name: MODEL,
      force: true,
      execution,
    });
    expect(CheckInput.safeParse({ input: null, execution }).success).toBe(false);
  });
});

describe('over months', () => {
  it('drift at every hour of 90 days retrains once a day, and is never held up by a training that fails', async () => {
    const world = new World([hoursOld(48)]);
    world.drift = SHIFTED;
    const begun: number[] = [];
    for (let hour = 0; hour < 24 * 90; hour += 1) {
      world.ms = START + hour * HOUR;
      const { decision } = await world.check({}, `request-${hour}`);
      if (decision !== 'needs_retraining') continue;
      begun.push(hour);
      if (begun.length % 5 !== 0) world.register();
    }
    expect(world.started.size).toBe(begun.length);
    const gaps = begun.slice(1).map((hour, index) => hour - (begun[index] ?? 0));
    // A version of the same hour, and a day after one that failed.
    expect(new Set(gaps)).toEqual(new Set([24]));
    expect(begun).toHaveLength(90);
  });

  /** What becomes of an attempt: nothing, or a version, which may be kept, or deleted again. */
  const ending = fc.constantFrom('fails', 'version', 'kept', 'deleted');

  it('a model is retrained at most once a day and never stuck, whatever becomes of its trainings', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(ending, { minLength: 5, maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: 10, maxLength: 40 }),
        fc.constantFrom(true, false),
        async (endings, drifts, starts) => {
          const world = new World([hoursOld(0)]);
          world.starts = starts;
          const begun: number[] = [];
          let attempts = 0;
          let due: { at: number; what: string } | null = null;
          for (let hour = 0; hour < 24 * 60; hour += 3) {
            world.ms = START + hour * HOUR;
            world.drift = drifts[Math.floor(hour / 12) % drifts.length] ? SHIFTED : null;
            if (due !== null && due.at <= hour) {
              if (due.what !== 'fails') world.register(due.what === 'kept' ? 'Staging' : 'None');
              if (due.what === 'deleted') {
                const { view } = world.registry;
                world.registry.view = { ...view, versions: view.versions.slice(1) };
              }
              due = null;
            }
            const { decision } = await world.check({}, `request-${hour}`);
            if (decision !== 'needs_retraining') continue;
            begun.push(hour);
            due = { at: hour + 3, what: endings[attempts % endings.length] ?? 'fails' };
            attempts += 1;
          }
          const gaps = begun.slice(1).map((hour, index) => hour - (begun[index] ?? 0));
          expect(gaps.filter((gap) => gap < 24)).toEqual([]);
          // After k failures in a row the next attempt is k days later; a version that waits holds up for a week.
          const failures = `${endings.map((each) => (each === 'version' || each === 'kept' ? 'v' : 'f')).join('')}`;
          const inARow = Math.max(0, ...`${failures}${failures}`.split('v').map((run) => run.length));
          const longest = Math.max(...gaps, 24 * 60 - (begun.at(-1) ?? 0));
          expect(longest).toBeLessThanOrEqual(24 * Math.max(8, inARow + 2));
        },
      ),
      { numRuns: 30 },
    );
  });
});

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorNames } from '../../lambdas/domain/errors.ts';
import {
  CANCEL_MINUTES,
  type FunctionName,
  functionTimeoutSeconds,
  leaseSecondsFor,
  MAX_APPROVAL_HOURS,
  MAX_LEASE_WAIT_MINUTES,
  machineTimeoutSeconds,
  maxRolloutMinutes,
  maxStepSeconds,
  ROLLBACK_MINUTES,
  rolloutSeconds,
  stepFunctionNames,
  taskTimeoutSeconds,
} from '../../lambdas/domain/limits.ts';
import { ExecutionInput } from '../../lambdas/domain/payloads.ts';
import { stateNames } from '../../statemachines/names.ts';
import {
  notStarted,
  outcomeUnknown,
  outcomeUnknownWaiting,
  platformErrorNames,
} from '../../statemachines/retry-policies.ts';
import { renderDefinition, renderedFile } from '../../tools/render.ts';

/** The package has no type declarations. */
const aslValidator: (
  definition: object,
  options: { checkArn: boolean; checkPaths: boolean },
) => { isValid: boolean; errorsText(): string } = createRequire(import.meta.url)('asl-validator');

interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds: number;
  MaxAttempts: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL';
}

interface State {
  Type: string;
  Resource?: string;
  Parameters?: Record<string, string>;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  Retry?: Retrier[];
  Catch?: { ErrorEquals: string[]; Next: string; ResultPath?: string }[];
  Next?: string;
}

const text = readFileSync(renderedFile, 'utf8');
const definition: { StartAt: string; TimeoutSeconds: number; States: Record<string, State> } =
  JSON.parse(text);
const tasks = Object.entries(definition.States)
  .filter(([, state]) => state.Type === 'Task')
  .map(([name, state]) => ({
    name,
    state,
    waits: state.TimeoutSecondsPath !== undefined,
    functionName: (state.Parameters?.['FunctionName'] ?? state.Resource ?? '')
      .split(':')
      .at(-1) as FunctionName,
  }));

/** Every pause of a retrier at its longest, in seconds. */
const pauses = ({ IntervalSeconds, MaxAttempts, MaxDelaySeconds }: Retrier) =>
  Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(IntervalSeconds * 2 ** n, MaxDelaySeconds ?? Infinity),
  );

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

describe('the rendered definition', () => {
  it('is what promotion.ts renders (else: npm run render)', () => {
    expect(text).toBe(renderDefinition());
  });

  it('is accepted by asl-validator', () => {
    const { errorsText, isValid } = aslValidator(definition, { checkArn: true, checkPaths: true });
    expect(errorsText()).toBe('');
    expect(isValid).toBe(true);
  });

  it('has every state, and calls every function but the one that a schedule and events call', () => {
    expect(Object.keys(definition.States)).toEqual([...stateNames]);
    expect(new Set(tasks.map(({ functionName }) => functionName))).toEqual(new Set(stepFunctionNames));
  });

  it('keeps out what the local interpreter does otherwise than AWS', () => {
    expect(text).not.toContain('"ResultPath": "$"');
    expect(text).not.toMatch(/JSONata|QueryLanguage|Assign|\{%/);
    expect(text).not.toContain('States.Format');
    expect(text).not.toContain('$$.State');
    // The host gives a token to the one task that waits for people.
    expect(text.match(/\$\$\.Task/g)).toHaveLength(1);
    // A Pass with a result of null or false would hand on its input there.
    expect(text).not.toContain('"Result":');
  });

  it('names every state that can be reached as a target, and no other', () => {
    const targets = [...text.matchAll(/"(?:Next|Default|StartAt)": "([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(targets)).toEqual(new Set(stateNames));
  });
});

describe.each(tasks)('the task $name', ({ name, state, functionName, waits }) => {
  const retriers = state.Retry ?? [];
  const catchers = state.Catch ?? [];

  it('waits 10 s longer than its function may take', () => {
    // People take as long as the request says.
    if (waits) expect(state.TimeoutSecondsPath).toBe('$.approval.wait_seconds');
    else expect(state.TimeoutSeconds).toBe(functionTimeoutSeconds[functionName] + 10);
  });

  it('retries with jitter where no second copy can be running', () => {
    const jittered = retriers.filter((retrier) => retrier.JitterStrategy === 'FULL');
    expect(jittered.length).toBeGreaterThan(0);
    const errors = jittered.flatMap((retrier) => retrier.ErrorEquals);
    expect(errors.filter((error) => outcomeUnknown.some((unknown) => unknown === error))).toEqual([]);
  });

  it('calls again after an unknown outcome only when the first copy has ended', () => {
    const careful = retriers.filter((retrier) => retrier.JitterStrategy === undefined);
    expect(careful.flatMap((retrier) => retrier.ErrorEquals)).toEqual([
      ...(waits ? outcomeUnknownWaiting : outcomeUnknown),
    ]);
    const first = careful.map((retrier) => pauses(retrier)[0]);
    expect(first).toEqual([functionTimeoutSeconds[functionName]]);
  });

  it('is patient with a Lambda that starts nothing: five minutes on average, a quarter of an hour at most', () => {
    const patient = retriers.filter(({ ErrorEquals }) =>
      notStarted.some((name) => ErrorEquals.includes(name)),
    );
    expect(patient.map(({ ErrorEquals }) => ErrorEquals)).toEqual([[...notStarted]]);
    const longest = sum(patient.flatMap(pauses));
    // Full jitter: each pause is half of its longest on average.
    expect(longest / 2).toBeGreaterThan(5 * 60);
    expect(longest).toBeLessThan(15 * 60);
  });

  it('catches everything, narrow names first', () => {
    const caught = catchers.map((catcher) => catcher.ErrorEquals);
    expect(caught.slice(-2)).toEqual([['States.DataLimitExceeded'], ['States.ALL']]);
    expect(new Set(caught.flat()).size).toBe(caught.flat().length);
  });

  it('retries and catches only names that exist', () => {
    const known: readonly string[] = [...errorNames, ...platformErrorNames];
    const used = [...retriers, ...catchers].flatMap((one) => one.ErrorEquals);
    expect(used.filter((error) => !known.includes(error))).toEqual([]);
  });

  it('stays within the time that the machine and the lease allow it', () => {
    const calls = 1 + sum(retriers.map((retrier) => retrier.MaxAttempts));
    const seconds = waits ? taskTimeoutSeconds(functionName) : (state.TimeoutSeconds ?? Infinity);
    const total = calls * seconds + sum(retriers.flatMap(pauses));
    expect(total).toBeLessThanOrEqual(maxStepSeconds(functionName));
  });

  it('leads every error to an announcement', () => {
    const seen = new Set<string>();
    const queue = catchers.map((catcher) => catcher.Next);
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      const follow = definition.States[next]?.Next;
      const choices = JSON.stringify(definition.States[next] ?? {}).matchAll(/"(?:Next|Default)":"([^"]+)"/g);
      queue.push(
        ...(follow === undefined ? [] : [follow]),
        ...[...choices].flatMap((match) => match[1] ?? []),
      );
    }
    expect([...seen]).toContain(name === 'NotifyOutcome' ? 'OutcomeNotRecorded' : 'NotifyOutcome');
  });
});

describe('the catches', () => {
  const placeOf = (name: string) =>
    new Set(definition.States[name]?.Catch?.map((catcher) => catcher.ResultPath ?? 'the whole document'));

  it('keep the state document, except where the input may not be an object', () => {
    expect(placeOf('BeginPromotion')).toEqual(new Set(['the whole document']));
    const steps = [
      ...[
        'CompareModels',
        'RequestApproval',
        'PreparePromotion',
        'ReplaceWorkload',
        'PromoteModel',
        'ClosePromotion',
      ],
      'NotifySuccess',
    ];
    for (const name of steps) {
      expect(placeOf(name)).toEqual(new Set(['$.error']));
    }
    expect(placeOf('ModelRollback')).toEqual(new Set(['$.rollback_error']));
    expect(placeOf('NotifyOutcome')).toEqual(new Set(['$.ending_error']));
  });

  it('lead from a step to a rollback only after the change was opened, and never from StaleFence', () => {
    const toRollback = tasks.flatMap(({ name, state }) =>
      (state.Catch ?? []).flatMap(({ ErrorEquals, Next }) =>
        Next === 'ModelRollback' ? [[name, ErrorEquals]] : [],
      ),
    );
    expect(toRollback).toEqual([
      ['ReplaceWorkload', ['States.DataLimitExceeded']],
      ['ReplaceWorkload', ['States.ALL']],
      ['PromoteModel', ['States.DataLimitExceeded']],
      ['PromoteModel', ['States.ALL']],
      ['ClosePromotion', ['States.DataLimitExceeded']],
      ['ClosePromotion', ['States.ALL']],
    ]);
  });

  it.each([
    ['ReplaceWorkload', 'replace-workload'],
    ['PromoteModel', 'promote-model'],
    ['ClosePromotion', 'close-promotion'],
  ] as const)(
    'of %s undo nothing after StaleFence, and after no answer only when the first copy has ended',
    (name, functionName) => {
      expect(definition.States[name]?.Catch?.slice(0, 2)).toEqual([
        { ErrorEquals: ['StaleFence'], ResultPath: '$.error', Next: 'NotifyOutcome' },
        { ErrorEquals: [...outcomeUnknown], ResultPath: '$.error', Next: `WaitFor${name}` },
      ]);
      expect(definition.States[`WaitFor${name}`]).toMatchObject({
        Type: 'Wait',
        Seconds: functionTimeoutSeconds[functionName],
        Next: 'ModelRollback',
      });
    },
  );
});

describe('the limits', () => {
  it('let an execution wait for a lease as long as its input may ask', () => {
    const asking = (wait: number) =>
      ExecutionInput.safeParse({ model_name: 'm', wait_for_lease_minutes: wait });
    expect(asking(MAX_LEASE_WAIT_MINUTES).success).toBe(true);
    expect(asking(MAX_LEASE_WAIT_MINUTES + 1).success).toBe(false);
  });

  const minutes = fc.record({
    warmupDurationMinutes: fc.option(fc.integer({ min: 0, max: 240 }), { nil: undefined }),
    keepOldVersionMinutes: fc.option(fc.integer({ min: 0, max: 1440 }), { nil: undefined }),
  });

  it('let a rollout come up, warm up and keep the old version', () => {
    expect(rolloutSeconds(null)).toBe(30 * 60);
    expect(rolloutSeconds({ warmupDurationMinutes: 5, keepOldVersionMinutes: 10 })).toBe(45 * 60);
    const longest = rolloutSeconds(maxRolloutMinutes);
    expect(longest).toBe((30 + 240 + 1440) * 60);
    const absurd = { warmupDurationMinutes: 1e300, keepOldVersionMinutes: Number.MAX_SAFE_INTEGER };
    expect(rolloutSeconds(absurd)).toBe(longest);
    expect(rolloutSeconds({ warmupDurationMinutes: -1e300 })).toBe(rolloutSeconds(null));
  });

  it('keep a lease until everything that comes after taking it is over', () => {
    const steps = sum(
      (
        [
          ...['prepare-promotion', 'replace-workload', 'promote-model'],
          // The minutes of the way back count from its first answer.
          ...['model-rollback', 'model-rollback', 'end-promotion', 'end-promotion'],
          // Past the deadline it may still lock, and then looks once more.
          ...['close-promotion', 'close-promotion'],
        ] as FunctionName[]
      ).map(maxStepSeconds),
    );
    fc.assert(
      fc.property(fc.option(minutes, { nil: null }), (rollout) => {
        const forth = rolloutSeconds(rollout) + 60 * CANCEL_MINUTES;
        const back = 60 * (ROLLBACK_MINUTES + CANCEL_MINUTES);
        const waiting = functionTimeoutSeconds['close-promotion'] + functionTimeoutSeconds['model-rollback'];
        expect(leaseSecondsFor(rollout)).toBe(steps + forth + back + waiting + 15 * 60);
        expect(leaseSecondsFor(rollout)).toBeLessThanOrEqual(leaseSecondsFor(maxRolloutMinutes));
      }),
    );
  });

  it('end the machine by itself, only after the longest wait and the longest rollout', () => {
    expect(definition.TimeoutSeconds).toBe(machineTimeoutSeconds);
    const before = sum(
      (
        [
          ...(['begin-promotion', 'compare-models', 'compare-models', 'prepare-promotion'] as const),
          // Before and after the wait for the lease, and when people have decided.
          ...(['request-approval', 'request-approval', 'request-approval'] as const),
        ] as const
      ).map(maxStepSeconds),
    );
    const writing = leaseSecondsFor(maxRolloutMinutes) - 15 * 60;
    const people = MAX_APPROVAL_HOURS * 3600;
    expect(machineTimeoutSeconds).toBe(before + people + MAX_LEASE_WAIT_MINUTES * 60 + writing);
    // A longer one would end at once in the local host: no timer of JavaScript lasts as long.
    expect(machineTimeoutSeconds * 1000).toBeLessThan(2 ** 31);
  });
});

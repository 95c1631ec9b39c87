import { afterEach, describe, expect, it, vi } from 'vitest';
import type { StepFunctionName } from '../../lambdas/domain/limits.ts';
import { inStage } from '../../lambdas/domain/registry.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost, Host } from '../../local/host.ts';
import { type LocalFunction, localStateMachine } from '../../local/machine/state-machine.ts';
import { promote, rollback } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { execution } from '../support/play.ts';
import {
  begun,
  platformError,
  replaced,
  rolledBack,
  rolling,
  served,
  stubFunctions,
} from '../support/stub-functions.ts';

/** Lambda refuses calls for a while, before the function has started: the execution outlasts it, and undoes nothing. */

interface Refusals {
  /** The first call that is refused; 0 is the first of all. */
  from: number;
  error: string;
  seconds: number;
}

/** The function, behind a Lambda that refuses it for so long; `refused` counts. */
function refusing(call: LocalFunction, now: () => Promise<number> | number, refusals: Refusals) {
  let calls = 0;
  let until: number | null = null;
  const lambda = {
    refused: 0,
    call: async (event: unknown) => {
      const at = await now();
      if (calls++ === refusals.from) until = at + refusals.seconds * 1000;
      if (until === null || at >= until) return call(event);
      lambda.refused += 1;
      throw platformError(refusals.error);
    },
  };
  return lambda;
}

const throttled = 'Lambda.TooManyRequestsException';
const notReady = 'Lambda.ResourceNotReadyException';

describe('a function that is refused', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Runs on stubs in the time of fake timers; each jittered pause is this part of its longest. */
  async function playRefused(
    stubs: ReturnType<typeof stubFunctions>,
    name: StepFunctionName,
    refusals: Refusals,
  ) {
    vi.useFakeTimers();
    const lambda = refusing(stubs.handlers[name], Date.now, refusals);
    const run = localStateMachine({ ...stubs.handlers, [name]: lambda.call }).run({}, { execution });
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect((await run.result).status).toBe('SUCCEEDED');
    return lambda.refused;
  }

  // A quarter is less luck than one execution in ten thousand has.
  it.each([0.25, 0.5, 1])(
    'for a minute does not undo a rollout, with pauses of %d of their longest',
    async (luck) => {
      vi.spyOn(Math, 'random').mockReturnValue(luck);
      const stubs = stubFunctions({
        'prepare-promotion': [served()],
        'replace-workload': [rolling(60), rolling(60), replaced()],
      });
      const refused = await playRefused(stubs, 'replace-workload', {
        from: 1,
        error: throttled,
        seconds: 60,
      });
      expect(stubs.eventsOf('model-rollback')).toEqual([]);
      expect(stubs.eventsOf('promote-model')).toHaveLength(1);
      expect(refused).toBeGreaterThan(3);
    },
  );

  it.each([0.25, 0.5, 1])(
    'as its network interface is made anew still rolls back, with pauses of %d of their longest',
    async (luck) => {
      vi.spyOn(Math, 'random').mockReturnValue(luck);
      const stubs = stubFunctions({
        'begin-promotion': [begun({ operation: 'rollback' })],
        'model-rollback': [rolledBack()],
      });
      const refused = await playRefused(stubs, 'model-rollback', { from: 0, error: notReady, seconds: 90 });
      expect(stubs.eventsOf('model-rollback')).toHaveLength(1);
      expect(refused).toBeGreaterThan(3);
    },
  );
});

describe('on both systems', () => {
  let host: EmulatedHost;
  emulatedHost((started) => {
    host = started;
  });

  /** The same host, with one function behind a Lambda that refuses it. */
  function hostRefusing(name: StepFunctionName, refusals: Refusals) {
    const now = async () => {
      await host.clock.whenArrived();
      return host.clock.now().getTime();
    };
    const lambda = refusing(host.functions[name], now, refusals);
    const machine = localStateMachine({ ...host.functions, [name]: lambda.call });
    return { lambda, refusingHost: { ...host, machine } satisfies Host };
  }

  const run = { pauseMs: 1 };
  const writes = () =>
    host.workload.requests.flatMap(({ method, path }) =>
      method === 'GET' ? [] : [`${method} ${path.split('/').at(-1)}`],
    );
  const start = 'POST replacement';

  /** Versions in Production, and of the artifact in service. */
  async function champion() {
    const view = await readRegistry(host.registry, MODEL);
    const production = view === null ? [] : inStage(view, 'Production');
    const artifacts = production.map(({ tags }) => tags['workload.artifact_id']);
    const workload = await host.workloads.getWorkload(view?.model.tags['workload.id'] ?? '');
    expect(artifacts).toEqual([workload?.artifactId]);
    return production.map(({ version }) => version);
  }

  it('a rollout completes though nobody may look at it for a minute in its middle', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    const { lambda, refusingHost } = hostRefusing('replace-workload', {
      from: 3,
      error: throttled,
      seconds: 60,
    });
    const { status, rollout } = await execute(refusingHost, promote, run);
    expect(lambda.refused).toBeGreaterThan(3);
    expect(rollout.length).toBeGreaterThan(1);
    expect(status).toBe('promoted');
    expect(writes()).toEqual([start]);
    expect(await champion()).toEqual(['3']);
  });

  it('a rollback is done though its function has idled and is not ready for a minute and a half', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    expect((await execute(host, promote, run)).status).toBe('promoted');
    const { lambda, refusingHost } = hostRefusing('model-rollback', {
      from: 0,
      error: notReady,
      seconds: 90,
    });
    expect((await execute(refusingHost, rollback, run)).status).toBe('rolled_back');
    expect(lambda.refused).toBeGreaterThan(3);
    expect(writes()).toEqual([start, start]);
    expect(await champion()).toEqual(['2']);
  });
});

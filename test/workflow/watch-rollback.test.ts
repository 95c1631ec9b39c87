import { describe, expect, it } from 'vitest';
import type { ExecutionDocument } from '../../local/execution.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { scenarios } from '../../local/scenarios/registry.ts';
import { promote, rollback } from '../../local/scenarios/scenario.ts';
import { seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';
import { endStateOf, expectEnd } from '../support/end-state.ts';
import { recordedOutcome, recordedOutcomes } from '../support/recorded-outcomes.ts';

/** Rollbacks that a watch asks for, as the state machine runs them. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const run = { pauseMs: 1 };
const played = (name: string): Promise<ExecutionDocument[]> => {
  const scenario = scenarios.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return scenario.play(host, run);
};

describe('a rollback that a watch has started', () => {
  it.each(['degrades-after-release', 'watch-crashes'])(
    'has what was found in its outcome (%s)',
    async (name) => {
      const [, last] = await played(name);
      expect(last?.execution).toMatch(/:watch-[\w-]+-1$/);
      expect(await recordedOutcome(host.table, last?.execution)).toMatchObject({
        ...{ status: 'rolled_back', operation: 'rollback', requested_by: 'watch-releases' },
        rollback: { reason: 'PERFORMANCE_DEGRADATION', from_version: '3', to_version: '2' },
        watch: { new: '3', old: '2', series: [{ series: 'rows', decides: true, before: 168 }, {}, {}, {}] },
      });
      // What is live now is not watched, and nothing is started again.
      host.clock.skip(3_600_000);
      expect(await host.functions['watch-releases']({ watch: true })).toMatchObject({
        started: 0,
        failed: 0,
      });
      expect(host.stepFunctions.take()).toEqual([]);
    },
  );
});

describe('a rollback that is asked for while one version is the champion', () => {
  it('changes nothing, and says so, once another one is', async () => {
    seedPascalStrategy(host.mlflow);
    seedServing(host);
    const first = await execute(host, promote, run);
    const late = await execute(host, { ...rollback, champion_version: '2' }, run);
    expect(late).toMatchObject({ status: 'contested', alerts: [{ attributes: { kind: 'contested' } }] });
    expect(late.registry.after).toEqual(first.registry.after);
    expect(late.workload.after).toEqual(first.workload.after);
    expect(await recordedOutcome(host.table, late.execution)).toMatchObject({
      rollback: { finding: { code: 'contested', why: 'other-champion', from: '2', champions: ['3'] } },
      ending: { in_step: true },
    });
    expectEnd(await endStateOf(host), 'in-step', await recordedOutcomes(host.table));
    const right = await execute(host, { ...rollback, champion_version: '3' }, run);
    expect(right).toMatchObject({ status: 'rolled_back', workload: { after: { model_version: '2' } } });
  });
});

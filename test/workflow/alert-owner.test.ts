import { beforeEach, describe, expect, it } from 'vitest';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { invokeFunction } from '../../local/invocation.ts';
import { promote, rollback, sweepAndTakeUp } from '../../local/scenarios/scenario.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** The attributes by which subscriptions filter, on an alert of every function that sends one. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});
const quick = { pauseMs: 1 };
const OWNER = 'quant research';
const attributes = () =>
  host.sns.published.map(
    ({ attributes: { execution: _, ledger: _head, run: _run, report: _report, ...others } }) => others,
  );
const carried = (kind: string) => ({ kind, model: MODEL, owner: OWNER, environment: 'local' });

describe('the owner of the registered model is on the alert of', () => {
  beforeEach(() => {
    seedPascalStrategy(host.mlflow);
    host.mlflow.registry.setModelTag(MODEL, 'owner', ` ${OWNER} `);
  });

  it('a promotion and a rollback', async () => {
    await execute(host, promote, quick);
    await execute(host, rollback, quick);
    expect(attributes()).toEqual([carried('promoted'), carried('rolled_back')]);
  });

  it('a comparison after which nothing changes', async () => {
    host.mlflow.registry.setModelTag(MODEL, 'promotion.policy', 'regression');
    await execute(host, promote, quick);
    expect(attributes()).toEqual([carried('needs_investigation')]);
  });

  it('an execution that was stopped', async () => {
    await execute(host, promote, { ...quick, abortAfter: (state) => state === 'PreparePromotion' });
    expect(attributes()).toEqual([carried('failed')]);
  });

  it('a model that was moved by hand', async () => {
    await execute(host, promote, quick);
    host.mlflow.registry.transition(MODEL, '1', 'Production', { archive: true });
    host.clock.skip(2 * 3_600_000);
    await sweepAndTakeUp(host, quick);
    expect(attributes()).toEqual([carried('promoted'), carried('contested')]);
  });

  it.each([
    ['promote-model', { model_name: MODEL, new_version: '3' }, 'promoted'],
    ['model-rollback', { model_name: MODEL, target_version: '1', reason: 'MANUAL_REQUEST' }, 'rolled_back'],
  ] as const)('a direct call of %s', async (name, event, kind) => {
    await invokeFunction(host, name, event);
    expect(attributes()).toEqual([carried(kind)]);
  });

  it('an alert that is sent later, by a sweep', async () => {
    host.sns.faults.add({ path: 'Publish', times: 2, effect: { kind: 'answer', status: 503, body: '' } });
    await execute(host, promote, quick);
    expect(attributes()).toEqual([]);
    await sweepAndTakeUp(host, quick);
    expect(attributes()).toEqual([carried('promoted')]);
  });
});

it('without an owner that is known the alert goes out all the same', async () => {
  await execute(host, promote, quick);
  expect(attributes()).toEqual([{ kind: 'failed', model: MODEL, environment: 'local' }]);
});

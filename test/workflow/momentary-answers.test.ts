import { expect, it } from 'vitest';
import type { Effect } from '../../emulators/faults.ts';
import { execute } from '../../local/execution.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, seedPascalStrategy, seedServing } from '../../local/scenarios/seed.ts';
import { emulatedHost } from '../support/emulated-host.ts';

/** One unusable answer, once to each kind of request that a promotion makes: none of them loses it. */

let host: EmulatedHost;
emulatedHost((started) => {
  host = started;
});

const page = {
  kind: 'answer',
  status: 200,
  body: '<html>Please wait</html>',
  contentType: 'text/html',
} as const;
const failure = JSON.stringify({ error_code: 'INTERNAL_ERROR', message: 'lost connection' });
const effects: Record<string, Effect> = {
  'a page of HTML instead of the request': page,
  'truncated JSON after the request': { ...page, body: '{"id": "a', when: 'after' },
  'an internal error after the request': { kind: 'answer', when: 'after', status: 500, body: failure },
};

type System = 'mlflow' | 'workload';

/** A promotion of the seeded model, and the kinds of requests that it made. Ids differ from one to the next: they get names. */
async function promote(inject: (idOf: (name: string) => string) => void = () => {}) {
  for (const system of [host.mlflow, host.workload, host.sns]) system.reset();
  await host.table.reset();
  seedPascalStrategy(host.mlflow);
  const { workloadId, artifacts } = seedServing(host);
  const ids = Object.entries({ ...artifacts, workload: workloadId }).flatMap(([name, id]) =>
    id === null ? [] : [[`<${name}>`, id] as const],
  );
  inject((path) => ids.reduce((text, [name, id]) => text.replace(name, id), path));
  const { status } = await execute(host, { model_name: MODEL }, { pauseMs: 1 });
  host.clock.skip(2 * 24 * 3_600_000);
  const named = (path: string) =>
    ids
      .reduce((text, [name, id]) => text.replace(id, name), path)
      // The report has the name of its execution.
      .replace(/(?<=\/promotion\/)[^/]+\.html$/, '*');
  const requestsTo = (system: System) =>
    host[system].requests
      .map(({ method, path }) => ({ system, method, path: named(path) }))
      // Calls of the model, which the host makes.
      .filter(({ path }) => !path.startsWith('endpoints/'));
  const all = [...requestsTo('mlflow'), ...requestsTo('workload')];
  return { status, requests: [...new Map(all.map((each) => [JSON.stringify(each), each])).values()] };
}

it.each(Object.entries(effects))(
  '%s',
  async (_, effect) => {
    const { requests } = await promote();
    expect(requests.length).toBeGreaterThan(10);
    const lost: string[] = [];
    for (const { system, method, path } of requests) {
      let applied = 0;
      const stop = host[system].faults.onApplied(() => {
        applied += 1;
      });
      const { status } = await promote((idOf) =>
        host[system].faults.add({ method, path: idOf(path), times: 1, effect }),
      );
      stop();
      if (status !== 'promoted' || applied !== 1) lost.push(`${method} ${path}: ${status}, ${applied}`);
    }
    expect(lost).toEqual([]);
  },
  120_000,
);

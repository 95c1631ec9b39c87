import { afterEach, expect, it } from 'vitest';
import { LocalClock } from '../../local/machine/clock.ts';
import { endpointClient } from '../../local/watch/endpoint-client.ts';
import { type CannedServer, cannedServer } from '../support/canned-server.ts';

/** The clock whose waits take no time, and the client that watches the endpoint meanwhile. */

const later = (clock: LocalClock, seconds: number) => new Date(clock.now().getTime() + seconds * 1000);

it('walks to a time in strides of five seconds at most, and stays there', async () => {
  const clock = new LocalClock({ emulated: true });
  const from = clock.now().getTime();
  const passed: number[] = [];
  await clock.advanceTo(later(clock, 12), async () => {
    passed.push(Math.floor((clock.now().getTime() - from) / 1000));
  });
  expect(passed).toEqual([5, 10, 12]);
  expect(clock.now().getTime() - from).toBeGreaterThanOrEqual(12_000);
});

it('lets waits that run side by side take as long as the longer one', async () => {
  const clock = new LocalClock({ emulated: true });
  const from = clock.now().getTime();
  const pass = async () => {};
  void clock.advanceTo(later(clock, 60), pass);
  void clock.advanceTo(later(clock, 30), pass);
  await clock.whenArrived();
  expect((clock.now().getTime() - from) / 1000).toBeCloseTo(60, 0);
});

it('never goes back', async () => {
  const clock = new LocalClock({ emulated: true });
  const from = clock.now();
  clock.skip(-60_000);
  await clock.advanceTo(new Date(0), async () => {});
  expect(clock.now().getTime()).toBeGreaterThanOrEqual(from.getTime());
});

let server: CannedServer | null = null;
afterEach(() => server?.close());

it('counts every request to the endpoint, those that failed too, and tells of changes only', async () => {
  const given: [number, string][] = [
    [200, JSON.stringify({ artifactId: 'a', modelVersion: '2' })],
    [200, JSON.stringify({ artifactId: 'a', modelVersion: '2' })],
    [503, JSON.stringify({ message: 'Workload is not running' })],
    [200, '<html>Sign in</html>'],
    [200, JSON.stringify({ artifactId: 'b', modelVersion: '3' })],
  ];
  let asked = 0;
  server = await cannedServer((_, response) => {
    const [status, body] = given[asked++] ?? [500, ''];
    response.writeHead(status).end(body);
  });
  const told: (string | null)[] = [];
  const client = endpointClient(server.url, 'token', new LocalClock({ emulated: true }), ({ version }) =>
    told.push(version),
  );
  for (const _ of given) await client.call();
  expect(client.report()).toMatchObject({
    requests: 5,
    failed: 2,
    answered_by: [
      { version: '2', artifact_id: 'a', count: 2 },
      { version: '3', artifact_id: 'b', count: 1 },
    ],
  });
  expect(told).toEqual(['2', null, null, '3']);
});

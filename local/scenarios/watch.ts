import * as z from 'zod';
import { type ExecutionDocument, type ExecutionRun, execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { noteIn, promote, type Scenario } from './scenario.ts';
import { MODEL } from './seed.ts';
import { serve } from './serving.ts';

/** What the watch makes of a release: version 3 is rolled out and promoted, and then the hours pass. */

const HOUR_MS = 3_600_000;
const WEEK_HOURS = 168;
/** Minute of the hour at which the schedule calls the function. */
const MINUTE_MS = 60_000;

/** Requests in an hour. */
const REQUESTS = 1000;
/** Outcomes in an hour: only the new version wrong, only the old one, all others. */
type Outcomes = readonly [a: number, b: number, z: number];
const ALIKE: Outcomes = [48, 50, 902];
const WORSE: Outcomes = [150, 40, 810];

/** Two runs of the function, each of which sends a request three times. */
const LOST_ANSWERS = 6;

const hourOf = ({ clock }: EmulatedHost) => Math.floor(clock.now().getTime() / HOUR_MS);

/** Lets the time pass until so many minutes past the next full hour. */
const skipTo = (host: EmulatedHost, minutes: number) =>
  host.clock.skip((hourOf(host) + 1) * HOUR_MS + minutes * MINUTE_MS - host.clock.now().getTime());

/** Requests of clients, some of them with server errors. */
function addTraffic({ workload }: EmulatedHost, workloadId: string, errors: number): void {
  workload.direct.addTraffic(workloadId, { count: REQUESTS - errors });
  if (errors > 0) workload.direct.addTraffic(workloadId, { count: errors, status: 500 });
}

/** A pipeline writes the outcomes of an hour, as `examples/log_block.py` does. */
function writeBlock({ mlflow }: EmulatedHost, runId: string, hour: number, [a, b, z]: Outcomes): void {
  const [from, to] = [hour, hour + 1].map((at) => new Date(at * HOUR_MS).toISOString());
  const block = { new: '3', old: '2', from, to, a, b, z };
  mlflow.registry.setRunTag(runId, `promotion.block.${hour}`, JSON.stringify(block));
}

/** The run that holds the outcomes of both versions, with those of the week before now. */
function monitored(host: EmulatedHost): string {
  const { registry } = host.mlflow;
  const runId = registry.createRun({ name: 'outcomes of 3 and 2' });
  registry.setModelTag(MODEL, 'promotion.monitor', runId);
  for (let before = WEEK_HOURS; before > 0; before -= 1) {
    const more = (before * 7919) % 9;
    writeBlock(host, runId, hourOf(host) - before, [44 + more, 50, 906 - more]);
  }
  return runId;
}

/** Serves version 2 for a week, with a few errors in each hour. */
function servedForAWeek(host: EmulatedHost): string {
  const { workloadId } = serve(host);
  for (let hour = 0; hour < WEEK_HOURS; hour += 1) {
    skipTo(host, 20);
    addTraffic(host, workloadId, (hour * 7) % 4);
  }
  skipTo(host, 20);
  return workloadId;
}

const Watched = z.object({ started: z.number() });

/** Calls the function as the schedule does, and runs the rollback that it starts. */
async function watch(host: EmulatedHost, run: ExecutionRun, release: ExecutionDocument) {
  skipTo(host, 10);
  const sent = host.sns.published.length;
  const did = Watched.parse(await host.functions['watch-releases']({ watch: true }));
  const at = host.clock.now().getTime();
  for (const alert of host.sns.published.slice(sent))
    run.onEvent?.({ kind: 'alerted', at, alert }, release.execution);
  if (did.started > 0) noteIn(host, run, release.execution, 'watch: rollback started');
  const documents: ExecutionDocument[] = [];
  for (const { name, input } of host.stepFunctions.take())
    documents.push(await execute(host, input, { ...run, name }));
  return documents;
}

/** So many hours pass, in each of which something happens, until a rollback has been started. */
async function hoursAfter(
  host: EmulatedHost,
  { run, release, hours }: { run: ExecutionRun; release: ExecutionDocument; hours: number },
  happens: (hour: number) => void,
): Promise<ExecutionDocument[]> {
  for (let hour = 1; hour <= hours; hour += 1) {
    happens(hourOf(host));
    const started = await watch(host, run, release);
    if (started.length > 0) return [release, ...started];
  }
  return [release];
}

export const watchScenarios: readonly Scenario[] = [
  {
    name: 'degrades-after-release',
    about:
      'version 3 has more server errors than version 2 had, which is told; when the outcomes of six hours before are known, it is rolled back',
    async play(host, run) {
      const workloadId = servedForAWeek(host);
      const outcomes = monitored(host);
      const release = await execute(host, promote, run);
      const first = hourOf(host) + 1;
      return hoursAfter(host, { run, release, hours: 24 }, (hour) => {
        addTraffic(host, workloadId, 150);
        if (hour - 6 >= first) writeBlock(host, outcomes, hour - 6, WORSE);
      });
    },
  },
  {
    name: 'release-confirmed',
    about: 'version 3 does as well as version 2 on the same requests: it is confirmed, and watched on',
    async play(host, run) {
      const workloadId = servedForAWeek(host);
      const outcomes = monitored(host);
      const release = await execute(host, promote, run);
      const first = hourOf(host) + 1;
      return hoursAfter(host, { run, release, hours: 24 }, (hour) => {
        addTraffic(host, workloadId, 2);
        if (hour - 1 >= first) writeBlock(host, outcomes, hour - 1, ALIKE);
      });
    },
  },
  {
    name: 'idle-release',
    about: 'nobody asks version 3 anything for a week and a day: it is told to be unverified, not to be good',
    async play(host, run) {
      serve(host);
      const release = await execute(host, promote, run);
      await watch(host, run, release);
      host.clock.skip((WEEK_HOURS + 24) * HOUR_MS);
      return hoursAfter(host, { run, release, hours: 6 }, () => {});
    },
  },
  {
    name: 'late-labels',
    about: 'the outcomes of version 3 are known four days late, and all at once: it is rolled back then',
    async play(host, run) {
      serve(host);
      const outcomes = monitored(host);
      const release = await execute(host, promote, run);
      const first = hourOf(host) + 1;
      const quiet = await hoursAfter(host, { run, release, hours: 3 }, () => {});
      host.clock.skip(96 * HOUR_MS);
      for (let hour = first; hour < first + 24; hour += 1) writeBlock(host, outcomes, hour, WORSE);
      const [, ...started] = await hoursAfter(host, { run, release, hours: 4 }, () => {});
      return [...quiet, ...started];
    },
  },
  {
    name: 'watch-crashes',
    about:
      'version 3 is worse, and the answer to the start of its rollback is lost, twice: the same rollback is started again, and it is rolled back once',
    async play(host, run) {
      serve(host);
      const outcomes = monitored(host);
      const release = await execute(host, promote, run);
      const first = hourOf(host) + 1;
      const { faults } = host.stepFunctions;
      faults.add({ path: 'StartExecution', times: LOST_ANSWERS, effect: { kind: 'drop', when: 'after' } });
      for (let hour = first; hour < first + 24 && faults.pending().length > 0; hour += 1) {
        writeBlock(host, outcomes, hour - 1, WORSE);
        skipTo(host, 10);
        // As on AWS it throws where it does not know whether its execution was started.
        await host.functions['watch-releases']({ watch: true }).catch(() => {});
      }
      noteIn(host, run, release.execution, 'watch: the answers to two starts of a rollback were lost');
      return [release, ...(await watch(host, run, release))];
    },
  },
];

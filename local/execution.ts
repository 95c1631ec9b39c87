import { randomUUID } from 'node:crypto';
import { executionArn } from '../emulators/aws/step-functions.ts';
import { EndAnswer, type OutcomeStatus } from '../lambdas/domain/outcome/outcome-schema.ts';
import { readStateDocument } from '../lambdas/domain/state-document.ts';
import type { Host } from './host.ts';
import { STEP_MS } from './machine/clock.ts';
import { parkedOn } from './machine/parked.ts';
import type { LocalEvent } from './machine/state-machine.ts';
import {
  type BothSystems,
  type RegistryState,
  readBothSystems,
  targetOf,
  type WorkloadState,
} from './watch/both-systems.ts';
import {
  type EndpointAnswer,
  type EndpointClient,
  type EndpointReport,
  endpointClient,
} from './watch/endpoint-client.ts';
import { followFaults } from './watch/faults.ts';
import { type RolloutState, recordRolloutState } from './watch/rollout-states.ts';

/** One execution as `npm start -- --json` prints it. Times are the local clock's. */
export interface ExecutionDocument {
  execution: string;
  status: OutcomeStatus;
  /** One sentence: why the execution ended with this status. */
  reason: string;
  /** The state document at the end; the last one known when the machine ended in a failure. */
  output: unknown;
  /** Alerts that this execution published, as they were sent. */
  alerts: unknown[];
  states: { name: string; entered: string; ms: number }[];
  /** Injected faults that were applied to requests, each kind once, in order of first use. */
  faults: string[];
  /** The states of the rollout, one entry for each change. */
  rollout: RolloutState[];
  /** What a client of the Workload's endpoint received during the run; null without an emulated Workload. */
  endpoint: EndpointReport | null;
  /** Stages and aliases of the model's versions in MLflow, before and after; null where it could not be read. */
  registry: { before: RegistryState | null; after: RegistryState | null };
  /** The Workload, before and after; null where none serves the model or it could not be read. */
  workload: { before: WorkloadState | null; after: WorkloadState | null };
}

export interface ExecutionRun {
  /** Length of waits and of pauses before a retry, in milliseconds; null for the same length as on AWS. */
  pauseMs: number | null;
  /** Name of the execution; by default a new one. */
  name?: string;
  onEvent?: (event: FollowedEvent, execution: string) => void;
  /** ARN of who starts the execution, as CloudTrail has it. Default: a pipeline's role. */
  startedBy?: string;
  /**
   * Called when the execution waits for people, each time: they may decide now. `stop` stops the execution there, and `wait`
   * waits until they have. Otherwise the time is over if they have not.
   */
  onApproval?: (execution: string) => Promise<'stop' | 'wait' | undefined>;
  /** Called after each state; the execution is stopped when it returns true. */
  abortAfter?: (state: string, output: unknown) => boolean;
}

/** The events of an execution: its start, its states, and changes of the endpoint's answer. */
export type FollowedEvent =
  | LocalEvent
  | { kind: 'started'; at: number; input: unknown; before: BothSystems }
  | { kind: 'aborted'; at: number }
  /** Something outside the state machine: an injected fault was applied, a sweep ran. */
  | { kind: 'noted'; at: number; note: string }
  /** An alert that was sent beside an execution, as it was published. */
  | { kind: 'alerted'; at: number; alert: unknown }
  | ({ kind: 'answered'; at: number } & EndpointAnswer);

/** Who starts executions, unless somebody else is named. */
const PIPELINE = 'arn:aws:sts::123456789012:assumed-role/retraining-pipeline/run';

/**
 * Runs one execution of the local state machine to its end. Does not throw when the execution fails: the document
 * says how it ended.
 */
export async function execute(host: Host, input: unknown, run: ExecutionRun): Promise<ExecutionDocument> {
  const { clock, sns } = host;
  const name = run.name ?? randomUUID();
  const id = executionArn(name);
  const states: ExecutionDocument['states'] = [];
  const rollout: RolloutState[] = [];
  const published = sns.published.length;
  const target = targetOf(input);
  const before = await readBothSystems(host, target);
  const startTime = clock.now();
  const emit = (event: FollowedEvent) => run.onEvent?.(event, id);
  emit({ kind: 'started', at: startTime.getTime(), input, before });
  const faults = new Set<string>();
  const unfollow = followFaults(host, (note) => {
    if (faults.has(note)) return;
    faults.add(note);
    emit({ kind: 'noted', at: clock.now().getTime(), note });
  });
  const client = clientOf(host, before, emit);
  const callEndpoint = async () => void (await client?.call());
  await callEndpoint();
  host.cloudTrail.record({
    executionArn: id,
    userArn: run.startedBy ?? PIPELINE,
    at: startTime.getTime(),
  });
  let last: unknown = null;
  let enteredAt = startTime.getTime();
  /** When the current wait ends, by the local clock: the shortened wait may end before the clock gets there. */
  let waitedUntil = 0;

  const started = host.machine.run(input, {
    execution: { id, name, startTime: startTime.toISOString() },
    ...(run.pauseMs === null ? {} : { waitSeconds: run.pauseMs / 1000 }),
    onParked: (task) =>
      parkedOn(host, { ...task, name, skips: run.pauseMs !== null }, async () => {
        const asked = await run.onApproval?.(id);
        if (asked !== 'stop') return asked ?? 'go-on';
        started.abort();
        emit({ kind: 'aborted', at: clock.now().getTime() });
        return 'wait';
      }),
    onWait: (_state, seconds) => {
      if (run.pauseMs === null) return;
      waitedUntil = clock.now().getTime() + seconds * 1000;
      void clock.advanceTo(new Date(waitedUntil), callEndpoint);
    },
    onEvent: (event) => {
      const waits = event.kind === 'entered' && event.type === 'Wait';
      const at = waits ? clock.now().getTime() : Math.max(clock.now().getTime(), waitedUntil);
      if (event.kind === 'entered') {
        enteredAt = at;
        if (event.type === 'Task') void clock.runBetweenSteps(callEndpoint);
      }
      if (event.kind !== 'exited') return emit({ ...event, at });
      last = event.output;
      const ms = at - enteredAt;
      states.push({ name: event.state, entered: new Date(enteredAt).toISOString(), ms });
      recordRolloutState(rollout, event, at);
      emit({ ...event, at, ms });
      if (run.abortAfter?.(event.state, event.output) !== true) return;
      started.abort();
      emit({ kind: 'aborted', at });
    },
  });
  const result = await started.result.finally(unfollow);
  await clock.whenArrived();
  const output = result.output ?? last;
  const ending = readStateDocument(output).ending ?? (await cleanUp(host, id, input, result.status));
  if (run.pauseMs !== null) await watchUntilSwitched(host, client, target);
  const after = await readBothSystems(host, target);
  return {
    execution: id,
    status: ending?.status ?? 'failed',
    reason: ending?.reason ?? result.error?.Cause ?? `The execution ended ${result.status}`,
    output,
    alerts: sns.published
      .slice(published)
      .filter(
        ({ attributes: { execution = '' } }) => execution === id || execution.startsWith(`approval:${name}-`),
      ),
    states,
    faults: [...faults],
    rollout,
    endpoint: client?.report() ?? null,
    registry: { before: before.registry, after: after.registry },
    workload: { before: before.workload, after: after.workload },
  };
}

/**
 * Cleans up after an execution that was stopped or could not record its end, as the rule on its status does on AWS.
 * Executions that the clean-up starts are queued in `host.stepFunctions`.
 */
async function cleanUp({ functions }: Host, execution: string, input: unknown, status: string) {
  if (status === 'SUCCEEDED') return undefined;
  const detail = { executionArn: execution, status, input: JSON.stringify(input) };
  const answer = await functions['sweep-promotions'](detail).catch(() => null);
  return EndAnswer.safeParse(answer).data;
}

/** Only an emulated endpoint is called: a run must not cause traffic on a real one. */
function clientOf(
  { workload, clock }: Host,
  { workload: served }: BothSystems,
  emit: (event: FollowedEvent) => void,
): EndpointClient | null {
  if (workload === null || served === null || served.endpoint === null) return null;
  return endpointClient(served.endpoint, workload.token, clock, (answer) =>
    emit({ kind: 'answered', at: clock.now().getTime(), ...answer }),
  );
}

/** The endpoint switches about a minute after the Workload's document; it is called until then, or for this long. */
const MAX_WATCH_MS = 5 * 60_000;
/** Requests after the switch, to confirm that it lasts. */
const FINAL_REQUESTS = 5;

async function watchUntilSwitched(
  host: Host,
  client: EndpointClient | null,
  target: { model_name?: string; workload_id?: string },
): Promise<void> {
  if (client === null) return;
  const { clock } = host;
  const { workload } = await readBothSystems(host, target);
  let answer = await client.call();
  const until = clock.now().getTime() + MAX_WATCH_MS;
  while (answer.artifactId !== workload?.artifact_id && clock.now().getTime() < until) {
    clock.skip(STEP_MS);
    answer = await client.call();
  }
  for (let more = 0; more < FINAL_REQUESTS; more += 1) {
    clock.skip(STEP_MS);
    await client.call();
  }
}

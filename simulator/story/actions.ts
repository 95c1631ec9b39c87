import { sessionArn, urlEvent } from '../../emulators/aws/function-url.ts';
import type { Json } from '../engine/json-path.ts';
import { byHand, forge, versionOf } from './people.ts';
import { type Action, isPersons, type Step } from './story.ts';
import type { World } from './world.ts';

/** What a person wrote to a system, beside the functions. */
export interface PersonsWrite {
  at: number;
  what: string;
}

/** What the actions of one story share. */
export interface Stage {
  world: World;
  persons: PersonsWrite[];
  /** The input of the last execution that was started by hand. */
  lastInput: string | null;
  invoke(
    functionName: 'promote-model' | 'model-rollback' | 'sweep-promotions' | 'watch-releases',
    id: string,
    payload: Json,
  ): void;
  /** Calls the function behind the URL, and answers the body of its answer; null where it threw. */
  ask(id: string, event: Json): Promise<Json>;
}

/** Whether a function runs is looked at so often: a new process takes longer to begin. */
const BETWEEN_MS = 4;

/** Does what a step says. What a system refuses to a person is only noted. */
export function act(stage: Stage, step: Step): void {
  const { id, action } = step;
  const { world } = stage;
  const { play } = world;
  // A backup becomes another table: whoever runs now still writes to the one that it replaces.
  if (action.kind === 'restore' && play.working > 0) {
    play.time.after(BETWEEN_MS, () => act(stage, step));
    return;
  }
  play.note(id, () => JSON.stringify(action));
  play.count(`action ${action.kind}`);
  try {
    if (!isPersons(action)) {
      actByMachine(stage, id, action);
      return;
    }
    byHand(world, id, action);
    world.chronicle.look();
    stage.persons.push({ at: play.time.now, what: JSON.stringify(action) });
  } catch (error) {
    // A version or a Workload that somebody has deleted.
    play.note(id, () => `refused: ${String(error)}`);
  }
}

/** The lease comes to its end, as soon as no function runs: one that has looked at it may still write. */
function endLease(world: World, id: string, leftMs: number): void {
  const { play, table } = world;
  if (play.working > 0) {
    play.time.after(BETWEEN_MS, () => endLease(world, id, leftMs));
    return;
  }
  const { owner, leaseEndsAt } = world.chronicle.item();
  if (owner === null || leaseEndsAt <= play.time.now + leftMs) return;
  table.execute('UpdateCommand', {
    Key: { pk: `lease#${world.model}` },
    UpdateExpression: 'SET expires_at = :end',
    ExpressionAttributeValues: { ':end': Math.ceil((play.time.now + leftMs) / 1000) },
  });
  play.note(id, () => `the lease of ${owner} ends in ${leftMs} ms`);
}

/** A person looks at what waits, or has waited last, and decides on what they were shown. */
async function decide(
  { world, ask }: Stage,
  id: string,
  { who, verdict }: Extract<Action, { kind: 'decide' }>,
): Promise<void> {
  const execution = lastAsked(world);
  if (execution === null) return;
  const call = (step: string, body: object) =>
    ask(`${id}-${step}`, JSON.parse(JSON.stringify(urlEvent(sessionArn(who), body))));
  const digest = digestIn(await call('show', { action: 'show', execution }));
  if (digest === null) return;
  const body = { action: verdict, execution, digest, reason: `${verdict} ${id}` };
  world.play.note(id, () => `decides on ${execution}`);
  await call('decide', body);
}

/** The execution whose request for approval was written last. */
function lastAsked({ around, table }: World): string | null {
  const asked = [...table.items.keys()].filter((key) => key.startsWith('approval#'));
  const last = asked.toSorted((a, b) => (around.putAt.get(a) ?? 0) - (around.putAt.get(b) ?? 0)).at(-1);
  return last?.slice('approval#'.length) ?? null;
}

function digestIn(answer: Json): string | null {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return null;
  const { request } = answer;
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return null;
  return typeof request['digest'] === 'string' ? request['digest'] : null;
}

/** Gives the tokens of everything that waits back, as anybody can who reads histories. */
function ring({ around, table, play }: World, id: string): void {
  for (const [key, { token }] of table.items) {
    if (!key.startsWith('approval#') || typeof token !== 'string') continue;
    try {
      around.executions.execute('SendTaskSuccessCommand', {
        taskToken: token,
        output: '{"status":"approved"}',
      });
    } catch (error) {
      play.note(id, () => `refused: ${String(error)}`);
    }
  }
}

function actByMachine(stage: Stage, id: string, action: Action): void {
  const { world } = stage;
  const version = (number: number | null) => (number === null ? null : versionOf(world, number));
  const start = (name: string, input: Json) => {
    stage.lastInput = JSON.stringify(input);
    world.around.executions.start(name, stage.lastInput);
  };
  switch (action.kind) {
    case 'register':
      world.register(action.quality, action.start);
      return;
    case 'promote':
      start(`${id}-promote`, {
        model_name: world.model,
        challenger_version: version(action.version),
        wait_for_lease_minutes: action.waitMinutes,
        lock_artifact: action.lock,
        adopt: action.adopt,
        rollout: world.workloadId === null ? null : action.rollout,
        requested_by: id,
      });
      break;
    case 'rollback':
      start(`${id}-rollback`, {
        operation: 'rollback',
        model_name: world.model,
        target_version: version(action.target),
        emergency: action.emergency,
        reason: 'MANUAL_REQUEST',
        wait_for_lease_minutes: action.waitMinutes,
        requested_by: id,
      });
      break;
    case 'alarm':
      start(`${id}-alarm`, {
        operation: 'rollback',
        model_name: world.model,
        reason: 'PERFORMANCE_DEGRADATION',
        alarm_name: `model-rollback-${id}`,
        requested_by: 'CloudWatch alarm',
        wait_for_lease_minutes: 60,
      });
      break;
    case 'adopt':
      start(`${id}-adopt`, { operation: 'adopt', model_name: world.model, requested_by: id });
      break;
    case 'decide':
      void decide(stage, id, action);
      return;
    case 'ring':
      ring(world, id);
      return;
    case 'evidence':
      world.changeEvidence(action.accuracy);
      return;
    case 'forge':
      forge(world, id, action.tag);
      return;
    case 'again':
      if (stage.lastInput !== null) world.around.executions.start(`${id}-again`, stage.lastInput);
      return;
    case 'abort': {
      const running = world.executions.running.at(-1);
      if (running !== undefined) world.around.executions.abort(running);
      return;
    }
    case 'direct-promote':
      stage.invoke('promote-model', `${id}-direct`, {
        model_name: world.model,
        new_version: version(action.version),
        confidence: 0.9,
      });
      break;
    case 'direct-rollback':
      stage.invoke('model-rollback', `${id}-direct`, {
        model_name: world.model,
        target_version: version(action.target),
        emergency: true,
        reason: 'MANUAL_REQUEST',
        workload_id: world.workloadId,
      });
      break;
    case 'end-lease':
      endLease(world, id, action.leftMs);
      return;
    case 'sweep':
      stage.invoke('sweep-promotions', `${id}-sweep`, { sweep: true });
      break;
    case 'watch':
      stage.invoke('watch-releases', `${id}-watch`, { watch: true });
      break;
    default:
  }
}

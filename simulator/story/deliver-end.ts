import type { Execution } from '../engine/executions.ts';
import type { Json } from '../engine/json-path.ts';
import type { Play } from '../engine/play.ts';
import type { Called } from './sweeping.ts';

const MINUTE = 60_000;

/** EventBridge: the end of an execution that did not succeed reaches the clean-up late, twice or never. */
export function deliverEnd(play: Play, execution: Execution, called: Called): void {
  if (execution.status === 'SUCCEEDED') return;
  const random = play.random(`${execution.name}/event`);
  const detail: Json = {
    executionArn: execution.arn,
    status: execution.status,
    input: execution.input,
    startDate: execution.startedAt,
  };
  const fate = random.weighted({ once: 80, twice: 8, lost: 6, late: 6 });
  if (play.calm || play.plan.budget === 0 || fate === 'once')
    deliver(play, `${execution.name}/end`, detail, called, 500);
  else if (fate === 'late')
    deliver(play, `${execution.name}/end`, detail, called, random.unit() * 20 * MINUTE);
  else if (fate === 'twice') {
    deliver(play, `${execution.name}/end`, detail, called, 500);
    deliver(play, `${execution.name}/end-2`, detail, called, 500 + random.unit() ** 3 * 10 * MINUTE);
  } else play.note(execution.name, () => 'its event is lost');
}

/** Lambda repeats an asynchronous call that failed twice, after one and two minutes. */
function deliver(play: Play, id: string, payload: Json, called: Called, afterMs: number, attempt = 1): void {
  play.time.after(afterMs, () => {
    called('sweep-promotions', `${id}.${attempt}`, payload).catch(() => {
      if (attempt < 3) deliver(play, id, payload, called, attempt * MINUTE, attempt + 1);
    });
  });
}

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CheckAnswer } from '../lambdas/domain/retraining/payloads.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from './execution.ts';
import type { Host } from './host.ts';
import { type LocalFunction, type LocalResult, localStateMachine } from './machine/state-machine.ts';

/** One execution of the lifecycle of a model. */
export interface RetrainingDocument {
  /** Of its execution: SUCCEEDED also where no retraining was needed. */
  status: LocalResult['status'];
  error: LocalResult['error'];
  /** What `check-retraining-needed` answered first; null where it failed. */
  check: CheckAnswer | null;
  /** The promotion of what was trained; null where none was started. */
  promotion: ExecutionDocument | null;
}

const DEFINITION = new URL('../statemachines/retraining.asl.json', import.meta.url);
const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:model-promotion-retraining';

/**
 * Runs one execution of `statemachines/retraining.asl.json`: check, train by `train`, and the promotion as a nested
 * execution of the host. Does not throw when the execution fails.
 */
export async function retrain(
  host: Host,
  input: { model_name: string; force?: boolean },
  train: LocalFunction,
  run: ExecutionRun,
  onCheck: (answer: CheckAnswer) => void = () => {},
): Promise<RetrainingDocument> {
  const { clock, functions } = host;
  let check: CheckAnswer | null = null;
  let promotion: ExecutionDocument | null = null;
  const machine = localStateMachine(
    {
      'check-retraining-needed': async (event) => {
        const answer = await functions['check-retraining-needed'](event);
        if (check === null) {
          check = CheckAnswer.parse(answer);
          onCheck(check);
        }
        return answer;
      },
      'train-model': train,
      'startExecution.sync:2': async (event) => {
        const { Input, Name } = event as { Input: unknown; Name: string };
        promotion = await execute(host, Input, { ...run, name: Name });
        const done = !NOT_DONE.includes(promotion.status);
        if (!done) throw new TaskFailed(promotion.reason);
        return { Status: 'SUCCEEDED', Output: promotion.output };
      },
    },
    readFileSync(DEFINITION, 'utf8'),
  );
  const name = run.name ?? randomUUID();
  const execution = { id: `${EXECUTION}:${name}`, name, startTime: clock.now().toISOString() };
  const started = machine.run(input, {
    execution,
    ...(run.pauseMs === null ? {} : { waitSeconds: run.pauseMs / 1000 }),
    onWait: (_state, seconds) => {
      if (run.pauseMs !== null) clock.skip(seconds * 1000);
    },
  });
  const { status, error } = await started.result;
  return { status, error, check, promotion };
}

/** Statuses with which an execution of a promotion does not end SUCCEEDED, as `isSuccessful` has them. */
const NOT_DONE: readonly string[] = ['failed', 'contested', 'rolled_back', 'invalid_input'];

/** As Step Functions names the failure of a nested execution. */
class TaskFailed extends Error {
  override readonly name = 'States.TaskFailed' as const;
}

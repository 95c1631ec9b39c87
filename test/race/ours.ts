import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { OutcomeStatus } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { PromoteAnswer } from '../../lambdas/domain/payloads.ts';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { RollbackAnswer } from '../../lambdas/domain/release/payloads.ts';
import type { Handler } from '../../lambdas/runtime/handler.ts';
import { type ExecutionDocument, execute } from '../../local/execution.ts';
import { type Host, startHost } from '../../local/host.ts';

/** Our functions on a real MLflow server, deployed anew for each round. */

/** What a caller of ours was told. */
export interface Said {
  /**
   * `done`: the registry is as asked. `out-of-step`: something else than one champion of ours was seen. `open`: the change
   * goes on by itself. `nothing`: refused or busy, nothing was written. `error`: the caller got no answer.
   */
  readonly what: 'done' | 'out-of-step' | 'open' | 'nothing' | 'error';
  readonly text: string;
  /** Versions that the answer names as archived. */
  readonly left: readonly string[];
}

export interface Deployment {
  promote(model: string, version: string): Promise<Said>;
  /** Null: without a target. */
  rollback(model: string, version: string | null): Promise<Said>;
  /** The whole state machine. */
  execute(input: object): Promise<Said>;
  /** Calls the rollbacks again that asked for it, as the caller of a function would. */
  finish(): Promise<Said[]>;
  /** An hour later: the schedule runs, and then the executions that it has started. Answers what they said. */
  sweep(): Promise<Said[]>;
  /** Subjects of the alerts that say that something is not as it should be. */
  alarms(): string[];
  /** What the table says about a model: the live version, and whether a change is open. Null without a table. */
  recorded(model: string): Promise<{ live: string | null; open: boolean } | null>;
  close(): Promise<void>;
}

const HOUR_MS = 3_660_000;
/** Milliseconds that a wait of an execution takes, whatever its length: MLflow answers in real time. */
const WAIT_MS = 400;

/** Deploys the functions with or without their table; all alerts go to a topic of this deployment. */
export async function deploy({
  url,
  mode,
  table,
}: {
  url: string;
  mode: RegistryMode;
  table: boolean;
}): Promise<Deployment> {
  process.env['MLFLOW_TRACKING_URI'] = url;
  process.env['MLFLOW_REGISTRY_MODE'] = mode;
  process.env['ROLLBACK_COOLDOWN_HOURS'] = '0';
  const host = await startHost({ mlflow: true, workload: false });
  // Loaded after the host, which turns their log lines off.
  const { handler: promoteHandler } = await import('../../lambdas/promote-model.ts');
  const { handler: rollbackHandler } = await import('../../lambdas/model-rollback.ts');
  const { storeServices } = await import('../../lambdas/runtime/store-services.ts');
  const { PROMOTION_TABLE, ...bare } = host.env;
  const env: NodeJS.ProcessEnv = table ? { ...bare, PROMOTION_TABLE } : bare;
  const unfinished: (() => Promise<Said>)[] = [];
  // Every caller has an environment of its own, as concurrent calls have on Lambda.
  const call = (handler: Handler, event: object, id: string) =>
    handler.withClock(host.clock, env)(event, { awsRequestId: id });

  const rollback = async (
    model: string,
    version: string | null,
    id: string,
    previous: unknown,
  ): Promise<Said> => {
    const event = { model_name: model, target_version: version, requested_by: 'race', previous };
    const answer = RollbackAnswer.parse(await call(rollbackHandler, event, id));
    if (answer.status !== 'in_progress') return saidByRollback(answer);
    unfinished.push(() => {
      host.clock.skip((answer.retry_after_seconds ?? 0) * 1000);
      return rollback(model, version, id, answer);
    });
    return { what: 'nothing', text: answer.detail, left: [] };
  };
  const run = async (input: object, name: string) =>
    saidByExecution(await execute(host, input, { pauseMs: WAIT_MS, name }));

  return {
    promote: (model, version) =>
      orError(async () => {
        const event = { model_name: model, new_version: version, requested_by: 'race' };
        return saidByPromotion(PromoteAnswer.parse(await call(promoteHandler, event, randomUUID())));
      }),
    rollback: (model, version) => orError(() => rollback(model, version, randomUUID(), null)),
    execute: (input) => orError(() => run(input, randomUUID())),
    finish: async () => {
      const said: Said[] = [];
      for (let next = unfinished.shift(); next !== undefined; next = unfinished.shift())
        said.push(await orError(next));
      return said;
    },
    sweep: async () => {
      host.clock.skip(HOUR_MS);
      await host.functions['sweep-promotions']({ sweep: true });
      const said: Said[] = [];
      for (const { name, input } of host.stepFunctions.take())
        said.push(await orError(() => run(Object(input), name)));
      return said;
    },
    alarms: () => alarmsOf(host),
    recorded: async (model) => {
      if (!table) return null;
      const { live, change } = await storeServices(env).store.readItem(model);
      return { live: live?.version ?? null, open: change !== null };
    },
    close: () => host.close(),
  };
}

const alarmsOf = ({ sns }: Host): string[] =>
  sns.published
    .filter(({ attributes }) => attributes['kind'] === 'contested' || attributes['kind'] === 'failed')
    .map(({ subject }) => subject ?? '');

async function orError(work: () => Promise<Said>): Promise<Said> {
  try {
    return await work();
  } catch (error) {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return { what: 'error', text, left: [] };
  }
}

function saidByPromotion(answer: PromoteAnswer): Said {
  if (!answer.promoted)
    return { what: answer.contested === true ? 'out-of-step' : 'nothing', text: answer.reason, left: [] };
  const left = namedIn([answer.archived_version, ...(answer.overwritten ?? [])]);
  return { what: 'done', text: `promoted ${answer.new_version}, archived ${left.join(' and ')}`, left };
}

function saidByRollback({ status, rolled_back, detail, ...answer }: RollbackAnswer): Said {
  if (status === 'contested') return { what: 'out-of-step', text: detail, left: [] };
  if (status === 'open') return { what: 'open', text: detail, left: [] };
  const left = namedIn([answer.from_version, ...(answer.overwritten ?? [])]);
  const text = `${detail}, archived ${left.join(' and ')}`;
  return rolled_back ? { what: 'done', text, left } : { what: 'nothing', text: detail, left: [] };
}

const namedIn = (versions: readonly (string | null)[]) => versions.filter((version) => version !== null);

const DONE: readonly OutcomeStatus[] = ['promoted', 'already_promoted', 'rolled_back', 'kept', 'adopted'];

function saidByExecution({ status, reason: text }: ExecutionDocument): Said {
  if (status === 'contested') return { what: 'out-of-step', text, left: [] };
  if (status === 'failed') return { what: 'open', text, left: [] };
  return { what: DONE.includes(status) ? 'done' : 'nothing', text, left: [] };
}

/** Waits until a time in milliseconds since 1970, and then calls. */
export async function atTime<T>(at: number, action: () => Promise<T>): Promise<T> {
  await pause(Math.max(0, at - Date.now()));
  return action();
}

import type { Clock } from '../adapters/clock.ts';
import type { RollbackAnswer, RollbackInput } from '../domain/payloads.ts';
import type { RollbackFinding, RollbackRefusal } from '../domain/promotion/rollback-finding.ts';
import {
  findInterruptedChange,
  type RollbackPlan,
  rollbackPlan,
  servingToUndo,
} from '../domain/promotion/rollback-plan.ts';
import { champions, type RegistryView } from '../domain/registry.ts';
import type { ServingBefore } from '../domain/rollout/serving-rollback.ts';
import type { Workloads } from '../domain/serving/workloads.ts';
import type { Invocation } from '../runtime/handler.ts';
import type { RegistryServices } from '../runtime/mlflow-services.ts';
import type { NotifyServices } from '../runtime/notify-services.ts';
import { rollbackDetail } from '../words/reasons.ts';
import { readRegistry } from './parts/move-champion.ts';
import { undoRegistry, withServing } from './parts/registry-undo.ts';
import { undoServing } from './parts/serving-undo.ts';
import { refuseStale, type Writer, withLease } from './parts/with-lease.ts';

export interface RollbackServices extends RegistryServices, NotifyServices {
  clock: Clock;
  cooldownHours: number;
  /** Created on first use: only a rollback on the serving side needs the Workload API. */
  workloads: () => Workloads;
}

/**
 * Undoes one promotion: the Workload first, one step per call, then the registry. Idempotent; with status `in_progress` it
 * is called again after `retry_after_seconds`. Throws `StaleFence`, `LeaseStoreUnavailable`, and the errors of MLflow and
 * the Workload API.
 */
export function rollback(
  input: RollbackInput,
  services: RollbackServices,
  { requestId }: Invocation,
): Promise<RollbackAnswer> {
  let found: string | null = null;
  const answer = (
    plan: Pick<RollbackPlan, 'from' | 'to'>,
    finding: RollbackFinding,
    more: Partial<RollbackAnswer> = {},
  ): RollbackAnswer => ({
    rolled_back: false,
    model_name: input.model_name,
    from_version: plan.from,
    to_version: plan.to,
    champion_before: found,
    reason: input.reason,
    alarm_name: input.alarm_name,
    timestamp: services.clock.now().toISOString(),
    serving: null,
    status: 'completed',
    retry_after_seconds: null,
    finding,
    detail: rollbackDetail({ finding, serving: more.serving ?? null, model_name: input.model_name }),
    dry_run: input.dry_run,
    ...more,
  });
  const refuse = (why: RollbackRefusal, more: { held?: string; until?: string } = {}) =>
    answer(
      { from: null, to: null },
      { code: 'refused', why, from: null, to: null, held: null, until: null, hours: null, ...more },
    );
  const work = async (writer: Writer): Promise<RollbackAnswer> => {
    const view = await readRegistry(services.registry, input.model_name);
    if (view === null) return refuse('no-model');
    if (!writer.direct) refuseStale(view, writer.fence);
    const current = champions(view, services.mode);
    found = current.length === 1 ? (current[0] ?? null) : null;
    const times = { now: services.clock.now(), cooldownHours: services.cooldownHours };
    const resolved = resolveInput(input, view);
    const plan = rollbackPlan(view, services.mode, resolved, times);
    const before = servingToUndo(view, services.mode, plan, resolved);
    if (input.dry_run) return answer(plan, 'finding' in plan ? plan.finding : dryRun(plan, before));
    const undo =
      before === null
        ? null
        : await undoServing(services.workloads(), before, input.previous?.serving ?? null, times.now);
    if (undo !== null && undo.retryAfter !== null) {
      const { serving, retryAfter } = undo;
      const { from, to } = plan;
      return answer(
        plan,
        { code: 'serving-in-progress', from, to },
        {
          serving,
          status: 'in_progress',
          retry_after_seconds: retryAfter,
        },
      );
    }
    const settled = await undoRegistry(plan, view, {
      input: resolved,
      services,
      writer,
      answer,
      serving: undo?.serving ?? null,
    });
    return withServing(settled, undo?.serving ?? null);
  };
  if (input.dry_run && input.fence === null)
    return work({ owner: `direct:${requestId}`, fence: null, direct: true });
  return withLease({ ...input, requestId }, services, work, ({ holder, until }) =>
    refuse('lease-held', { held: holder, until }),
  );
}

/** An interrupted rollout is undone like a failed one, from its own record. */
function resolveInput(input: RollbackInput, view: RegistryView): RollbackInput {
  const open =
    input.before_state === null && input.reason === 'ROLLOUT_FAILED'
      ? findInterruptedChange(view, input.execution)
      : null;
  return open === null ? input : { ...input, before_state: open.before };
}

type Change = Extract<RollbackPlan, { kind: 'settled' | 'move' }>;

function dryRun(plan: Change, before: ServingBefore | null): RollbackFinding {
  const { to } = plan;
  if (plan.kind === 'settled') return { code: 'would-settle', to };
  const workload = before?.workload_id ?? null;
  return {
    code: 'would-move',
    from: plan.from,
    to,
    workload,
    artifact: before?.previous_artifact_id ?? null,
  };
}

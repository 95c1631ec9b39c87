import { ModelNotFound } from '../../domain/errors.ts';
import { VISIBILITY_GRACE_SECONDS } from '../../domain/limits.ts';
import { championBefore } from '../../domain/promotion/promotion-plan.ts';
import { PREVIOUS_CHAMPION } from '../../domain/registry.ts';
import {
  isRegistryKnown,
  isServingKnown,
  type Look,
  registryShows,
  servingView,
  shows,
} from '../../domain/release/look.ts';
import { type Change, historyAfter, type Release } from '../../domain/release/release.ts';
import { nextStep } from '../../domain/rollout/plan.ts';
import { isStatus } from '../../domain/rollout/rules.ts';
import type { ObservedState, Step } from '../../domain/rollout/step.ts';
import type { Progress } from '../../domain/serving/payloads.ts';
import type { RolloutFailure, RolloutWaiting } from '../../domain/serving/rollout-finding.ts';
import { quoted } from '../../domain/visible-text.ts';
import { executeStep, observe, promoteInPlace, type Target } from './advance-rollout.ts';
import { type Convergence, type ConvergeServices, desiredState, isBack } from './convergence.ts';
import { readRegistry } from './look.ts';
import { moveAndVerify } from './move-champion.ts';
import { recordBeforeMove, recordEnd } from './record-change.ts';
import { holderOf, isFresh } from './with-lease.ts';

/** What one call came to. `look` is the last one; `progress` is handed to the next call. */
export type Converged = { readonly look: Look; readonly progress: Progress } & (
  | {
      readonly kind: 'waiting';
      readonly finding: RolloutWaiting;
      /** What was done; `move`: the registry was moved, and the next call can follow at once. */
      readonly step: Step['kind'] | 'move';
      readonly overwritten?: readonly string[];
    }
  | { readonly kind: 'failed'; readonly finding: RolloutFailure }
  /** The sides show something that the change has not put there, or another actor was faster. */
  | {
      readonly kind: 'contested';
      readonly why: 'moved-on' | 'lost-race' | 'superseded';
      readonly overwritten?: readonly string[];
    }
  | { readonly kind: 'closed'; readonly live: Release }
);

/**
 * One step of converging both systems to the aim of a change, as far as it goes without waiting: the Workload, then the
 * registry, then the lock, then a last look at both sides, and the close (W4). Every call may be repeated. Throws the
 * errors of MLflow, the Workload API and the table.
 */
export async function converge(c: Convergence, services: ConvergeServices): Promise<Converged> {
  const { change } = c;
  const { look, observed, at } = await lookAt(c.writer.item.model, change.aim, services);
  const { progress } = c;
  if (!isRegistryKnown(look, change) || !isServingKnown(look.serving, change))
    return { kind: 'contested', why: 'moved-on', look, progress };
  const served = observed === null ? null : await serve(c, observed, look, at, services);
  if (served !== null && served.kind !== 'served') return served;
  const carried = served?.progress ?? progress;
  const moved = await moveRegistry(c, look, carried, at, services);
  if (moved !== null) return moved;
  const locked = observed === null ? null : await lock(c, observed, look, carried, at, services);
  if (locked !== null) return locked;
  return close(c, look, carried, services);
}

/** Steps that follow one another without a wait, at most this many in one call. */
const MAX_QUICK_STEPS = 3;

/** Converges until there is something to wait for. Throws what `converge` throws. */
export async function convergeQuickly(
  c: Convergence,
  services: ConvergeServices,
): Promise<Converged & { overwritten: string[] }> {
  const overwritten: string[] = [];
  for (let step = 1; ; step += 1) {
    const result = await converge(c, services);
    if (result.kind === 'waiting' || result.kind === 'contested')
      overwritten.push(...(result.overwritten ?? []));
    const again = result.kind === 'waiting' && result.step === 'move' && step < MAX_QUICK_STEPS;
    if (!again) return { ...result, overwritten };
  }
}

/** A look at both sides with this release as the aim; `at` is when it began. Throws `ModelNotFound`. */
export async function lookAt(
  model: string,
  aim: Release,
  { registry, mode, workloads, clock }: ConvergeServices,
): Promise<{ look: Look; observed: ObservedState | null; at: Date }> {
  const at = clock.now();
  const target = targetOf(aim);
  const observed = target === null ? null : await observe(workloads(), target);
  const view = await readRegistry(registry, model);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(model)} does not exist`);
  const serving =
    observed === null
      ? null
      : servingView(observed.workload, observed.protons, observed.replacement, observed.servedStatus);
  return { look: { registry: view, mode, serving }, observed, at };
}

const targetOf = ({ workload_id, artifact_id }: Release): Target | null =>
  workload_id === null || artifact_id === null ? null : { workloadId: workload_id, artifactId: artifact_id };

/** The serving half: one step of the rollout towards the aim. */
async function serve(
  c: Convergence,
  observed: ObservedState,
  look: Look,
  at: Date,
  services: ConvergeServices,
): Promise<Converged | { kind: 'served'; progress: Progress }> {
  const { change, progress } = c;
  const desired = await desiredState(c, observed, services);
  const step = nextStep(observed, desired, services.clock.now());
  if (step.kind === 'complete') return { kind: 'served', progress: step.progress };
  if (step.kind === 'fail') return failed(look, step);
  const waiting = (finding: RolloutWaiting, kept = progress): Converged => ({
    kind: 'waiting',
    finding,
    step: 'wait',
    look,
    progress: kept,
  });
  if (step.kind === 'start' || step.kind === 'lock') {
    if (!c.mayStart)
      return failed(look, {
        ...step,
        kind: 'fail',
        finding: { code: 'superseded', served: observed.workload.artifactId, switched: true },
      });
    if (!isSettled(change, services.clock.now())) return waiting({ code: 'settling' });
  }
  if (step.kind !== 'wait' && !isFresh(at, services.clock.now())) return waiting({ code: 'looking-again' });
  const target = { workloadId: observed.workload.id, artifactId: desired.artifactId };
  const done = await executeStep(step, target, progress, services.workloads());
  if (done.kind === 'fail') return failed(look, done);
  if (done.kind === 'complete') return { kind: 'served', progress: done.progress };
  return { kind: 'waiting', finding: done.finding, step: done.kind, look, progress: done.progress };
}

const failed = (look: Look, { finding, progress }: Extract<Step, { kind: 'fail' }>): Converged => ({
  kind: 'failed',
  finding,
  look,
  progress,
});

/**
 * False while a request of this change that was sent before its aim was turned may not be visible yet: nothing in flight
 * does not count then.
 */
function isSettled({ turned_at }: Change, now: Date): boolean {
  return turned_at === null || now.getTime() - Date.parse(turned_at) >= VISIBILITY_GRACE_SECONDS * 1000;
}

/** The registry half: one move with read-back. */
async function moveRegistry(
  c: Convergence,
  look: Look,
  progress: Progress,
  at: Date,
  services: ConvergeServices,
): Promise<Converged | null> {
  const { change } = c;
  const { version } = change.aim;
  if (registryShows(look, { version })) {
    await forgetPrevious(look, version, services);
    return null;
  }
  // The registry names a version where the aim has none: that cannot be undone, and is not ours.
  if (version === null) return { kind: 'contested', why: 'moved-on', look, progress };
  if (!isFresh(at, services.clock.now()))
    return { kind: 'waiting', finding: { code: 'looking-again' }, step: 'wait', look, progress };
  const back = isBack(change);
  if (back) await recordBeforeMove(c, look, services);
  const from = championBefore(look.registry, services.mode, version);
  // On the way back `previous_champion` must not point to the version that is being taken out.
  const move = { version, from, keepPrevious: !back, ours: change.touched.versions };
  const { state, view, overwritten } = await moveAndVerify(services, look.registry, move);
  const after = { ...look, registry: view };
  if (state === 'contested')
    return { kind: 'contested', why: 'lost-race', look: after, progress, overwritten };
  return {
    kind: 'waiting',
    finding: { code: 'looking-again' },
    step: 'move',
    look: after,
    progress,
    overwritten,
  };
}

/** After a rollback `previous_champion` would name the champion itself. A pointer for people only: a failure ends nothing. */
async function forgetPrevious(look: Look, version: string | null, { registry, mode }: ConvergeServices) {
  const { name, aliases } = look.registry.model;
  if (mode === 'stages' || version === null || aliases[PREVIOUS_CHAMPION] !== version) return;
  await registry.deleteAlias(name, PREVIOUS_CHAMPION).catch(() => {});
}

/** The lock comes last, after the registry: it bars the way back to a draft. Null where nothing is to be locked. */
async function lock(
  { change }: Convergence,
  observed: ObservedState,
  look: Look,
  progress: Progress,
  at: Date,
  { workloads, clock }: ConvergeServices,
): Promise<Converged | null> {
  const { aim } = change;
  if (aim.draft || !isStatus(observed.servedStatus ?? '', 'draft')) return null;
  const waiting = (finding: RolloutWaiting, step: Step['kind'], kept: Progress): Converged => ({
    kind: 'waiting',
    finding,
    step,
    look,
    progress: kept,
  });
  // The platform refuses to promote while any replacement is in progress, even of settings only.
  if (look.serving?.in_flight) return waiting({ code: 'promotion-blocked' }, 'wait', progress);
  const now = clock.now();
  const requested =
    progress.promoted_at !== null &&
    now.getTime() - Date.parse(progress.promoted_at) < VISIBILITY_GRACE_SECONDS * 1000;
  if (requested) return waiting({ code: 'promotion-requested' }, 'wait', progress);
  // It locks whatever is served by then.
  if (!isFresh(at, now)) return waiting({ code: 'looking-again' }, 'wait', progress);
  const step: Step = {
    kind: 'promote',
    progress: { ...progress, promoted_at: now.toISOString() },
    finding: { code: 'promoting' },
  };
  const target = { workloadId: observed.workload.id, artifactId: aim.artifact_id ?? '' };
  const done = await promoteInPlace(step, target, workloads());
  if (done.kind === 'fail') return { kind: 'failed', finding: done.finding, look, progress: done.progress };
  const finding = done.kind === 'wait' ? done.finding : ({ code: 'promoting' } as const);
  return waiting(finding, 'promote', done.progress);
}

/** The result tag, a last look at both sides, and the close (W4), which only the last owner of the change can write. */
async function close(
  c: Convergence,
  before: Look,
  progress: Progress,
  services: ConvergeServices,
): Promise<Converged> {
  const { change, writer } = c;
  const { store, clock } = services;
  if (change.aim.workload_id !== null && !isSettled(change, clock.now()))
    return { kind: 'waiting', finding: { code: 'settling' }, step: 'wait', look: before, progress };
  await recordEnd(c, before, services);
  const { look, observed } = await lookAt(writer.item.model, change.aim, services);
  if (!isRegistryKnown(look, change) || !isServingKnown(look.serving, change))
    return { kind: 'contested', why: 'moved-on', look, progress };
  const draft = observed !== null && !change.aim.draft && isStatus(observed.servedStatus ?? '', 'draft');
  if (!shows(look, change.aim) || draft)
    return { kind: 'waiting', finding: { code: 'looking-again' }, step: 'wait', look, progress };
  const now = clock.now();
  const result = change.kind === 'promote' && !isBack(change) ? 'promoted' : 'rolled_back';
  const live: Release = { ...change.aim, change: change.id, at: now.toISOString(), result };
  const bad = change.kind === 'rollback' && change.left !== null && change.left === writer.item.live?.version;
  const history = historyAfter(writer.item, live, { at: live.at, by: change.id, bad });
  if (!(await store.closeChange(holderOf(writer, now), change.id, live, history)))
    return { kind: 'contested', why: 'superseded', look, progress };
  return { kind: 'closed', live, look, progress };
}

import type { Clock } from '../../adapters/clock.ts';
import { changedParts } from '../../domain/comparison/digests.ts';
import { StaleFence } from '../../domain/errors.ts';
import { isTimed } from '../../domain/gates/finding.ts';
import { blocking } from '../../domain/gates/judge.ts';
import type { Comparison, Prepared, PrepareInput } from '../../domain/payloads.ts';
import {
  type ChangeSinceComparison,
  FENCE_TAG,
  recordedFence,
} from '../../domain/promotion/promotion-plan.ts';
import { intentTag, recordId, recordsOn } from '../../domain/promotion/record.ts';
import { champions, type RegistryView } from '../../domain/registry.ts';
import type { Opener, Wanted } from '../../domain/release/found.ts';
import type { Look } from '../../domain/release/look.ts';
import type { ModelItem } from '../../domain/release/release.ts';
import type { PromotionStore } from '../../domain/release/store.ts';
import type { Workloads } from '../../domain/serving/workloads.ts';
import { quoted } from '../../domain/visible-text.ts';
import type { FloorServices } from '../../runtime/approval-services.ts';
import { type CompareServices, compare } from '../compare-models.ts';
import { readServing } from './look.ts';

export interface PrepareServices extends CompareServices, FloorServices {
  store: PromotionStore;
  clock: Clock;
  /** Created on first use: only models served by a Workload need the Workload API. */
  workloads: () => Workloads;
}

/** What the steps of one preparation share. */
export interface Preparation {
  readonly input: PrepareInput;
  readonly services: PrepareServices;
  readonly view: RegistryView;
  readonly item: ModelItem;
  readonly opener: Opener;
  readonly leased: Prepared;
}

/** A look at both sides, with the registry as it was read. Throws the errors of the Workload API. */
export async function lookOf({ services, view, leased }: Preparation): Promise<Look> {
  const { workload_id } = leased;
  const serving = workload_id === null ? null : await readServing(services.workloads(), workload_id);
  return { registry: view, mode: services.mode, serving };
}

/** Records the promotion in the version's tags before anything moves, for people. */
export async function recordIntent(
  { input, services, view, leased }: Preparation,
  comparison: Comparison,
  { version: to, workload_id, artifact_id }: Wanted,
  served: string | null,
): Promise<void> {
  const id = recordId(input.execution);
  if (to === null || recordsOn(view.versions).some((record) => record.id === id)) return;
  const { key, value } = intentTag({
    kind: 'promote',
    id,
    to,
    from: champions(view, services.mode).find((other) => other !== to) ?? null,
    confidence: comparison.confidence,
    evidence_digest: comparison.evidence_digest,
    reason: input.reason ?? comparison.recommendation,
    requested_by: input.requested_by,
    execution: input.execution,
    fence: leased.fence,
    serving:
      workload_id === null || artifact_id === null
        ? null
        : { workload_id, artifact_id, previous_artifact_id: served },
    at: services.clock.now().toISOString(),
  });
  await services.registry.setVersionTag(input.model_name, to, key, value);
}

/** Compares again: a decision (perhaps approved days ago) must still match the evidence. Null if nothing changed. */
export async function findChangeSinceComparison(
  view: RegistryView,
  input: PrepareInput,
  before: Comparison,
  services: PrepareServices,
): Promise<ChangeSinceComparison | null> {
  const others = champions(view, services.mode).filter((v) => v !== before.challenger_version);
  if (others.some((version) => version !== before.champion_version)) {
    return { code: 'champion-changed', champions: others, compared_with: before.champion_version };
  }
  const again = await compare(
    {
      model_name: input.model_name,
      champion_version: before.champion_version,
      challenger_version: before.challenger_version,
      policy: input.policy,
      execution: input.execution,
      started_at: input.started_at,
    },
    services,
    before,
  );
  const blockedIn = ({ gates = [], checks = [] }: Comparison) => blocking([...gates, ...checks]);
  // What people have let through, they have seen.
  const approved = new Set(blockedIn(before).map(({ name }) => name));
  const blocked = blockedIn(again).filter((gate) => isTimed(gate) && !approved.has(gate.name));
  const parts = changedParts(before, again);
  if (again.decision === 'INVESTIGATE' && parts.length === 0 && blocked.length > 0)
    return { code: 'gates-failed', gates: blocked };
  if (again.decision !== before.decision)
    return {
      code: 'decision-changed',
      decision: again.decision,
      recommendation: again.recommendation,
    };
  if (again.policy !== before.policy) return { code: 'evidence-changed', parts: ['policy'] };
  return parts.length === 0 ? null : { code: 'evidence-changed', parts };
}

/**
 * The fence of this execution; null without a table. If the registry records a higher one than the table (the table was
 * restored, or another was used before), counting continues from there while this execution holds the lease. Throws `StaleFence`.
 */
export async function fenceFor(
  view: RegistryView,
  { fence: counted }: ModelItem,
  { model_name, execution }: PrepareInput,
  { store }: PrepareServices,
): Promise<number | null> {
  if (counted === null) return null;
  const recorded = recordedFence(view, counted);
  if (recorded <= counted) return counted;
  await store.markTableBehind(model_name);
  if (await store.raiseFence(model_name, execution, recorded + 1)) return recorded + 1;
  throw new StaleFence(
    `Another owner took the lease for ${quoted(model_name)} (fence ${recorded}): nothing is written`,
  );
}

/** Records the highest fence in the registry itself, for a table that is lost; only where something is to be changed. */
export async function raiseFence({ input, services, view, leased }: Preparation): Promise<void> {
  const fence = leased.fence ?? 0;
  if (!input.dry_run && recordedFence(view, fence) < fence)
    await services.registry.setModelTag(view.model.name, FENCE_TAG, String(fence));
}

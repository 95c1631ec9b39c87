import type { PromoteInput } from '../../lambdas/domain/payloads.ts';
import { type Intent, intentTag, type Result, resultTag } from '../../lambdas/domain/promotion/record.ts';
import type { ModelVersion, RegistryView } from '../../lambdas/domain/registry.ts';
import type { RollbackInput } from '../../lambdas/domain/release/payloads.ts';

/** Builders for what the registry holds; every field has a plain default. */

export function version(number: number, stage = 'None', more: Partial<ModelVersion> = {}): ModelVersion {
  return { version: String(number), stage, status: 'READY', runId: `run-${number}`, tags: {}, ...more };
}

/** `PascalStrategy` with version 1 archived, 2 in Production and 3 waiting in Staging. */
export function pascal(...versions: ModelVersion[]): RegistryView {
  const seeded = [version(1, 'Archived'), version(2, 'Production'), version(3, 'Staging')];
  return view(versions.length > 0 ? versions : seeded);
}

export function view(versions: ModelVersion[], model: Partial<RegistryView['model']> = {}): RegistryView {
  return { model: { name: 'PascalStrategy', tags: {}, aliases: {}, ...model }, versions };
}

export function promoteInput(more: Partial<PromoteInput> = {}): PromoteInput {
  return {
    model_name: 'PascalStrategy',
    new_version: null,
    confidence: 0,
    fence: null,
    execution: null,
    reason: null,
    requested_by: null,
    ...more,
  };
}

export function rollbackInput(more: Partial<RollbackInput> = {}): RollbackInput {
  return {
    model_name: 'PascalStrategy',
    target_version: null,
    reason: 'MANUAL_REQUEST',
    alarm_name: null,
    asked_at: null,
    dry_run: false,
    emergency: false,
    change_id: null,
    workload_id: null,
    fence: null,
    execution: null,
    requested_by: null,
    previous: null,
    ...more,
  };
}

export function intent(more: Partial<Intent> & Pick<Intent, 'id' | 'to' | 'from'>): Intent {
  return {
    schema: 2,
    kind: 'promote',
    confidence: 0.85,
    evidence_digest: null,
    reason: null,
    requested_by: null,
    execution: null,
    fence: null,
    serving: null,
    at: '2026-11-20T10:00:00.000Z',
    ...more,
  };
}

/** The tags that a recorded event leaves on its version. */
export function recorded(of: Intent, result: Partial<Result> | null = {}): Record<string, string> {
  const tags = [intentTag(of)];
  const kind = of.kind === 'promote' ? 'promoted' : 'rolled_back';
  if (result !== null)
    tags.push(resultTag({ id: of.id, result: kind, alert: 'sent', by: null, at: of.at, ...result }));
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

import * as z from 'zod';

/** State of a rollout, or of its rollback, as the function that drives it reported it. `at` is ISO 8601. */
export interface RolloutState {
  at: string;
  function: 'replace-workload' | 'model-rollback';
  status: string;
  phase: string | null;
  candidate: string | null;
}

const RolloutDocument = z
  .object({
    serving: z
      .object({
        status: z.string(),
        phase: z.string().nullable(),
        candidate: z.object({ status: z.string() }).nullable(),
      })
      .nullable(),
    rollback: z
      .object({ status: z.string(), serving: z.object({ phase: z.string().nullable() }).nullable() })
      .nullable(),
  })
  .partial()
  .catch({});

/** Appends the rollout's state after a state of the machine, unless it is unchanged. `at`: milliseconds since 1970. */
export function recordRolloutState(
  rollout: RolloutState[],
  { state, output }: { state: string; output: unknown },
  at: number,
): void {
  const { serving, rollback } = RolloutDocument.parse(output);
  const current =
    state === 'ReplaceWorkload' && serving
      ? { status: serving.status, phase: serving.phase, candidate: serving.candidate?.status ?? null }
      : state === 'ModelRollback' && rollback?.serving
        ? { status: rollback.status, phase: rollback.serving.phase, candidate: null }
        : null;
  if (current === null) return;
  const by = state === 'ReplaceWorkload' ? 'replace-workload' : 'model-rollback';
  const before = rollout.at(-1);
  const same =
    before?.function === by &&
    before.status === current.status &&
    before.phase === current.phase &&
    before.candidate === current.candidate;
  if (!same) rollout.push({ at: new Date(at).toISOString(), function: by, ...current });
}

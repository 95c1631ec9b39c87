import type { FunctionName } from '../lambdas/domain/limits.ts';
import type { Host } from './host.ts';
import { type RegistryState, readBothSystems, targetOf, type WorkloadState } from './watch/both-systems.ts';

/** One call of a function by itself, as `promotion invoke --json` prints it. */
export interface InvocationDocument {
  function: FunctionName;
  /** `failed` when the function threw. */
  status: 'answered' | 'failed';
  /** Null when the function threw. */
  answer: unknown;
  error: { name: string; message: string } | null;
  /** Alerts that the call published, as they were sent. */
  alerts: unknown[];
  /** Stages and aliases of the model's versions in MLflow, before and after; null where it could not be read. */
  registry: { before: RegistryState | null; after: RegistryState | null };
  /** The Workload, before and after; null where none serves the model or it could not be read. */
  workload: { before: WorkloadState | null; after: WorkloadState | null };
}

/** The functions, what reads both systems, and the alerts that were published. */
export type Callable = Pick<Host, 'functions' | 'registry' | 'workloads'> & {
  sns: { readonly published: readonly unknown[] };
};

/** Calls one function with a request id of its own. Does not throw when the function does: the document says so. */
export async function invokeFunction(
  host: Callable,
  name: FunctionName,
  event: unknown,
): Promise<InvocationDocument> {
  const target = targetOf(event);
  const published = host.sns.published.length;
  const before = await readBothSystems(host, target);
  const result = await answerOf(host, name, event);
  const after = await readBothSystems(host, target);
  return {
    function: name,
    ...result,
    alerts: host.sns.published.slice(published),
    registry: { before: before.registry, after: after.registry },
    workload: { before: before.workload, after: after.workload },
  };
}

async function answerOf(
  { functions }: Callable,
  name: FunctionName,
  event: unknown,
): Promise<Pick<InvocationDocument, 'status' | 'answer' | 'error'>> {
  try {
    return { status: 'answered', answer: await functions[name](event), error: null };
  } catch (error) {
    const { name: kind, message } = error instanceof Error ? error : new Error(String(error));
    return { status: 'failed', answer: null, error: { name: kind, message } };
  }
}

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type OutcomeStatus, outcomeStatuses } from '../../lambdas/domain/payloads.ts';
import { readRegistry } from '../../lambdas/runtime/registry.ts';
import type { Host } from './host.ts';
import type { LocalEvent } from './state-machine.ts';

/** One execution as `npm start -- --json` prints it. */
export interface ExecutionDocument {
  execution: string;
  status: OutcomeStatus;
  /** One sentence: why it ended so. */
  reason: string;
  /** The state document at the end; the last one seen when the machine ended in a failure. */
  output: unknown;
  /** Alerts that this execution published, as they were sent. */
  alerts: unknown[];
  states: { name: string; entered: string; ms: number }[];
  /** Stages and aliases of the model's versions in MLflow, before and after; null where it could not be read. */
  registry: { before: RegistryState | null; after: RegistryState | null };
}

/** Version → stage, and alias → version. */
export interface RegistryState {
  stages: Record<string, string>;
  aliases: Record<string, string>;
}

export interface ExecutionRun {
  /** Milliseconds that waits and pauses before a retry last; null for as long as on AWS. */
  pauseMs: number | null;
  onEvent?: (event: FollowedEvent, execution: string) => void;
}

/** What a follower is told: how an execution starts, then what happens inside it. */
export type FollowedEvent =
  | LocalEvent
  | { kind: 'started'; at: number; input: unknown; registry: RegistryState | null };

/** Starts one execution of the local state machine and follows it to its end. */
export async function execute(
  host: Host,
  input: unknown,
  { pauseMs, onEvent }: ExecutionRun,
): Promise<ExecutionDocument> {
  const name = randomUUID();
  const id = `arn:aws:states:us-east-1:123456789012:execution:promotion:${name}`;
  const states: ExecutionDocument['states'] = [];
  const published = host.sns.published.length;
  const model = Named.safeParse(input).data?.model_name;
  const before = await look(host, model);
  let last: unknown = null;
  onEvent?.({ kind: 'started', at: Date.now(), input, registry: before }, id);
  const started = host.machine.run(input, {
    execution: { id, name, startTime: new Date().toISOString() },
    ...(pauseMs === null ? {} : { waitSeconds: pauseMs / 1000 }),
    onEvent: (event) => {
      if (event.kind === 'exited') {
        states.push({
          name: event.state,
          entered: new Date(event.at - event.ms).toISOString(),
          ms: event.ms,
        });
        last = event.output;
      }
      onEvent?.(event, id);
    },
  });
  const result = await started.result;
  const output = result.output ?? last;
  const ending = Ending.safeParse(output).data?.ending;
  return {
    execution: id,
    status: ending?.status ?? 'failed',
    reason: ending?.reason ?? result.error?.Cause ?? `The execution ended ${result.status}`,
    output,
    alerts: host.sns.published.slice(published).filter((alert) => JSON.stringify(alert).includes(name)),
    states,
    registry: { before, after: await look(host, model) },
  };
}

const Ending = z.object({ ending: z.object({ status: z.enum(outcomeStatuses), reason: z.string() }) });
const Named = z.object({ model_name: z.string() });

async function look({ registry }: Host, model: string | undefined): Promise<RegistryState | null> {
  if (model === undefined) return null;
  try {
    const view = await readRegistry(registry, model);
    if (view === null) return null;
    const stages = Object.fromEntries(view.versions.map((v) => [v.version, v.stage]));
    return { stages, aliases: { ...view.model.aliases } };
  } catch {
    return null;
  }
}

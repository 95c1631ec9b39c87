import type { ObservedState } from '../../domain/rollout/step.ts';
import { diagnosisOf } from '../../domain/serving/diagnosis.ts';
import type { Diagnosis, Progress } from '../../domain/serving/payloads.ts';
import type { Proton, Workloads } from '../../domain/serving/workloads.ts';
import type { Target } from './advance-rollout.ts';

const EVENT_ROWS = 50;
const LOG_ROWS = 20;
const MAX_PROTONS = 4;

/** Why the candidate's protons did not become ready, as far as it can be read. Never throws: unreadable parts are listed. */
export async function diagnose(
  workloads: Workloads,
  { workloadId, artifactId }: Target,
  observed: ObservedState,
  progress: Progress,
): Promise<Diagnosis> {
  const unavailable: string[] = [];
  const readOr = async <T>(part: string, read: Promise<T>, fallback: T): Promise<T> => {
    try {
      return await read;
    } catch (error) {
      unavailable.push(`${part}: ${error instanceof Error ? error.message : 'unknown error'}`);
      return fallback;
    }
  };
  const own = observed.protons.filter((p) => p.artifactId === artifactId);
  const ids = [...new Set([...own.map(({ id }) => id), ...progress.candidate_proton_ids])].slice(
    0,
    MAX_PROTONS,
  );
  const proton = (id: string): Proton | null => own.find((p) => p.id === id) ?? null;
  const [events, logs, protons] = await Promise.all([
    readOr('events', workloads.events(workloadId, EVENT_ROWS), []),
    readOr(
      'logs',
      ids[0] === undefined ? Promise.resolve([]) : workloads.logs(workloadId, LOG_ROWS, ids[0]),
      [],
    ),
    Promise.all(
      ids.map(async (id) => {
        const details = await readOr(`proton ${id}`, workloads.statusDetails(workloadId, id), null);
        return { id, proton: proton(id), details };
      }),
    ),
  ]);
  const from = progress.started_at ?? '';
  const about = events.filter((e) => e.artifactId === artifactId && e.timestamp >= from);
  const event = about.sort((a, b) => b.timestamp.localeCompare(a.timestamp))[0] ?? null;
  const message =
    observed.replacement?.candidateArtifactId === artifactId ? observed.replacement.message : null;
  return diagnosisOf({ message, protons, event, logs, unavailable });
}

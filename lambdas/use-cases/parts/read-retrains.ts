import type { Candidate } from '../../domain/comparison/evidence.ts';
import type { Policy } from '../../domain/comparison/policy.ts';
import type { ModelVersion } from '../../domain/registry.ts';

/** Versions beside the champion whose runs are read; the oldest say least about the spread of today's training. */
const MAX_RETRAINS = 9;

/**
 * The last versions before the challenger with their runs, the champion first, for the spread of their metrics; undefined where
 * the policy does not accept that (grade D). Throws the errors of MLflow.
 */
export async function readRetrains(
  versions: readonly ModelVersion[],
  { champion, challenger, policy }: { champion: Candidate; challenger: Candidate; policy: Policy },
  withRun: (version: ModelVersion) => Promise<Candidate>,
): Promise<Candidate[] | undefined> {
  if (!policy.accepted_grades.includes('D')) return undefined;
  const newest = Number(challenger.version.version);
  const earlier = versions
    .filter(({ version, runId }) => {
      return Number(version) < newest && version !== champion.version.version && runId !== null;
    })
    .sort((a, b) => Number(b.version) - Number(a.version))
    .slice(0, MAX_RETRAINS);
  return [champion, ...(await Promise.all(earlier.map(withRun)))];
}

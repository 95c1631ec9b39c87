import type { RunSearch, RunsFound } from '../registry.ts';
import type { Counted } from './budget.ts';
import { type Candidate, evaluationDigests, metricKey } from './evidence.ts';
import type { Policy } from './policy.ts';

/** Of how many candidates the challenger is the best: the best of many looks better than it is. */

/** Tag on a model version, or on its run: how many candidates the pipeline chose it from. */
export const CANDIDATES_TAG = 'promotion.candidates';

/** More are as many: alpha is then too small for any number of rows. */
const MOST_CANDIDATES = 1_000_000;
/** Runs that are counted at most: one page. */
export const MAX_COUNTED_RUNS = 101;

type Selection = Pick<Counted, 'candidates' | 'candidatesFrom'>;

/**
 * The larger of what the pipeline declares (a whole number above zero; anything else counts as nothing declared) and of
 * the runs that were counted; null where they were not.
 */
export function selectionOf({ version, run }: Candidate, found: RunsFound | null): Selection {
  const counted = found === null ? null : found.count;
  const declared = Math.max(...[version.tags, run?.tags].map((tags) => declaredIn(tags?.[CANDIDATES_TAG])));
  if (declared === 0 && counted === null) return { candidates: 1, candidatesFrom: 'not-declared' };
  if (counted === null || declared >= Math.max(1, counted))
    return { candidates: declared, candidatesFrom: 'declared' };
  return {
    candidates: Math.max(1, counted),
    candidatesFrom: counted >= MAX_COUNTED_RUNS ? 'at-least' : 'counted',
  };
}

/** The other candidates by their runs, where they are all known: what was found is all of what counts. */
export const othersIn = (
  { run }: Candidate,
  { runIds, count }: RunsFound,
  { candidates, candidatesFrom: from }: Selection,
): readonly string[] =>
  candidates === count && from !== 'at-least' ? runIds.filter((id) => id !== run?.runId) : [];

const declaredIn = (text = ''): number =>
  /^\s*\d{1,100}\s*$/.test(text) ? Math.min(MOST_CANDIDATES, Number(text)) : 0;

/**
 * The runs that were candidates beside the challenger's, which is one of them: of its experiment, on the same evaluation data,
 * with the metric that decides, started after the champion was promoted and before the challenger was registered. Null where
 * that cannot be asked, as the run names no data. `promoted`: null where it is not known; the champion's registration counts
 * then, which comes before.
 */
export function candidateRuns(
  pair: { champion: Candidate; challenger: Candidate },
  policy: Policy,
  promoted: Date | null,
): RunSearch | null {
  const { challenger, champion } = pair;
  const primary = policy.rules.find(({ name }) => name === policy.claim?.primary);
  const from = promoted?.getTime() ?? champion.version.createdAt;
  const to = challenger.version.createdAt;
  const experimentId = challenger.run?.experimentId;
  const digests = primary === undefined ? [] : evaluationDigests(challenger, policy);
  if (primary === undefined || experimentId === undefined || digests.length === 0) return null;
  if (from === undefined || to === undefined) return null;
  return { experimentId, digests, metric: metricKey(challenger, primary.metric), from, to };
}

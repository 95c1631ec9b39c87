import { noStore } from '../adapters/aws/promotion-table.ts';
import { type Clock, systemClock } from '../adapters/clock.ts';
import type { RowsHasher, RowsReader } from '../adapters/rows/read-rows.ts';
import { type Candidates, selectCandidates } from '../domain/comparison/candidates.ts';
import { decide, investigate, sameVersion } from '../domain/comparison/decision.ts';
import { basedOn, type CountedUpTo, type Inputs, inputsOf } from '../domain/comparison/digests.ts';
import {
  type Candidate,
  evidenceUsed,
  hasMetric,
  joinedRows,
  profitImprovement,
} from '../domain/comparison/evidence.ts';
import { withLoggedModel } from '../domain/comparison/logged-model.ts';
import { decisiveMetrics } from '../domain/comparison/policy.ts';
import { ModelNotFound } from '../domain/errors.ts';
import { parseHead } from '../domain/ledger/entry.ts';
import type { CompareInput, Comparison } from '../domain/payloads.ts';
import {
  type ModelVersion,
  ownerOf,
  type RegisteredModel,
  type Registry,
  type RegistryMode,
} from '../domain/registry.ts';
import type { LedgerStore } from '../domain/release/store.ts';
import { quoted } from '../domain/visible-text.ts';
import type { PolicyServices } from '../runtime/policy-services.ts';
import { inWords } from '../words/recommendation.ts';
import { type CountFor, countComparisons } from './parts/count-comparisons.ts';
import { readRegistry } from './parts/look.ts';
import { hashRowsOfBoth, readRowsOfBoth } from './parts/read-rows-of-both.ts';

export interface CompareServices extends PolicyServices {
  registry: Registry;
  mode: RegistryMode;
  /** Reads the rows of a run; absent where none are to be read. */
  rows?: RowsReader;
  /** Hashes the file with the rows of a run. */
  rowsHash?: RowsHasher;
  /** The ledger of each model; absent as without a table: a dozen comparisons a year are assumed. */
  store?: LedgerStore;
  clock?: Clock;
}

/** Tag on a registered model that names its policy. */
const POLICY_TAG = 'promotion.policy';

/**
 * Compares challenger and champion by the policy named in the input, else by the model's tag, else `default`. Reads one
 * model, its versions, at most two runs with their logged models and, for a claim, the model's ledger; writes nothing.
 * `earlier` is the first comparison of the execution: what it did not see in the ledger does not count now, and where the rows
 * have the same hash, they are not tested again. Throws `ModelNotFound`, `UnknownPolicy`, `InvalidPolicy`, `MlflowUnavailable`,
 * `MlflowRefused`, `MlflowInvalidResponse` and `LeaseStoreUnavailable`: a failed read never becomes a KEEP.
 */
export async function compare(
  input: CompareInput,
  services: CompareServices,
  earlier: Comparison | null = null,
): Promise<Comparison> {
  const view = await readRegistry(services.registry, input.model_name);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(input.model_name)} does not exist`);
  const candidates = selectCandidates(view, services.mode, input);
  const name = policyName(input, view.model);
  const answer =
    candidates.kind === 'pair'
      ? await comparePair(candidates, name, { input, services, earlier })
      : await withoutPair(candidates, name, { input, services });
  return { ...answer, owner: ownerOf(view.model) };
}

interface Asked {
  readonly input: CompareInput;
  readonly services: CompareServices;
}

/** The answer where no two versions can be compared. */
async function withoutPair(
  found: Exclude<Candidates, { kind: 'pair' }>,
  name: string,
  { input, services: { policies, minConfidence } }: Asked,
): Promise<Comparison> {
  const policy = await policies.load(name);
  const decided = found.kind === 'same' ? sameVersion(policy, found.version) : investigate(policy, found);
  const inputs = inputsOf(input.model_name, policy, minConfidence, { ...found });
  return { ...inWords(decided), profit_improvement: null, ...basedOn(policy, inputs, null) };
}

async function comparePair(
  pair: Extract<Candidates, { kind: 'pair' }>,
  name: string,
  { input, services, earlier }: Asked & { earlier: Comparison | null },
): Promise<Comparison> {
  const { registry, rows, rowsHash, policies, minConfidence } = services;
  const [challenger, champion] = await Promise.all([
    withRun(registry, pair.challenger),
    pair.champion === null ? null : withRun(registry, pair.champion),
  ]);
  const policy = await policies.load(name, (each) =>
    decisiveMetrics(each).every((metric) => hasMetric(challenger, metric)),
  );
  const inputsWith = (digests: unknown) =>
    inputsOf(input.model_name, policy, minConfidence, {
      challenger: evidenceUsed(challenger, policy),
      champion: evidenceUsed(champion, policy),
      ...(digests === null ? {} : { rows: digests }),
    });
  const count = (inputs: Inputs, fingerprint: string | null) => {
    if (policy.claim === undefined || champion === null) return null;
    const data = fingerprint ?? inputs.inputs_digest;
    return countFor({ policy, champion, challenger, data, seen: earlier?.ledger_head }, { input, services });
  };

  const fingerprint = earlier?.paired?.fingerprint ?? null;
  if (earlier !== null && fingerprint !== null && champion !== null && rowsHash !== undefined) {
    const inputs = inputsWith(await hashRowsOfBoth(champion, challenger, policy, rowsHash));
    if (inputs.inputs_digest === (earlier.inputs_digest ?? earlier.evidence_digest))
      return { ...earlier, ...basedOn(policy, inputs, await count(inputs, fingerprint)) };
  }
  const read =
    champion === null || rows === undefined ? null : await readRowsOfBoth(champion, challenger, policy, rows);
  const evidence = { champion, challenger, rows: read?.rows ?? null };
  const inputs = inputsWith(read?.digests ?? null);
  const counted = await count(inputs, joinedRows(evidence)?.fingerprint ?? null);
  return {
    ...inWords(decide(evidence, policy, minConfidence, counted?.counted)),
    profit_improvement: profitImprovement(evidence),
    ...basedOn(policy, inputs, counted),
  };
}

/** Counts what divides the risk of a claim. `seen`: the head that the first comparison has counted up to. */
async function countFor(
  {
    seen,
    ...of
  }: Pick<CountFor, 'policy' | 'champion' | 'challenger' | 'data'> & {
    seen: string | null | undefined;
  },
  { input, services: { registry, store = noStore, clock = systemClock } }: Asked,
): Promise<CountedUpTo> {
  const { model_name: model, execution, started_at } = input;
  const head = seen === undefined ? (await store.ledgerEnd(model)).head : parseHead(seen ?? '');
  const startedAt = started_at == null ? clock.now() : new Date(started_at);
  const counted = await countComparisons({ ...of, model, execution, startedAt, head }, { registry, store });
  return { head, counted };
}

/** The policy's name: from the input, else from the model's tag `promotion.policy`, else `default`. */
function policyName({ policy }: Pick<CompareInput, 'policy'>, { tags }: RegisteredModel): string {
  return policy ?? (tags[POLICY_TAG] || 'default');
}

async function withRun(registry: Registry, version: ModelVersion): Promise<Candidate> {
  const { runId, loggedModelId } = version;
  const [run, logged] = await Promise.all([
    runId === null ? null : registry.getRun(runId),
    loggedModelId === undefined ? null : registry.loggedModelMetrics(loggedModelId),
  ]);
  return { version, run: run === null || logged === null ? run : withLoggedModel(run, logged) };
}

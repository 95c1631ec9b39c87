import type { Clock } from '../adapters/clock.ts';
import type { RowsHasher } from '../adapters/rows/read-rows.ts';
import { type Candidates, selectCandidates } from '../domain/comparison/candidates.ts';
import { decide, investigate, sameVersion } from '../domain/comparison/decision.ts';
import { basedOn, type CountedUpTo, type Inputs, inputsOf } from '../domain/comparison/digests.ts';
import {
  type Candidate,
  type Evidence,
  evidenceUsed,
  hasMetric,
  joinedRows,
  profitImprovement,
} from '../domain/comparison/evidence.ts';
import { withLoggedModel } from '../domain/comparison/logged-model.ts';
import { decisiveMetrics, type Policy } from '../domain/comparison/policy.ts';
import { ModelNotFound } from '../domain/errors.ts';
import { judgedAgain, withGates } from '../domain/gates/apply.ts';
import { gateInputs } from '../domain/gates/judge.ts';
import { parseHead } from '../domain/ledger/entry.ts';
import type { CompareInput, Comparison } from '../domain/payloads.ts';
import {
  type ModelVersion,
  ownerOf,
  type RegisteredModel,
  type Registry,
  type RegistryMode,
  type RegistryView,
} from '../domain/registry.ts';
import type { LedgerReader } from '../domain/release/store.ts';
import { quoted } from '../domain/visible-text.ts';
import type { PolicyServices } from '../runtime/policy-services.ts';
import { gateInWords } from '../words/gates.ts';
import { inWords } from '../words/recommendation.ts';
import { type CountFor, countComparisons } from './parts/count-comparisons.ts';
import { readRegistry } from './parts/look.ts';
import { type GateReaders, type GateReading, readGateFacts } from './parts/read-gate-facts.ts';
import { hashOthers, readOthers } from './parts/read-others.ts';
import { readRetrains } from './parts/read-retrains.ts';
import { hashRowsOfBoth, readRowsOfBoth } from './parts/read-rows-of-both.ts';

export interface CompareServices extends PolicyServices, GateReaders {
  registry: Registry;
  mode: RegistryMode;
  /** Hashes the file with the rows of a run. */
  rowsHash?: RowsHasher;
  /** The ledger of each model; absent as without a table: a dozen comparisons a year are assumed. */
  store?: LedgerReader;
  clock: Clock;
}

/** Without a table there are no entries. */
const NO_LEDGER: LedgerReader = {
  ledgerEnd: async () => ({ head: null, tableBehind: false }),
  entries: async () => [],
};

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
      ? await comparePair(await readPair(candidates, name, view, services), { input, services, earlier })
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

/** Two versions with their runs, and the policy that they are compared by. */
interface Pair {
  readonly view: RegistryView;
  readonly policy: Policy;
  /** Null for a first model. */
  readonly champion: Candidate | null;
  readonly challenger: Candidate;
}

async function readPair(
  pair: Extract<Candidates, { kind: 'pair' }>,
  name: string,
  view: RegistryView,
  { registry, policies }: CompareServices,
): Promise<Pair> {
  const [challenger, champion] = await Promise.all([
    withRun(registry, pair.challenger),
    pair.champion === null ? null : withRun(registry, pair.champion),
  ]);
  const policy = await policies.load(name, (each) =>
    decisiveMetrics(each).every((metric) => hasMetric(challenger, metric)),
  );
  return { view, policy, champion, challenger };
}

async function comparePair(
  pair: Pair,
  { input, services, earlier }: Asked & { earlier: Comparison | null },
): Promise<Comparison> {
  const { view, policy, champion, challenger } = pair;
  const { registry, rows, minConfidence, mode, clock } = services;
  const again = earlier === null ? null : await sameInputs(pair, earlier, { input, services });
  if (again !== null) return again;

  const read =
    champion === null || rows === undefined ? null : await readRowsOfBoth(champion, challenger, policy, rows);
  const found = { champion, challenger, rows: read?.rows ?? null };
  const joined = joinedRows(found);
  // Where rows exist, rows decide.
  const retrains =
    champion === null || joined !== null
      ? undefined
      : await readRetrains(view.versions, { champion, challenger, policy }, (each) =>
          withRun(registry, each),
        );
  const known = joined === null ? null : { fingerprint: joined.fingerprint, ids: read?.ids ?? null };
  const compared = { model: view.model, mode, champion, challenger };
  const reading = await readGateFacts(compared, policy, known, services);
  const inputs = inputsFrom(pair, { rows: read?.digests, retrains, reading }, { input, services });
  const seen = await count(pair, { inputs, fingerprint: known?.fingerprint, earlier }, { input, services });
  const others =
    seen === null || joined === null || rows === undefined
      ? null
      : await readOthers(
          { runIds: seen.others, policy, registry },
          { joined, table: read?.table ?? null },
          rows,
        );
  const counted = seen === null ? null : withOthers(seen, others?.files ?? null);
  const evidence: Evidence = { ...found, ...(retrains && { retrains }), ...(others && { others }) };
  const judged = { policy, evidence, facts: reading.facts, overlap: reading.filter?.found ?? null };
  const decided = decide(evidence, policy, minConfidence, counted?.counted);
  return {
    ...inWords(withGates(decided, judged, clock.now())),
    profit_improvement: profitImprovement(evidence),
    ...basedOn(policy, inputs, counted),
  };
}

/**
 * The answer of an earlier comparison of the same inputs, whose rows are hashed and not tested again; null where it had none, or
 * other inputs. What depends on the clock is judged anew.
 */
async function sameInputs(pair: Pair, earlier: Comparison, asked: Asked): Promise<Comparison | null> {
  const { view, policy, champion, challenger } = pair;
  const { mode, rowsHash, clock, registry } = asked.services;
  const fingerprint = earlier.paired?.fingerprint ?? null;
  if (fingerprint === null || champion === null || rowsHash === undefined) return null;
  const rows = await hashRowsOfBoth(champion, challenger, policy, rowsHash);
  if (rows === null) return null;
  const compared = { model: view.model, mode, champion, challenger };
  const reading = await readGateFacts(compared, policy, { fingerprint, ids: null }, asked.services);
  const inputs = inputsFrom(pair, { rows, reading }, asked);
  if (inputs.inputs_digest !== (earlier.inputs_digest ?? earlier.evidence_digest)) return null;
  const seen = await count(pair, { inputs, fingerprint, earlier }, asked);
  const together = seen !== null && earlier.paired?.allocation?.max_t === true;
  const files = together ? await hashOthers({ runIds: seen.others, policy, registry }, rowsHash) : null;
  const counted = seen === null ? null : withOthers(seen, files);
  const now = clock.now();
  const judged = judgedAgain({ policy, evidence: { champion, challenger }, facts: reading.facts }, now);
  const kept = (earlier.checks ?? []).filter(({ kind }) => judged.checks.every((each) => each.kind !== kind));
  return {
    ...earlier,
    ...(judged.blocked ? { decision: 'INVESTIGATE' as const } : {}),
    ...(earlier.gates === undefined ? {} : { gates: judged.gates.map(gateInWords) }),
    ...(earlier.checks === undefined ? {} : { checks: [...kept, ...judged.checks.map(gateInWords)] }),
    ...basedOn(policy, inputs, counted),
  };
}

/** Digests of everything that was read, but for the ledger and what depends on the clock. */
function inputsFrom(
  { policy, champion, challenger }: Pair,
  { rows, retrains, reading }: { rows?: unknown; retrains?: Candidate[] | undefined; reading: GateReading },
  { input, services: { minConfidence } }: Asked,
): Inputs {
  const gates = gateInputs(policy, reading.facts);
  return inputsOf(input.model_name, policy, minConfidence, {
    challenger: evidenceUsed(challenger, policy),
    champion: evidenceUsed(champion, policy),
    ...(rows === undefined ? {} : { rows }),
    ...(retrains === undefined ? {} : { retrains: retrains.map((each) => evidenceUsed(each, policy)) }),
    ...(reading.filter === null ? {} : { overlap: reading.filter.file }),
    ...(gates === undefined ? {} : { gates }),
  });
}

/** With the files of the other candidates, where the claim is tested on the rows of all of them. */
const withOthers = ({ head, counted }: CountedUpTo, files: readonly string[] | null): CountedUpTo => ({
  head,
  counted: files === null ? counted : { ...counted, others: files },
});

/** Counts what divides the risk of a claim: up to the head that an earlier comparison has counted up to. */
async function count(
  { policy, champion, challenger }: Pair,
  {
    inputs,
    fingerprint,
    earlier,
  }: { inputs: Inputs; fingerprint: string | undefined; earlier: Comparison | null },
  { input, services: { registry, store = NO_LEDGER, clock } }: Asked,
): Promise<(CountedUpTo & { others: readonly string[] }) | null> {
  if (policy.claim === undefined || champion === null) return null;
  const { model_name: model, execution, started_at } = input;
  const seen = earlier?.ledger_head;
  const head = seen === undefined ? (await store.ledgerEnd(model)).head : parseHead(seen ?? '');
  const startedAt = started_at == null ? clock.now() : new Date(started_at);
  const data = fingerprint ?? inputs.inputs_digest;
  const of: CountFor = { policy, champion, challenger, data, model, execution, startedAt, head };
  return { head, ...(await countComparisons(of, { registry, store })) };
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

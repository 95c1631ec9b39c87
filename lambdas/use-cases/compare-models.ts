import { createHash } from 'node:crypto';
import type { Clock } from '../adapters/clock.ts';
import { type Candidates, selectCandidates } from '../domain/comparison/candidates.ts';
import { type Decided, decide, investigate, sameVersion } from '../domain/comparison/decision.ts';
import {
  type Candidate,
  evidenceDocument,
  evidenceUsed,
  hasMetric,
  profitImprovement,
} from '../domain/comparison/evidence.ts';
import { withLoggedModel } from '../domain/comparison/logged-model.ts';
import { decisiveMetrics, type Policy } from '../domain/comparison/policy.ts';
import { ModelNotFound } from '../domain/errors.ts';
import { withGates } from '../domain/gates/apply.ts';
import { gateInputs } from '../domain/gates/judge.ts';
import type { CompareInput, Comparison } from '../domain/payloads.ts';
import {
  type ModelVersion,
  ownerOf,
  type RegisteredModel,
  type Registry,
  type RegistryMode,
  type RegistryView,
} from '../domain/registry.ts';
import { quoted } from '../domain/visible-text.ts';
import type { PolicyServices } from '../runtime/policy-services.ts';
import { inWords } from '../words/recommendation.ts';
import { readRegistry } from './parts/look.ts';
import { type GateReaders, readGateFacts } from './parts/read-gate-facts.ts';
import { readRetrains } from './parts/read-retrains.ts';
import { readRowsOfBoth } from './parts/read-rows-of-both.ts';

export interface CompareServices extends PolicyServices, GateReaders {
  registry: Registry;
  mode: RegistryMode;
  clock: Clock;
}

/** Tag on a registered model that names its policy. */
const POLICY_TAG = 'promotion.policy';

/**
 * Compares challenger and champion by the policy named in the input, else by the model's tag, else `default`. Reads one
 * model, its versions and at most two runs with their logged models; writes nothing. Throws `ModelNotFound`, `UnknownPolicy`, `InvalidPolicy`,
 * `MlflowUnavailable`, `MlflowRefused` and `MlflowInvalidResponse`: a failed read never becomes a KEEP.
 */
export async function compare(input: CompareInput, services: CompareServices): Promise<Comparison> {
  const view = await readRegistry(services.registry, input.model_name);
  if (view === null) throw new ModelNotFound(`Registered model ${quoted(input.model_name)} does not exist`);
  const candidates = selectCandidates(view, services.mode, input);
  const {
    policy,
    decided,
    used,
    profit = null,
  } = await evaluate(candidates, policyName(input, view.model), view, services);
  const parts = { model_name: input.model_name, ...used };
  const document = evidenceDocument(policy, services.minConfidence, parts);
  const evidence_digest = createHash('sha256').update(document).digest('hex');
  return { ...inWords(decided), profit_improvement: profit, evidence_digest, owner: ownerOf(view.model) };
}

async function evaluate(
  pair: Candidates,
  name: string,
  { model, versions }: RegistryView,
  services: CompareServices,
): Promise<{ policy: Policy; decided: Decided; used: object; profit?: number | null }> {
  const { registry, rows, policies, minConfidence, mode, clock } = services;
  if (pair.kind !== 'pair') {
    const policy = await policies.load(name);
    const decided = pair.kind === 'same' ? sameVersion(policy, pair.version) : investigate(policy, pair);
    return { policy, decided, used: pair };
  }
  const [challenger, champion] = await Promise.all([
    withRun(registry, pair.challenger),
    pair.champion === null ? null : withRun(registry, pair.champion),
  ]);
  const policy = await policies.load(name, (each) =>
    decisiveMetrics(each).every((metric) => hasMetric(challenger, metric)),
  );
  const read =
    champion === null || rows === undefined ? null : await readRowsOfBoth(champion, challenger, policy, rows);
  const hasRows = read !== null && 'joined' in read.rows;
  // Where rows exist, rows decide.
  const retrains =
    champion === null || hasRows
      ? undefined
      : await readRetrains(versions, { champion, challenger, policy }, (each) => withRun(registry, each));
  const compared = { model, mode, champion, challenger };
  const { facts, overlap } = await readGateFacts(compared, policy, read, services);
  const gates = gateInputs(policy, facts);
  const used = {
    challenger: evidenceUsed(challenger, policy),
    champion: evidenceUsed(champion, policy),
    ...(read === null ? {} : { rows: read.digests }),
    ...(retrains === undefined ? {} : { retrains: retrains.map((each) => evidenceUsed(each, policy)) }),
    ...(overlap === null ? {} : { overlap }),
    ...(gates === undefined ? {} : { gates }),
  };
  const evidence = { champion, challenger, rows: read?.rows ?? null, ...(retrains && { retrains }) };
  const judged = { policy, evidence, facts, overlap };
  const decided = withGates(decide(evidence, policy, minConfidence), judged, clock.now());
  return { policy, decided, used, profit: profitImprovement(evidence) };
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

import type { RowsReader } from '../../adapters/rows/read-rows.ts';
import type { Candidate } from '../../domain/comparison/evidence.ts';
import type { Policy } from '../../domain/comparison/policy.ts';
import { MlflowInvalidResponse, MlflowRefused, MlflowUnavailable } from '../../domain/errors.ts';
import type { FilterRead } from '../../domain/gates/checks.ts';
import type { GateFacts, ModelFileRead } from '../../domain/gates/judge.ts';
import type { RegisteredModel, RegistryMode } from '../../domain/registry.ts';
import { singleRows } from '../../domain/rows/join.ts';
import { rowsSpec } from '../../domain/rows/spec.ts';
import type { RegistryServices } from '../../runtime/mlflow-services.ts';

/** The readers of files that gates and checks need; without one, what it would read counts as not there. */
export type GateReaders = Partial<Pick<RegistryServices, 'modelFile' | 'trainingOverlap'>> & {
  rows?: RowsReader;
};

interface Compared {
  readonly model: RegisteredModel;
  readonly mode: RegistryMode;
  readonly champion: Candidate | null;
  readonly challenger: Candidate;
}

/** What gates and checks are judged on, beyond what a comparison reads anyway. */
export interface GateReading {
  readonly facts: GateFacts;
  /** Null where the challenger's run does not say what it was trained on, and where there are no rows. */
  readonly filter: FilterRead | null;
}

/** Rows of both versions that could be joined; `ids` are null where they have none, or where they are not needed. */
interface KnownRows {
  readonly fingerprint: string;
  readonly ids: readonly string[] | null;
}

/**
 * Reads the files that the policy's gates need, and the filter of training rows beside rows. What only people see, such as the size of
 * the models, is read where it is probably there, and left out where it cannot be. Throws the errors of MLflow.
 */
export async function readGateFacts(
  compared: Compared,
  policy: Policy,
  rows: KnownRows | null,
  readers: GateReaders,
): Promise<GateReading> {
  const { model, champion, challenger } = compared;
  const gates = policy.gates ?? [];
  const signature = gates.some(({ kind }) => kind === 'signature') && champion !== null;
  const digests = gates.flatMap((gate) => (gate.kind === 'digests' ? gate.of : []));
  const read = (side: Candidate, needed: boolean) => readModelFile(model.name, side, needed, readers);
  const [now, before] = await Promise.all([
    champion === null && !digests.includes('model')
      ? null
      : read(challenger, signature || digests.includes('model')),
    champion === null ? null : read(champion, signature),
  ]);
  const alone =
    rows === null && digests.includes('data') ? await fingerprintOf(challenger, policy, readers) : null;
  const { run } = challenger;
  const filter =
    rows === null || run === null ? null : ((await readers.trainingOverlap?.(run.runId, rows.ids)) ?? null);
  const modelFiles = { champion: before, challenger: now };
  return { facts: { ...compared, modelFiles, fingerprint: rows?.fingerprint ?? alone }, filter };
}

/** Tag in which MLflow 2 notes that a model was logged in a run; MLflow 3 registers logged models by their id. */
const LOGGED_MODELS = 'mlflow.log-model.history';

async function readModelFile(
  model: string,
  { version, run }: Candidate,
  needed: boolean,
  { modelFile }: GateReaders,
): Promise<ModelFileRead | null> {
  const isThere = version.loggedModelId !== undefined || run?.tags[LOGGED_MODELS] !== undefined;
  if (modelFile === undefined || (!needed && !isThere)) return null;
  return modelFile(model, version.version).catch((error: unknown) => {
    const isMlflow = [MlflowUnavailable, MlflowRefused, MlflowInvalidResponse].some(
      (each) => error instanceof each,
    );
    if (!needed && isMlflow) return null;
    throw error;
  });
}

/** Of the rows of one version, as there are none of both; null where they cannot be used. */
async function fingerprintOf(
  { run }: Candidate,
  policy: Policy,
  { rows }: GateReaders,
): Promise<string | null> {
  if (run === null || run.status !== 'FINISHED' || rows === undefined) return null;
  const read = await rows(run, rowsSpec(policy));
  if (!('table' in read)) return null;
  const single = singleRows(read.table);
  return 'rows' in single ? single.rows.fingerprint : null;
}

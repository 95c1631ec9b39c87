import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../../lambdas/adapters/clock.ts';
import type { Run } from '../../lambdas/domain/registry.ts';
import { quoted } from '../../lambdas/domain/visible-text.ts';
import { configuration, MlflowEnvironment, withOneLogin } from '../../lambdas/runtime/environment.ts';
import { registryServices } from '../../lambdas/runtime/mlflow-services.ts';
import { readRegistry } from '../../lambdas/use-cases/parts/look.ts';
import { printLine } from '../screen/layout.ts';
import { policyFindingText, policyLines } from '../screen/policy-lines.ts';
import { dim } from '../screen/timeline-lines.ts';
import { UsageError } from '../usage-error.ts';
import { type PolicyFinding, policyFindings } from './policy-findings.ts';
import { checkConnections } from './real-systems.ts';

/** The options of `promotion policy check`. */
export interface PolicyCheckOptions {
  model?: string;
  json?: true;
}

/** Of so many of the newest versions the runs are read. */
const RECENT_VERSIONS = 10;

/**
 * `promotion policy check`: prints every mistake of each file; returns the exit status. Throws `UsageError` for a file that
 * cannot be read, and for a model or a server that is not there.
 */
export async function checkPolicies(files: string[], { model, json }: PolicyCheckOptions): Promise<number> {
  const texts = files.map((file) => ({ file, text: textOf(file) }));
  const recent = model === undefined ? null : await recentRuns(model);
  const checked = texts.map(({ file, text }) => {
    const beside = (name: string) => textOrNull(join(dirname(file), name));
    return { file, ...policyFindings(basename(file), text, beside, recent?.runs ?? null) };
  });
  const versions = recent?.versions ?? [];
  if (json) console.log(JSON.stringify(documentOf(checked, model ?? null, versions), null, 2));
  else {
    if (model !== undefined) printLine(dim(`Runs of ${quoted(model)}: versions ${versions.join(', ')}`), 2);
    for (const { file, ...findings } of checked)
      for (const line of policyLines(file, findings)) printLine(line, 4);
  }
  return checked.some(({ mistakes }) => mistakes.length > 0) ? 1 : 0;
}

function documentOf(
  checked: { file: string; mistakes: PolicyFinding[]; notes: PolicyFinding[] }[],
  model: string | null,
  versions: string[],
) {
  const told = (findings: PolicyFinding[]) =>
    findings.map((finding) => ({ ...finding, message: policyFindingText(finding) }));
  return {
    model,
    versions,
    files: checked.map(({ file, mistakes, notes }) => ({
      file,
      valid: mistakes.length === 0,
      mistakes: told(mistakes),
      notes: told(notes),
    })),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`Cannot read the policy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function textOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** The runs of the model's newest versions, and which versions these are. */
async function recentRuns(model: string): Promise<{ versions: string[]; runs: Run[] }> {
  try {
    configuration(withOneLogin(MlflowEnvironment), process.env);
  } catch (error) {
    throw new UsageError(`--model: ${error instanceof Error ? error.message : String(error)}`);
  }
  await checkConnections({ mlflow: true, workload: false }, process.env);
  const { registry } = registryServices(process.env, systemClock);
  const view = await readRegistry(registry, model);
  if (view === null)
    throw new UsageError(`--model: registered model ${quoted(model)} does not exist at MLFLOW_TRACKING_URI`);
  const read = await Promise.all(
    view.versions.slice(0, RECENT_VERSIONS).map(async ({ version, runId }) => {
      const run = runId === null ? null : await registry.getRun(runId);
      return run === null ? [] : [{ version, run }];
    }),
  );
  const found = read.flat();
  if (found.length === 0)
    throw new UsageError(
      `--model: none of the newest versions of ${quoted(model)} has a run, and so no metrics`,
    );
  return { versions: found.map(({ version }) => version), runs: found.map(({ run }) => run) };
}

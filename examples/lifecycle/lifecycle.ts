import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startHost } from '../../local/host.ts';
import { retrain } from '../../local/retraining.ts';

/**
 * One execution of the lifecycle on this machine: check, train by the script of examples/retrain, promote. On AWS the
 * construct `RetrainingLifecycle` does the same around a training of yours.
 */

const SCRIPT = join(import.meta.dirname, '../retrain/train.py');
const HELP = `npx node examples/lifecycle/lifecycle.ts [--model NAME] [--force]

Checks whether a model of the MLflow server at MLFLOW_TRACKING_URI should be retrained. If so, trains it with
examples/retrain/train.py, and promotes what was trained. PYTHON is the Python to train with (default: python3).

  --model NAME   the registered model (default: breast-cancer-classifier)
  --force        train whatever the rules say

Exit status: 0 when nothing was needed, or the promotion did its job; 1 when a part failed; 2 for invalid arguments.
`;

/** Runs the training script to its end; it registers a version in Staging. */
async function train(model: string): Promise<null> {
  const { PYTHON = 'python3' } = process.env;
  const child = spawn(PYTHON, [SCRIPT, '--json', '--model-name', model], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The training ended with status ${code}`);
  return null;
}

async function main(model: string, force: boolean): Promise<number> {
  const host = await startHost({ mlflow: true, workload: false });
  try {
    const follow = { pauseMs: null };
    const { status, error, promotion } = await retrain(
      host,
      { model_name: model, force },
      () => train(model),
      follow,
      ({ decision, reason }) => console.log(`check      ${decision}: ${reason}`),
    );
    if (promotion !== null) console.log(`promotion  ${promotion.status}: ${promotion.reason}`);
    if (error !== null) console.log(`failed     ${error.Error}: ${error.Cause}`);
    return status === 'SUCCEEDED' ? 0 : 1;
  } finally {
    await host.close();
  }
}

const options = {
  model: { type: 'string', default: 'breast-cancer-classifier' },
  force: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;
try {
  const { values } = parseArgs({ options });
  if (values.help) process.stdout.write(HELP);
  else if (!process.env['MLFLOW_TRACKING_URI']) {
    console.error('No MLflow server: set MLFLOW_TRACKING_URI.');
    process.exitCode = 2;
  } else process.exitCode = await main(values.model, values.force);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}

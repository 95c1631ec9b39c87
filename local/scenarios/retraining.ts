import { CheckAnswer } from '../../lambdas/domain/retraining/payloads.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { type RetrainingDocument, retrain } from '../retraining.ts';
import { noteIn, promote, type Scenario } from './scenario.ts';
import { MODEL, registerBacktest, seedPascalStrategy } from './seed.ts';

/** When a model is retrained: by the lifecycle around its promotion, or by whoever calls the function. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long the model is checked in `drift-every-hour`. */
const DAYS = 14;

/** Rows of one period by the volatility of their hour. */
const period = (rows: number, shares: readonly number[]) => ({
  format: 1,
  features: {
    volatility: { edges: [0.5, 1, 1.5, 2, 2.5], counts: shares.map((share) => Math.round(rows * share)) },
  },
});

/** A run of the pipeline logs hours that are calm, and later ones that are not, and the tag of the model names it. */
function logDrift({ mlflow: { registry } }: EmulatedHost, rows: number): void {
  const drift = {
    reference: period(rows, [0.1, 0.2, 0.25, 0.2, 0.15, 0.1]),
    current: period(rows, [0.05, 0.1, 0.15, 0.2, 0.25, 0.25]),
  };
  const run = registry.createRun({
    experiment: `drift-${MODEL}`,
    artifacts: { 'drift.json': JSON.stringify(drift) },
  });
  registry.setModelTag(MODEL, 'promotion.drift', run);
}

/** The training of the pipeline: registers the next version. */
function train({ mlflow }: EmulatedHost, stage: string, edge?: number): string {
  const version = Object.keys(mlflow.snapshot()[MODEL]?.versions ?? {}).length + 1;
  registerBacktest(mlflow, { version, stage, ...(edge === undefined ? {} : { edge }) });
  return String(version);
}

/** One execution of the lifecycle; its check is noted. */
function check(host: EmulatedHost, run: ExecutionRun, edge?: number): Promise<RetrainingDocument> {
  const training = async () => {
    host.clock.skip(HOUR_MS);
    train(host, 'Staging', edge);
    return null;
  };
  return retrain(host, { model_name: MODEL }, training, run, ({ decision, reason }) => {
    const at = host.clock.now().toISOString().slice(0, 16);
    noteIn(host, run, 'lifecycle', `${at}  check: ${decision}. ${reason}`);
  });
}

const promotions = (...documents: RetrainingDocument[]): ExecutionDocument[] =>
  documents.flatMap(({ promotion }) => promotion ?? []);

export const retrainingScenarios: readonly Scenario[] = [
  {
    name: 'retraining-needed',
    about:
      'the inputs drift after three days: the lifecycle trains version 4 and promotes it, and an hour later nothing is needed',
    async play(host, run) {
      seedPascalStrategy(host.mlflow, { noStaging: true });
      const early = await check(host, run);
      host.clock.skip(3 * DAY_MS);
      logDrift(host, 1000);
      const needed = await check(host, run);
      host.clock.skip(HOUR_MS);
      return promotions(early, needed, await check(host, run));
    },
  },
  {
    name: 'drift-too-few',
    about:
      'twenty rows are not enough to tell of drift, and how many would do is said: after a week the model is retrained all the same, and the new version is no better',
    async play(host, run) {
      seedPascalStrategy(host.mlflow, { noStaging: true });
      logDrift(host, 20);
      const documents: RetrainingDocument[] = [];
      for (let day = 0; day < 8; day += 1) {
        documents.push(await check(host, run, 0.21));
        host.clock.skip(DAY_MS);
      }
      return promotions(...documents);
    },
  },
  {
    name: 'drift-every-hour',
    about: `the inputs have drifted at each of the hourly checks of ${DAYS} days, and one training in five registers nothing: retrained at most once a day, and never stuck; then the newest version is promoted`,
    async play(host, run) {
      seedPascalStrategy(host.mlflow, { noStaging: true });
      logDrift(host, 1000);
      let trainings = 0;
      let newest = '3';
      for (let hour = 0; hour < 24 * DAYS; hour += 1) {
        const answer = await host.functions['check-retraining-needed']({ model_name: MODEL });
        host.clock.skip(HOUR_MS);
        if (CheckAnswer.parse(answer).decision !== 'needs_retraining') continue;
        trainings += 1;
        if (trainings % 5 !== 0) newest = train(host, 'None');
      }
      noteIn(host, run, 'checks', `${24 * DAYS} checks in ${DAYS} days: ${trainings} trainings`);
      return [await execute(host, { ...promote, challenger_version: newest }, run)];
    },
  },
];

import { randomUUID } from 'node:crypto';
import { executionArn } from '../../emulators/aws/step-functions.ts';
import { type ExecutionDocument, type ExecutionRun, execute } from '../execution.ts';
import type { EmulatedHost } from '../host.ts';
import { noteIn, promote, rollback, type Scenario, sweep, sweepAndTakeUp } from './scenario.ts';
import { MODEL } from './seed.ts';
import { replaceBy, START, serve } from './serving.ts';

/** Situations in which registry and Workload do not show one release, and what brings them in step again. */

const HOUR_MS = 3_600_000;
/** Longer than the pause before the second attempt at an open change. */
const SECOND_ATTEMPT_MS = 15 * 60_000;

/** Advice of the alerts, followed to the letter. */
const rollbackTo2 = { ...rollback, target_version: '2' };
const adopt = { ...promote, operation: 'adopt' };

const refusedBy = {
  mlflow: {
    kind: 'answer',
    status: 403,
    body: JSON.stringify({ error_code: 'PERMISSION_DENIED', message: 'Permission denied' }),
    contentType: 'application/json',
  },
  platform: { kind: 'answer', status: 422, body: JSON.stringify({ detail: 'No capacity' }) },
} as const;

/**
 * Leaves version 2 in Production and version 3 in service: MLflow rejects the transition, and the platform the way back.
 * Both accept everything afterwards.
 */
async function halfDone(host: EmulatedHost, run: ExecutionRun): Promise<ExecutionDocument> {
  serve(host);
  host.mlflow.faults.add({ path: 'model-versions/transition-stage', effect: refusedBy.mlflow });
  const document = await execute(host, promote, {
    ...run,
    onEvent: (event, execution) => {
      if (event.kind === 'entered' && event.state === 'PromoteModel')
        host.workload.faults.add({ ...START, effect: refusedBy.platform });
      run.onEvent?.(event, execution);
    },
  });
  host.mlflow.faults.clear();
  host.workload.faults.clear();
  return document;
}

/** Twice, an hour later each: the second sweep finds what the first has told. */
async function sweepTwice(host: EmulatedHost, run: ExecutionRun, { execution }: ExecutionDocument) {
  for (let times = 1; times <= 2; times += 1) {
    host.clock.skip(HOUR_MS);
    await sweep(host, run, execution);
  }
}

export const releaseScenarios: readonly Scenario[] = [
  {
    name: 'half-done-rollback',
    about:
      'MLflow rejects version 3 when it is in service, and the platform the way back: a rollback to version 2 restores both at once, where the alert says when it goes on by itself',
    async play(host, run) {
      return [await halfDone(host, run), await execute(host, rollbackTo2, run)];
    },
  },
  {
    name: 'promote-again-after-half-done',
    about:
      'the same, and version 3 is promoted again: a later rollback still restores what was in service before, version 2',
    async play(host, run) {
      const failed = await halfDone(host, run);
      const again = await execute(host, { ...promote, challenger_version: '3' }, run);
      host.clock.skip(HOUR_MS);
      return [failed, again, await execute(host, rollback, run)];
    },
  },
  {
    name: 'undo-tried-again',
    about:
      'the execution is stopped while MLflow is unavailable, for the clean-up and the first attempt too: the second attempt restores version 2',
    async play(host, run) {
      serve(host);
      let polls = 0;
      const document = await execute(host, promote, {
        ...run,
        abortAfter: (state) => {
          if (state !== 'ReplaceWorkload' || ++polls !== 3) return false;
          const body = 'upstream connect error';
          host.mlflow.faults.add({
            path: '*',
            effect: { kind: 'answer', status: 503, body, contentType: 'text/plain' },
          });
          return true;
        },
      });
      const first = await sweepAndTakeUp(host, run, document.execution);
      host.mlflow.faults.clear();
      host.clock.skip(SECOND_ATTEMPT_MS);
      return [document, ...first, ...(await sweepAndTakeUp(host, run, document.execution))];
    },
  },
  {
    name: 'moved-by-hand',
    about:
      'a person moves version 2 to Production after the promotion of version 3: a sweep tells it once, and the rollback that it advises restores the Workload',
    async play(host, run) {
      serve(host);
      const document = await execute(host, promote, run);
      host.mlflow.registry.transition(MODEL, '2', 'Production', { archive: true });
      noteIn(host, run, document.execution, 'a person moves version 2 to Production in MLflow');
      await sweepTwice(host, run, document);
      return [document, await execute(host, rollbackTo2, run)];
    },
  },
  {
    name: 'adopted',
    about:
      'a person goes back to version 2 in MLflow and on the platform: a sweep tells it once, and "adopt" takes it as live',
    async play(host, run) {
      const { workloadId, artifacts } = serve(host);
      const document = await execute(host, promote, run);
      host.clock.skip(HOUR_MS);
      host.mlflow.registry.transition(MODEL, '2', 'Production', { archive: true });
      replaceBy(host, workloadId, artifacts[2]);
      noteIn(host, run, document.execution, 'a person restores version 2 in MLflow and on the platform');
      await sweepTwice(host, run, document);
      return [document, await execute(host, adopt, run)];
    },
  },
  {
    name: 'direct-then-execution',
    about:
      'promote-model is invoked directly and leaves the Workload unchanged, as its alert says: the next execution puts version 3 in service',
    async play(host, run) {
      serve(host);
      const name = randomUUID();
      await host.functions['promote-model']({ model_name: MODEL, new_version: '3' });
      return [
        await execute(
          host,
          { ...promote, challenger_version: '3' },
          {
            ...run,
            name,
            onEvent: (event, execution) => {
              run.onEvent?.(event, execution);
              if (event.kind === 'started')
                noteIn(host, run, executionArn(name), 'promote-model was invoked directly before');
            },
          },
        ),
      ];
    },
  },
];

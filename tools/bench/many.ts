import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { startMemoryTable } from '../../emulators/aws/memory-table-server.ts';
import { executionArn } from '../../emulators/aws/step-functions.ts';
import { type EmulatedHost, isEmulated, startHost } from '../../local/host.ts';

/** Promotions of so many models at once. */
interface Measured {
  models: number;
  seconds: number;
  perSecond: number;
  /** Processor time of one promotion in milliseconds, that of the emulators included. */
  cpuMs: number;
  /** Memory of the process after them, and the most that it ever held, in MB (resident set). */
  memoryMb: number;
  peakMb: number;
}

/** `npm run bench -- many`: whole promotions in the registry on the local host, of many models at once. */
export function manyCommand(): Command {
  return new Command('many')
    .description('whole promotions a second of 1 to 1,000 models at once, on the local host')
    .option('--json', 'no table: one JSON document on standard output')
    .option('--models <counts>', 'how many at once, separated by commas', counts, [1, 10, 100, 1000])
    .action(async ({ json, models }: { json?: true; models: number[] }) => {
      const progress = ora('starting the local host').start();
      const measured: Measured[] = [];
      try {
        for (const count of models) {
          progress.text = `${count} at once`;
          measured.push(await promoteAtOnce(count));
        }
      } finally {
        progress.stop();
      }
      const { node } = process.versions;
      if (json) console.log(JSON.stringify({ node, measured }, null, 2));
      else print(measured, node);
    });
}

function print(measured: readonly Measured[], node: string): void {
  console.table(
    Object.fromEntries(
      measured.map(({ models, seconds, perSecond, cpuMs, memoryMb, peakMb }) => [
        `${models} at once`,
        {
          seconds: Number(seconds.toFixed(2)),
          'a second': Number(perSecond.toFixed(1)),
          'processor ms each': Number(cpuMs.toFixed(1)),
          'MB after': Math.round(memoryMb),
          'MB at most': Math.round(peakMb),
        },
      ]),
    ),
  );
  console.log(
    [
      `Promotions in the registry from begin to notification: state machine, functions and emulators in one process of Node ${node}.`,
      'MLflow and SNS are called over loopback, the table is in memory. All of them are promoted, or the command fails.',
    ].join('\n'),
  );
}

async function promoteAtOnce(count: number): Promise<Measured> {
  const host = await startHost(undefined, undefined, startMemoryTable);
  if (!isEmulated(host)) throw new Error('The figures need the emulators');
  try {
    const models = Array.from({ length: count }, (_, index) => `model-${index + 1}`);
    for (const model of ['warm-up', ...models]) seed(host, model);
    await promoteOn(host, 'warm-up');
    const [from, cpu] = [performance.now(), process.cpuUsage()];
    await Promise.all(models.map((model) => promoteOn(host, model)));
    const seconds = (performance.now() - from) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      models: count,
      seconds,
      perSecond: count / seconds,
      cpuMs: (user + system) / 1000 / count,
      memoryMb: process.memoryUsage.rss() / 1024 / 1024,
      peakMb: process.resourceUsage().maxRSS / 1024,
    };
  } finally {
    await host.close();
  }
}

/** Version 1 is champion, version 2 a better challenger. */
function seed({ mlflow: { registry } }: EmulatedHost, model: string): void {
  for (const [stage, accuracy] of [
    ['Production', 0.85],
    ['Staging', 0.9],
  ] as const) {
    const runId = registry.createRun({
      metrics: { accuracy },
      params: { eval_rows: '20000' },
      datasets: [{ name: 'holdout', digest: 'a41c09d7', context: 'evaluation' }],
    });
    registry.createVersion(model, { runId, stage });
  }
}

/** Throws unless the model was promoted. */
async function promoteOn({ machine, clock }: EmulatedHost, model: string): Promise<void> {
  const name = `promote-${model}`;
  const { result } = machine.run(
    { operation: 'promote', model_name: model },
    {
      execution: { id: executionArn(name), name, startTime: clock.now().toISOString() },
      waitSeconds: 0,
    },
  );
  const { status, output, error } = await result;
  const ended = (output as { ending?: { status?: unknown } } | undefined)?.ending?.status;
  if (ended !== 'promoted')
    throw new Error(`${model} ended ${String(ended ?? status)}: ${error?.Cause ?? JSON.stringify(output)}`);
}

function counts(text: string): number[] {
  const found = text.split(',').map(Number);
  if (found.every((count) => Number.isInteger(count) && count > 0 && count <= 10_000)) return found;
  throw new InvalidArgumentError('whole numbers from 1 to 10000, separated by commas.');
}

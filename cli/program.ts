import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { WORKLOAD } from '../local/scenarios/seed.ts';
import { approvalCommands } from './approval-commands.ts';
import type { AdoptOptions } from './commands/adopt.ts';
import type { CompareOptions } from './commands/compare-request.ts';
import type { EmulatorsOptions } from './commands/emulators.ts';
import type { HistoryOptions } from './commands/history.ts';
import type { InvokeOptions } from './commands/invoke-request.ts';
import type { PolicyCheckOptions } from './commands/policy-check.ts';
import type { ReplayOptions } from './commands/replay.ts';
import type { RunOptions } from './commands/run.ts';
import type { SimulateOptions } from './commands/simulate.ts';
import type { StartOptions } from './commands/start-request.ts';
import type { StatusOptions } from './commands/status.ts';
import {
  ADOPT_HELP,
  COMPARE_HELP,
  invokeHelp,
  POLICY_CHECK_HELP,
  REPLAY_HELP,
  SIMULATE_HELP,
  START_HELP,
  STATUS_HELP,
} from './help.ts';
import { withInputFlags } from './input-flags.ts';
import { setLogLines } from './log-lines.ts';
import { printable } from './printable.ts';
import { ledgerCommands, reportCommand, watchCommand } from './record-commands.ts';

/** The commands that run functions on this machine: in a clone of the repository, or as far as the npm package has them. */
export interface LocalCommands {
  readonly isPackage: boolean;
  run(options: RunOptions): Promise<number>;
  emulators(options: EmulatorsOptions): Promise<number>;
  simulate(options: SimulateOptions): Promise<number>;
  compare(options: CompareOptions): Promise<number>;
  invoke(name: string, options: InvokeOptions): Promise<number>;
}

const REPORT = [
  '--report <file>',
  'also write the decision as a page (.html) or as a JSON document (.json), in place of an earlier report only',
] as const;

/**
 * The commands of `promotion` and their options. `done` is called with the exit status. Each command imports its code
 * when it runs, so that `--help` does not load the AWS clients and the emulators.
 */
export function program(done: (status: number) => void, local: LocalCommands): Command {
  const where = local.isPackage ? 'in a clone of the repository only: ' : '';
  const promotion = new Command('promotion')
    .description(
      'Promotes machine-learning models through quality gates: compares versions in MLflow, rolls them out on DataRobot Workloads, promotes them and rolls them back.',
    )
    .version(ownVersion(), '--version', 'print the version of this command')
    // Options of commands may have the same names.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(printable(text)) })
    .showHelpAfterError('(run with --help for the options)');
  withInputFlags(
    promotion.command('run'),
    '; uses MLFLOW_TRACKING_URI and DATAROBOT_ENDPOINT where they are set, otherwise seeded emulators',
  )
    .description(`${where}run the state machine and its functions on this machine and show a timeline`)
    .option('--list', 'list the scenarios and stop')
    .option('--scenario <name>', 'run one scenario on the emulators (default: challenger-wins)')
    .option('--wait', 'wait for people where an approval is needed: promotion approve in another terminal')
    .option('--as <who>', 'who starts it, such as sso:ada@example.com (default: a pipeline)')
    .option('--json', 'print one JSON document on standard output instead of the timeline')
    .option(...REPORT)
    .option('--verbose', "also print the functions' log lines, on standard error")
    .action(async (options: RunOptions) => {
      setLogLines(options.verbose === true);
      done(await local.run(options));
    });
  withInputFlags(promotion.command('start'))
    .description(
      'start an execution of the deployed state machine and follow it to its end; idempotent: an execution with the same input is followed if it is running, or reported if it has succeeded, instead of being started twice',
    )
    .option('--arn <arn>', 'ARN of the state machine (default: STATE_MACHINE_ARN); also sets the region')
    .option('--again', 'start a new attempt even if an earlier one has succeeded')
    .option('--detach', 'start it, print its ARN and exit without following it')
    .option('--follow <arn>', 'follow the execution with this ARN and start nothing')
    .option(
      '--json',
      'print one JSON document on standard output instead of the timeline; progress on standard error',
    )
    .option(...REPORT)
    .addHelpText('after', START_HELP)
    .action(async (options: StartOptions) =>
      done(await (await import('./commands/start-execution.ts')).start(options)),
    );
  promotion
    .command('adopt')
    .description(
      'record what both sides show as live, after somebody has changed a model by hand or for a model that is not recorded yet: starts an execution of the deployed state machine and follows it to its end; an open change is closed by it; no version is moved and nothing is rolled out',
    )
    .argument('<model>', 'name of the registered model')
    .option('--arn <arn>', 'ARN of the state machine (default: STATE_MACHINE_ARN); also sets the region')
    .option(
      '--workload <id>',
      "Workload that serves the model (default: the registered model's tag workload.id)",
    )
    .option('--requested-by <who>', 'who adopts it; recorded and shown in notifications')
    .option('--reason <text>', 'why; recorded with the execution')
    .option('--detach', 'start it, print its ARN and exit without following it')
    .option(
      '--json',
      'print one JSON document on standard output instead of the timeline; progress on standard error',
    )
    .addHelpText('after', ADOPT_HELP)
    .action(async (model: string, options: AdoptOptions) =>
      done(await (await import('./commands/adopt.ts')).adopt(model, options)),
    );
  promotion
    .command('status')
    .description(
      'show what is live for a model, the change that is open, if any, and whether MLflow and the Workload show it; read from the table (PROMOTION_TABLE), the registry (MLFLOW_TRACKING_URI) and the platform (DATAROBOT_ENDPOINT, DATAROBOT_API_TOKEN)',
    )
    .argument('[model]', 'name of the registered model (default: every model that the table records)')
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', STATUS_HELP)
    .action(async (model: string | undefined, options: StatusOptions) =>
      done(await (await import('./commands/status.ts')).status(model, options)),
    );
  promotion
    .command('emulators')
    .description(
      `${where}run only the emulators of MLflow and of DataRobot's Workload API, for any client, until Ctrl-C`,
    )
    .option(
      '--mlflow-port <port>',
      'port of the MLflow emulator on 127.0.0.1; 0 selects a free port',
      port,
      5000,
    )
    .option(
      '--workload-port <port>',
      'port of the Workload API emulator on 127.0.0.1; 0 selects a free port',
      port,
      8080,
    )
    .option(
      '--seed',
      `start with the model PascalStrategy (1 Archived, 2 Production, 3 Staging), served by Workload ${WORKLOAD}`,
    )
    .action(async (options: EmulatorsOptions) => done(await local.emulators(options)));
  promotion
    .command('history')
    .description(
      "show the audit trail of a model: which version was in Production and which artifact was served, and when; read from the records in MLflow (MLFLOW_TRACKING_URI) and the history of the model's Workload (DATAROBOT_ENDPOINT, DATAROBOT_API_TOKEN)",
    )
    .argument('<model>', 'name of the registered model')
    .option('--at <time>', 'show the state at this time, ISO 8601; UTC without an offset', time)
    .option('--json', 'print one JSON document on standard output')
    .action(async (model: string, options: HistoryOptions) =>
      done(await (await import('./commands/history.ts')).history(model, options)),
    );
  promotion
    .command('compare')
    .description(
      `compare two versions by a policy and decide, as compare-models does; writes nothing to any system; uses ${local.isPackage ? 'MLFLOW_TRACKING_URI' : 'MLFLOW_TRACKING_URI where it is set, otherwise a seeded emulator'}`,
    )
    .requiredOption('--model <name>', 'name of the registered model')
    .option('--champion <version>', 'version to compare with (default: the champion)')
    .option('--challenger <version>', 'version to judge (default: the newest in Staging, or @challenger)')
    .option('--policy <name>', "policy to evaluate (default: the model's, else default)")
    .option(...REPORT)
    .option('--json', 'print the answer as one JSON document on standard output')
    .option('--verbose', "also print the functions' log lines, on standard error")
    .addHelpText('after', COMPARE_HELP)
    .action(async (options: CompareOptions) => {
      setLogLines(options.verbose === true);
      done(await local.compare(options));
    });
  promotion
    .command('invoke')
    .description(
      `call one function on this machine, as a request of its own; uses ${local.isPackage ? 'the systems that the environment names, as the deployed function does' : 'MLFLOW_TRACKING_URI and DATAROBOT_ENDPOINT where they are set, otherwise seeded emulators'}`,
    )
    .argument('<function>', 'name of the function, such as compare-models')
    .requiredOption('--input <file>', 'input of the function, a JSON file or - for standard input')
    .option('--json', 'print one JSON document on standard output')
    .option('--verbose', "also print the function's log lines, on standard error")
    .addHelpText('after', invokeHelp(local.isPackage))
    .action(async (name: string, options: InvokeOptions) => {
      setLogLines(options.verbose === true);
      done(await local.invoke(name, options));
    });
  promotion
    .command('policy')
    .description('work on promotion policies')
    .command('check')
    .description(
      'list every mistake of policy files: what is not JSON, unknown and missing fields, contradictions; with --model also the metrics that no recent run of the model has, read from MLflow (MLFLOW_TRACKING_URI)',
    )
    .argument('<file...>', 'policy files, such as policies/default.json')
    .option('--model <name>', "also look for the metrics in the runs of this model's 10 newest versions")
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', POLICY_CHECK_HELP)
    .action(async (files: string[], options: PolicyCheckOptions) => {
      setLogLines(false);
      done(await (await import('./commands/policy-check.ts')).checkPolicies(files, options));
    });
  approvalCommands(promotion, done);
  ledgerCommands(promotion, done);
  reportCommand(promotion, done);
  watchCommand(promotion, done);
  promotion
    .command('replay')
    .description(
      'show what past decisions would have been under another policy: the decisions of the ledgers (PROMOTION_TABLE), on the evidence that MLflow (MLFLOW_TRACKING_URI) holds now; nothing is written, and nothing of a budget is spent',
    )
    .requiredOption('--policy <file>', 'policy file, such as policies/refresh.json')
    .option(
      '--model <name>',
      'decisions of one registered model (default: every model that the table records)',
    )
    .option('--since <time>', 'decisions from this time on, ISO 8601; UTC without an offset', time)
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', REPLAY_HELP)
    .action(async (options: ReplayOptions) =>
      done(await (await import('./commands/replay.ts')).replay(options)),
    );
  promotion
    .command('simulate')
    .description(
      `${where}play stories of promotions, rollbacks and people against the functions and emulators in this process, in virtual time and with faults at every request, and check what they leave behind; the same seed plays the same stories`,
    )
    .option('--seed <seed>', 'seed of the stories: any text (default: promotion)')
    .option('--stories <number>', 'number of stories (default: 500)', amount)
    .option('--failures <number>', 'stop after so many stories that violate something', amount, 5)
    .option(
      '--workers <number>',
      'play stories in so many threads, with the same result (default: one for each processor)',
      amount,
    )
    .option('--story <seed>', 'play one story and print everything that happens in it')
    .option(
      '--only <ids>',
      'with --story: leave out all steps, outages and faults but these, separated by commas',
    )
    .option(
      '--outages [every]',
      'instead of stories: let each system go away at each request of a promotion and of a rollback, or at one in so many, and show how long it takes until people are told',
      amount,
    )
    .option(
      '--json',
      'print one JSON document on standard output, with the whole coverage; progress on standard error',
    )
    .addHelpText('after', SIMULATE_HELP)
    .action(async (options: SimulateOptions) => done(await local.simulate(options)));
  return promotion;
}

/** The version in the package's manifest, which is in the folder above, in a clone and in the npm package. */
const ownVersion = (): string =>
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

function amount(value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw new InvalidArgumentError('must be a number from 1.');
}

function port(value: string): number {
  const number = Number(value);
  if (/^\d{1,5}$/.test(value) && number <= 65535) return number;
  throw new InvalidArgumentError('must be a port number from 0 to 65535.');
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$/;

function time(value: string): Date {
  const bare = !/(Z|[+-]\d\d:\d\d)$/.test(value) && value.includes('T');
  const parsed = new Date(bare ? `${value}Z` : value);
  if (!TIME.test(value) || Number.isNaN(parsed.getTime()))
    throw new InvalidArgumentError('must be a time such as 2026-11-20 or 2026-11-20T14:30:00Z.');
  if (parsed.getTime() > Date.now())
    throw new InvalidArgumentError(`${parsed.toISOString()} is in the future.`);
  return parsed;
}

import { Command, InvalidArgumentError } from 'commander';
import { WORKLOAD } from '../local/scenarios/seed.ts';
import type { EmulatorsOptions } from './commands/emulators.ts';
import type { HistoryOptions } from './commands/history.ts';
import type { RunOptions } from './commands/run.ts';
import type { StartOptions } from './commands/start-request.ts';

/**
 * The arguments of `promotion` and of its commands. `done` is given the exit status. What a command needs is loaded when
 * it runs: nobody waits for the clients of AWS and the emulators to read the help.
 */
export function program(done: (status: number) => void): Command {
  const promotion = new Command('promotion')
    .description(
      'Promotes machine-learning models: compares versions in MLflow, rolls them out on DataRobot Workloads, promotes them and rolls them back.',
    )
    .exitOverride()
    .showHelpAfterError('(run with --help for the options)');
  promotion
    .command('run')
    .description('run the state machine and its functions on this machine, shown as a timeline')
    .option('--list', 'list the scenarios and stop')
    .option('--scenario <name>', 'run one scenario on the emulators (default: challenger-wins)')
    .option(
      '--input <file>',
      'run an execution input of your own, a JSON file or - for standard input; on the MLflow server of MLFLOW_TRACKING_URI and the platform of DATAROBOT_ENDPOINT where they are set, else on seeded emulators',
    )
    .option('--json', 'no timeline: one JSON document on standard output')
    .option('--verbose', "also print the functions' log lines, on standard error")
    .action(async (options: RunOptions) => done(await (await import('./commands/run.ts')).run(options)));
  promotion
    .command('start')
    .description(
      'start an execution of the deployed state machine and follow it to its end; one with the same input that is running is followed, one that has succeeded is reported, instead of starting it twice',
    )
    .option('--model <name>', 'name of the registered model')
    .option(
      '--version <version>',
      'version to promote (default: the newest that waits in Staging); with --rollback the one to go back to',
    )
    .option('--arn <arn>', 'ARN of the state machine (default: STATE_MACHINE_ARN); it also tells the region')
    .option('--policy <name>', 'policy to compare by')
    .option(
      '--workload <id>',
      "Workload that serves the model (default: the registered model's tag workload.id)",
    )
    .option('--artifact <id>', "artifact to put in service (default: the version's own)")
    .option('--requested-by <who>', 'who asks for it; recorded and told')
    .option(
      '--reason <text>',
      'why; recorded and told. With --rollback one of the known reasons (default: MANUAL_REQUEST)',
    )
    .option('--dry-run', 'compare and decide, change nothing')
    .option('--rollback', 'roll the model back instead of promoting it')
    .option('--emergency', 'with --rollback: although the last one was short ago')
    .option('--input <file>', 'a whole execution input instead of these, a JSON file or - for standard input')
    .option('--again', 'start it once more although it has succeeded before')
    .option('--detach', 'start it and print its ARN and how to follow it')
    .option('--follow <arn>', 'start nothing and follow the execution with this ARN')
    .option('--json', 'no timeline: one JSON document on standard output; progress on standard error')
    .addHelpText('after', START_HELP)
    .action(async (options: StartOptions) =>
      done(await (await import('./commands/start-execution.ts')).start(options)),
    );
  promotion
    .command('emulators')
    .description(
      "run the emulators of MLflow's registry and of DataRobot's Workload API alone, for any other client, until Ctrl-C",
    )
    .option(
      '--mlflow-port <port>',
      'port of the MLflow emulator on 127.0.0.1; 0 takes a free one',
      port,
      5000,
    )
    .option(
      '--workload-port <port>',
      'port of the Workload API emulator on 127.0.0.1; 0 takes a free one',
      port,
      8080,
    )
    .option(
      '--seed',
      `start with the model PascalStrategy (1 Archived, 2 Production, 3 Staging), served by Workload ${WORKLOAD}`,
    )
    .action(async (options: EmulatorsOptions) =>
      done(await (await import('./commands/emulators.ts')).emulators(options)),
    );
  promotion
    .command('history')
    .description(
      "which version was in Production and which artifact was served, when: from the records in MLflow (MLFLOW_TRACKING_URI) and the history of the model's Workload (DATAROBOT_ENDPOINT, DATAROBOT_API_TOKEN)",
    )
    .argument('<model>', 'name of the registered model')
    .option('--at <time>', 'the state at this time, ISO 8601; without an offset it is UTC', time)
    .option('--json', 'one JSON document on standard output')
    .action(async (model: string, options: HistoryOptions) =>
      done(await (await import('./commands/history.ts')).history(model, options)),
    );
  return promotion;
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

const START_HELP = `
The same input is the same execution: field order, and fields at their default, make no difference. An
attempt that failed, timed out, was aborted or found the model busy is followed by a new one. That holds for
90 days: then Step Functions forgets an execution.

Credentials come from where the AWS SDK looks for them: AWS_PROFILE, the AWS_ variables, IAM Identity Center.
Ctrl-C stops following; the execution goes on.

Exit status: 0 when the execution did its job (or --detach has started it), 1 when it did not or AWS could not be
asked, 2 for arguments or input that cannot be used, 130 when Ctrl-C ended the following.

  npx promotion start --model PascalStrategy --version 3 --arn arn:aws:states:eu-west-1:123456789012:stateMachine:NAME
  npx promotion start --model PascalStrategy --rollback --reason PERFORMANCE_DEGRADATION`;

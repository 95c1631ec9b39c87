import { Command } from 'commander';
import type { StartOptions } from './start-request.ts';

/** `promotion start`: an execution on AWS, started once and followed to its end. */
export function startCommand(done: (status: number) => void): Command {
  return new Command('start')
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
    .addHelpText('after', HELP)
    .action(async (options: StartOptions) => {
      // Loaded here only: the other commands need no client of Step Functions.
      const { start } = await import('./start-execution.ts');
      done(await start(options));
    });
}

const HELP = `
The same input is the same execution: field order, and fields at their default, make no difference. An
attempt that failed, timed out, was aborted or found the model busy is followed by a new one. That holds for
90 days: then Step Functions forgets an execution.

Credentials come from where the AWS SDK looks for them: AWS_PROFILE, the AWS_ variables, IAM Identity Center.
Ctrl-C stops following; the execution goes on.

Exit status: 0 when the execution did its job (or --detach has started it), 1 when it did not or AWS could not be
asked, 2 for arguments or input that cannot be used, 130 when Ctrl-C ended the following.

  npx promotion start --model PascalStrategy --version 3 --arn arn:aws:states:eu-west-1:123456789012:stateMachine:NAME
  npx promotion start --model PascalStrategy --rollback --reason PERFORMANCE_DEGRADATION`;

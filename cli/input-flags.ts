import type { Command } from 'commander';

/** Adds the options that make up an execution input, and `--input` in their place; `more` ends the text of `--input`. */
export const withInputFlags = (command: Command, more = ''): Command =>
  command
    .option('--model <name>', 'name of the registered model')
    .option(
      '--version <version>',
      'version to promote (default: the newest in Staging); with --rollback, the version to restore',
    )
    .option('--policy <name>', 'policy to evaluate')
    .option(
      '--workload <id>',
      "Workload that serves the model (default: the registered model's tag workload.id)",
    )
    .option('--artifact <id>', "artifact to roll out (default: the version's own)")
    .option('--requested-by <who>', 'who requests it; recorded and shown in notifications')
    .option(
      '--reason <text>',
      'why; recorded and shown in notifications. With --rollback, one of the defined reasons (default: MANUAL_REQUEST)',
    )
    .option('--dry-run', 'compare and decide, change nothing')
    .option('--rollback', 'roll the model back instead of promoting it')
    .option('--emergency', 'with --rollback: ignore the cool-down after the last rollback')
    .option(
      '--champion <version>',
      'champion to compare with; with --rollback: only while this version is the champion, otherwise nothing is changed',
    )
    .option(
      '--adopt',
      'promote although somebody has changed the model by hand: take what both sides show as live first',
    )
    .option(
      '--input <file>',
      `a complete execution input instead of these options, a JSON file or - for standard input${more}`,
    );

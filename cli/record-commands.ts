import type { Command } from 'commander';
import type { LedgerOptions } from './commands/ledger.ts';
import type { ModelsReportOptions } from './commands/models-report.ts';
import type { WatchOptions } from './commands/watch.ts';
import { LEDGER_HELP, REPORT_HELP, WATCH_HELP } from './help.ts';

/** The commands that show what is recorded. `done` is called with the exit status. */

/** `promotion report`: one page over models. */
export function reportCommand(promotion: Command, done: (status: number) => void): void {
  promotion
    .command('report')
    .description(
      'write one page over all models: what is live since when and on which evidence, what was rolled back, what waits, and what versions differ in; read from the table (PROMOTION_TABLE), the registry (MLFLOW_TRACKING_URI) and the platform (DATAROBOT_ENDPOINT, DATAROBOT_API_TOKEN)',
    )
    .option('--model <names...>', 'these models only (default: every model that the table records)')
    .option(
      '--out <file>',
      'the page (.html) or its JSON document (.json), in place of an earlier report only',
      'promotion-report.html',
    )
    .option('--versions <a,b>', 'with one --model: also compare these two versions')
    .option('--metric <name>', 'metric to show over the versions (default: the one that most of them have)')
    .addHelpText('after', REPORT_HELP)
    .action(async (options: ModelsReportOptions) =>
      done(await (await import('./commands/models-report.ts')).reportModels(options)),
    );
}

/** `promotion watch`: where the watch of a release stands. */
export function watchCommand(promotion: Command, done: (status: number) => void): void {
  promotion
    .command('watch')
    .description(
      'show where the watch of the live release stands: each series, and how far it is from either verdict; read from the table (PROMOTION_TABLE)',
    )
    .argument('<model>', 'name of the registered model')
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', WATCH_HELP)
    .action(async (model: string, options: WatchOptions) =>
      done(await (await import('./commands/watch.ts')).showWatch(model, options)),
    );
}

/** `promotion ledger`: each reads the table, but for `verify` and `show` of an export. */
export function ledgerCommands(promotion: Command, done: (status: number) => void): void {
  const ledger = promotion
    .command('ledger')
    .description(
      'the ledger of a model: one entry for each decision and each change, chained by hash; read from the table (PROMOTION_TABLE)',
    );
  const code = () => import('./commands/ledger.ts');
  const HEAD = [
    '--head <seq:hash>',
    'a head that an alert or the log named: finds an end that was cut off',
  ] as const;
  const FILE = ['--file <file>', 'an export in place of the table'] as const;
  ledger
    .command('show')
    .description('show the entries of a model, and whether the chain is whole')
    .argument('<model>', 'name of the registered model')
    .option(...FILE)
    .option('--json', 'print one JSON document on standard output')
    .action(async (model: string, options: LedgerOptions) =>
      done(await (await code()).showLedger(model, options)),
    );
  ledger
    .command('verify')
    .description('check that no entry was changed, swapped, dropped or added; also offline, of an export')
    .argument('[model]', 'name of the registered model (not needed with --file)')
    .option(...FILE)
    .option(...HEAD)
    .option('--json', 'print one JSON document on standard output')
    .addHelpText('after', LEDGER_HELP)
    .action(async (model: string | undefined, options: LedgerOptions) =>
      done(await (await code()).verifyModelLedger(model, options)),
    );
  ledger
    .command('export')
    .description('print a line for each entry: its SHA-256 and its text')
    .argument('<model>', 'name of the registered model')
    .action(async (model: string) => done(await (await code()).exportLedger(model)));
}

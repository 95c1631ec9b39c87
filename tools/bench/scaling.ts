import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import ora from 'ora';
import { defaultAssumptions, defaultProfile, type Report, reportOf } from './report.ts';
import { asMarkdown, asText, costSummary, type Table, tablesOf } from './tables.ts';

/** The documents that the tables are written into. */
export const documents = {
  'docs/scaling.md': tablesOf,
  'docs/deploy.md': (report: Report) => [costSummary(report)],
} as const;
export type DocumentName = keyof typeof documents;

export const documentPath = (name: DocumentName) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

interface Options {
  json?: true;
  write?: true;
  models: number;
  peakHours: number;
  callMs: number;
  emails: number;
  mlflowCallMs: number;
  mlflowWorkers: number;
}

/** `npm run bench -- scaling`: what executions take and cost, the longest one, and a day of many models. */
export function scalingCommand(): Command {
  return new Command('scaling')
    .description(
      'what each kind of execution takes (measured on the local host) and costs on AWS (list prices), the longest history, and many models a day against the quotas',
    )
    .option('--json', 'no tables: one JSON document on standard output')
    .option(
      '--write',
      'also write the tables into docs/scaling.md and docs/deploy.md; only with the figures assumed by default',
    )
    .option('--models <count>', 'models a day', positive, defaultProfile.models)
    .option(
      '--peak-hours <hours>',
      'hours within which all of them are started',
      positive,
      defaultProfile.peakHours,
    )
    .option('--call-ms <ms>', 'duration of a call of a function', positive, defaultAssumptions.callMs)
    .option('--emails <count>', 'addresses that get every alert', positive, defaultAssumptions.emails)
    .option('--mlflow-call-ms <ms>', 'time of MLflow for a call', positive, defaultProfile.mlflowCallMs)
    .option('--mlflow-workers <count>', 'workers of MLflow', positive, defaultProfile.mlflowWorkers)
    .action(run);
}

/** As `npm run bench -- scaling` without options, or with `--json`. */
export const scaling = async ({ json }: { json: boolean }): Promise<void> => {
  print(await measured(defaultAssumptions, defaultProfile), json);
};

async function run({ json, write, callMs, emails, ...profile }: Options): Promise<void> {
  const assumed = { ...defaultAssumptions, callMs, emails };
  const asked = { ...defaultProfile, ...profile };
  const isDefault = JSON.stringify([assumed, asked]) === JSON.stringify([defaultAssumptions, defaultProfile]);
  if (write && !isDefault)
    throw new Error('--write takes no other figures: the documents show those assumed by default');
  const report = await measured(assumed, asked);
  print(report, json === true);
  if (!write) return;
  for (const name of Object.keys(documents) as DocumentName[]) {
    const path = documentPath(name);
    writeFileSync(path, withTables(name, readFileSync(path, 'utf8'), report));
  }
}

async function measured(...asked: Parameters<typeof reportOf>): Promise<Report> {
  const progress = ora('starting the local host').start();
  try {
    const [assumed, profile] = asked;
    return await reportOf(assumed, profile, (kind) => {
      progress.text = kind;
    });
  } finally {
    progress.stop();
  }
}

function print(report: Report, json: boolean): void {
  if (json) {
    console.log(JSON.stringify(report, null, 2));
    return;
  }
  const shown = tablesOf(report).filter(({ documentOnly }) => documentOnly !== true);
  console.log([...shown.map(asText), durations(report)].join('\n\n'));
}

/** Not in the document: they are this machine's, and no prices rest on them. */
function durations({ executions, assumptions }: Report): string {
  const all = executions.flatMap(({ durationsMs }) => durationsMs).sort((a, b) => a - b);
  const at = (share: number) => Math.round(all[Math.floor(share * (all.length - 1))] ?? Number.NaN);
  return [
    `Durations of ${all.length} calls here, against emulators: median ${at(0.5)} ms, 99 of 100 within ${at(0.99)} ms,`,
    `longest ${at(1)} ms. Prices assume ${assumptions.callMs} ms, as real systems are further away. Prices and quotas with`,
    'their sources: docs/scaling.md.',
  ].join('\n');
}

/**
 * The document with its tables in their places, each between the line that names it and `<!-- end -->`. Throws when a
 * place is missing.
 */
export function withTables(name: DocumentName, text: string, report: Report): string {
  return documents[name](report).reduce(
    (document: string, table: Table) => {
      const start = `<!-- ${table.id}: written by npm run bench -- scaling --write -->\n`;
      const from = document.indexOf(start) + start.length;
      const to = document.indexOf('<!-- end -->', from);
      if (from < start.length || to < 0) throw new Error(`${name} has no place for the table "${table.id}"`);
      return `${document.slice(0, from)}\n${asMarkdown(table)}\n\n${document.slice(to)}`;
    },
    text.replaceAll('\r\n', '\n'),
  );
}

function positive(value: string): number {
  const number = Number(value);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('It must be a number above 0.');
}

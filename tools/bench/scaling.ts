import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import ora from 'ora';
import { type Measured, measure } from './measure.ts';
import list from './prices.json' with { type: 'json' };
import {
  asMarkdown,
  assumed,
  billOf,
  costOf,
  costSummary,
  standing,
  standingBills,
  tablesOf,
} from './tables.ts';

/** The documents that the tables are written into. */
export const documents = {
  'docs/scaling.md': tablesOf,
  'docs/deploy.md': (measured: readonly Measured[]) => [costSummary(measured)],
} as const;
export type DocumentName = keyof typeof documents;

export const documentPath = (name: DocumentName) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** `npm run bench -- scaling`: resource use and cost of executions. */
export function scalingCommand(): Command {
  return new Command('scaling')
    .description(
      'resource use of each kind of execution (measured on the local host) and its cost on AWS (list prices)',
    )
    .option('--json', 'no tables: one JSON document on standard output')
    .option('--write', 'also write the tables into docs/scaling.md and docs/deploy.md')
    .action(run);
}

async function run({ json, write }: { json?: true; write?: true }): Promise<void> {
  const progress = ora('starting the local host').start();
  const measured = await measure((title) => {
    progress.text = title;
  }).finally(() => progress.stop());
  console.log(
    json
      ? JSON.stringify(documentOf(measured), null, 2)
      : [...tablesOf(measured).map(asMarkdown), durations(measured)].join('\n\n'),
  );
  if (!write) return;
  for (const name of Object.keys(documents) as DocumentName[]) {
    const path = documentPath(name);
    writeFileSync(path, withTables(name, readFileSync(path, 'utf8'), measured));
  }
}

const documentOf = (measured: readonly Measured[]) => ({
  ...list,
  assumed,
  executions: measured.map((one) => ({ ...one, usd: costOf(billOf(one)) })),
  standing: standingBills(standing).map(({ what, bill }) => ({ what, usd: costOf(bill) })),
});

/** Not in the documents: these times depend on this machine, and no cost is derived from them. */
function durations(measured: readonly Measured[]): string {
  const all = measured.flatMap(({ durationsMs }) => durationsMs).sort((a, b) => a - b);
  const at = (share: number) => Math.round(all[Math.floor(share * (all.length - 1))] ?? Number.NaN);
  return [
    `Durations of ${all.length} calls on this machine, against emulators: median ${at(0.5)} ms, 99 of 100 within`,
    `${at(0.99)} ms, longest ${at(1)} ms. The costs assume ${assumed.callMs} ms, as real systems are further away.`,
  ].join('\n');
}

/**
 * The text of a document with its tables, each between its mark and `<!-- end -->`.
 * Throws when a mark is missing.
 */
export function withTables(name: DocumentName, text: string, measured: readonly Measured[]): string {
  return documents[name](measured).reduce(
    (document, table) => {
      const start = `<!-- ${table.id}: written by npm run bench -- scaling --write -->\n`;
      const from = document.indexOf(start) + start.length;
      const to = document.indexOf('<!-- end -->', from);
      if (from < start.length || to < 0) throw new Error(`${name} has no place for the table "${table.id}"`);
      return `${document.slice(0, from)}\n${asMarkdown(table)}\n\n${document.slice(to)}`;
    },
    text.replaceAll('\r\n', '\n'),
  );
}

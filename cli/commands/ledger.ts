import { readFile } from 'node:fs/promises';
import { headText, type LedgerHead, parseEntry, parseHead } from '../../lambdas/domain/ledger/entry.ts';
import {
  exportLine,
  type KeptEntry,
  type LedgerProblem,
  parseExport,
  verifyLedger,
} from '../../lambdas/domain/ledger/verify.ts';
import type { LedgerStore } from '../../lambdas/domain/release/store.ts';
import { configuration, StoreEnvironment } from '../../lambdas/runtime/environment.ts';
import { silenceLog } from '../../lambdas/runtime/log.ts';
import { storeServices } from '../../lambdas/runtime/store-services.ts';
import { ledgerProblem, releaseText } from '../../lambdas/words/ledger.ts';
import { printable } from '../printable.ts';
import { printLine } from '../screen/layout.ts';
import { progressOn } from '../screen/progress.ts';
import { bad, bold, dim, good } from '../screen/timeline-lines.ts';
import { UsageError } from '../usage-error.ts';

/** The options of `promotion ledger …`. */
export interface LedgerOptions {
  /** An export, in place of the table. */
  file?: string;
  head?: string;
  json?: true;
}

/** Entries that are read between two reports of progress. */
const PAGE = 25;
/** Columns before the text of an entry. */
const HANG = 32;

/** `promotion ledger show`: prints the entries of a model, and whether they are whole; returns the exit status. Throws `UsageError` and `LeaseStoreUnavailable`. */
export async function showLedger(model: string, options: LedgerOptions): Promise<number> {
  const { entries, witness } = await read(model, options);
  const verified = verifyLedger(entries, { model, witness });
  if (options.json) {
    const parsed = entries.map(({ text, hash }) => ({ ...parseEntry(text), hash }));
    console.log(JSON.stringify({ model, entries: parsed, problems: verified.problems }, null, 2));
  } else {
    if (entries.length === 0) console.log(`The ledger of "${printable(model)}" is empty.`);
    for (const entry of entries) printLine(entryLine(entry), HANG);
    printProblems(verified.problems);
  }
  return verified.problems.length === 0 ? 0 : 1;
}

/** `promotion ledger verify`: checks the chain, against a witness where one is given; returns the exit status. Throws as `showLedger`. */
export async function verifyModelLedger(model: string | undefined, options: LedgerOptions): Promise<number> {
  if (model === undefined && options.file === undefined)
    throw new UsageError('verify needs the name of a model, or an export: --file FILE');
  const { entries, witness } = await read(model ?? null, options);
  const verified = verifyLedger(entries, { model: model ?? null, witness });
  const { head, problems } = verified;
  if (options.json) console.log(JSON.stringify({ ...verified, head: head && headText(head) }, null, 2));
  else {
    const counted = `${verified.entries} ${verified.entries === 1 ? 'entry' : 'entries'}`;
    if (problems.length === 0) console.log(`${good('whole')}  ${counted}`);
    else console.log(`${bad('not whole')}  ${counted}, ${problems.length} wrong`);
    printProblems(problems);
    if (head !== null) console.log(`head   ${headText(head)}`);
    if (witness === null && problems.length === 0)
      printLine(
        dim('Without --head SEQ:HASH from an alert or a log, an end that was cut off is not found.'),
        0,
      );
  }
  return problems.length === 0 ? 0 : 1;
}

/** `promotion ledger export`: prints a line for each entry, its hash and its text; returns the exit status. Throws as `showLedger`. */
export async function exportLedger(model: string): Promise<number> {
  const { entries } = await read(model, {});
  for (const entry of entries) process.stdout.write(`${exportLine(entry)}\n`);
  return 0;
}

async function read(
  model: string | null,
  { file, head }: LedgerOptions,
): Promise<{ entries: KeptEntry[]; witness: LedgerHead | null }> {
  const witness = head === undefined ? null : parseHead(head);
  if (head !== undefined && witness === null)
    throw new UsageError(
      '--head must be SEQ:HASH as an alert has it: a number, a colon, 64 hexadecimal digits',
    );
  if (file !== undefined) return { entries: parseExport(await exportIn(file)), witness };
  checkTable();
  silenceLog();
  const { store } = storeServices(process.env);
  return { entries: await everyEntry(model ?? '', store), witness };
}

/** Every entry of a model, a page at a time. Throws `LeaseStoreUnavailable`. */
export async function everyEntry(model: string, store: LedgerStore): Promise<KeptEntry[]> {
  const progress = progressOn(process.stderr);
  const found: KeptEntry[] = [];
  try {
    progress.doing('Reading the ledger');
    for (;;) {
      const page = await store.entries(model, found.length + 1, PAGE);
      found.push(...page);
      if (page.length < PAGE) return found;
      progress.doing(`Reading the ledger, ${found.length} entries read`);
    }
  } finally {
    progress.stop();
  }
}

async function exportIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkTable(): void {
  try {
    configuration(StoreEnvironment.required(), process.env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function entryLine({ text }: KeptEntry): string {
  const entry = parseEntry(text);
  if (entry === null) return bad('unreadable');
  const { seq, at, status, operation, decision, before, after, requested_by: by } = entry;
  const judged =
    decision === null
      ? operation
      : `${decision.decision} by ${decision.policy}, grade ${decision.evidence_grade ?? 'none'}`;
  const parts = [
    `${bold(status)}${entry.dry_run ? ' (dry run)' : ''}`,
    printable(judged),
    printable(`${releaseText(before)} → ${releaseText(after)}`),
    ...(by === null ? [] : [printable(`by ${by}`)]),
    ...(entry.table_behind ? [bad('the table was older than the registry')] : []),
  ];
  return `${String(seq).padStart(5)}  ${printable(at).padEnd(23)}  ${parts.join(' · ')}`;
}

function printProblems(problems: readonly LedgerProblem[]): void {
  for (const problem of problems) printLine(`${bad('✗')} ${ledgerProblem(problem)}`, 2);
}

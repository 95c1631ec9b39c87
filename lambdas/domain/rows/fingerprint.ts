import { createHash } from 'node:crypto';
import { type RowsTable, textAt } from './table.ts';

/**
 * The fingerprint of evaluation data, in lower-case hexadecimal: equal fingerprints, the same rows with the same labels,
 * whatever the order and the format of the file. `examples/log_evidence.py` computes the same.
 *
 * SHA-256 over the lines of all rows, sorted by their bytes, each followed by a line feed. A line is the JSON array of two
 * texts, `["<row id>","<label>"]`: without spaces, and with everything outside the printable characters of ASCII as `\n`,
 * `\r`, `\t`, `\b`, `\f` or `\uxxxx` in lower case. Both texts are canonical as `cells.ts` says: an integer id loses `.0`; a
 * label that is a number is an integer in digits, or the 16 hexadecimal digits of its IEEE 754 double, big-endian; `True` and
 * `False` are 1 and 0; everything else is as it is in the file. Without ids, the id is the position of the row, from 0;
 * without labels, the label is empty. `kept` are the rows that count, once each.
 */
export function fingerprint({ columns: { id, label } }: RowsTable, kept: Iterable<number>): string {
  const lines: string[] = [];
  for (const row of kept) {
    const key = id === undefined ? String(lines.length) : textAt(id, row);
    lines.push(line(key, label === undefined ? '' : textAt(label, row)));
  }
  const hash = createHash('sha256');
  for (const each of lines.sort()) hash.update(`${each}\n`);
  return hash.digest('hex');
}

const line = (id: string, label: string) =>
  JSON.stringify([id, label]).replace(
    /[\x7f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

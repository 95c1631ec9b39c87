import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CsvError, parse } from 'csv-parse';
import { RowsStop } from '../../domain/rows/problems.ts';
import type { Sink } from './sink.ts';

/** Characters of one line: rows with all their features are wide. */
const MAX_RECORD = 1024 * 1024;

/** Reads CSV as RFC 4180 has it, in UTF-8, with a header; every line needs as many fields as the header. */
export async function readCsv(chunks: AsyncIterable<Buffer>, sink: Sink): Promise<void> {
  let isHeader = true;
  const parser = parse({
    bom: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD,
    on_record: (record: string[]) => {
      if (isHeader) sink.header(record);
      else sink.row(record);
      isHeader = false;
      return null;
    },
  });
  try {
    await pipeline(Readable.from(chunks), parser.resume());
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new RowsStop({ code: 'unreadable', path: sink.path, format: 'csv', what: error.code });
  }
}

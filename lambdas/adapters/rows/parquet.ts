import * as zlib from 'node:zlib';
import { type FileMetaData, parquetMetadata, parquetRead, parquetSchema } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { RowsStop } from '../../domain/rows/problems.ts';
import type { Sink } from './sink.ts';

/** Bytes of a footer: parsed, it takes a hundred times as much. */
const MAX_FOOTER = 512 * 1024;

/** The encodings that Arrow writes by default, and those whose values take no more than their bytes. */
const ENCODINGS = new Set([
  'PLAIN',
  'PLAIN_DICTIONARY',
  'RLE_DICTIONARY',
  'RLE',
  'DELTA_BINARY_PACKED',
  'DELTA_LENGTH_BYTE_ARRAY',
  'BYTE_STREAM_SPLIT',
]);

type Group = FileMetaData['row_groups'][number];
type Chunk = NonNullable<Group['columns'][number]['meta_data']>;

/**
 * Reads a Parquet file, compressed by Snappy as MLflow writes it, or by gzip, Brotli or Zstandard. What the file says about
 * its sizes is checked before anything of that size is made: rows in the footer, values and bytes in the header of each page.
 */
export async function readParquet(bytes: Buffer, sink: Sink, maxInflated: number): Promise<void> {
  const unreadable = (what: string) =>
    new RowsStop({ code: 'unreadable', path: sink.path, format: 'parquet', what });
  try {
    const metadata = footerOf(bytes, unreadable);
    const flat = parquetSchema(metadata).children.filter(
      ({ children, element }) => children.length === 0 && element.repetition_type !== 'REPEATED',
    );
    const chosen = sink.header(flat.map(({ element }) => element.name));
    const rows = Number(metadata.num_rows);
    sink.expect(rows);
    const names = [...new Set(chosen.map(({ name }) => name))];
    checkPages(bytes, sink.path, metadata, names, maxInflated, unreadable);
    // One column after the other: each is let go before the next is read.
    for (const name of names) {
      const cells = new Array<string | null>(rows).fill(null);
      await parquetRead({
        file: { byteLength: bytes.length, slice: (start, end) => copy(bytes.subarray(start, end)) },
        metadata,
        columns: [name],
        geoparquet: false,
        compressors,
        onChunk: ({ columnData, rowStart }) => {
          for (let index = 0; index < columnData.length && rowStart + index < rows; index += 1) {
            cells[rowStart + index] = cellText(columnData[index]);
          }
        },
      });
      sink.column(name, cells);
    }
  } catch (error) {
    if (error instanceof RowsStop) throw error;
    // The library throws plain errors, and the runtime a RangeError where a file leads out of itself.
    throw unreadable(error instanceof Error ? error.message.slice(0, 200) : 'no Parquet file');
  }
}

function footerOf(bytes: Buffer, unreadable: (what: string) => RowsStop): FileMetaData {
  if (bytes.length < 12 || bytes.toString('latin1', bytes.length - 4) !== 'PAR1') {
    throw unreadable('the file breaks off: it has no footer');
  }
  const size = bytes.readUInt32LE(bytes.length - 8);
  if (size > Math.min(MAX_FOOTER, bytes.length - 12)) throw unreadable(`a footer of ${size} bytes`);
  return parquetMetadata(copy(bytes.subarray(bytes.length - 8 - size)), { geoparquet: false });
}

/** Throws where a wanted column has more values than rows, or more bytes than the limit, before they are read. */
function checkPages(
  bytes: Buffer,
  path: string,
  { num_rows, row_groups }: FileMetaData,
  names: readonly string[],
  maxInflated: number,
  unreadable: (what: string) => RowsStop,
): void {
  let inflated = 0;
  let total = 0;
  for (const group of row_groups) {
    const rows = Number(group.num_rows);
    total += rows;
    for (const name of names) {
      const chunk = chunkOf(group, name);
      if (chunk === undefined) throw unreadable(`column ${name} is missing in a part of the file`);
      const pages = pagesOf(bytes, chunk);
      let values = 0;
      for (const { uncompressed_page_size, data, dictionary } of pages) {
        inflated += uncompressed_page_size;
        const encoding = (data ?? dictionary)?.encoding;
        const most = data === undefined ? rows : rows - values;
        const count = (data ?? dictionary)?.num_values ?? -1;
        if (uncompressed_page_size < 0 || count < 0 || count > most) throw unreadable('a page is too large');
        if (encoding === undefined || !ENCODINGS.has(encoding)) throw unreadable(`encoding ${encoding}`);
        if (inflated > maxInflated) {
          throw new RowsStop({ code: 'too-large', path, what: 'inflated', limit: maxInflated });
        }
        values += data?.num_values ?? 0;
      }
      if (values !== rows) throw unreadable(`column ${name} has ${values} values for ${rows} rows`);
    }
  }
  if (total !== Number(num_rows)) throw unreadable('its parts have other rows than the whole');
}

const chunkOf = ({ columns }: Group, name: string): Chunk | undefined =>
  columns.find(({ meta_data, file_path }) => {
    const path = meta_data?.path_in_schema ?? [];
    return !file_path && path.length === 1 && path[0] === name;
  })?.meta_data;

/** The headers of a column's pages, without their content. */
function pagesOf(bytes: Buffer, chunk: Chunk) {
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const part = bytes.subarray(start, start + Number(chunk.total_compressed_size));
  const reader = { view: new DataView(part.buffer, part.byteOffset, part.length), offset: 0 };
  const pages = [];
  while (reader.offset < part.length - 1) {
    const header = parquetHeader(reader);
    const { compressed_page_size: size, uncompressed_page_size, data_page_header: data } = header;
    if (size < 0 || reader.offset + size > part.length)
      throw new RangeError('a page leads out of its column');
    reader.offset += size;
    pages.push({
      uncompressed_page_size,
      data: data ?? header.data_page_header_v2,
      dictionary: header.dictionary_page_header,
    });
  }
  return pages;
}

const compressors = {
  GZIP: (input: Uint8Array, size: number) => zlib.gunzipSync(input, { maxOutputLength: size }),
  BROTLI: (input: Uint8Array, size: number) => zlib.brotliDecompressSync(input, { maxOutputLength: size }),
  // Absent before Node.js 22.15, on which the commands of the package may run: such a file is then not readable.
  ZSTD: (input: Uint8Array, size: number) => zlib.zstdDecompressSync(input, { maxOutputLength: size }),
};

const copy = (part: Buffer): ArrayBuffer =>
  part.buffer.slice(part.byteOffset, part.byteOffset + part.length) as ArrayBuffer;

/** Text as CSV would have it; numbers that are no exact integers keep an exponent or a fraction. */
function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') {
    const isLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
    return isLarge ? value.toExponential() : String(value);
  }
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

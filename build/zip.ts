import { crc32 } from 'node:zlib';

/** One file of an archive: its path with `/`, and its contents. */
export interface ZipEntry {
  path: string;
  contents: Buffer;
}

/** 1980-01-01, the first day that the format knows, at midnight. */
const DATE = 0x21;
/** Regular file, rw-r--r--: Lambda runs as another user than the one that unpacks. */
const MODE = 0o100644;
const UTF8_NAMES = 0x0800;

/**
 * A ZIP archive (PKWARE APPNOTE 6.3) that depends on its files only: sorted by path, with one date, and stored. Compressed
 * bytes would differ between processors and versions of zlib.
 */
export function zipOf(files: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, contents } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = Buffer.from(path);
    const about = description(name, contents);
    const local = numbers([4, 0x04034b50], ...about);
    const central = numbers(
      [4, 0x02014b50],
      [2, 0x0314], // made on Unix by version 2.0
      ...about,
      [2, 0], // comment
      [2, 0], // disk
      [2, 0], // internal attributes
      [4, MODE * 0x10000],
      [4, offset],
    );
    parts.push(local, name, contents);
    directory.push(central, name);
    offset += local.length + name.length + contents.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = numbers(
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
    [4, size],
    [4, offset],
    [2, 0],
  );
  return Buffer.concat([...parts, ...directory, end]);
}

/** The fields that the header of a file and its entry in the directory have in common. */
const description = (name: Buffer, contents: Buffer): [2 | 4, number][] => [
  [2, 20], // version needed: 2.0
  [2, UTF8_NAMES],
  [2, 0], // stored
  [2, 0], // time
  [2, DATE],
  [4, crc32(contents)],
  [4, contents.length],
  [4, contents.length],
  [2, name.length],
  [2, 0], // extra field
];

/** Little-endian numbers of two or four bytes. */
function numbers(...fields: [2 | 4, number][]): Buffer {
  return Buffer.concat(
    fields.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FileProblem } from '../../domain/rows/problems.ts';
import { RowsStop } from '../../domain/rows/problems.ts';
import { NoReply } from '../http.ts';

/** The bytes of a file on their way: counted, sniffed, inflated. */

type Chunks = AsyncIterable<Buffer>;

/** The same chunks; throws `RowsStop` when they are more than `limit` bytes. */
export async function* capped(chunks: Chunks, limit: number, tooLarge: FileProblem): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) throw new RowsStop(tooLarge);
    yield chunk;
  }
}

/** Calls `see` with every chunk that passes. */
export async function* watched(chunks: Chunks, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    see(chunk);
    yield chunk;
  }
}

/** At least the first `length` bytes, as far as there are so many, and all chunks with them. */
export async function peek(chunks: Chunks, length: number): Promise<{ head: Buffer; all: Chunks }> {
  const iterator = chunks[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let done = false;
  while (head.length < length && !done) {
    const next = await iterator.next();
    done = next.done === true;
    if (next.done !== true) head = Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      while (!done) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}

export const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** What a gzip file holds. Throws `RowsStop` where it is not whole. */
export async function* inflated(chunks: Chunks, path: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  pipeline(Readable.from(chunks), gunzip, () => {});
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (error) {
    if (error instanceof NoReply || error instanceof RowsStop) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'cannot be inflated';
    throw new RowsStop({ code: 'unreadable', path, format: 'gzip', what: code });
  }
}

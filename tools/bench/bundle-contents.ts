import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Bundle, bytesOf, loadedAtStart, loadedEver } from '../../build/bundle.ts';
import type { FunctionName } from '../../lambdas/domain/limits.ts';

/** Sources with code in these files, by path from the top of the repository, with their bytes after minifying. */
export function sourcesIn(bundle: Bundle, files: string[]): Map<string, number> {
  const sources = new Map<string, number>();
  for (const file of files) {
    for (const [path, { bytesInOutput }] of Object.entries(bundle.files[file]?.inputs ?? {})) {
      if (bytesInOutput > 0) sources.set(path, (sources.get(path) ?? 0) + bytesInOutput);
    }
  }
  return sources;
}

/** Bytes by package, largest first; our own code is the package `model-promotion`. */
export function packagesIn(bundle: Bundle, files: string[]): { package: string; bytes: number }[] {
  const packages = new Map<string, number>();
  for (const [path, bytes] of sourcesIn(bundle, files)) {
    const name = packageOf(path);
    packages.set(name, (packages.get(name) ?? 0) + bytes);
  }
  return [...packages]
    .map(([name, bytes]) => ({ package: name, bytes }))
    .sort((a, b) => b.bytes - a.bytes || a.package.localeCompare(b.package));
}

function packageOf(source: string): string {
  const below = source.slice(source.lastIndexOf('node_modules/')).split('/').slice(1);
  if (!source.includes('node_modules/')) return 'model-promotion';
  return below[0]?.startsWith('@') ? below.slice(0, 2).join('/') : (below[0] ?? source);
}

/** What one function loads of the bundle: bytes, those when it starts among them, with the files and the modules of these. */
export function sizesOf(
  bundle: Bundle,
  name: FunctionName,
): { code: number; gzipped: number; atStart: number; filesAtStart: number; modulesAtStart: number } {
  const files = loadedEver(bundle, name);
  const first = loadedAtStart(bundle, name);
  const zipped = files.map((file) => gzipSync(readFileSync(join(bundle.directory, file))).length);
  return {
    code: bytesOf(bundle, files),
    gzipped: zipped.reduce((sum, bytes) => sum + bytes, 0),
    atStart: bytesOf(bundle, first),
    filesAtStart: first.length,
    modulesAtStart: sourcesIn(bundle, first).size,
  };
}

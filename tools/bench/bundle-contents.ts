import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Bundle } from '../../build/bundle.ts';
import { ENTRY } from '../../infra/bundles.ts';

/** The files that are loaded when the function starts: the handler's and what it imports statically, and so on. */
export function loadedAtStart(bundle: Bundle): string[] {
  const loaded = new Set<string>();
  const load = (path: string) => {
    const file = bundle.files[path];
    if (file === undefined || loaded.has(path)) return;
    loaded.add(path);
    for (const { kind, path: next } of file.imports) if (kind !== 'dynamic-import') load(next);
  };
  load(ENTRY);
  return [...loaded];
}

/** Sources with code in these files, by path from the top of the repository, with their bytes after minifying. */
export function sourcesIn(bundle: Bundle, files = Object.keys(bundle.files)): Map<string, number> {
  const sources = new Map<string, number>();
  for (const file of files) {
    for (const [path, { bytesInOutput }] of Object.entries(bundle.files[file]?.inputs ?? {})) {
      if (bytesInOutput > 0) sources.set(path, (sources.get(path) ?? 0) + bytesInOutput);
    }
  }
  return sources;
}

/** Bytes by package, largest first; our own code is the package `model-promotion`. */
export function packagesIn(
  bundle: Bundle,
  files = Object.keys(bundle.files),
): { package: string; bytes: number }[] {
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

/** Sizes of a bundle's code in bytes, source maps left out. */
export function sizesOf(bundle: Bundle): { code: number; gzipped: number; atStart: number; modules: number } {
  const bytesOf = (files: string[]) => files.reduce((sum, file) => sum + (bundle.files[file]?.bytes ?? 0), 0);
  const files = Object.keys(bundle.files);
  const zipped = files.map((file) => gzipSync(readFileSync(join(bundle.directory, file))).length);
  return {
    code: bytesOf(files),
    gzipped: zipped.reduce((sum, bytes) => sum + bytes, 0),
    atStart: bytesOf(loadedAtStart(bundle)),
    modules: sourcesIn(bundle).size,
  };
}

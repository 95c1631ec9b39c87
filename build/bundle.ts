import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Metafile, OutputFile } from 'esbuild';
import { BUNDLES, entryOf } from '../infra/bundles.ts';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';
import { licensesOf } from './licences.ts';
import { undiciCore } from './undici-core.ts';

/**
 * The deployed code of all functions: a handler file for each, `lambdas/<name>.mjs`, and the chunks that they share;
 * `policies/*.json`; the licences.
 */
export interface Bundle {
  /** Absolute path. */
  directory: string;
  /** Every code file by its path in the bundle. */
  files: Record<string, BundledFile>;
}

/** Contents of one file of a bundle; sizes in bytes after minifying. */
export interface BundledFile {
  bytes: number;
  /** By the path of the source, relative to the repository. */
  inputs: Record<string, { bytesInOutput: number }>;
  /** Paths in the bundle, or names of built-in modules of Node (`external`). */
  imports: { path: string; kind: string; external?: boolean | undefined }[];
}

/** The output directory contains something else than bundles. */
export class ForeignDirectory extends Error {
  override readonly name = 'ForeignDirectory' as const;
}

const LICENCES = 'licenses.txt';
const top = fileURLToPath(new URL('../', import.meta.url));

/**
 * Bundles the functions from their sources: tree-shaken, minified, without source maps. Reproducible: the same sources
 * give the same bytes, independent of paths. An existing bundle is replaced after the new one is complete. Throws
 * `ForeignDirectory`, and esbuild's errors.
 */
export async function bundleFunctions(directory = BUNDLES): Promise<Bundle> {
  const outDir = resolve(directory);
  if (outDir !== BUNDLES) refuseForeign(outDir);
  const { metafile, outputFiles } = await build();
  const bundle = { directory: outDir, files: filesOf(metafile) };
  // esbuild also writes what only unreachable code would import.
  const loaded = new Set(functionNames.flatMap((name) => loadedEver(bundle, name)));
  const isLoaded = ({ path }: OutputFile) => loaded.has(relative(top, path).replaceAll('\\', '/'));
  const staging = `${outDir}.${process.pid}`;
  try {
    write(staging, outputFiles.filter(isLoaded), Object.keys(metafile.inputs));
    if (existsSync(outDir)) renameSync(outDir, `${staging}.old`);
    renameSync(staging, outDir);
  } finally {
    for (const rest of [staging, `${staging}.old`]) rmSync(rest, { recursive: true, force: true });
  }
  return {
    ...bundle,
    files: Object.fromEntries(Object.entries(bundle.files).filter(([path]) => loaded.has(path))),
  };
}

/** The files that a function loads when it starts: its handler file and what it imports statically, and so on. */
export const loadedAtStart = (bundle: Bundle, name: FunctionName): string[] =>
  reachable(bundle, name, (kind) => kind !== 'dynamic-import');

/** The files that a function may load, then or later. */
export const loadedEver = (bundle: Bundle, name: FunctionName): string[] =>
  reachable(bundle, name, () => true);

function reachable({ files }: Bundle, name: FunctionName, follows: (kind: string) => boolean): string[] {
  const loaded = new Set<string>();
  const load = (path: string) => {
    const file = files[path];
    if (file === undefined || loaded.has(path)) return;
    loaded.add(path);
    for (const { kind, path: next } of file.imports) if (follows(kind)) load(next);
  };
  load(entryOf(name));
  return [...loaded];
}

/** Bytes of these files. */
export const bytesOf = ({ files }: Bundle, paths: string[]): number =>
  paths.reduce((sum, path) => sum + (files[path]?.bytes ?? 0), 0);

function refuseForeign(directory: string): void {
  const ours = ['lambdas', 'policies', LICENCES];
  const foreign = existsSync(directory) ? readdirSync(directory).filter((each) => !ours.includes(each)) : [];
  if (foreign.length > 0) {
    throw new ForeignDirectory(
      `${directory} contains ${foreign.slice(0, 3).join(', ')} and would be replaced: choose a new or empty directory.`,
    );
  }
}

async function build(): Promise<{ metafile: Metafile; outputFiles: OutputFile[] }> {
  const esbuild = await import('esbuild');
  return esbuild.build({
    absWorkingDir: top,
    entryPoints: Object.fromEntries(functionNames.map((name) => [`lambdas/${name}`, `lambdas/${name}.ts`])),
    chunkNames: 'lambdas/[name]-[hash]',
    outdir: '.',
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    // What functions share is there once, and dynamic imports load only when they are needed.
    splitting: true,
    minify: true,
    // Complete in a separate file: see `licensesOf`.
    legalComments: 'none',
    metafile: true,
    // CommonJS packages call `require` for built-in modules of Node.
    banner: {
      js: "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);",
    },
    plugins: [undiciCore(top)],
    logLevel: 'silent',
  });
}

function write(directory: string, outputFiles: OutputFile[], sources: string[]): void {
  for (const { path, contents } of outputFiles) {
    const target = join(directory, relative(top, path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
  writeFileSync(join(directory, LICENCES), licensesOf(top, sources));
  // Without their schema, which only editors use.
  for (const file of globSync('*.json', { cwd: join(top, 'policies'), exclude: ['*.schema.json'] })) {
    cpSync(join(top, 'policies', file), join(directory, 'policies', file));
  }
}

function filesOf({ outputs }: Metafile): Bundle['files'] {
  const code = Object.entries(outputs).filter(([path]) => path.endsWith('.mjs'));
  return Object.fromEntries(
    code.map(([path, { bytes, inputs, imports }]) => [path, { bytes, inputs, imports }]),
  );
}

const usage = `Usage: node build/bundle.ts [DIRECTORY]

Bundles the functions for Lambda into DIRECTORY (default: dist/functions) and replaces its contents: the code of all of
them, each function with the handler lambdas/<name>.handler. "npm run bench -- bundles" lists their contents.

  --help    show this text
`;

/** Exit status: 0 done, 1 a function cannot be bundled, 2 unknown arguments. */
async function main(args: string[]): Promise<number> {
  const parsed = argumentsOf(args);
  if (parsed === null) return 2;
  if (parsed.help) {
    process.stdout.write(usage);
    return 0;
  }
  try {
    const began = performance.now();
    const bundle = await bundleFunctions(parsed.directory);
    for (const name of functionNames) {
      const files = loadedAtStart(bundle, name);
      console.log(
        `${name.padEnd(18)} loads ${kilobytes(bytesOf(bundle, files)).padStart(4)} kB in ${files.length} files`,
      );
    }
    const all = Object.keys(bundle.files);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${functionNames.length} functions in ${parsed.directory ?? relative('', BUNDLES)}: ${kilobytes(bytesOf(bundle, all))} kB in ${all.length} files, ${seconds} s`,
    );
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

const kilobytes = (bytes: number) => (bytes / 1000).toFixed(0);

function argumentsOf(args: string[]): { directory: string | undefined; help: boolean } | null {
  try {
    const options = { help: { type: 'boolean', short: 'h' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 1)
      throw new Error(`At most one directory is allowed, not ${positionals.length}.`);
    return { directory: positionals[0], help: values.help === true };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return null;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

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
import { BUNDLES, HANDLER } from '../infra/bundles.ts';
import { type FunctionName, functionNames } from '../lambdas/domain/limits.ts';
import { licensesOf } from './licences.ts';
import { undiciCore } from './undici-core.ts';

/** The deployed bundle of one function: its code as `lambdas/*.mjs`, and `policies/*.json` if it reads them. */
export interface Bundle {
  name: FunctionName;
  /** Absolute path of the bundle. */
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

const top = fileURLToPath(new URL('../', import.meta.url));

/**
 * Bundles every function from its source: tree-shaken, minified, with source maps. Reproducible: the same sources give
 * the same bytes, independent of paths. Existing bundles are replaced together, after every new one is complete. Throws
 * `ForeignDirectory`, and esbuild's errors.
 */
export async function bundleFunctions(
  directory = BUNDLES,
  onBundle: (bundle: Bundle) => void = () => {},
): Promise<Bundle[]> {
  const outDir = resolve(directory);
  if (outDir !== BUNDLES) refuseForeign(outDir);
  const built = await Promise.all(
    functionNames.map(async (name) => {
      const { metafile, outputFiles } = await build(name);
      const bundle = { name, directory: join(outDir, name), files: filesOf(metafile) };
      onBundle(bundle);
      return { bundle, metafile, outputFiles };
    }),
  );
  const staging = `${outDir}.${process.pid}`;
  try {
    for (const { bundle, metafile, outputFiles } of built) {
      write(join(staging, bundle.name), outputFiles, Object.keys(metafile.inputs));
    }
    if (existsSync(outDir)) renameSync(outDir, `${staging}.old`);
    renameSync(staging, outDir);
  } finally {
    for (const rest of [staging, `${staging}.old`]) rmSync(rest, { recursive: true, force: true });
  }
  return built.map(({ bundle }) => bundle);
}

function refuseForeign(directory: string): void {
  const names: readonly string[] = functionNames;
  const foreign = existsSync(directory) ? readdirSync(directory).filter((each) => !names.includes(each)) : [];
  if (foreign.length > 0) {
    throw new ForeignDirectory(
      `${directory} contains ${foreign.slice(0, 3).join(', ')} and would be replaced: choose a new or empty directory.`,
    );
  }
}

async function build(name: FunctionName): Promise<{ metafile: Metafile; outputFiles: OutputFile[] }> {
  const esbuild = await import('esbuild');
  return esbuild.build({
    absWorkingDir: top,
    entryPoints: { 'lambdas/index': `lambdas/${name}.ts` },
    chunkNames: 'lambdas/[name]-[hash]',
    // Independent of the output directory, whose path would otherwise be in the source maps.
    outdir: '.',
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    // Dynamic imports load only when they are needed.
    splitting: true,
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
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
  writeFileSync(join(directory, 'licenses.txt'), licensesOf(top, sources));
  if (sources.includes('lambdas/adapters/policy-files.ts')) copyPolicies(join(directory, 'policies'));
}

/** Copies the policies without their schema, which only editors use. */
function copyPolicies(target: string): void {
  for (const file of globSync('*.json', { cwd: join(top, 'policies'), exclude: ['*.schema.json'] })) {
    cpSync(join(top, 'policies', file), join(target, file));
  }
}

function filesOf({ outputs }: Metafile): Bundle['files'] {
  const code = Object.entries(outputs).filter(([path]) => path.endsWith('.mjs'));
  return Object.fromEntries(
    code.map(([path, { bytes, inputs, imports }]) => [path, { bytes, inputs, imports }]),
  );
}

const usage = `Usage: node build/bundle.ts [DIRECTORY]

Bundles every function for Lambda into DIRECTORY (default: dist/functions) and replaces its contents: one folder for
each function, with its name; handler ${HANDLER}. "npm run bench -- bundles" lists their contents.

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
    await bundleFunctions(parsed.directory, ({ name, files }) => {
      const bytes = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
      console.log(`${name.padEnd(18)} ${(bytes / 1000).toFixed(0).padStart(6)} kB`);
    });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${functionNames.length} functions in ${parsed.directory ?? relative('', BUNDLES)}, ${seconds} s`,
    );
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

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

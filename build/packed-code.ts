import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { BuildOptions } from 'esbuild';
import { undiciCore } from './undici-core.ts';

/** The JavaScript of the npm package: everything that it needs is in it, so that an app installs no package of ours. */

/** The oldest Node that an app may use. */
const TARGET = 'node20';

/**
 * The construct as one CommonJS module, which both `require` and `import` load; the app's CDK stays outside. Not minified:
 * people read its stack traces. Returns the sources in it.
 */
export const bundleConstruct = (top: string, file: string): Promise<string[]> =>
  bundle(top, dirname(file), {
    entryPoints: { 'model-promotion': 'infra/exports.ts' },
    format: 'cjs',
    external: ['aws-cdk-lib', 'constructs'],
    define: { 'import.meta.url': 'urlOfModule' },
    banner: { js: "const urlOfModule = require('node:url').pathToFileURL(__filename).href;" },
  });

/** The command: its entry is `main.mjs`, and each of its commands is loaded when it runs. Returns the sources in it. */
export const bundleCommand = (top: string, directory: string): Promise<string[]> =>
  bundle(top, directory, {
    entryPoints: { main: 'cli/packaged.ts' },
    format: 'esm',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    // CommonJS packages call `require` for built-in modules of Node.
    banner: {
      js: "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);",
    },
    plugins: [undiciCore(top)],
    minify: true,
  });

async function bundle(top: string, directory: string, options: BuildOptions): Promise<string[]> {
  const esbuild = await import('esbuild');
  const { metafile, outputFiles } = await esbuild.build({
    ...options,
    absWorkingDir: top,
    outdir: '.',
    write: false,
    bundle: true,
    platform: 'node',
    target: TARGET,
    mainFields: ['module', 'main'],
    legalComments: 'none',
    metafile: true,
    logLevel: 'silent',
  });
  const { outputs, inputs } = metafile;
  const imported = new Set(
    Object.values(outputs).flatMap((output) => output.imports.map(({ path }) => path)),
  );
  for (const { path, contents } of outputFiles) {
    const name = relative(top, path).replaceAll('\\', '/');
    // esbuild also writes what only unreachable code would import.
    if (outputs[name]?.entryPoint === undefined && !imported.has(name)) continue;
    const target = join(directory, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, contents);
  }
  return Object.keys(inputs);
}

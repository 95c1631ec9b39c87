import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleFunctions } from './bundle.ts';

/** Builds the npm package: JavaScript, declarations and bundles, because Node runs no TypeScript in `node_modules`. */

const top = fileURLToPath(new URL('../', import.meta.url));
const dist = join(top, 'dist');

const usage = `Usage: node build/package.ts

Writes the package's JavaScript, its declarations, the files that they read, and the functions' bundles to dist/ and
replaces its contents. Run by "npm run build", and by "npm pack".

  --help    show this text
`;

/** A build step failed; its errors have been printed. */
class BuildFailed extends Error {
  override readonly name = 'BuildFailed' as const;
}

/** The steps, in order; each returns a summary of its output. */
const steps: { name: string; run: () => string | Promise<string> }[] = [
  { name: 'remove stale output', run: removeStale },
  { name: 'compile', run: compile },
  { name: 'copy what the code reads', run: copyFiles },
  { name: 'bundle the functions', run: async () => `${(await bundleFunctions()).length} functions` },
];

/** Removes everything but the bundles, which are replaced when the new ones are complete. */
function removeStale(): string {
  const stale = globSync('*', { cwd: dist }).filter((name) => name !== 'functions');
  for (const name of stale) rmSync(join(dist, name), { recursive: true });
  return stale.join(', ') || 'none';
}

function compile(): string {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const { status } = spawnSync(process.execPath, [compiler, '--project', 'tsconfig.build.json'], {
    cwd: top,
    stdio: 'inherit',
  });
  if (status !== 0) throw new BuildFailed('The sources do not compile: see above.');
  const declarations = globSync('**/*.d.ts', { cwd: dist, exclude: ['functions/**'] });
  for (const file of declarations) withCompiledImports(join(dist, file));
  return `${declarations.length} modules`;
}

/** The compiler rewrites `./props.ts` to `./props.js` in JavaScript, but not in declarations. */
function withCompiledImports(file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/((?:from|import\() ?["']\.{1,2}\/[^"']+)\.ts(["'])/g, '$1.js$2'));
}

function copyFiles(): string {
  const files = globSync(['statemachines/*.json', 'policies/*.json'], { cwd: top });
  for (const file of files) cpSync(join(top, file), join(dist, file));
  return `${files.length} files`;
}

/** Exit status: 0 built, 1 a step failed, 2 unknown arguments. */
async function main(args: string[]): Promise<number> {
  try {
    const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
    if (values.help === true) {
      process.stdout.write(usage);
      return 0;
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  try {
    for (const [index, { name, run }] of steps.entries()) {
      const began = performance.now();
      const wrote = await run();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      // Not on standard output, where "npm pack --json" prints its document.
      console.error(`[${index + 1}/${steps.length}] ${name}: ${wrote}, ${seconds} s`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

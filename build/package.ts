import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleFunctions } from './bundle.ts';

/** Builds what the package ships, as Node runs no TypeScript below `node_modules`: JavaScript, declarations, bundles. */

const top = fileURLToPath(new URL('../', import.meta.url));
const dist = join(top, 'dist');

const usage = `Usage: node build/package.ts

Writes the package's JavaScript, its declarations, the files that they read, and the functions' bundles to dist/, in
place of what is there. Run by "npm run build", and by "npm pack".

  --help    show this text
`;

/** A step that did not work out; what went wrong has been printed. */
class BuildFailed extends Error {
  override readonly name = 'BuildFailed' as const;
}

/** In this order; each says in a few words what it wrote. */
const steps: { name: string; run: () => string | Promise<string> }[] = [
  { name: 'remove stale output', run: removeStale },
  { name: 'compile', run: compile },
  { name: 'copy what the code reads', run: copyFiles },
  { name: 'bundle the functions', run: async () => `${(await bundleFunctions()).length} functions` },
];

/** All but the bundles, which are replaced at once when the new ones are complete. */
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

/** The compiler turns `./props.ts` into `./props.js` in JavaScript, and leaves it as it is in declarations. */
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
      // Standard output belongs to whoever packs: "npm pack --json" prints a document there.
      console.error(`[${index + 1}/${steps.length}] ${name}: ${wrote}, ${seconds} s`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

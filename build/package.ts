import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { bundleFunctions } from './bundle.ts';
import { writeDeclarations } from './declarations.ts';
import { licensesOf } from './licences.ts';
import { withOutOption } from './out-option.ts';
import { bundleCommand, bundleConstruct } from './packed-code.ts';

/** Makes the npm package that adopters install: the construct, the functions and the command, with no dependency. */

const top = fileURLToPath(new URL('../', import.meta.url));
const staging = join(top, 'dist/package');

const usage = `Usage: npm run package [-- --out DIR]

Makes the npm package: the construct, bundled for require and import, with its declarations; the functions; the commands
of promotion that speak to AWS and to real systems. It has no dependencies but its peers, aws-cdk-lib and constructs.

  --out DIR   where the tarball is written (default: dist); the unpacked package is in dist/package
  --help      show this text
`;

/** A step failed; the message says how. */
class PackagingFailed extends Error {
  override readonly name = 'PackagingFailed' as const;
}

/** Packages whose code is in the construct or in the command. */
const sources: string[] = [];

/** The steps, in order; each returns a summary of its output. */
const steps: { name: string; run: (out: string) => string | Promise<string> }[] = [
  { name: 'functions', run: packFunctions },
  { name: 'construct', run: packConstruct },
  { name: 'declarations', run: packDeclarations },
  { name: 'command', run: packCommand },
  { name: 'files', run: packFiles },
  { name: 'tarball', run: packTarball },
];

async function packFunctions(): Promise<string> {
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const { files } = await bundleFunctions(join(staging, 'functions'));
  return `${Object.keys(files).length} files`;
}

async function packConstruct(): Promise<string> {
  const file = join(staging, 'construct/model-promotion.js');
  sources.push(...(await bundleConstruct(top, file)));
  return `${(statSync(file).size / 1000).toFixed(0)} kB`;
}

function packDeclarations(): string {
  return `${writeDeclarations(top, 'infra/exports.ts', join(staging, 'types')).length} modules`;
}

async function packCommand(): Promise<string> {
  sources.push(...(await bundleCommand(top, join(staging, 'cli'))));
  cpSync(join(top, 'cli/promotion.mjs'), join(staging, 'cli/promotion.mjs'));
  return `${globSync('*', { cwd: join(staging, 'cli') }).length} files`;
}

function packFiles(): string {
  const copied = [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    ...globSync(['policies/*.json', 'docs/*.md'], { cwd: top }),
  ];
  for (const file of copied) cpSync(join(top, file), join(staging, file));
  writeFileSync(join(staging, 'licenses.txt'), licensesOf(top, sources));
  writeFileSync(join(staging, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
  return `${copied.length + 2} files`;
}

const Own = z.looseObject({ peerDependencies: z.record(z.string(), z.string()) });

/** The manifest that adopters get: nothing of what the repository is built and run with. */
function manifest(): object {
  const own = Own.parse(JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')));
  const { name, version, description, license, peerDependencies } = own;
  const construct = {
    types: './types/infra/exports.d.ts',
    default: './construct/model-promotion.js',
  };
  return {
    ...{ name, version, description, license },
    main: construct.default,
    types: construct.types,
    exports: { '.': construct, './package.json': './package.json' },
    bin: { promotion: 'cli/promotion.mjs' },
    engines: { node: '>=20' },
    peerDependencies,
  };
}

const Packed = z.tuple([
  z.object({ filename: z.string(), size: z.number(), unpackedSize: z.number(), entryCount: z.number() }),
]);

function packTarball(out: string): string {
  mkdirSync(out, { recursive: true });
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--json', '--pack-destination', out], {
    cwd: staging,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new PackagingFailed(`npm pack failed:\n${stderr}`);
  const [packed] = Packed.parse(JSON.parse(stdout));
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  return `${join(relative('', out), packed.filename)}, ${packed.entryCount} files, ${megabytes(packed.unpackedSize)} (${megabytes(packed.size)} packed)`;
}

async function pack(out: string): Promise<void> {
  for (const [index, { name, run }] of steps.entries()) {
    const began = performance.now();
    const wrote = await run(out);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`[${index + 1}/${steps.length}] ${name}: ${wrote}, ${seconds} s`);
  }
}

if (import.meta.main)
  process.exitCode = await withOutOption(process.argv.slice(2), { usage, out: join(top, 'dist') }, pack);

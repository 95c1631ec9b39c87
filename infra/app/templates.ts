import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { zipOf } from '../../build/zip.ts';
import { TemplateStack } from './template-stack.ts';

/** The templates by the names of their files, without `.template.json`. */
const templates = {
  'model-promotion': { workloads: false },
  'model-promotion-workloads': { workloads: true },
};

/** A file that was written, with its size in bytes. */
export interface Written {
  file: string;
  bytes: number;
}

/** The directory contains something else than templates and their ZIP files. */
export class ForeignFiles extends Error {
  override readonly name = 'ForeignFiles' as const;
}

const OURS = /^(model-promotion(-workloads)?\.template\.json|functions-[0-9a-f]{16}\.zip)$/;

/**
 * Writes the templates and the ZIP files that they refer to, from the bundle of the functions as it is; the same bytes from
 * the same sources. Earlier ones in the directory are removed. Throws `ForeignFiles`, `MissingBundles`, and errors of the file system.
 */
export function writeTemplates(directory: string): Written[] {
  mkdirSync(directory, { recursive: true });
  const earlier = readdirSync(directory);
  const foreign = earlier.filter((name) => !OURS.test(name));
  if (foreign.length > 0)
    throw new ForeignFiles(
      `${directory} contains ${foreign.slice(0, 3).join(', ')}: choose a new or empty directory.`,
    );
  const assembly = mkdtempSync(join(tmpdir(), 'templates-'));
  try {
    const app = new App({ outdir: assembly, analyticsReporting: false });
    const stacks = Object.entries(templates).map(([name, options]) => new TemplateStack(app, name, options));
    app.synth();
    const zips = new Map(stacks.flatMap(({ assets }) => [...assets.directories]));
    const files = [
      ...stacks.map(({ templateFile }): [string, Buffer] => [
        templateFile,
        readFileSync(join(assembly, templateFile)),
      ]),
      ...[...zips].map(([name, from]): [string, Buffer] => [name, zipped(join(assembly, from))]),
    ];
    for (const name of earlier) rmSync(join(directory, name));
    return files.map(([name, contents]) => {
      writeFileSync(join(directory, name), contents);
      return { file: join(directory, name), bytes: contents.length };
    });
  } finally {
    rmSync(assembly, { recursive: true, force: true });
  }
}

function zipped(directory: string): Buffer {
  const files = globSync('**/*', { cwd: directory, withFileTypes: true }).filter((entry) => entry.isFile());
  return zipOf(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const path = file.slice(directory.length + 1).replaceAll('\\', '/');
      return { path, contents: readFileSync(file) };
    }),
  );
}

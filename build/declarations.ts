import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';

/** The sources do not compile, or the declarations of the construct need something that an app does not have. */
export class UnusableDeclarations extends Error {
  override readonly name = 'UnusableDeclarations' as const;
}

/** What an app that uses the construct has. */
const IN_APP = /^(aws-cdk-lib|constructs)(\/|$)/;

/**
 * Writes the declarations of a module and of the modules that they name, and returns their paths in `directory`. Throws
 * `UnusableDeclarations` when one imports a package that an app does not have.
 */
export function writeDeclarations(top: string, module: string, directory: string): string[] {
  const compiled = mkdtempSync(join(tmpdir(), 'declarations-'));
  try {
    compile(top, compiled);
    const written = new Set<string>();
    const write = (file: string) => {
      if (written.has(file)) return;
      written.add(file);
      const text = readFileSync(join(compiled, file), 'utf8');
      const imports = [...text.matchAll(IMPORTS)].flatMap(([, name]) => name ?? []);
      const foreign = imports.filter((name) => !name.startsWith('.') && !IN_APP.test(name));
      if (foreign.length > 0)
        throw new UnusableDeclarations(
          `The declarations of ${file} import ${foreign.join(', ')}, which an app does not have: a type that the construct exports comes from there. Declare that type in a module that imports no package.`,
        );
      const target = join(directory, file);
      mkdirSync(dirname(target), { recursive: true });
      // The compiler rewrites `./props.ts` to `./props.js` in JavaScript, but not in declarations.
      writeFileSync(
        target,
        text.replace(IMPORTS, (found) => found.replace(/\.ts(["'])$/, '.js$1')),
      );
      for (const name of imports.filter((each) => each.startsWith('.')))
        write(
          normalize(join(dirname(file), name))
            .replaceAll('\\', '/')
            .replace(/\.[jt]s$/, '.d.ts'),
        );
    };
    write(module.replace(/\.ts$/, '.d.ts'));
    return [...written];
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

const IMPORTS = /(?:from|import\() ?["']([^"']+)["']/g;

function compile(top: string, outDir: string): void {
  const compiler = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  const args = [compiler, '--project', 'tsconfig.build.json', '--outDir', outDir];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8' });
  if (status !== 0 || !existsSync(outDir))
    throw new UnusableDeclarations(`The sources do not compile:\n${stdout}${stderr}`);
}

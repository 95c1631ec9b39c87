import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errorNames } from '../../lambdas/domain/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = [
  ...['lambdas', 'statemachines', 'infra', 'build', 'emulators', 'local', 'simulator', 'cli', 'tools'],
  ...['test', 'policies', 'examples', 'docs'],
];
const files = globSync(`{${folders.join(',')}}/**/*`, {
  cwd: root,
  exclude: ['**/node_modules/**', '**/.*/**'],
}).map((path) => path.replaceAll('\\', '/'));
const sources = files.filter((path) => path.endsWith('.ts')).map((path) => ({ path, text: read(path) }));
const written = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** What a file imports: paths from the root of the repository, or the names of packages. */
function importsOf({ path, text }: { path: string; text: string }): string[] {
  const specifiers = [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].flatMap(
    (match) => match[1] ?? [],
  );
  return specifiers.map((name) => (name.startsWith('.') ? normalize(join(dirname(path), name)) : name));
}

const isOurs = (name: string) =>
  /^(lambdas|statemachines|infra|build|emulators|local|simulator|cli|tools|test|policies)\//.test(name);
const isHandler = (path: string) => /^lambdas\/[^/]+\.ts$/.test(path);
const isIn =
  (...places: string[]) =>
  (path: string) =>
    places.some((place) => path.startsWith(place));

/** Who may import whom of our own files; outside packages are free unless a rule below says otherwise. */
const boundaries: { who: string; applies: (path: string) => boolean; may: (name: string) => boolean }[] = [
  { who: 'domain', applies: isIn('lambdas/domain/'), may: isIn('lambdas/domain/') },
  { who: 'words', applies: isIn('lambdas/words/'), may: isIn('lambdas/words/', 'lambdas/domain/') },
  { who: 'adapters', applies: isIn('lambdas/adapters/'), may: isIn('lambdas/adapters/', 'lambdas/domain/') },
  {
    who: 'runtime',
    applies: isIn('lambdas/runtime/'),
    may: isIn('lambdas/runtime/', 'lambdas/adapters/', 'lambdas/words/', 'lambdas/domain/'),
  },
  {
    who: 'use cases',
    applies: isIn('lambdas/use-cases/'),
    may: (name) => isIn('lambdas/')(name) && !isHandler(name),
  },
  { who: 'handlers', applies: isHandler, may: (name) => isIn('lambdas/')(name) && !isHandler(name) },
  {
    who: 'statemachines',
    applies: isIn('statemachines/'),
    may: isIn('statemachines/', 'lambdas/domain/'),
  },
  { who: 'emulators', applies: isIn('emulators/'), may: isIn('emulators/') },
  {
    who: 'infra',
    applies: (path) => isIn('infra/')(path) && !isIn('infra/app/')(path),
    may: isIn('infra/', 'statemachines/', 'lambdas/'),
  },
  // The package ships the construct, not the app, which bundles what it deploys.
  { who: 'the app', applies: isIn('infra/app/'), may: isIn('infra/', 'build/', 'lambdas/') },
  { who: 'build', applies: isIn('build/'), may: isIn('build/', 'infra/bundles.ts', 'lambdas/domain/') },
  { who: 'local', applies: isIn('local/'), may: isIn('local/', 'emulators/', 'lambdas/') },
  {
    who: 'the simulator',
    applies: isIn('simulator/'),
    may: isIn('simulator/', 'emulators/', 'lambdas/'),
  },
  { who: 'cli', applies: isIn('cli/'), may: isIn('cli/', 'local/', 'simulator/', 'emulators/', 'lambdas/') },
  { who: 'tools', applies: isIn('tools/'), may: (name) => !isIn('test/')(name) },
];

describe('imports stay within their boundaries', () => {
  it.each(boundaries)('of $who', ({ applies, may }) => {
    const crossings = sources
      .filter(({ path }) => applies(path))
      .flatMap((file) => importsOf(file).map((name) => ({ path: file.path, name })))
      .filter(({ name }) => isOurs(name) && !may(name));
    expect(crossings).toEqual([]);
  });

  it('of the domain to packages: zod, @stdlib, pure-rand, and the digests of node:crypto only', () => {
    const crossings = sources
      .filter(({ path }) => path.startsWith('lambdas/domain/'))
      .flatMap((file) => importsOf(file).filter((name) => !isOurs(name)))
      .filter((name) => !['zod', 'node:crypto'].includes(name) && !/^(@stdlib|pure-rand)\//.test(name));
    expect(crossings).toEqual([]);
  });

  it('of aws-cdk-lib: the local run starts without it', () => {
    const users = sources.filter((file) =>
      importsOf(file).some((name) => /^(aws-cdk-lib|constructs)(\/|$)/.test(name)),
    );
    const places = isIn('statemachines/', 'infra/', 'tools/', 'test/infra/', 'test/support/synthesis.ts');
    expect(users.map(({ path }) => path).filter((path) => !places(path))).toEqual([]);
  });

  it('of state machine sources: the local host and the functions know the rendered file only', () => {
    const users = sources.filter(({ path }) => isIn('lambdas/', 'local/', 'emulators/', 'cli/')(path));
    const crossings = users.filter((file) =>
      importsOf(file).some((name) => name.startsWith('statemachines/')),
    );
    expect(crossings.map(({ path }) => path)).toEqual([]);
  });

  it('of our own modules are never replaced in tests', () => {
    expect(paths(/vi\.(do)?mock\(\s*['"`]\./, written)).toEqual([]);
  });

  it('end in the name of a file that exists', () => {
    const missing = sources.flatMap((file) =>
      importsOf(file).filter((name) => isOurs(name) && !files.includes(name.replaceAll('\\', '/'))),
    );
    expect(missing).toEqual([]);
  });
});

describe('the layout', () => {
  it('has no folder named after a kind of code', () => {
    const kinds = new Set([
      'utils',
      'util',
      'helpers',
      'common',
      'shared',
      'types',
      'interfaces',
      'lib',
      'misc',
    ]);
    expect(
      files.filter((path) =>
        path
          .split('/')
          .slice(0, -1)
          .some((part) => kinds.has(part)),
      ),
    ).toEqual([]);
  });

  it('goes at most two levels below a top-level folder', () => {
    expect(sources.map(({ path }) => path).filter((path) => path.split('/').length > 4)).toEqual([]);
  });

  it('keeps every file below 300 lines', () => {
    const long = sources.filter(
      ({ path, text }) => !path.startsWith('test/') && text.split('\n').length > 301,
    );
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('exports by name, and names no file index', () => {
    expect(files.filter((path) => /\/index\.ts$/.test(path))).toEqual([]);
  });
});

describe('time and chance are arguments', () => {
  it('read from the clock and from randomness in few places', () => {
    const allowed = isIn('lambdas/adapters/clock.ts', 'local/', 'emulators/', 'tools/', 'cli/', 'test/');
    const readers = paths(/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/, written);
    expect(readers.filter((path) => !allowed(path))).toEqual([]);
  });

  it('leave the environment out of the domain', () => {
    expect(paths(/\bprocess\.|\bglobalThis\b|\bcrypto\./, written).filter(isIn('lambdas/domain/'))).toEqual(
      [],
    );
  });
});

describe('every error', () => {
  const code = sources.filter(
    ({ path }) => path.startsWith('lambdas/') && path !== 'lambdas/domain/errors.ts',
  );
  const tests = sources.filter(
    ({ path }) => /^test\/.*\.test\.ts$/.test(path) && path !== 'test/infra/boundaries.test.ts',
  );
  const machine = read('statemachines/promotion.asl.json');

  it.each(errorNames)('%s is thrown somewhere', (name) => {
    const thrown = new RegExp(`\\bnew ${name}\\(`);
    expect(code.filter(({ text }) => thrown.test(text)).length).toBeGreaterThan(0);
  });

  it.each(errorNames.filter((name) => machine.includes(`"${name}"`)))(
    '%s, which the machine knows, is tested',
    (name) => {
      const made = new RegExp(`\\bnew ${name}\\(`);
      expect(
        tests.filter(({ path, text }) => path.startsWith('test/workflow/') && made.test(text)).length,
      ).toBeGreaterThan(0);
    },
  );
});

function paths(pattern: RegExp, view: (text: string) => string): string[] {
  return sources.filter(({ text }) => pattern.test(view(text))).map(({ path }) => path);
}

import { execFile, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundleFunctions } from '../../build/bundle.ts';
import { ENTRY, functionsDirectory, HANDLER } from '../../infra/bundles.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { loadedAtStart, packagesIn, sourcesIn } from '../../tools/bench/bundle-contents.ts';
import { cannedServer } from '../support/canned-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'bundles-'));
/** Beside those of the set-up, which the stack finds. */
const elsewhere = join(directory, 'elsewhere/functions');
const bundles = new Map<FunctionName, Bundle>();

beforeAll(async () => {
  for (const bundle of await bundleFunctions(elsewhere)) bundles.set(bundle.name, bundle);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function bundleOf(name: FunctionName): Bundle {
  const bundle = bundles.get(name);
  if (bundle === undefined) throw new Error(`No bundle of ${name}`);
  return bundle;
}

const namesOf = (packages: { package: string }[]) => packages.map((each) => each.package);
const atStart = (name: FunctionName) => namesOf(packagesIn(bundleOf(name), loadedAtStart(bundleOf(name))));
const anywhere = (name: FunctionName) => namesOf(packagesIn(bundleOf(name)));
const isAwsSdk = (name: string) => /^(@aws-sdk|@aws-crypto|@smithy)\//.test(name);

describe.each(functionNames)('the bundle of %s', (name) => {
  it('has the handler where Lambda looks for it', async () => {
    expect(HANDLER).toBe(`${ENTRY.replace('.mjs', '')}.handler`);
    expect(existsSync(join(bundleOf(name).directory, ENTRY))).toBe(true);
    expect(await call(name, 'console.log(typeof handler)')).toBe('function');
  });

  it('contains, of our own files, those in lambdas/ only', () => {
    const ours = [...sourcesIn(bundleOf(name)).keys()].filter((path) => !path.startsWith('node_modules/'));
    expect(ours).toContain(`lambdas/${name}.ts`);
    expect(ours.filter((path) => !path.startsWith('lambdas/') && path !== 'core:undici')).toEqual([]);
  });

  it('contains no package of the local host, of the command line or of the stack', () => {
    const elsewhere = ['aws-cdk-lib', 'constructs', 'fastify', 'dynalite', 'aws-local-stepfunctions'];
    const unwanted = [...elsewhere, 'commander', 'ora', 'esbuild'];
    expect(anywhere(name).filter((each) => unwanted.includes(each))).toEqual([]);
  });

  it('needs nothing that is not in it but modules of Node', () => {
    const imports = Object.values(bundleOf(name).files).flatMap((file) => file.imports);
    const outside = imports.filter(({ external, path }) => external === true && !isBuiltin(path));
    expect(outside).toEqual([]);
    const unresolved = imports.filter(({ external, path }) => !external && !(path in bundleOf(name).files));
    expect(unresolved).toEqual([]);
  });

  it('carries the license of every package in it', () => {
    const licenses = readFileSync(join(bundleOf(name).directory, 'licenses.txt'), 'utf8');
    const packages = anywhere(name).filter((each) => each !== 'model-promotion');
    expect(packages.filter((each) => !licenses.includes(`${each} `))).toEqual([]);
    expect(licenses).toContain('Permission is hereby granted, free of charge');
  });

  it('carries no messages of zod in other languages than English', () => {
    const languages = [...sourcesIn(bundleOf(name)).keys()].filter((path) =>
      path.includes('zod/v4/locales/'),
    );
    expect(languages.filter((path) => !path.endsWith('/en.js'))).toEqual([]);
  });

  it('carries no fetch, WebSocket, cache or mock of undici', () => {
    const parts = [...sourcesIn(bundleOf(name)).keys()].filter((path) => path.includes('/undici/lib/'));
    expect(
      parts.filter((path) =>
        /lib\/(web\/(fetch\/index|websocket|cache|eventsource)|mock|cache|interceptor)/.test(path),
      ),
    ).toEqual([]);
  });
});

describe('a function loads no AWS SDK that its first call does not need:', () => {
  it('begin-promotion carries none at all', () => {
    expect(anywhere('begin-promotion').filter(isAwsSdk)).toEqual([]);
  });

  it('compare-models loads none at start-up', () => {
    expect(atStart('compare-models').filter(isAwsSdk)).toEqual([]);
  });

  it.each(['replace-workload', 'prepare-promotion'] as const)('%s carries no client of SNS', (name) => {
    expect(anywhere(name)).not.toContain('@aws-sdk/client-sns');
  });

  it.each(['promote-model', 'model-rollback'] as const)(
    '%s loads the client of SNS only when it tells people itself',
    (name) => {
      expect(anywhere(name)).toContain('@aws-sdk/client-sns');
      expect(atStart(name)).not.toContain('@aws-sdk/client-sns');
    },
  );

  it('sweep-promotions loads the client of Step Functions only when it has something to start', () => {
    expect(anywhere('sweep-promotions')).toContain('@aws-sdk/client-sfn');
    expect(atStart('sweep-promotions')).not.toContain('@aws-sdk/client-sfn');
  });
});

describe('a bundled function, called in a fresh process as Lambda calls it', () => {
  it('answers', async () => {
    const event = {
      input: { model_name: 'PascalStrategy' },
      execution: 'arn:1',
      started_at: '2026-01-01T00:00:00Z',
    };
    const script = `console.log(JSON.stringify(await handler(${JSON.stringify(event)}, context)))`;
    expect(JSON.parse(await call('begin-promotion', script))).toMatchObject({
      valid: true,
      model_name: 'PascalStrategy',
      operation: 'promote',
    });
  });

  it('throws errors by their literal names, with positions in the sources', async () => {
    const script = 'await handler({}, context).catch((error) => console.log(said(error)))';
    const error: { name: string; stack: string } = JSON.parse(await call('begin-promotion', script));
    expect(error.name).toBe('InvalidInput');
    const [, line] = /lambdas\/runtime\/handler\.ts:(\d+):\d+/.exec(error.stack) ?? [];
    const source = readFileSync(join(root, 'lambdas/runtime/handler.ts'), 'utf8').split('\n');
    expect(source[Number(line) - 1]).toContain('throw new InvalidInput(');
  });

  it('speaks HTTP with the part of undici that it carries', async () => {
    const absent = { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'Registered Model not found' };
    const server = await cannedServer((_, response) => {
      response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(absent));
    });
    const script =
      "await handler({ model_name: 'Nobody' }, context).catch((error) => console.log(said(error)))";
    const error = JSON.parse(await call('compare-models', script, { MLFLOW_TRACKING_URI: server.url }));
    server.close();
    expect(error).toMatchObject({ name: 'ModelNotFound' });
    expect(server.requests).not.toEqual([]);
  });
});

describe('the policies', () => {
  const policiesOf = (name: FunctionName) => join(bundleOf(name).directory, 'policies');

  it('are beside the code of compare-models, their schema is not', () => {
    const files = readdirSync(policiesOf('compare-models'));
    expect(files).toEqual(expect.arrayContaining(['default.json', 'trading.json']));
    expect(files).not.toContain('policy.schema.json');
  });

  it('are in no bundle that does not read them', () => {
    const reading = functionNames.filter((name) =>
      sourcesIn(bundleOf(name)).has('lambdas/adapters/policy-files.ts'),
    );
    expect(functionNames.filter((name) => existsSync(policiesOf(name)))).toEqual(reading);
  });
});

describe('bundling', () => {
  // Tests of other files may be writing policies at this moment.
  const filesIn = (top: string) =>
    globSync('**/*.{mjs,map,txt}', { cwd: top })
      .sort()
      .map((path) => ({ path, text: readFileSync(join(top, path), 'utf8') }));

  it('gives the same bytes each time, wherever they are written', () => {
    const [here, there] = [filesIn(functionsDirectory()), filesIn(elsewhere)];
    expect(there.map(({ path }) => path)).toEqual(here.map(({ path }) => path));
    const differing = here.filter(({ text }, index) => text !== there[index]?.text);
    expect(differing.map(({ path }) => path)).toEqual([]);
  });

  it('leaves no path of this machine in the code or in its source maps', () => {
    const telling = filesIn(elsewhere).filter(
      ({ text }) => text.includes(root.replace(/\/$/, '')) || text.includes(directory),
    );
    expect(telling.map(({ path }) => path)).toEqual([]);
  });
});

describe('the command npm run build:functions', () => {
  /** With functions that do nothing: how ours are bundled is shown above. */
  const copy = join(directory, 'copy');
  const writeFunction = (name: FunctionName, text: string) =>
    writeFileSync(join(copy, 'lambdas', `${name}.ts`), text);

  beforeAll(() => {
    for (const name of ['lambdas/domain', 'policies', 'build', 'infra/bundles.ts', 'package.json']) {
      cpSync(join(root, name), join(copy, name), { recursive: true });
    }
    for (const name of functionNames) writeFunction(name, 'export const handler = async () => null;\n');
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  });

  const command = (...args: string[]) =>
    spawnSync(process.execPath, [join(copy, 'build/bundle.ts'), ...args], {
      cwd: copy,
      encoding: 'utf8',
    });
  const asking = `
    import { functionsDirectory } from "./infra/bundles.ts";
    try {
      console.log(functionsDirectory());
    } catch (error) {
      console.log(error.name + ': ' + error.message);
    }`;
  const directoryAsTold = () =>
    spawnSync(process.execPath, ['--input-type=module', '--eval', asking], {
      cwd: copy,
      encoding: 'utf8',
    }).stdout.trim();

  it('is what the stack asks for while the bundles are missing', () => {
    expect(directoryAsTold()).toMatch(
      /^MissingBundles: No bundle of begin-promotion, .*\. Run "npm run build:functions" first\.$/,
    );
  });

  it('writes every bundle, with its size, to where the stack looks for them', () => {
    const { status, stdout } = command();
    expect({ status, lines: stdout.trim().split('\n').length }).toEqual({
      status: 0,
      lines: functionNames.length + 1,
    });
    for (const name of functionNames) expect(stdout).toMatch(new RegExp(`^${name} +\\d+ kB$`, 'm'));
    expect(directoryAsTold()).toBe(join(copy, 'dist/functions'));
  });

  it('keeps the earlier bundles when one cannot be made, and says where', () => {
    writeFunction('compare-models', 'import "./nowhere.ts";\n');
    const { status, stderr } = command();
    expect(status).toBe(1);
    expect(stderr).toContain('lambdas/compare-models.ts:1');
    expect(directoryAsTold()).toBe(join(copy, 'dist/functions'));
    expect(readdirSync(join(copy, 'dist'))).toEqual(['functions']);
  });

  it('replaces no directory that holds something else', () => {
    const { status, stderr } = command(join(copy, 'policies'));
    expect(status).toBe(1);
    expect(stderr).toMatch(/policies contains auto\.json/);
    expect(existsSync(join(copy, 'policies/default.json'))).toBe(true);
  });

  it('explains itself', () => {
    expect(command('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Usage: ') });
    expect(command('--nope')).toMatchObject({ status: 2, stderr: expect.stringContaining('--nope') });
    expect(command('a', 'b').status).toBe(2);
  });
});

it('the stack finds a bundle of every function in the directory that it is told', () => {
  expect(functionNames.filter((name) => !existsSync(join(functionsDirectory(), name, ENTRY)))).toEqual([]);
});

/**
 * Loads a bundle as Lambda does, by its handler string, where no node_modules is in reach; then runs `script`. Answers
 * the last line that it prints.
 */
async function call(name: FunctionName, script: string, env: Record<string, string> = {}): Promise<string> {
  const loader = `
    const [, file, exported] = /^(.*)\\.([^.]+)$/.exec(${JSON.stringify(HANDLER)});
    const { [exported]: handler } = await import(process.cwd() + '/' + file + '.mjs');
    const context = { awsRequestId: '8f5c1a7e-0000-4000-8000-000000000000', functionName: ${JSON.stringify(name)} };
    const said = (error) => JSON.stringify({ name: error.name, stack: error.stack });
    ${script}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--enable-source-maps', '--input-type=module', '--eval', loader],
    { cwd: bundleOf(name).directory, env: { POWERTOOLS_LOG_LEVEL: 'SILENT', ...env }, timeout: 20_000 },
  );
  return stdout.trim().split('\n').at(-1) ?? '';
}

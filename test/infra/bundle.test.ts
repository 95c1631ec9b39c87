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
import { type Bundle, bundleFunctions, loadedAtStart, loadedEver } from '../../build/bundle.ts';
import { entryOf, functionsDirectory, handlerOf } from '../../infra/bundles.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { packagesIn, sourcesIn } from '../../tools/bench/bundle-contents.ts';
import { cannedServer } from '../support/canned-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'bundles-'));
/** Beside that of the set-up, which the stack finds. */
const elsewhere = join(directory, 'elsewhere/functions');
let bundle: Bundle;

beforeAll(async () => {
  bundle = await bundleFunctions(elsewhere);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const namesOf = (packages: { package: string }[]) => packages.map((each) => each.package);
const atStart = (name: FunctionName) => namesOf(packagesIn(bundle, loadedAtStart(bundle, name)));
const anywhere = (name: FunctionName) => namesOf(packagesIn(bundle, loadedEver(bundle, name)));
const isAwsSdk = (name: string) => /^(@aws-sdk|@aws-crypto|@smithy)\//.test(name);

const sources = () => [...sourcesIn(bundle, Object.keys(bundle.files)).keys()];

describe('the bundle', () => {
  it.each(functionNames)('has the handler of %s where Lambda looks for it', async (name) => {
    expect(handlerOf(name)).toBe(`${entryOf(name).replace('.mjs', '')}.handler`);
    expect(existsSync(join(elsewhere, entryOf(name)))).toBe(true);
    expect(await call(name, 'console.log(typeof handler)')).toBe('function');
  });

  it('contains, of our own files, those in lambdas/ only', () => {
    const ours = sources().filter((path) => !path.startsWith('node_modules/'));
    expect(ours).toEqual(expect.arrayContaining(functionNames.map((name) => `lambdas/${name}.ts`)));
    expect(ours.filter((path) => !path.startsWith('lambdas/') && path !== 'core:undici')).toEqual([]);
  });

  it('contains no source twice, no source map, and nothing that no function loads', () => {
    const once = new Map<string, string[]>();
    for (const [file, { inputs }] of Object.entries(bundle.files))
      for (const [source, { bytesInOutput }] of Object.entries(inputs))
        if (bytesInOutput > 0) once.set(source, [...(once.get(source) ?? []), file]);
    expect([...once].filter(([, files]) => files.length > 1)).toEqual([]);
    expect(globSync('**/*.map', { cwd: elsewhere })).toEqual([]);
    const loaded = new Set(functionNames.flatMap((name) => loadedEver(bundle, name)));
    expect(Object.keys(bundle.files).filter((path) => !loaded.has(path))).toEqual([]);
  });

  it('contains no package of the local host, of the command line or of the stack', () => {
    const local = ['aws-cdk-lib', 'constructs', 'fastify', 'dynalite', 'aws-local-stepfunctions'];
    const unwanted = [...local, 'commander', 'ora', 'esbuild'];
    expect(functionNames.flatMap(anywhere).filter((each) => unwanted.includes(each))).toEqual([]);
  });

  it('needs nothing that is not in it but modules of Node', () => {
    const imports = Object.values(bundle.files).flatMap((file) => file.imports);
    const outside = imports.filter(({ external, path }) => external === true && !isBuiltin(path));
    expect(outside).toEqual([]);
    const unresolved = imports.filter(({ external, path }) => !external && !(path in bundle.files));
    expect(unresolved).toEqual([]);
  });

  it('carries the license of every package in it', () => {
    const licenses = readFileSync(join(elsewhere, 'licenses.txt'), 'utf8');
    const packages = functionNames.flatMap(anywhere).filter((each) => each !== 'model-promotion');
    expect(packages.filter((each) => !licenses.includes(`${each} `))).toEqual([]);
    expect(licenses).toContain('Permission is hereby granted, free of charge');
  });

  it('carries no messages of zod in other languages than English', () => {
    const languages = sources().filter((path) => path.includes('zod/v4/locales/'));
    expect(languages.filter((path) => !path.endsWith('/en.js'))).toEqual([]);
  });

  it('carries no fetch, WebSocket, cache or mock of undici', () => {
    const parts = sources().filter((path) => path.includes('/undici/lib/'));
    expect(
      parts.filter((path) =>
        /lib\/(web\/(fetch\/index|websocket|cache|eventsource)|mock|cache|interceptor)/.test(path),
      ),
    ).toEqual([]);
  });

  it('carries the policies, and not their schema', () => {
    const files = readdirSync(join(elsewhere, 'policies'));
    expect(files).toEqual(expect.arrayContaining(['default.json', 'trading.json']));
    expect(files).not.toContain('policy.schema.json');
  });
});

describe('a function loads no AWS SDK that its first call does not need:', () => {
  it('begin-promotion never loads any', () => {
    expect(anywhere('begin-promotion').filter(isAwsSdk)).toEqual([]);
  });

  it('compare-models loads none at start-up', () => {
    expect(atStart('compare-models').filter(isAwsSdk)).toEqual([]);
  });

  it.each(['replace-workload', 'prepare-promotion'] as const)('%s never loads the client of SNS', (name) => {
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

  it('throws errors by their literal names', async () => {
    const script = 'await handler({}, context).catch((error) => console.log(said(error)))';
    const error: { name: string } = JSON.parse(await call('begin-promotion', script));
    expect(error.name).toBe('InvalidInput');
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

describe('bundling', () => {
  // Tests of other files may be writing policies at this moment.
  const filesIn = (top: string) =>
    globSync('**/*.{mjs,txt}', { cwd: top })
      .sort()
      .map((path) => ({ path, text: readFileSync(join(top, path), 'utf8') }));

  it('gives the same bytes each time, wherever they are written', () => {
    const [here, there] = [filesIn(functionsDirectory()), filesIn(elsewhere)];
    expect(there.map(({ path }) => path)).toEqual(here.map(({ path }) => path));
    const differing = here.filter(({ text }, index) => text !== there[index]?.text);
    expect(differing.map(({ path }) => path)).toEqual([]);
  });

  it('leaves no path of this machine in the code', () => {
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

  it('is what the stack asks for while the bundle is missing', () => {
    expect(directoryAsTold()).toMatch(
      /^MissingBundles: No bundle of begin-promotion, .*\. Run "npm run build:functions" first\.$/,
    );
  });

  it('writes the bundle to where the stack looks for it, and shows what each function loads', () => {
    const { status, stdout } = command();
    expect({ status, lines: stdout.trim().split('\n').length }).toEqual({
      status: 0,
      lines: functionNames.length + 1,
    });
    for (const name of functionNames)
      expect(stdout).toMatch(new RegExp(`^${name} +loads +\\d+ kB in \\d+ files$`, 'm'));
    expect(directoryAsTold()).toBe(join(copy, 'dist/functions'));
  });

  it('keeps the earlier bundle when one function cannot be bundled, and says where', () => {
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

/**
 * Loads a function as Lambda does, by its handler string, where no node_modules is in reach; then runs `script`. Answers
 * the last line that it prints.
 */
async function call(name: FunctionName, script: string, env: Record<string, string> = {}): Promise<string> {
  const loader = `
    const [, file, exported] = /^(.*)\\.([^.]+)$/.exec(${JSON.stringify(handlerOf(name))});
    const { [exported]: handler } = await import(process.cwd() + '/' + file + '.mjs');
    const context = { awsRequestId: '8f5c1a7e-0000-4000-8000-000000000000', functionName: ${JSON.stringify(name)} };
    const said = (error) => JSON.stringify({ name: error.name });
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', loader], {
    cwd: elsewhere,
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', ...env },
    timeout: 20_000,
  });
  return stdout.trim().split('\n').at(-1) ?? '';
}

import { spawnSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTRY, HANDLER } from '../../infra/bundles.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'package-'));
const app = join(directory, 'app');
const installed = join(app, 'node_modules/model-promotion');
const MINUTE = 60_000;

/** What a team writes: ten lines, in an app as `cdk init` makes it, whose modules are CommonJS. */
const appSource = `import { App, Stack } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { ModelPromotion, type ModelPromotionProps } from "model-promotion";

const app = new App({ outdir: "cdk.out" });
const stack = new Stack(app, "Team");
const props: ModelPromotionProps = {
  environment: "dev",
  mlflow: { trackingUri: "https://mlflow.example.com" },
  workloads: {
    endpoint: "https://app.datarobot.com/api/v2",
    token: Secret.fromSecretNameV2(stack, "Token", "datarobot-token"),
  },
  alerts: { emails: ["ml@example.com"] },
};
new ModelPromotion(stack, "Promotion", props);
app.synth();
`;

/** Written without types, and wrong. */
const wrongSource = `import { App, Stack } from "aws-cdk-lib";
import { ModelPromotion } from "model-promotion";

new ModelPromotion(new Stack(new App(), "Team"), "Promotion", { mlflow: {} });
`;

beforeAll(() => {
  succeeded(run('npm', ['pack', '--pack-destination', directory], root));
  const [tarball = 'none'] = globSync('*.tgz', { cwd: directory });
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }));
  writeFileSync(join(app, 'app.ts'), appSource);
  writeFileSync(join(app, 'wrong.mjs'), wrongSource);
  const alike = ['aws-cdk-lib', 'constructs', '@types/node'].map((name) => `${name}@${versionOf(name)}`);
  const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
  succeeded(run('npm', ['install', ...quick, join(directory, tarball), ...alike], app));
}, 10 * MINUTE);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the package', () => {
  it('has what it needs to run, and no tests and no sources', () => {
    const files = globSync('**/*', { cwd: installed, exclude: ['node_modules/**'], withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name)
          .slice(installed.length + 1)
          .replaceAll('\\', '/'),
      );
    const expected = [
      'README.md',
      'LICENSE',
      'cli/promotion.mjs',
      'dist/cli/main.js',
      'dist/infra/model-promotion.js',
    ];
    const copied = [
      'dist/statemachines/promotion.asl.json',
      'dist/policies/default.json',
      'policies/policy.schema.json',
    ];
    expect(files).toEqual(expect.arrayContaining([...expected, ...copied]));
    const sources = files.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
    expect([...sources, ...files.filter((path) => /(^|\/)test\//.test(path))]).toEqual([]);
  });

  it('ships a bundle of each function', () => {
    expect(readdirSync(join(installed, 'dist/functions')).sort()).toEqual([...functionNames].sort());
  });

  it('takes the CDK of the app that uses it, and brings no tool of ours and no Node', () => {
    const unwanted = ['aws-cdk', 'esbuild', 'typescript', 'vitest', 'cdk-nag', '.bin/node'];
    expect(unwanted.filter((name) => existsSync(join(app, 'node_modules', name)))).toEqual([]);
    expect(existsSync(join(installed, 'node_modules/aws-cdk-lib'))).toBe(false);
  });

  it('refers in its declarations to files that it has', () => {
    const declarations = globSync('dist/**/*.d.ts', { cwd: installed });
    const missing = declarations.flatMap((file) =>
      [...readFileSync(join(installed, file), 'utf8').matchAll(/(?:from|import\() ?["'](\.[^"']+)["']/g)]
        .map(([, path = '']) => join(installed, file, '..', path))
        .filter((path) => !existsSync(path)),
    );
    expect(declarations.length).toBeGreaterThan(functionNames.length);
    expect(missing).toEqual([]);
  });
});

describe('an app that has installed the package', () => {
  it(
    'compiles against its declarations, in strict mode, theirs included',
    () => {
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      const options = [
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--strict',
        '--skipLibCheck',
        'false',
        '--types',
        'node',
      ];
      succeeded(run(process.execPath, [compiler, ...options, 'app.ts'], app));
    },
    MINUTE * 3,
  );

  it(
    'synthesises every function for ARM64 and Node 24 whose code is our bundles',
    () => {
      succeeded(run('node', ['app.js'], app));
      const template: { Resources: Record<string, Resource> } = JSON.parse(
        readFileSync(join(app, 'cdk.out/Team.template.json'), 'utf8'),
      );
      const functions = Object.values(template.Resources).filter(
        ({ Type }) => Type === 'AWS::Lambda::Function',
      );
      const deployed = functions.map(({ Properties }) => ({
        runtime: Properties.Runtime,
        architectures: Properties.Architectures,
        handler: Properties.Handler,
        code: readFileSync(
          join(app, 'cdk.out', `asset.${Properties.Code.S3Key.replace('.zip', '')}`, ENTRY),
          'utf8',
        ),
      }));
      const bundled = functionNames.map((name) => ({
        runtime: 'nodejs24.x',
        architectures: ['arm64'],
        handler: HANDLER,
        code: readFileSync(join(installed, 'dist/functions', name, ENTRY), 'utf8'),
      }));
      const byCode = (a: { code: string }, b: { code: string }) => a.code.localeCompare(b.code);
      // Compared as a whole, told apart by their sizes: the code itself would fill the screen.
      const short = (each: (typeof bundled)[number]) => ({ ...each, code: each.code.length });
      expect(deployed.sort(byCode).map(short)).toEqual(bundled.sort(byCode).map(short));
      expect(deployed.every(({ code }, index) => code === bundled[index]?.code)).toBe(true);
    },
    MINUTE * 2,
  );

  it('may as well be made of ES modules, and is told all mistakes in its props in one message', () => {
    const { status, stderr } = run('node', ['wrong.mjs'], app);
    expect(status).toBe(1);
    expect(stderr).toContain('InvalidProps: Team/Promotion: \n  mlflow.trackingUri ');
    expect(stderr).toContain('\n  alerts ');
  });

  it(
    'has the command promotion, which plays a promotion from the package alone',
    () => {
      const command = join(installed, 'cli/promotion.mjs');
      const help = succeeded(run(process.execPath, [command, '--help'], app));
      expect(help.stdout).toContain('Usage: promotion');
      const scenario = ['run', '--scenario', 'challenger-wins', '--json'];
      const { stdout } = succeeded(run(process.execPath, [command, ...scenario], app));
      expect(JSON.parse(stdout)).toMatchObject({ status: 'promoted' });
      expect(existsSync(join(app, 'node_modules/.bin/promotion'))).toBe(true);
    },
    MINUTE,
  );
});

interface Resource {
  Type: string;
  Properties: { Runtime: string; Architectures: string[]; Handler: string; Code: { S3Key: string } };
}

interface Ran {
  what: string;
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command as somebody would who has none of our tools on the path. */
function run(command: string, args: string[], cwd: string): Ran {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.includes('node_modules'));
  const env = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|VITE_)/i.test(name));
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env: { ...Object.fromEntries(env), PATH: path.join(delimiter) },
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 9 * MINUTE,
  });
  return { what: [command, ...args].join(' '), status, stdout, stderr };
}

function succeeded(ran: Ran): Ran {
  if (ran.status === 0) return ran;
  throw new Error(`"${ran.what}" ended with ${ran.status}:\n${ran.stdout}\n${ran.stderr}`);
}

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
}

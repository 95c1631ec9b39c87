import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalTable, startLocalTable } from '../../emulators/aws/dynamodb.ts';
import { type LocalStepFunctions, startLocalStepFunctions } from '../../emulators/aws/step-functions.ts';
import { type MlflowEmulator, startMlflowEmulator } from '../../emulators/mlflow/server.ts';
import { entryOf, handlerOf } from '../../infra/bundles.ts';
import { functionNames } from '../../lambdas/domain/limits.ts';
import { MODEL, seedPascalStrategy } from '../../local/scenarios/seed.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'package-'));
const app = join(directory, 'app');
const installed = join(app, 'node_modules/model-promotion');
const MINUTE = 60_000;

/** What a team writes: a few lines, in an app as `cdk init` makes it, whose modules are CommonJS. */
const appSource = `import { App, Stack } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Pass } from "aws-cdk-lib/aws-stepfunctions";
import { ModelPromotion, type ModelPromotionProps, RetrainingLifecycle } from "model-promotion";

const app = new App();
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
const promotion: ModelPromotion = new ModelPromotion(stack, "Promotion", props);
promotion.functions.compareModels.functionName satisfies string;
new RetrainingLifecycle(stack, "Retraining", { promotion, train: new Pass(stack, "Train") });
app.synth();
`;

/** Written without types: CommonJS by `require`. */
const plainSource = `const { App, Stack } = require("aws-cdk-lib");
const { ModelPromotion } = require("model-promotion");

const app = new App({ outdir: "plain.out" });
new ModelPromotion(new Stack(app, "Team"), "Promotion", {
  mlflow: { trackingUri: "https://mlflow.example.com" },
  alerts: { emails: ["ml@example.com"] },
});
app.synth();
`;

/** An ES module, and wrong. */
const wrongSource = `import { App, Stack } from "aws-cdk-lib";
import { ModelPromotion } from "model-promotion";

new ModelPromotion(new Stack(new App(), "Team"), "Promotion", { mlflow: {} });
`;

/** Installed in an app that has a CDK of its own. */
const OWN = ['aws-cdk-lib', 'constructs', '@types/node'];

beforeAll(async () => {
  await succeeded('npm', ['run', 'package', '--', '--out', directory], root);
  const [tarball = 'none'] = globSync('*.tgz', { cwd: directory });
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }));
  writeFileSync(join(app, 'app.ts'), appSource);
  writeFileSync(join(app, 'plain.cjs'), plainSource);
  writeFileSync(join(app, 'wrong.mjs'), wrongSource);
  const alike = OWN.map((name) => `${name}@${manifestOf(join(root, 'node_modules', name)).version}`);
  const quick = ['--prefer-offline', '--no-audit', '--no-fund'];
  await succeeded('npm', ['install', ...quick, join(directory, tarball), ...alike], app);
}, 10 * MINUTE);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('the package', () => {
  const files = () =>
    globSync('**/*', { cwd: installed, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));

  it('has what it needs to run, and no tests, no sources and no emulators', () => {
    const expected = [
      ...['README.md', 'LICENSE', 'licenses.txt', 'docs/policies.md', 'policies/policy.schema.json'],
      ...['cli/promotion.mjs', 'construct/model-promotion.js', 'types/infra/model-promotion.d.ts'],
      ...['functions/licenses.txt', 'functions/policies/default.json'],
      ...functionNames.map((name) => `functions/${entryOf(name)}`),
    ];
    expect(files()).toEqual(expect.arrayContaining(expected));
    expect(files().filter((path) => /(?<!\.d)\.ts$|\.map$|(^|\/)(test|node_modules)\//.test(path))).toEqual(
      [],
    );
    const code = files().filter((path) => /\.m?js$/.test(path));
    const local = code.filter((path) => /dynalite|fastify/.test(readFileSync(join(installed, path), 'utf8')));
    expect(local).toEqual([]);
  });

  it('has no dependency but its peers, no script, and nothing of how it is made', () => {
    const { peerDependencies = {}, engines, ...manifest } = manifestOf(installed);
    expect(Object.keys(peerDependencies).sort()).toEqual(['aws-cdk-lib', 'constructs']);
    expect(engines).toEqual({ node: '>=20' });
    const keys = ['bin', 'description', 'exports', 'license', 'main', 'name', 'types', 'version'];
    expect(Object.keys(manifest).sort()).toEqual(keys);
  });

  it('adds itself and nothing else to what an app with the CDK has installed', async () => {
    const listed = async (...names: string[]): Promise<Listed> =>
      JSON.parse((await succeeded('npm', ['ls', '--all', '--json', ...names], app)).stdout);
    const { dependencies = {} } = await listed();
    expect(Object.keys(dependencies).sort()).toEqual([...OWN, 'model-promotion'].sort());
    const { 'model-promotion': ours, ...others } = dependencies;
    const ofApp = namesIn({ dependencies: others });
    expect(namesIn(ours ?? {}).filter((name) => !ofApp.includes(name))).toEqual([]);
    expect(Object.keys(ours?.dependencies ?? {}).sort()).toEqual(['aws-cdk-lib', 'constructs']);
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
  });

  it('refers in its declarations to files that it has, and to the CDK', () => {
    const declarations = globSync('types/**/*.d.ts', { cwd: installed });
    const imports = declarations.flatMap((file) =>
      [...readFileSync(join(installed, file), 'utf8').matchAll(/(?:from|import\() ?["']([^"']+)["']/g)].map(
        ([, name = '']) => ({ file, name }),
      ),
    );
    expect(imports.length).toBeGreaterThan(10);
    const missing = imports.filter(({ file, name }) =>
      name.startsWith('.')
        ? !existsSync(join(installed, file, '..', name.replace(/\.js$/, '.d.ts')))
        : !/^(aws-cdk-lib|constructs)(\/|$)/.test(name),
    );
    expect(missing).toEqual([]);
  });
});

describe('an app that has installed the package', () => {
  it(
    'compiles against its declarations, in strict mode, theirs included',
    async () => {
      const compiler = join(root, 'node_modules/typescript/bin/tsc');
      const options = '--module nodenext --target es2022 --strict --skipLibCheck false --types node'.split(
        ' ',
      );
      await succeeded(process.execPath, [compiler, ...options, 'app.ts'], app);
    },
    MINUTE * 3,
  );

  it(
    'is synthesised by cdk: every function for ARM64 and Node 24, and one asset, which is the bundle',
    async () => {
      const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
      await succeeded('node', [cdk, 'synth', '--quiet', '--app', 'node app.js'], app);
      const deployed = functionsIn(join(app, 'cdk.out'));
      const { Code } = deployed[0] ?? { Code: { S3Key: 'none' } };
      expect(deployed).toEqual(
        functionNames
          .map((name) => ({
            FunctionName: name,
            Runtime: 'nodejs24.x',
            Architectures: ['arm64'],
            Handler: handlerOf(name),
            Code,
          }))
          .sort(byName),
      );
      const asset = join(app, 'cdk.out', `asset.${Code.S3Key.replace('.zip', '')}`);
      for (const name of functionNames)
        expect(readFileSync(join(asset, entryOf(name)))).toEqual(
          readFileSync(join(installed, 'functions', entryOf(name))),
        );
    },
    MINUTE * 2,
  );

  it(
    'may be CommonJS without types',
    async () => {
      await succeeded('node', ['plain.cjs'], app);
      expect(functionsIn(join(app, 'plain.out'))).toHaveLength(functionNames.length);
    },
    MINUTE * 2,
  );

  it(
    'may be made of ES modules, and is told all mistakes in its props in one message',
    async () => {
      const { status, stderr } = await run('node', ['wrong.mjs'], app);
      expect(status).toBe(1);
      expect(stderr).toContain('InvalidProps: Team/Promotion: \n  mlflow.trackingUri ');
      expect(stderr).toContain('\n  alerts ');
    },
    MINUTE * 2,
  );
});

/** On the Node of the machine, which is Node 20 or newer. */
describe('the command of the package', { timeout: MINUTE }, () => {
  let mlflow: MlflowEmulator;
  let table: LocalTable;
  let sfn: LocalStepFunctions;
  let env: Record<string, string>;
  beforeAll(async () => {
    [mlflow, table, sfn] = await Promise.all([
      startMlflowEmulator(),
      startLocalTable(),
      startLocalStepFunctions(),
    ]);
    seedPascalStrategy(mlflow);
    env = {
      MLFLOW_TRACKING_URI: mlflow.url,
      PROMOTION_TABLE: table.name,
      AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
      AWS_ENDPOINT_URL_SFN: sfn.endpoint,
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    };
  });
  afterAll(() => Promise.all([mlflow, table, sfn].map((each) => each.close())));
  const promotion = (args: string[], given = env) =>
    run('node', [join(app, 'node_modules/.bin/promotion'), ...args], app, given);

  it('shows the audit trail of a model', async () => {
    const { status, stdout } = await promotion(['history', MODEL, '--json']);
    expect({ status, model: JSON.parse(stdout).model }).toEqual({ status: 0, model: MODEL });
  });

  it('names its version', async () => {
    expect(await promotion(['--version'])).toMatchObject({
      status: 0,
      stdout: `${manifestOf(root).version}\n`,
    });
  });

  it('shows what is live', async () => {
    const { stdout } = await promotion(['status', MODEL, '--json']);
    expect(stdout).toContain(`"${MODEL}"`);
  });

  it('starts an execution', async () => {
    const args = ['start', '--model', MODEL, '--version', '3', '--arn', sfn.stateMachineArn, '--detach'];
    expect(await promotion(args)).toMatchObject({ status: 0 });
    expect(sfn.take()).toMatchObject([{ input: { model_name: MODEL, challenger_version: '3' } }]);
  });

  it('adopts what is there', async () => {
    const args = ['adopt', MODEL, '--arn', sfn.stateMachineArn, '--detach'];
    expect(await promotion(args)).toMatchObject({ status: 0 });
    expect(sfn.take()).toMatchObject([{ input: { model_name: MODEL, operation: 'adopt' } }]);
  });

  it('checks policies, also against the runs of a model', async () => {
    const policy = join(installed, 'policies/trading.json');
    expect(await promotion(['policy', 'check', policy, '--model', MODEL])).toMatchObject({ status: 0 });
  });

  it('calls a function as it is deployed on the systems that the environment names', async () => {
    const input = join(directory, 'input.json');
    writeFileSync(input, JSON.stringify({ model_name: MODEL }));
    const called = await promotion(['invoke', 'compare-models', '--input', input, '--json']);
    expect({ ...called, document: JSON.parse(called.stdout) }).toMatchObject({
      status: 0,
      document: { status: 'answered', answer: { decision: 'PROMOTE' }, registry: { before: { stages: {} } } },
    });
    expect(await promotion(['invoke', 'compare-models', '--input', input], {})).toMatchObject({ status: 2 });
  });

  it.each([['run'], ['run', '--list'], ['emulators', '--seed'], ['simulate', '--stories', '3']])(
    'refers for %s to a clone of the repository',
    async (...args) => {
      const { status, stderr } = await promotion(args);
      expect({ status, lines: stderr.trim().split('\n').length }).toEqual({ status: 2, lines: 1 });
      expect(stderr).toContain('npm ci');
    },
  );
});

interface Listed {
  dependencies?: Record<string, Listed>;
}

const namesIn = ({ dependencies = {} }: Listed): string[] =>
  Object.entries(dependencies).flatMap(([name, below]) => [name, ...namesIn(below)]);

interface Manifest {
  version: string;
  peerDependencies?: Record<string, string>;
  engines?: object;
}

const manifestOf = (place: string): Manifest => JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));

interface DeployedFunction {
  FunctionName: string;
  Runtime: string;
  Architectures: string[];
  Handler: string;
  Code: { S3Key: string };
}
const byName = (a: { FunctionName: string }, b: { FunctionName: string }) =>
  a.FunctionName.localeCompare(b.FunctionName);

function functionsIn(assembly: string): DeployedFunction[] {
  const template: { Resources: Record<string, { Type: string; Properties: DeployedFunction }> } = JSON.parse(
    readFileSync(join(assembly, 'Team.template.json'), 'utf8'),
  );
  return Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties: { FunctionName, Runtime, Architectures, Handler, Code } }) => ({
      ...{ FunctionName, Runtime, Architectures, Handler, Code },
    }))
    .sort(byName);
}

interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command as somebody would who has none of our tools on the path. */
function run(command: string, args: string[], cwd: string, env: Record<string, string> = {}): Promise<Ran> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((each) => !each.includes('node_modules'));
  const ours = /^(npm_|NODE_|VITEST|VITE_|AWS_|MLFLOW_|DATAROBOT_)/i;
  const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      {
        ...{ cwd, env: { ...bare, PATH: path.join(delimiter), ...env }, timeout: 9 * MINUTE },
        ...{ maxBuffer: 1e8, shell: process.platform === 'win32' },
      },
      (_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
  });
}

async function succeeded(command: string, args: string[], cwd: string): Promise<Ran> {
  const ran = await run(command, args, cwd);
  if (ran.status === 0) return ran;
  throw new Error(
    `"${[command, ...args].join(' ')}" ended with ${ran.status}:\n${ran.stdout}\n${ran.stderr}`,
  );
}

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import ora from 'ora';
import { findPython, type Installation, install, installed, SetupError } from '../mlflow/install.ts';

/** `npm run lint:templates`: the synthesised templates against CloudFormation's own schemas, by AWS' public linter. */

const HELP = `npm run lint:templates

Checks the templates in cdk.out and in dist/template with cfn-lint (https://github.com/aws-cloudformation/cfn-lint), which
knows CloudFormation's resource schemas. The first time it installs it into .cfn-lint/ (about 100 MB). Run npm run synth
and npm run package:template before.

  --help   this text

  PYTHON   the Python to install with (default: the first of 3.10 to 3.13 that is found)
`;

/** Pinned: a newer linter may find more, which is then a change to look at. */
const linter = { version: '1.58.0', packages: ['cfn-lint==1.58.0'] };
/** Where templates are, and what writes them. */
const MADE_BY = { 'cdk.out': 'npm run synth', 'dist/template': 'npm run package:template' };
const root = join(import.meta.dirname, '../..');
const home = join(root, '.cfn-lint');

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const templates = Object.entries(MADE_BY).flatMap(([directory, command]) => {
    const found = globSync(`${directory}/*.template.json`, { cwd: root }).sort();
    if (found.length === 0) throw new SetupError(`${directory} holds no template: run ${command} first.`);
    return found;
  });
  const { bin } = installed(home, linter) ?? (await installation());
  // W3005: CDK writes dependencies down that CloudFormation sees by itself. Other warnings fail, too.
  const { status } = spawnSync(
    join(bin, 'cfn-lint'),
    ['--non-zero-exit-code', 'warning', '--ignore-checks', 'W3005', '--', ...templates],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  if (status === 0) console.log(`cfn-lint ${linter.version}: nothing found in ${templates.length} templates`);
  return status ?? 1;
}

async function installation(): Promise<Installation> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  const spinner = ora(`Installing cfn-lint ${linter.version}`).start();
  try {
    const made = await install(home, linter, findPython(process.env), interrupted.signal);
    spinner.succeed(`Installed cfn-lint ${linter.version} into .cfn-lint/`);
    return made;
  } catch (error) {
    spinner.fail();
    throw error;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof SetupError || (error instanceof Error && 'code' in error) ? 2 : 1;
}

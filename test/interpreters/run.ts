import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPython, install, installed, SetupError } from '../mlflow/install.ts';
import type { Release } from '../mlflow/releases.ts';

/** `npm run test:interpreters`: the scenarios on interpreters of Amazon States Language that are not ours. */

const HELP = `npm run test:interpreters [-- options] [-- arguments for vitest]

Runs every scenario on the functions and the state machine of the cloud assembly, interpreted by moto. The first time it
installs moto into .interpreters/ (about 140 MB, half a minute; pip takes packages from the index that it is configured
for). No container and no account is needed.

  --help      this text

  PYTHON      the Python to install with (default: the first of 3.10 to 3.13 that is found)
`;

/** Its interpreter is LocalStack's, taken over in one piece. */
const moto: Release = {
  version: 'moto-5.2.5',
  packages: [
    ...['moto==5.2.5', 'antlr4-python3-runtime==4.13.2', 'jsonpath-ng==1.16.0'],
    ...['boto3==1.44.5', 'botocore==1.44.5', 'PyYAML==6.0.3'],
  ],
};

const root = join(import.meta.dirname, '../..');
const home = join(root, '.interpreters');

async function main(): Promise<number> {
  const options = { help: { type: 'boolean', short: 'h' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const signal = AbortSignal.timeout(10 * 60_000);
  const there = installed(home, moto);
  if (there === null) console.log(`Install ${moto.version} into .interpreters/`);
  const { python } = there ?? (await install(home, moto, findPython(process.env), signal));
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [program, 'run', '--project', 'interpreters', ...positionals], {
    cwd: root,
    env: { ...process.env, MOTO_PYTHON: python },
    stdio: 'inherit',
  });
  const [code] = await once(child, 'close');
  return typeof code === 'number' ? code : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof SetupError || error instanceof TypeError ? error.message : error);
  process.exitCode = 1;
}

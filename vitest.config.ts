import { defineConfig } from 'vitest/config';

/** Kinds of test that deploy the functions, or run them as they are deployed. */
const NEED_BUNDLES = ['infra', 'bundles', 'interpreters'];

const project = (name: string) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    globalSetup: NEED_BUNDLES.includes(name) ? ['test/support/bundles.ts'] : [],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
  },
});

/** In CI each run also leaves its counts in a file, which `.ci/run` adds up. */
const counted = process.env['TEST_RESULTS'];
const reporters = counted === undefined ? ['default'] : ['default', 'json'];

/**
 * Folder = kind of test (see CONTRIBUTING.md). `mlflow` needs real servers: `npm run test:mlflow` starts them.
 * `package` needs the package registry: `npm run test:package`. `interpreters` needs Python: `npm run test:interpreters`.
 */
export default defineConfig({
  test: {
    projects: [
      'unit',
      'words',
      'contract',
      'workflow',
      'infra',
      'bundles',
      'interpreters',
      'mlflow',
      'package',
    ].map(project),
    reporters,
    outputFile: { json: `test-results/${counted}.json` },
  },
});

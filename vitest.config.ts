import { defineConfig } from 'vitest/config';

const project = (name: string) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
  },
});

/** In CI each run also leaves its counts in a file, which `.ci/run` adds up. */
const counted = process.env['TEST_RESULTS'];
const reporters = counted === undefined ? ['default'] : ['default', 'json'];

/** Folder = kind of test (see CONTRIBUTING.md). `mlflow` needs real servers: `npm run test:mlflow` starts them. */
export default defineConfig({
  test: {
    projects: ['unit', 'contract', 'workflow', 'infra', 'mlflow'].map(project),
    reporters,
    outputFile: { json: `test-results/${counted}.json` },
  },
});

import { defineConfig } from 'vitest/config';
import { keyedWords } from './test/support/keyed-words.ts';

/** Kinds of test that look at what is deployed, or run it. */
const NEED_ASSEMBLY = ['workflow', 'infra', 'bundles', 'interpreters'];

/** Kinds of test whose files leave nothing behind in their process, so that the next file uses what it has loaded. */
const SHARE_PROCESSES = ['unit', 'words', 'contract', 'workflow', 'infra', 'keyed-words'];

const project = (name: string) => ({
  test: {
    name,
    isolate: !SHARE_PROCESSES.includes(name),
    exclude: [] as string[],
    include: [`test/${name}/**/*.test.ts`],
    globalSetup: NEED_ASSEMBLY.includes(name) ? ['test/support/assembled.ts'] : [],
    // Another interpreter takes its time to begin.
    testTimeout: name === 'interpreters' ? 120_000 : 30_000,
    hookTimeout: 60_000,
    maxConcurrency: 2,
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT' },
  },
});

/** The tests of everything but the words, with keys for sentences: nothing but people reads prose. */
const withoutWords = {
  ...project('keyed-words'),
  plugins: [keyedWords()],
};
withoutWords.test.include = ['unit', 'contract', 'workflow'].map((kind) => `test/${kind}/**/*.test.ts`);
withoutWords.test.exclude = [
  // It kills processes that run bundles, in which the words are as they are.
  'test/workflow/crash.test.ts',
  // It reads the pages that are written, which are words.
  'test/workflow/cli-report.test.ts',
  // The same scenarios as in serving.test.ts.
  'test/workflow/serving-readings.test.ts',
];

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
      'simulator',
      'fuzz',
      'mutants',
      'bench',
      'interpreters',
      'mlflow',
      'package',
    ]
      .map(project)
      .concat(withoutWords),
    // Named, as by itself vitest takes one on two cores.
    maxWorkers: 2,
    reporters,
    outputFile: { json: `test-results/${counted}.json` },
  },
});

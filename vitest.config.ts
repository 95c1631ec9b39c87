import { defineConfig } from 'vitest/config';

const project = (name: string) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: 30_000, hookTimeout: 60_000 },
});

/** Folder = kind of test (see CONTRIBUTING.md). `mlflow` needs a real server: `npm run test:mlflow` starts it. */
export default defineConfig({
  test: { projects: ['unit', 'contract', 'workflow', 'infra', 'mlflow'].map(project) },
});

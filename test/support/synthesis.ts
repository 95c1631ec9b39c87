import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll } from 'vitest';
import {
  type EnvironmentName,
  type EnvironmentSettings,
  environments,
} from '../../infra/app/environments.ts';
import { ModelPromotionStack } from '../../infra/app/stack.ts';
import { ModelPromotion } from '../../infra/model-promotion.ts';
import type { ModelPromotionProps } from '../../infra/props.ts';
import type { CloudFormation } from './stack-summary.ts';

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Synthesises in a folder of its own, which is removed after the tests; nothing is asked of AWS. */
function synthesise(build: (app: App) => Stack) {
  const outdir = mkdtempSync(join(tmpdir(), 'cdk-'));
  directories.push(outdir);
  const app = new App({ outdir });
  const stack = build(app);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const assembly = app.synth();
  const { directory } = assembly;
  const file = join(directory, stack.templateFile);
  const template: CloudFormation = JSON.parse(readFileSync(file, 'utf8'));
  const { messages } = assembly.getStackArtifact(stack.artifactId);
  const warnings = messages.filter(({ level }) => level === 'warning').map(({ entry }) => String(entry.data));
  return { template, directory, warnings };
}

/** The stack of one environment of our own app, with its own settings unless others are given. */
export const synthesisedStack = (name: EnvironmentName, settings: EnvironmentSettings = environments[name]) =>
  synthesise((app) => new ModelPromotionStack(app, name, settings));

type Given = Omit<Partial<ModelPromotionProps>, 'mlflow'> & {
  mlflow?: Partial<ModelPromotionProps['mlflow']>;
};

/** The construct in a team's own stack, with props that are right unless others are given. */
export function synthesisedConstruct(given: Given | ((stack: Stack) => Given) = {}) {
  return synthesise((app) => {
    const stack = new Stack(app, 'Team');
    const { mlflow, ...props } = typeof given === 'function' ? given(stack) : given;
    new ModelPromotion(stack, 'Promotion', {
      mlflow: { trackingUri: 'https://mlflow.example.com', ...mlflow },
      workloads: {
        endpoint: 'https://app.datarobot.com/api/v2',
        token: Secret.fromSecretCompleteArn(
          stack,
          'Token',
          'arn:aws:secretsmanager:us-east-1:123456789012:secret:token-abcdef',
        ),
      },
      alerts: { emails: ['ml@example.com'] },
      ...props,
    });
    return stack;
  });
}

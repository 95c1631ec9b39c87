import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DISABLE_ASSET_STAGING_CONTEXT } from 'aws-cdk-lib/cx-api';
import { AwsSolutionsChecks } from 'cdk-nag';
import {
  type EnvironmentName,
  type EnvironmentSettings,
  environments,
} from '../../infra/app/environments.ts';
import { ModelPromotionStack } from '../../infra/app/stack.ts';
import { ModelPromotion } from '../../infra/model-promotion.ts';
import type { ModelPromotionProps } from '../../infra/props.ts';
import type { CloudFormation } from './stack-summary.ts';

/** Synthesises beside the assembly of the set-up, which is removed after the run; nothing is asked of AWS. */
function synthesise(build: (app: App) => Stack) {
  // Only the template is looked at: what the functions consist of is not copied beside it.
  const app = new App({
    outdir: mkdtempSync(join(process.env['CLOUD_ASSEMBLY'] ?? '', 'cdk-')),
    context: { [DISABLE_ASSET_STAGING_CONTEXT]: true },
  });
  const stack = build(app);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const assembly = app.synth();
  const file = join(assembly.directory, stack.templateFile);
  const template: CloudFormation = JSON.parse(readFileSync(file, 'utf8'));
  const { messages } = assembly.getStackArtifact(stack.artifactId);
  const warnings = messages.filter(({ level }) => level === 'warning').map(({ entry }) => String(entry.data));
  return { template, warnings };
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

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { bundleFunctions } from '../../build/bundle.ts';
import { environmentNames, environments } from './environments.ts';
import { InvalidSettings, ModelPromotionStack, validateSettings } from './stack.ts';

/** The CDK app of `cdk.json`: one stack for each environment. */

await bundleFunctions();
const app = new App();
try {
  const settings = validateSettings(environments);
  for (const name of environmentNames) new ModelPromotionStack(app, name, settings[name]);
} catch (error) {
  // Without a stack trace: the settings are wrong, not the program.
  if (!(error instanceof InvalidSettings)) throw error;
  console.error(error.message);
  process.exit(1);
}
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { bundleFunctions } from './bundle.ts';
import { environmentNames, environments } from './environments.ts';
import { InvalidProps } from './model-promotion.ts';
import { InvalidSettings, ModelPromotionStack } from './stack.ts';

/** The app for those who have none: one stack for each environment. `cdk.json` names it. */

await bundleFunctions();
const app = new App();
try {
  for (const name of environmentNames) new ModelPromotionStack(app, name, environments[name]);
} catch (error) {
  // Said without a trace: it is the settings that are wrong, not the program.
  if (!(error instanceof InvalidSettings || error instanceof InvalidProps)) throw error;
  console.error(error.message);
  process.exit(1);
}
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

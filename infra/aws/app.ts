import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { bundleFunctions } from './bundle.ts';
import { environmentNames, environments } from './environments.ts';
import { ModelPromotionStack } from './stack.ts';

/** The app for those who have none: one stack for each environment. `cdk.json` names it. */

await bundleFunctions();
const app = new App();
for (const name of environmentNames) new ModelPromotionStack(app, name, environments[name]);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionName } from '../../lambdas/domain/limits.ts';
import { afterWaits, type Host, startHost } from '../../local/host.ts';
import type { LocalFunction } from '../../local/machine/state-machine.ts';
import { assembledStack, type Deployed, deployedIn } from '../support/cloud-assembly.ts';
import { type LambdaFunction, lambdaFunction } from '../support/lambda-process.ts';
import { startLocalSecrets } from '../support/secrets-manager.ts';

/** A host whose functions and definition are those of the cloud assembly of the stack for `prod`. */
export interface DeployedHost {
  start(): Promise<Host>;
  lambdas(): ReadonlyMap<FunctionName, LambdaFunction>;
  deployed(): Deployed;
  /** Values that nothing may ever print. */
  secrets: readonly string[];
}

const MLFLOW_PASSWORD = 'password-of-mlflow';
const secretArn = (id: string) => `arn:aws:secretsmanager:us-east-1:123456789012:secret:${id}-abcdef`;
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:promotion-alerts';

export function deployedHost(): DeployedHost {
  const lambdas = new Map<FunctionName, LambdaFunction>();
  const secretValues = [MLFLOW_PASSWORD, 'local-secret-access-key', 'local-session-token'];
  let deployed: Deployed;

  return {
    lambdas: () => lambdas,
    deployed: () => deployed,
    secrets: secretValues,
    async start() {
      const { directory, template } = assembledStack('prod');
      const tasks = mkdtempSync(join(tmpdir(), 'lambda-'));
      return startHost({ mlflow: false, workload: false }, async (started) => {
        const { clock, mlflow, workload, sns, table, stepFunctions, cloudTrail } = started;
        if (mlflow === null || workload === null) throw new Error('not on emulators');
        secretValues.push(workload.token);
        const secretIds: string[] = [];
        deployed = deployedIn(directory, template, (type, id) => {
          if (type === 'AWS::DynamoDB::Table') return table.name;
          if (type === 'AWS::SNS::Topic') return TOPIC;
          if (type === 'AWS::SecretsManager::Secret') {
            secretIds.push(id);
            return secretArn(id);
          }
          throw new Error(`Nothing here stands for ${id} (${type})`);
        });
        const secrets = await startLocalSecrets(
          Object.fromEntries(
            secretIds.map((id) => [
              secretArn(id),
              id.startsWith('Mlflow')
                ? JSON.stringify({ username: 'promotion', password: MLFLOW_PASSWORD })
                : workload.token,
            ]),
          ),
        );
        const outside = {
          AWS_ENDPOINT_URL_SNS: sns.url,
          AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
          AWS_ENDPOINT_URL_SFN: stepFunctions.endpoint,
          AWS_ENDPOINT_URL_CLOUDTRAIL: cloudTrail.endpoint,
          AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
        };
        const addresses: Record<string, string> = {
          MLFLOW_TRACKING_URI: mlflow.url,
          DATAROBOT_ENDPOINT: workload.url,
          STATE_MACHINE_ARN: stepFunctions.stateMachineArn,
        };
        const functions = deployed.functions.map((one): [FunctionName, LocalFunction] => {
          const taskRoot = join(tasks, one.name);
          cpSync(one.asset, taskRoot, { recursive: true });
          const variables = Object.entries(one.environment).map(([key, given]) => [
            key,
            addresses[key] ?? given,
          ]);
          const lambda = lambdaFunction(one, taskRoot, { ...Object.fromEntries(variables), ...outside });
          lambdas.set(one.name, lambda);
          const aheadMs = () => clock.now().getTime() - Date.now();
          return [one.name, afterWaits(clock, (event) => lambda.invoke(event, aheadMs()))];
        });
        return {
          functions: Object.fromEntries(functions) as Record<FunctionName, LocalFunction>,
          definition: deployed.definition,
          close: async () => {
            await Promise.all([...lambdas.values()].map((lambda) => lambda.close()));
            await secrets.close();
            rmSync(tasks, { recursive: true, force: true });
          },
        };
      });
    },
  };
}

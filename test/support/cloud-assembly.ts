import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EnvironmentName } from '../../infra/app/environments.ts';
import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';
import { type CloudFormation, resourcesOf } from './stack-summary.ts';

/** What a synthesised stack deploys, with local names in the place of what only AWS would know. */

export interface DeployedFunction {
  name: FunctionName;
  /** Directory of the bundle in the cloud assembly. */
  asset: string;
  handler: string;
  timeoutSeconds: number;
  environment: Record<string, string>;
}

export interface Deployed {
  functions: DeployedFunction[];
  /** The state machine's definition; each task's resource ends in the name of its function. */
  definition: string;
}

/** Names that AWS gives at deployment, by the type of the resource. */
export type LocalNames = (type: string, logicalId: string) => string;

const FunctionProperties = z.object({
  FunctionName: z.enum(functionNames as unknown as [FunctionName, ...FunctionName[]]),
  Handler: z.string(),
  Timeout: z.number(),
  Code: z.object({ S3Key: z.string() }),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
});

/** Throws when a value refers to something that `names` does not know. */
export function deployedIn(directory: string, template: CloudFormation, names: LocalNames): Deployed {
  const value = resolver(template, names);
  const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([, properties]) => {
    const { FunctionName: name, Handler, Timeout, Code, Environment } = FunctionProperties.parse(properties);
    return {
      name,
      asset: join(directory, `asset.${Code.S3Key.replace(/\.zip$/, '')}`),
      handler: Handler,
      timeoutSeconds: Timeout,
      environment: Object.fromEntries(
        Object.entries(Environment.Variables).map(([key, given]) => [key, value(given)]),
      ),
    };
  });
  const [machine] = resourcesOf(template, 'AWS::StepFunctions::StateMachine');
  return { functions, definition: value(machine?.[1]['DefinitionString']) };
}

/** The intrinsic functions that CDK writes: `Ref`, `Fn::GetAtt`, `Fn::Join`. */
function resolver({ Resources }: CloudFormation, names: LocalNames) {
  const pseudo: Record<string, string> = {
    'AWS::Partition': 'aws',
    'AWS::Region': 'us-east-1',
    'AWS::AccountId': '123456789012',
  };
  const named = (id: string): string => {
    const known = pseudo[id];
    if (known !== undefined) return known;
    const resource = Resources[id];
    if (resource === undefined) throw new Error(`The template refers to ${id}, which it does not have`);
    if (resource.Type !== 'AWS::Lambda::Function') return names(resource.Type, id);
    return `arn:aws:lambda:us-east-1:123456789012:function:${String(resource.Properties?.['FunctionName'])}`;
  };
  const value = (given: unknown): string => {
    if (typeof given === 'string') return given;
    const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': parts } = Intrinsic.parse(given);
    if (Ref !== undefined) return named(Ref);
    if (attribute !== undefined) return named(attribute[0]);
    return (parts?.[1] ?? []).map(value).join(parts?.[0] ?? '');
  };
  return value;
}

const Intrinsic = z
  .strictObject({
    Ref: z.string(),
    'Fn::GetAtt': z.tuple([z.string(), z.string()]),
    'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]),
  })
  .partial();

/** The stack of one environment of our own app, as the set-up of this run has synthesised it. */
export function assembledStack(environment: EnvironmentName): {
  directory: string;
  template: CloudFormation;
} {
  const directory = process.env['CLOUD_ASSEMBLY'] ?? '';
  const file = join(directory, `ModelPromotion-${environment}.template.json`);
  return { directory, template: JSON.parse(readFileSync(file, 'utf8')) };
}

import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { ModelPromotionProps } from '../props.ts';
import type { FunctionDefaults } from './functions.ts';

/** One security group for all functions, unless others are given: servers then allow a single source. */
export function networkOf(
  scope: Construct,
  { vpc, vpcSubnets, securityGroups }: ModelPromotionProps,
): FunctionDefaults['network'] {
  if (vpc === undefined) return null;
  return {
    vpc,
    ...(vpcSubnets === undefined ? {} : { vpcSubnets }),
    securityGroups: securityGroups ?? [
      new SecurityGroup(scope, 'SecurityGroup', { vpc, description: 'Functions that promote models' }),
    ],
  };
}

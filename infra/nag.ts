import { Token, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges one finding of cdk-nag's AWS Solutions pack, with the reason. A finding whose name is known only at
 * deployment, because a prop such as `namePrefix` is a parameter, cannot be acknowledged.
 */
export function acknowledgeFinding(construct: IConstruct, id: string, reason: string): void {
  if (!Token.isUnresolved(id)) Validations.of(construct).acknowledge({ id, reason });
}

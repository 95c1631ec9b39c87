import { type Policies, policyFiles } from '../adapters/policy-files.ts';
import { CompareEnvironment, configuration } from './environment.ts';

/** What a function needs to judge by a policy. */
export interface PolicyServices {
  policies: Policies;
  /** For policies that name none. 0 to 1. */
  minConfidence: number;
}

/** `directory` is where the policy files lie. Throws `InvalidConfiguration`. */
export function policyServices(env: NodeJS.ProcessEnv, directory: URL): PolicyServices {
  return {
    policies: policyFiles(directory),
    minConfidence: configuration(CompareEnvironment, env).MIN_CONFIDENCE_THRESHOLD,
  };
}

import { type Policies, policyFiles } from '../adapters/policy-files.ts';
import { CompareEnvironment, configuration } from './environment.ts';

/** What a function needs to evaluate a policy. */
export interface PolicyServices {
  policies: Policies;
  /** Threshold for policies that set none; 0 to 1. */
  minConfidence: number;
}

/** `directory` holds the policy files. Throws `InvalidConfiguration`. */
export function policyServices(env: NodeJS.ProcessEnv, directory: URL): PolicyServices {
  return {
    policies: policyFiles(directory),
    minConfidence: configuration(CompareEnvironment, env).MIN_CONFIDENCE_THRESHOLD,
  };
}

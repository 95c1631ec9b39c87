import { CompareInput } from './domain/payloads.ts';
import { toHandler } from './runtime/handler.ts';
import { ledgerServices } from './runtime/ledger-services.ts';
import { registryServices } from './runtime/mlflow-services.ts';
import { policyServices } from './runtime/policy-services.ts';
import { compare } from './use-cases/compare-models.ts';

/** Reads both versions' evidence from MLflow and the model's ledger, and evaluates the policy on it; writes nothing. */
export const handler = toHandler('compare-models', {
  input: CompareInput,
  services: (env, clock, network) => ({
    ...registryServices(env, clock, network),
    // Counted from this file: a bundle has its policies beside it, as the sources have.
    ...policyServices(env, new URL('../policies/', import.meta.url)),
    ...ledgerServices(env, network),
    clock,
  }),
  run: (input, services) => compare(input, services),
});

import type { RegistryMode } from './registry.ts';

/** What holds where nothing else is said: in the environment of a function, and in the props of the stack. */
export const defaults = {
  /** Name of the environment in alerts, logs and metrics. */
  environment: 'dev',
  /** Stands in brackets before every subject. */
  alertPrefix: 'TradAI',
  /** What alerts call the registry. */
  registryName: 'tradai-models',
  registryMode: 'stages' satisfies RegistryMode,
  /** For policies that name none. 0 to 1. */
  minConfidence: 0.7,
  /** Hours in which no second automatic rollback of a model is done. */
  rollbackCooldownHours: 24,
} as const;

import type { RegistryMode } from './registry.ts';

/** Defaults of the functions' environment and of the stack's props. */
export const defaults = {
  /** Name of the environment in alerts, logs and metrics. */
  environment: 'dev',
  /** Prefix of every subject, in brackets. */
  alertPrefix: 'TradAI',
  /** Name of the registry in alerts. */
  registryName: 'tradai-models',
  registryMode: 'stages' satisfies RegistryMode,
  /** For policies without a threshold of their own; 0 to 1. */
  minConfidence: 0.7,
  /** Hours after a rollback in which no second automatic rollback of the model starts. */
  rollbackCooldownHours: 24,
  /** Days after which a model is retrained, whatever its drift. */
  retrainingIntervalDays: 7,
  /** Hours after a retraining in which none is started. */
  minHoursBetweenRetraining: 24,
} as const;

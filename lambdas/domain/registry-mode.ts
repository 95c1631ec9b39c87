/** Which pointer names the champion: MLflow's stages, its aliases, or both (design §6). */
export const registryModes = ['stages', 'aliases', 'both'] as const;
/** Apart from the schema, so that the declarations of the construct need no other package. */
export type RegistryMode = (typeof registryModes)[number];

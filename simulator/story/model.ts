/** The registered models that a play may have; each name begins like another one. */
export const MODELS = ['PascalStrategy', 'Pascal', 'PascalStrategy2'] as const;
/** The model of most stories. */
export const [MODEL] = MODELS;

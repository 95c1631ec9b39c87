/** The one registered model of a world. */
export const MODEL = 'PascalStrategy';

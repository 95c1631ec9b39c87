import * as z from 'zod';

/** What the fields of a policy are made of. */

export const describe = <T extends z.ZodType>(schema: T, description: string) => schema.meta({ description });
export const oneLine = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{C}\u2028\u2029]+$/u, 'must be one line without control characters');
export const positive = z.number().positive();

/** One key, or several for the same number, such as the spellings of two libraries: the first that a run has counts. */
export const Keys = z.union([oneLine(250), z.array(oneLine(250)).min(1).max(20)]);
export type Keys = z.infer<typeof Keys>;
export const keysOf = (keys: Keys): readonly string[] => (typeof keys === 'string' ? [keys] : keys);

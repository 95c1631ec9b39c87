/** How a metric is logged on folds, seeds or random splits, one by one. */

const MAX_FOLDS = 200;

/** The keys under which a run may have a metric on folds, of a template with `{metric}` and `{i}`. */
export const foldKeys = (metric: string, template: string): string[] =>
  Array.from({ length: MAX_FOLDS }, (_, fold) =>
    template.replaceAll('{metric}', () => metric).replaceAll('{i}', String(fold)),
  );

/** The values on folds, by the number of the fold. */
export function foldValues(
  metrics: readonly { readonly key: string; readonly value: number }[],
  keys: readonly string[],
): ReadonlyMap<number, number> {
  const logged = new Map(metrics.map(({ key, value }) => [key, value]));
  const values = keys.map((key) => logged.get(key));
  return new Map(values.flatMap((value, fold) => (value === undefined ? [] : [[fold, value] as const])));
}

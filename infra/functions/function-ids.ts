import { type FunctionName, functionNames } from '../../lambdas/domain/limits.ts';

/** A name in camel case. */
type CamelCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** The functions as props and properties of the construct call them: `promoteModel`. */
export type FunctionId = CamelCase<FunctionName>;

/** The id of a deployed function. */
export const functionId = (name: FunctionName): FunctionId =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) as FunctionId;

/** A value for each function, by its id. */
export function byFunctionId<Value>(value: (name: FunctionName) => Value): Record<FunctionId, Value> {
  return Object.fromEntries(functionNames.map((name) => [functionId(name), value(name)])) as Record<
    FunctionId,
    Value
  >;
}

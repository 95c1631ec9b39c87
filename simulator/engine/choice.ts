import { at, find, isRecord, type Json } from './json-path.ts';

/** A condition of a Choice state. */
export type ChoiceRule = { [operator: string]: Json };

/** The state that the first fitting rule leads to; undefined where none fits. */
export function choose(
  rules: readonly (ChoiceRule & { Next: string })[],
  document: Json,
  context: Json,
): string | undefined {
  return rules.find((rule) => holds(rule, document, context))?.Next;
}

function holds(rule: ChoiceRule, document: Json, context: Json): boolean {
  const { And, Or, Not, Variable, Next: _, ...comparison } = rule;
  const isTrue = (each: Json) => holds(asRule(each), document, context);
  if (Array.isArray(And)) return And.every(isTrue);
  if (Array.isArray(Or)) return Or.some(isTrue);
  if (Not !== undefined) return !isTrue(Not);
  const [[operator, expected] = ['', null]] = Object.entries(comparison);
  const path = String(Variable);
  if (operator === 'IsPresent') return (find(path, document, context) !== undefined) === expected;
  const value = at(path, document, context);
  switch (operator) {
    case 'IsNull':
      return (value === null) === expected;
    case 'IsNumeric':
      return (typeof value === 'number') === expected;
    // A value of another type is simply not equal.
    case 'StringEquals':
    case 'BooleanEquals':
      return value === expected;
    default:
      throw new Error(`The comparison ${operator} is not interpreted here`);
  }
}

function asRule(value: Json): ChoiceRule {
  if (isRecord(value)) return value;
  throw new Error('A condition is not an object');
}

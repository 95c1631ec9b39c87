import fc from 'fast-check';
import { it } from 'vitest';

/**
 * What is fuzzed, and how many inputs each target gets: at least 10,000 together, which a test adds up. `FUZZ_RUNS`
 * multiplies them; `FUZZ_SEED` begins elsewhere. A failure prints seed and path, and the smallest input that fails.
 */
export const targets = {
  'JSON texts': 500,
  'JSON nested without end': 100,
  'payloads of the functions': 600,
  'state documents': 500,
  'outcomes and what is told of them': 400,
  'items of the table': 400,
  'answers of MLflow': 600,
  'answers of the Workload API': 500,
  'errors of both APIs': 400,
  'tags: bounds and records': 500,
  'visible text': 600,
  'masked text': 150,
  'causes of errors': 300,
  environments: 500,
  'secrets as they are stored': 300,
  'work for twice the input': 60,
  policies: 500,
  decisions: 700,
  'a better challenger': 700,
  'handlers: structured payloads': 500,
  'handlers: garbage': 300,
  'handlers: hostile names': 200,
  'handlers: hostile answers': 500,
  'handlers: hostile items': 250,
  'the watch: hostile answers and blocks': 120,
  commands: 300,
  'routes of MLflow': 800,
  'routes of the Workload API': 800,
  'messages to SNS': 300,
  'requests to Step Functions': 150,
  'the table in memory and dynalite': 400,
  'secrets in whole executions': 100,
} as const;
export type Target = keyof typeof targets;

const times = Number(process.env['FUZZ_RUNS'] ?? 1);
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261);

/** Checks a property of a target as often as the table says. The name of the case shows how often that is. */
export function fuzz<Input>(
  target: Target,
  rule: string,
  inputs: fc.Arbitrary<Input>,
  holds: (input: Input) => unknown,
): void {
  const numRuns = Math.ceil(targets[target] * times);
  it(
    `${target}: ${rule} (${numRuns} runs)`,
    () =>
      fc.assert(
        fc.asyncProperty(inputs, async (input) => {
          await holds(input);
        }),
        { numRuns, seed },
      ),
    180_000 * Math.max(1, times),
  );
}

import { readFileSync } from 'node:fs';
import { callFaults, invocationFaults } from './engine/faults.ts';
import { type Definition, readDefinition } from './engine/interpreter.ts';

/** What stories have reached, and what they have not. */
export interface Coverage {
  /** Number of times by name: states, retries, catches, calls, faults, actions. */
  counts: Record<string, number>;
  /** Names of states, retries and catches of the definition that no story has reached. */
  unreached: string[];
  /** Pairs of a call and a fault: how many there are among the calls that were made, and those that did not happen. */
  faults: { possible: number; missing: string[] };
}

/** Adds up counts of many plays. */
export class Counter {
  readonly #counts = new Map<string, number>();

  add(counts: Iterable<readonly [string, number]>): void {
    for (const [name, count] of counts) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  coverage(definition: Definition = rendered()): Coverage {
    const names = [...this.#counts.keys()];
    const calls = names.filter((name) => name.startsWith('call ')).map((name) => name.slice('call '.length));
    const functions = names.filter((name) => name.startsWith('invoke ')).map((name) => name.slice(7));
    const possible = [
      ...calls.flatMap((call) => callFaults.map((kind) => `fault ${call}: ${kind}`)),
      ...functions.flatMap((name) => invocationFaults.map((kind) => `fault ${name} invoke: ${kind}`)),
    ];
    return {
      counts: Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1))),
      unreached: placesIn(definition).filter((place) => !this.#counts.has(place)),
      faults: {
        possible: possible.length,
        missing: possible
          .filter((name) => !this.#counts.has(name))
          .map((name) => name.slice('fault '.length)),
      },
    };
  }
}

/** Every state, Retry and Catch of a definition, by the name under which it is counted. */
function placesIn({ States }: Definition): string[] {
  return Object.entries(States).flatMap(([name, state]) => {
    if (state.Type !== 'Task') return [`state ${name}`];
    return [
      `state ${name}`,
      ...(state.Retry ?? []).map((_, index) => `retry ${name}[${index}]`),
      ...(state.Catch ?? []).map(({ Next }, index) => `catch ${name}[${index}] → ${Next}`),
    ];
  });
}

const rendered = () =>
  readDefinition(readFileSync(new URL('../statemachines/promotion.asl.json', import.meta.url), 'utf8'));

import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type Edit, mutantNamed } from './mutants.ts';

/**
 * One process for one mutant, so that nothing of it is left: `node hunt.ts NAME SEED STORIES` plays stories with the
 * altered sources until one of them violates something, and prints what came of it. `node hunt.ts --clean TOLD` plays
 * stories with the sources as they are.
 */

/** What one process prints. */
export interface Hunted {
  /** Number of stories until the first that violates something; null if none of them does. */
  found: number | null;
  violations: { invariant: string; what: string }[];
  /** The shrunk story: its seed, and the ids of the steps, outages and faults that are left. */
  told: { seed: string; only: readonly string[] | null } | null;
}

const root = new URL('../../', import.meta.url);

/** Alters source files as they are loaded. Throws where a text is not in its file exactly once. */
function alter(edits: readonly Edit[]): void {
  const byFile = Map.groupBy(edits, ({ file }) => new URL(file, root).href);
  for (const [url, changes] of byFile) {
    const path = fileURLToPath(url);
    if (!existsSync(path)) throw new Error(`There is no file ${path}`);
    altered(readFileSync(path, 'utf8'), changes);
  }
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const changes = byFile.get(url);
      if (changes === undefined) return loaded;
      reached.add(url);
      return { ...loaded, source: altered(String(loaded.source), changes) };
    },
  });
  process.on('exit', () => {
    const missed = [...byFile.keys()].filter((url) => !reached.has(url));
    if (missed.length === 0) return;
    console.error(`Never loaded: ${missed.join(', ')}`);
    process.exitCode = 1;
  });
}

const reached = new Set<string>();

function altered(source: string, changes: readonly Edit[]): string {
  let text = source;
  for (const { file, find, replace } of changes) {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`${parts.length - 1} times in ${file}, not once: ${find}`);
    text = parts.join(replace);
  }
  return text;
}

/** `none`: the sources as they are. */
const editsOf = (which: string): readonly Edit[] => (which === 'none' ? [] : mutantNamed(which).edits);

const [name = '', seed = '', stories = ''] = process.argv.slice(2);
if (name === '--clean') {
  const { play } = await import('../../simulator/shrink.ts');
  const told: NonNullable<Hunted['told']>[] = JSON.parse(seed);
  for (const each of told) {
    const { violations } = await play(each);
    console.log(JSON.stringify(violations));
  }
} else {
  alter(editsOf(name));
  const { simulate } = await import('../../simulator/simulate.ts');
  const report = await simulate({ seed, stories: Number(stories), maxFailures: 1 });
  const [failure] = report.failures;
  const hunted: Hunted = {
    found: failure === undefined ? null : report.stories,
    violations: failure?.violations ?? [],
    told: failure?.told ?? null,
  };
  console.log(JSON.stringify(hunted));
}

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Manifest = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().default('not stated'),
});

/**
 * The licences and notices of the packages that these sources belong to: each text once, with the packages that it
 * covers. The licences require this for minified code as well. `top`: root of the repository.
 */
export function licensesOf(top: string, sources: string[]): string {
  const directories = new Set(
    sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source) ?? []),
  );
  const covered = new Map<string, Set<string>>();
  for (const directory of [...directories].sort()) {
    const place = join(top, directory);
    const { name, version, license } = Manifest.parse(
      JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')),
    );
    const files = globSync('{licen[cs]e,LICEN[CS]E,notice,NOTICE}*', { cwd: place }).sort();
    const text = files.map((file) => readFileSync(join(place, file), 'utf8').trim()).join('\n\n');
    const packages = covered.get(text) ?? new Set<string>();
    covered.set(text, packages.add(`${name} ${version} (${license})`));
  }
  return [...covered]
    .map(
      ([text, packages]) =>
        `${[...packages].join('\n')}\n\n${text || 'The package has no text of its own.'}\n`,
    )
    .join(`\n${'-'.repeat(80)}\n\n`);
}

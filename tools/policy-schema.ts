import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { PolicyChoice, PolicyFile } from '../lambdas/domain/comparison/policy.ts';

/**
 * Writes `policy.schema.json`, which editors use for completion and validation. With `--check` it writes nothing and
 * fails when the file is out of date. Combinations of fields are validated only when a policy is read.
 */
const target = new URL('../policies/policy.schema.json', import.meta.url);
const schema = `${JSON.stringify({ title: 'Promotion policy', ...z.toJSONSchema(z.union([PolicyFile, PolicyChoice]), { io: 'input' }) }, null, 2)}\n`;

if (process.argv.includes('--check')) {
  const present = await readFile(target, 'utf8').catch(() => '');
  if (present !== schema) {
    console.error('policies/policy.schema.json is not up to date; run: node tools/policy-schema.ts');
    process.exitCode = 1;
  }
} else {
  await writeFile(target, schema);
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleFunctions } from '../../build/bundle.ts';
import { writeTemplates } from './templates.ts';

const usage = `Usage: npm run package:template [-- --out DIR]

Writes CloudFormation templates for deployment without CDK, and the ZIP file of the functions that they refer to:
model-promotion.template.json promotes in MLflow alone, model-promotion-workloads.template.json also rolls models out on
DataRobot Workloads. The same sources give the same bytes. docs/deploy.md shows how to deploy them.

  --out DIR   where they are written (default: dist/template); earlier ones there are replaced
  --help      show this text
`;

/** Exit status: 0 written, 1 it failed, 2 unknown arguments. */
async function main(args: string[]): Promise<number> {
  let out = fileURLToPath(new URL('../../dist/template', import.meta.url));
  try {
    const options = { help: { type: 'boolean', short: 'h' }, out: { type: 'string' } } as const;
    const { values } = parseArgs({ args, options });
    if (values.help === true) {
      process.stdout.write(usage);
      return 0;
    }
    if (values.out !== undefined) out = resolve(values.out);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  try {
    const { files } = await bundleFunctions();
    console.log(`[1/2] functions: ${Object.keys(files).length} files`);
    const written = writeTemplates(out);
    console.log(`[2/2] templates: ${written.length} files in ${relative('', out)}`);
    for (const { file, bytes } of written) {
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
      console.log(
        `  ${relative(out, file).padEnd(42)} ${(bytes / 1000).toFixed(0).padStart(5)} kB  sha256 ${digest}`,
      );
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFunctions } from '../../build/bundle.ts';
import { withOutOption } from '../../build/out-option.ts';
import { writeTemplates } from './templates.ts';

const usage = `Usage: npm run package:template [-- --out DIR]

Writes CloudFormation templates for deployment without CDK, and the ZIP file of the functions that they refer to:
model-promotion.template.json promotes in MLflow alone, model-promotion-workloads.template.json also rolls models out on
DataRobot Workloads. The same sources give the same bytes. docs/deploy.md shows how to deploy them.

  --out DIR   where they are written (default: dist/template); earlier ones there are replaced
  --help      show this text
`;

async function write(out: string): Promise<void> {
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
}

const out = fileURLToPath(new URL('../../dist/template', import.meta.url));
if (import.meta.main) process.exitCode = await withOutOption(process.argv.slice(2), { usage, out }, write);

import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import * as z from 'zod';
import type { ModelFile, ModelFileRead } from '../../domain/gates/judge.ts';
import { parseSignature } from '../../domain/gates/signature.ts';
import { readAs } from '../../domain/json.ts';
import { modelFileBytes } from '../../domain/limits.ts';
import type { Mlflow } from './client.ts';

/** The file `MLmodel`, in which MLflow describes a model: YAML, with the signature as texts of JSON. */

const Content = z.object({
  signature: z.unknown().optional(),
  model_size_bytes: z.number().nonnegative().nullish().catch(null),
});

/**
 * Reads `MLmodel` of a version from where it was registered, a run or a logged model. Every flaw of the file is an outcome.
 * Throws `MlflowUnavailable`, `MlflowRefused` and `MlflowInvalidResponse`, as every request does; servers before 3.17 answer
 * for a file that is not there as for one that they cannot read: `MlflowUnavailable`.
 */
export async function readModelFile(
  client: Pick<Mlflow, 'versionFile'>,
  model: string,
  version: string,
): Promise<ModelFileRead> {
  const bytes = await client.versionFile(model, version, 'MLmodel', modelFileBytes);
  if (bytes === null) return { problem: 'missing' };
  return bytes === 'too-large' ? { problem: 'too-large' } : parseModelFile(bytes);
}

/** Parses a file of at most `modelFileBytes`. */
export function parseModelFile(bytes: Buffer): ModelFileRead {
  const content = yamlIn(bytes.toString('utf8'));
  const read = readAs(Content, content);
  if (!read.success) return { problem: 'unreadable' };
  const { signature, model_size_bytes: size } = read.data;
  const file: ModelFile = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    signature: parseSignature(signature),
    size: size ?? null,
  };
  return { file };
}

/** Undefined for what is no YAML. Anchors are followed up to a count; nesting beyond the stack is an error like any other. */
function yamlIn(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 100, prettyErrors: false, logLevel: 'silent', schema: 'core' });
  } catch {
    return undefined;
  }
}

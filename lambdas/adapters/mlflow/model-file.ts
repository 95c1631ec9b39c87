import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';
import { modelFileBytes } from '../../domain/file-limits.ts';
import type { ModelFile, ModelFileRead } from '../../domain/gates/judge.ts';
import { parseSignature } from '../../domain/gates/signature.ts';
import type { Mlflow } from './client.ts';

/** The file `MLmodel`, in which MLflow describes a model: YAML as PyYAML writes it, with the signature as texts of JSON. */

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
  // A field that ends the file may have no line break.
  const text = `${bytes.toString('utf8').replaceAll('\r\n', '\n')}\n`;
  // Every MLmodel has them; a page of a proxy, for example, has not.
  if (!/^flavors:/m.test(text)) return { problem: 'unreadable' };
  const size = /^model_size_bytes: (\d{1,15})$/m.exec(text)?.[1];
  const file: ModelFile = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    signature: parseSignature(signatureIn(text)),
    size: size === undefined ? null : Number(size),
  };
  return { file };
}

/** One field of the signature: a text in quotes, which may go on over lines, or nothing. */
const FIELD = /^ {2}(inputs|outputs|params):(?: ('(?:[^']|'')*'|"(?:[^"\\]|\\.)*")| (?:null|~))?\n/msy;

/**
 * The fields of the signature; undefined where there is none, a text where it is not as MLflow writes it. Only its lines are parsed: a
 * parser of YAML takes seconds for half a megabyte that was made to take long, and minutes for some.
 */
function signatureIn(text: string): unknown {
  const starts = [...text.matchAll(/^signature:(?<rest>.*)\n/gm)];
  const [start] = starts;
  if (start === undefined) return undefined;
  const rest = start.groups?.['rest']?.trim() ?? '';
  if (starts.length > 1 || rest !== '')
    return rest === 'null' && starts.length === 1 ? undefined : 'unreadable';
  const fields: Record<string, unknown> = {};
  let at = start.index + start[0].length;
  while (text.startsWith(' ', at)) {
    FIELD.lastIndex = at;
    const field = FIELD.exec(text);
    if (field === null) return 'unreadable';
    const [line, name = '', quoted] = field;
    if (Object.hasOwn(fields, name)) return 'unreadable';
    fields[name] = quoted === undefined ? null : scalarIn(quoted);
    at += line.length;
  }
  return fields;
}

/** The text of a quoted scalar, with its line breaks folded; one that is no JSON where it is not valid. */
function scalarIn(quoted: string): unknown {
  const document = parseDocument(quoted, { prettyErrors: false, schema: 'failsafe' });
  return document.errors.length > 0 ? 'unreadable' : document.toJS();
}

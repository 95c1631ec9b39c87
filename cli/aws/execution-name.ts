import { createHash } from 'node:crypto';

/** The longest name that Step Functions takes. */
const MAX_NAME_LENGTH = 80;
/** Characters of the SHA-256 in a name: 80 bits, so that no two inputs of one model meet by chance. */
const HASH_LENGTH = 20;
/** More attempts with one input are not looked at. */
export const MAX_ATTEMPTS = 1000;
const ATTEMPT_LENGTH = String(MAX_ATTEMPTS).length;

/**
 * Name of the execution: the model and the version as far as they can be read in it, a hash of the whole input, and
 * which attempt it is. The same input has the same name wherever it is started, so that Step Functions itself refuses
 * the second of two starts.
 */
export function executionName(model: string, version: string | null, input: string, attempt: number): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, HASH_LENGTH);
  const versionPart = version === null ? '' : `-v${slug(version, 10)}`;
  const room = MAX_NAME_LENGTH - versionPart.length - hash.length - ATTEMPT_LENGTH - 2;
  return `${slug(model, room) || 'model'}${versionPart}-${hash}-${attempt}`;
}

/** What of a text may stand in a name; it begins and ends with a letter or a digit, and may be empty. */
function slug(text: string, maxLength: number): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, maxLength)
    .replace(/-$/, '');
}

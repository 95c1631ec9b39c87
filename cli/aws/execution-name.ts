import { createHash } from 'node:crypto';

/** Step Functions quotas: names of executions. */
const MAX_NAME_LENGTH = 80;
/** Characters of the SHA-256 in a name: 80 bits, enough to rule out collisions. */
const HASH_LENGTH = 20;
/** Most attempts with one input. */
export const MAX_ATTEMPTS = 1000;
const ATTEMPT_LENGTH = String(MAX_ATTEMPTS).length;

/**
 * Name of an execution: a readable part of model and version, a hash of the whole input, and the number of the attempt;
 * at most 80 characters. The same input always has the same name, so Step Functions rejects a duplicate start.
 */
export function executionName(model: string, version: string | null, input: string, attempt: number): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, HASH_LENGTH);
  const versionPart = version === null ? '' : `-v${slug(version, 10)}`;
  const room = MAX_NAME_LENGTH - versionPart.length - hash.length - ATTEMPT_LENGTH - 2;
  return `${slug(model, room) || 'model'}${versionPart}-${hash}-${attempt}`;
}

/** The letters and digits of a text, joined by hyphens; may be empty. */
function slug(text: string, maxLength: number): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, maxLength)
    .replace(/-$/, '');
}

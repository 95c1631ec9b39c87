import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parsePolicyFile } from '../../lambdas/domain/comparison/policy.ts';

/** The files that props name: certificates and policies. */

/** Problems of a file with certificates. */
export function certificateProblems(file: string): string[] {
  const text = textOf(file);
  if (text === null) return [`caBundle: ${file} cannot be read`];
  if (text.includes('PRIVATE KEY'))
    return [`caBundle: ${file} contains a private key; it must contain only certificates`];
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return [`caBundle: ${file} contains no certificate in PEM format`];
  return blocks.flatMap((block, index) =>
    isCertificate(block) ? [] : [`caBundle: certificate ${index + 1} in ${file} cannot be read`],
  );
}

function isCertificate(block: string): boolean {
  try {
    return new X509Certificate(block).subject !== undefined;
  } catch {
    return false;
  }
}

/** Problems of a directory with policies. */
export function policyProblems(directory: string): string[] {
  const names = policyNames(directory);
  if (names === null) return [`policies: ${directory} is not a readable directory`];
  const missing = names.includes('default') ? [] : [`policies: ${directory} has no default.json`];
  return [
    ...missing,
    ...names.flatMap((name) => {
      try {
        parsePolicyFile(name, JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8')));
        return [];
      } catch (error) {
        return [`policies: ${name}.json: ${error instanceof Error ? error.message : String(error)}`];
      }
    }),
  ];
}

function policyNames(directory: string): string[] | null {
  try {
    return readdirSync(directory).flatMap(
      (file) => /^([a-z0-9][a-z0-9-]{0,63})\.json$/.exec(file)?.[1] ?? [],
    );
  } catch {
    return null;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

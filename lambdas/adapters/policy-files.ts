import { readdirSync, readFileSync } from 'node:fs';
import { type Policy, parsePolicy } from '../domain/comparison/policy.ts';
import { InvalidPolicy, UnknownPolicy } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import { visible } from '../domain/visible-text.ts';

/** The policies, by name. */
export interface Policies {
  /** Throws `UnknownPolicy`, which lists the known policies, or `InvalidPolicy`, which lists every mistake. */
  load(name: string): Promise<Policy>;
}

/** The only names that become part of a path: a registered model's tag may hold anything. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const FILE = /^([a-z0-9][a-z0-9-]{0,63})\.json$/;

/** Policies as files `<name>.json` in one directory; each is read once, as the files of a function do not change. */
export function policyFiles(directory: URL): Policies {
  const read = new Map<string, Policy>();
  const base = directory.href.endsWith('/') ? directory : new URL(`${directory.href}/`);

  function known(): string {
    try {
      const names = readdirSync(base).flatMap((file) => FILE.exec(file)?.[1] ?? []);
      return names.sort().join(', ') || 'none';
    } catch {
      return 'none';
    }
  }

  function content(name: string): string {
    try {
      if (NAME.test(name)) return readFileSync(new URL(`${name}.json`, base), 'utf8');
    } catch (error) {
      if (!isAbsent(error)) throw new InvalidPolicy(`Policy "${name}" cannot be read`, { cause: error });
    }
    throw new UnknownPolicy(`There is no policy "${visible(name, 80)}". Known policies: ${known()}`);
  }

  return {
    async load(name) {
      const known = read.get(name);
      if (known !== undefined) return known;
      const text = content(name);
      try {
        const policy = parsePolicy(name, parseJson(text));
        read.set(name, policy);
        return policy;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new InvalidPolicy(`Policy "${name}" is not JSON: ${visible(error.message, 200)}`, {
          cause: error,
        });
      }
    },
  };
}

const isAbsent = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

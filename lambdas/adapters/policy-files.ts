import { readdir, readFile } from 'node:fs/promises';
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

/** Policies as files `<name>.json` in one directory, read at each call. */
export function policyFiles(directory: URL): Policies {
  const base = directory.href.endsWith('/') ? directory : new URL(`${directory.href}/`);

  async function known(): Promise<string> {
    const files = await readdir(base).catch(() => []);
    const names = files.flatMap((file) => FILE.exec(file)?.[1] ?? []).sort();
    return names.join(', ') || 'none';
  }

  async function content(name: string): Promise<string> {
    try {
      if (NAME.test(name)) return await readFile(new URL(`${name}.json`, base), 'utf8');
    } catch (error) {
      if (!isAbsent(error)) throw new InvalidPolicy(`Policy "${name}" cannot be read`, { cause: error });
    }
    throw new UnknownPolicy(`There is no policy "${visible(name, 80)}". Known policies: ${await known()}`);
  }

  return {
    async load(name) {
      const text = await content(name);
      try {
        return parsePolicy(name, parseJson(text));
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

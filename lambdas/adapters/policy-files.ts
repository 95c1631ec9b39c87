import { readdirSync, readFileSync } from 'node:fs';
import { type Policy, type PolicyChoice, parsePolicyFile } from '../domain/comparison/policy.ts';
import { InvalidPolicy, UnknownPolicy } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import { visible } from '../domain/visible-text.ts';

/** The policies, by name. */
export interface Policies {
  /**
   * Where the name stands for one of several policies, the first of them that `applies`; without that, or if none does, the
   * first of all. Throws `UnknownPolicy`, which lists the known policies, or `InvalidPolicy`, which lists every mistake.
   */
  load(name: string, applies?: (policy: Policy) => boolean): Promise<Policy>;
}

/** The only names that become part of a path: a registered model's tag may hold anything. */
const NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const FILE = /^([a-z0-9][a-z0-9-]{0,63})\.json$/;

/** Policies as files `<name>.json` in one directory; each is read once, as the files of a function do not change. */
export function policyFiles(directory: URL): Policies {
  const read = new Map<string, Policy | PolicyChoice>();
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

  function policyOrChoice(name: string): Policy | PolicyChoice {
    const known = read.get(name);
    if (known !== undefined) return known;
    const text = content(name);
    try {
      const policy = parsePolicyFile(name, parseJson(text));
      read.set(name, policy);
      return policy;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new InvalidPolicy(`Policy "${name}" is not JSON: ${visible(error.message, 200)}`, {
        cause: error,
      });
    }
  }

  return {
    async load(name, applies = () => false) {
      const named = policyOrChoice(name);
      if ('rules' in named) return named;
      const policies = named.first_of.map((each) => {
        const policy = policyOrChoice(each);
        if ('rules' in policy) return policy;
        throw new InvalidPolicy(`Policy "${name}": first_of names "${each}", which stands for others itself`);
      });
      const [first] = policies;
      const found = policies.find(applies) ?? first;
      if (found === undefined) throw new InvalidPolicy(`Policy "${name}": first_of is empty`);
      return found;
    },
  };
}

const isAbsent = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT';

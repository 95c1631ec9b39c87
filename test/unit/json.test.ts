import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { canonicalJson } from '../../lambdas/domain/canonical-json.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { InvalidPolicy } from '../../lambdas/domain/errors.ts';
import { isTooDeep, jsonExcess, jsonLimits, parseJson, readAs } from '../../lambdas/domain/json.ts';
import { causeMessage } from '../../lambdas/domain/lambda-cause.ts';
import { readStateDocument } from '../../lambdas/domain/state-document.ts';
import { toHandler } from '../../lambdas/runtime/handler.ts';
import { BeginInput, begin } from '../../lambdas/use-cases/begin-promotion.ts';

const arrays = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

describe('JSON of untrusted origin', () => {
  it.each([
    ['arrays', arrays],
    ['objects', objects],
  ])('may be nested as deep as the limit, in %s, and no deeper', (_, nested) => {
    expect(isTooDeep(parseJson(nested(jsonLimits.levels)))).toBe(false);
    for (const levels of [jsonLimits.levels + 1, 100_000]) {
      expect(() => parseJson(nested(levels))).toThrow(SyntaxError);
      expect(isTooDeep(JSON.parse(nested(levels)))).toBe(true);
    }
  });

  it('may have as many values as the limit, and no more', () => {
    const list = (count: number) => `[${Array.from({ length: count - 1 }, () => '{}').join(',')}]`;
    expect(jsonExcess(list(jsonLimits.values / 2))).toBeNull();
    expect(jsonExcess(list(jsonLimits.values / 2 + 2))).toBe('values');
    expect(jsonExcess(`[${'0,'.repeat(jsonLimits.values)}0]`)).toBe('values');
  });

  it('is measured by its structure: what stands in strings does not count', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.string({ unit: 'binary' }), (value, text) => {
        const hidden = { [`${text}${'['.repeat(200)}`]: `\\"${text}${','.repeat(jsonLimits.values)}`, value };
        expect(parseJson(JSON.stringify(hidden))).toEqual(JSON.parse(JSON.stringify(hidden)));
      }),
      { numRuns: 50 },
    );
  });

  it('is refused like other text that is not JSON, however it is cut off', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, at) => {
        const text = JSON.stringify({ value });
        const cut = text.slice(0, at % text.length);
        expect(() => parseJson(cut)).toThrow(SyntaxError);
      }),
    );
  });
});

describe('a value nested 100,000 levels deep', () => {
  const deep: unknown = JSON.parse(objects(100_000));

  it('has no canonical text, which is an invalid input', () => {
    expect(() => canonicalJson({ input: deep })).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it('is an invalid payload of every function, for a schema that recurses and one that does not', async () => {
    const handler = toHandler('begin-promotion', {
      input: BeginInput,
      services: () => null,
      run: async (e) => begin(e),
    });
    const rollout = { strategy: 'rolling', runtime: deep };
    for (const input of [deep, { model_name: 'm', rollout }, [deep]]) {
      const event = { input, execution: 'arn', started_at: '2026-11-21T10:00:00Z' };
      await expect(handler(event)).rejects.toMatchObject({
        name: 'InvalidInput',
        message: `Invalid payload: is nested deeper than ${jsonLimits.levels} levels`,
      });
    }
  });

  it('is an answer where the function answers invalid payloads', async () => {
    const definition = { input: BeginInput, services: () => null, run: async () => null };
    const handler = toHandler('promote-model', {
      ...definition,
      onInvalid: (problems: string[]) => problems,
    });
    await expect(handler(deep)).resolves.toEqual([`is nested deeper than ${jsonLimits.levels} levels`]);
  });

  it('is no cause of an error', () => {
    expect(causeMessage(deep)).toBe('');
    expect(causeMessage(objects(100_000))).toBe(objects(100_000));
  });

  it('is no policy, wherever it stands', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'policies-'));
    const nested = objects(100_000);
    const policies = [
      nested,
      `{"accepted_grades": ["E"], "rules": [${nested}]}`,
      `{"accepted_grades": ["E"], "description": ${nested}, "rules": []}`,
    ];
    for (const policy of policies) {
      await writeFile(join(folder, 'deep.json'), policy);
      const load = policyFiles(pathToFileURL(folder)).load('deep');
      await expect(load).rejects.toMatchObject({ name: 'InvalidPolicy' });
    }
    await rm(folder, { recursive: true });
  });
});

describe('a length that cannot be compared with a limit', () => {
  const trap = JSON.parse('{"length": {"toString": null, "valueOf": null}}');

  it('is an invalid text or list of a schema', () => {
    const limited: z.ZodType<unknown>[] = [z.string().min(1), z.string().max(9), z.array(z.unknown()).max(9)];
    for (const schema of limited) expect(readAs(schema, trap).success).toBe(false);
    expect(readAs(z.string().min(1), 'text')).toEqual({ success: true, data: 'text' });
  });

  it('is an invalid input and an invalid payload', async () => {
    const begun = begin({ input: { model_name: trap }, execution: 'e', started_at: 't' });
    expect(begun).toMatchObject({ valid: false, model_name: null });
    const handler = toHandler('f', {
      input: z.object({ model_name: z.string().max(9) }),
      services: () => null,
      run: async () => null,
    });
    await expect(handler({ model_name: trap })).rejects.toMatchObject({ name: 'InvalidInput' });
  });

  it('is an invalid field of a state document, whose others are read', () => {
    expect(readStateDocument({ model_name: trap, execution: 'e' })).toMatchObject({
      model_name: null,
      execution: 'e',
    });
  });

  it('is a mistake in a policy', () => {
    expect(() => parsePolicy('mine', { accepted_grades: trap, rules: trap })).toThrow(InvalidPolicy);
  });
});

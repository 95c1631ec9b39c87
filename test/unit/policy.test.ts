import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyFiles } from '../../lambdas/adapters/policy-files.ts';
import { gainOf, neededGain, parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { InvalidPolicy, UnknownPolicy } from '../../lambdas/domain/errors.ts';
import { policy } from '../support/evidence.ts';

const rule = { name: 'accuracy', metric: 'accuracy', direction: 'higher' };
const withRules = (...rules: unknown[]) => ({ accepted_grades: ['C'], rules });

function mistakes(content: unknown): string {
  try {
    parsePolicy('mine', content);
  } catch (error) {
    if (error instanceof InvalidPolicy) return error.message;
    throw error;
  }
  return 'none';
}

describe('a policy', () => {
  it('needs only grades and one rule, and has a default for the rest', () => {
    expect(parsePolicy('mine', withRules(rule))).toEqual({
      name: 'mine',
      accepted_grades: ['C'],
      alpha: 0.05,
      budget: 0.5,
      dataset: { when_missing: 'allow' },
      rules: [
        {
          ...rule,
          against_champion: true,
          strict: false,
          critical: false,
          weight: 1,
          when_missing: 'investigate',
        },
      ],
      serving: { derive_artifact: false },
    });
  });

  it('may name its schema for editors', () => {
    expect(mistakes({ $schema: './policy.schema.json', ...withRules(rule) })).toBe('none');
  });

  it('is refused with every mistake at once, each with its path', () => {
    const message = mistakes({
      accepted_grades: ['F'],
      min_confidence: 70,
      colour: 'blue',
      rules: [
        { ...rule, critcal: true, weight: 0 },
        { ...rule, metric: 'two\nlines', min_gain: 1, margin: 1, weight: 'heavy' },
      ],
    });
    expect(message).toContain('Policy "mine" has 9 mistake(s)');
    for (const expected of [
      'accepted_grades.0: ',
      'min_confidence: ',
      '(top): unknown field "colour"',
      'rules.0: unknown field "critcal"',
      'rules.0.weight: ',
      'rules.1.metric: must be one line without control characters',
      'rules.1.weight: ',
      'rules.1.margin: contradicts min_gain',
      'rules.1.name: "accuracy" is used twice',
    ]) {
      expect(message).toContain(expected);
    }
  });

  it.each([
    [{ margin: 1, min_gain: 1 }, 'margin: contradicts min_gain'],
    [{ margin: 1, min_relative_gain: 1 }, 'margin: contradicts min_relative_gain'],
    [{ relative_margin: 1, min_gain: 1 }, 'relative_margin: contradicts min_gain'],
    [{ relative_margin: 1, min_relative_gain: 1 }, 'relative_margin: contradicts min_relative_gain'],
    [{ margin: 1, strict: true }, 'margin: contradicts strict'],
    [{ relative_margin: 1, strict: true }, 'relative_margin: contradicts strict'],
    [{ critical: true, when_missing: 'skip' }, 'when_missing: contradicts critical'],
    [{ relative_scale: 1 }, 'relative_scale: has no effect without'],
    [{ against_champion: false }, 'limit: is needed when against_champion is false'],
    [{ against_champion: false, limit: 1, min_gain: 1 }, 'min_gain: has no effect when against_champion'],
    [{ against_champion: false, limit: 1, margin: 1 }, 'margin: has no effect when against_champion'],
    [{ against_champion: false, limit: 1, strict: true }, 'strict: has no effect when against_champion'],
    [
      { against_champion: false, limit: 1, sample: { kind: 'proportion', size: 'n' } },
      'sample: has no effect when against_champion',
    ],
    [{ sample: { kind: 'mean', size: 'n' } }, 'sample.deviation: '],
    [{ sample: { kind: 'median', size: 'n' } }, 'sample.kind: '],
    [{ margin: -0.1 }, 'margin: '],
    [{ limit: Number.POSITIVE_INFINITY }, 'limit: '],
    [{ name: '' }, 'name: '],
  ])('with %j in a rule is refused: %s', (fields, expected) => {
    expect(mistakes(withRules({ ...rule, ...fields }))).toContain(`rules.0.${expected}`);
  });

  it.each([[null], [[]], ['text'], [{}], [{ rules: [] }], [{ rules: {} }], [withRules(null)], [withRules()]])(
    'is refused when it is %j',
    (content) => {
      expect(mistakes(content)).toContain('Policy "mine" has');
    },
  );

  it('never fails in another way than InvalidPolicy, whatever the file holds', () => {
    const anything = fc.record({ accepted_grades: fc.jsonValue(), rules: fc.array(fc.jsonValue()) });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anything), (content) => {
        expect(typeof mistakes(content)).toBe('string');
      }),
    );
  });
});

describe('the gain that a rule asks for', () => {
  it.each([
    ['nothing', {}, 10, 0],
    ['an absolute gain', { min_gain: 2 }, 10, 2],
    ['a relative gain', { min_relative_gain: 0.1 }, 10, 1],
    ['a relative gain over a negative champion', { min_relative_gain: 0.1 }, -10, 1],
    ['a relative gain over zero, by its scale', { min_relative_gain: 0.1, relative_scale: 5 }, 0, 0.5],
    ['a relative gain over less than its scale', { min_relative_gain: 0.1, relative_scale: 5 }, 1, 0.5],
    ['a relative gain over zero without a scale', { min_relative_gain: 0.1 }, 0, 1e-10],
    ['both kinds of gain: the larger', { min_gain: 2, min_relative_gain: 0.5 }, 10, 5],
    ['an absolute margin', { margin: 2 }, 10, -2],
    ['a relative margin', { relative_margin: 0.1 }, 10, -1],
    ['a relative margin under a negative champion', { relative_margin: 0.1 }, -10, -1],
    ['both kinds of margin: the smaller', { margin: 2, relative_margin: 0.1 }, 10, -1],
  ])('is right for %s', (_, fields, champion, expected) => {
    const [parsed] = policy([{ metric: 'm', ...fields }]).rules;
    expect(parsed && neededGain(parsed, champion)).toBeCloseTo(expected, 12);
  });

  it.each([
    ['higher', 0.5, 0.75, 0.25],
    ['higher', -2, -1, 1],
    ['lower', 0.5, 0.75, -0.25],
    ['lower', -1, -2, 1],
  ])(
    'is reached in the direction "%s" from %d to %d by a gain of %d',
    (direction, before, after, expected) => {
      const [parsed] = policy([{ metric: 'm', direction }]).rules;
      expect(parsed && gainOf(parsed, before, after)).toBe(expected);
    },
  );
});

describe('policy files', () => {
  const shipped = policyFiles(new URL('../../policies/', import.meta.url));
  let own: ReturnType<typeof policyFiles>;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'policies-'));
    await writeFile(join(directory, 'good.json'), JSON.stringify(withRules(rule)));
    await writeFile(
      join(directory, 'typo.json'),
      JSON.stringify({ ...withRules({ ...rule, weigth: 1 }), x: 1 }),
    );
    await writeFile(join(directory, 'broken.json'), '{"rules": [');
    await writeFile(join(directory, 'Not A Policy.json'), '{}');
    // Without a slash at its end, as somebody may well write it.
    own = policyFiles(pathToFileURL(directory));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it.each(['default', 'regression', 'trading'])('ships a valid policy called "%s"', async (name) => {
    expect(await shipped.load(name)).toMatchObject({ name });
  });

  it('loads a policy by the name of its file', async () => {
    expect(await own.load('good')).toMatchObject({ name: 'good' });
  });

  it.each(['nope', '', '../good', '..%2fgood', 'good.json', 'GOOD', 'a/b', 'good\0', 'x'.repeat(5_000_000)])(
    'refuses the name %j and lists the known ones',
    async (name) => {
      const error = await own.load(name).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UnknownPolicy);
      const { message } = error as UnknownPolicy;
      expect(message).toContain('Known policies: broken, good, typo');
      expect(message.length).toBeLessThan(250);
    },
  );

  it('says so when there is no policy at all', async () => {
    const none = policyFiles(new URL('file:///no/such/directory/'));
    await expect(none.load('default')).rejects.toThrow('Known policies: none');
  });

  it('lists every mistake of a file with a typo', async () => {
    await expect(own.load('typo')).rejects.toThrow(/2 mistake\(s\).*weigth.*"x"/);
  });

  it('refuses a file that is not JSON', async () => {
    const error = await own.load('broken').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidPolicy);
    expect((error as InvalidPolicy).message).toContain('Policy "broken" is not JSON');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../lambdas/domain/comparison/evidence.ts';
import { type Policy, parsePolicy, policyMistakes } from '../../lambdas/domain/comparison/policy.ts';
import { changesSince } from '../../lambdas/domain/gates/changes.ts';
import {
  type GateFacts,
  gateInputs,
  judgeGates,
  type ModelFileRead,
} from '../../lambdas/domain/gates/judge.ts';
import { parseSignature } from '../../lambdas/domain/gates/signature.ts';
import type { ModelVersion, Run } from '../../lambdas/domain/registry.ts';
import { run } from '../support/evidence.ts';
import { version } from '../support/registry.ts';

const NOW = new Date('2026-11-20T10:00:00Z'); // a Friday

const withGates = (...gates: object[]): Policy =>
  parsePolicy('gated', {
    accepted_grades: ['E'],
    gates: gates.map((gate, index) => ({ name: `gate ${index}`, ...gate })),
    rules: [{ name: 'a', metric: 'a', direction: 'higher' }],
  });

interface World extends Partial<Omit<GateFacts, 'challenger' | 'champion'>> {
  of?: Partial<ModelVersion>;
  run?: Partial<Run> | null;
  champion?: Candidate | null;
}

function facts({ of = {}, run: ofRun = {}, ...more }: World = {}): GateFacts {
  return {
    model: { tags: {} },
    mode: 'stages',
    champion: { version: version(2, 'Production'), run: run({}) },
    challenger: { version: version(3, 'Staging', of), run: ofRun === null ? null : run({}, ofRun) },
    modelFiles: { champion: null, challenger: null },
    fingerprint: null,
    ...more,
  };
}

/** The codes of one gate, or its result where there are none. */
function judged(gate: object, world: World = {}, now = NOW): string {
  const [found] = judgeGates(withGates(gate), facts(world), now);
  if (found === undefined) throw new Error('no gate');
  expect(found.result === 'passed').toBe(found.why.length === 0);
  return found.why.length === 0
    ? found.result
    : `${found.result}: ${found.why.map(({ code }) => code).join(' ')}`;
}

describe('required tags', () => {
  const gate = { kind: 'tags', tags: ['owner', { key: 'privacy_review', pattern: 'done|waived' }] };
  const good = { owner: 'risk team', privacy_review: 'done' };
  it.each<[string, World, string]>([
    ['on the version', { of: { tags: good } }, 'passed'],
    ['on the model', { model: { tags: good } }, 'passed'],
    [
      'on both, the version first',
      { of: { tags: { privacy_review: 'open' } }, model: { tags: good } },
      'failed: tag-differs',
    ],
    ['nowhere', {}, 'failed: tag-missing tag-missing'],
    ['empty', { of: { tags: { owner: ' \n', privacy_review: 'done' } } }, 'failed: tag-missing'],
    ['of another value', { of: { tags: { ...good, privacy_review: 'done soon' } } }, 'failed: tag-differs'],
    ['with a line break', { of: { tags: { ...good, privacy_review: 'done\nnot' } } }, 'failed: tag-differs'],
    [
      'that are too long to match',
      { of: { tags: { ...good, privacy_review: `${'done|'.repeat(200)}done` } } },
      'failed: tag-differs',
    ],
    ['of the name of a method', { of: { tags: {} }, model: { tags: good } }, 'passed'],
  ])('%s: %j is %s', (_, world, expected) => {
    expect(judged(gate, world)).toBe(expected);
  });

  it('may have to be in one place', () => {
    expect(judged({ ...gate, on: 'version' }, { model: { tags: good } })).toBe(
      'failed: tag-missing tag-missing',
    );
    expect(judged({ ...gate, on: 'model' }, { model: { tags: good } })).toBe('passed');
    expect(judged({ kind: 'tags', tags: ['toString'] })).toBe('failed: tag-missing');
  });

  it('leave bounded reasons, whatever is in them', () => {
    const tags = Array.from({ length: 50 }, (_, index) => ({ key: `t${index}`, pattern: 'x' }));
    const hostile = Object.fromEntries(tags.map(({ key }) => [key, `\n\ud83d${'本'.repeat(9000)}`]));
    const found = judgeGates(withGates({ kind: 'tags', tags }), facts({ of: { tags: hostile } }), NOW);
    expect(JSON.stringify(found).length).toBeLessThan(2_000);
    expect(JSON.stringify(found)).not.toMatch(/\\ud83d/);
  });
});

describe('lineage', () => {
  const commit = { tags: { 'mlflow.source.git.commit': '9fceb02d0ae598e95dc970b74767f19372d61af8' } };
  it.each<[string, World, string]>([
    ['a finished run with commit and data', { run: commit }, 'passed'],
    ['no run', { run: null }, 'failed: no-run no-commit no-data'],
    ['a run that goes on', { run: { ...commit, status: 'RUNNING' } }, 'failed: run-not-finished'],
    ['no commit', {}, 'failed: no-commit'],
    ['a commit that is none', { run: { tags: { 'mlflow.source.git.commit': 'main' } } }, 'failed: no-commit'],
    ['no data', { run: { ...commit, datasets: [] } }, 'failed: no-data'],
    ['rows instead of a digest', { run: { ...commit, datasets: [] }, fingerprint: 'f' }, 'passed'],
  ])('%s', (_, world, expected) => {
    expect(judged({ kind: 'lineage' }, world)).toBe(expected);
  });

  it('needs only what the policy names', () => {
    expect(judged({ kind: 'lineage', needs: ['run'] }, { run: { datasets: [] } })).toBe('passed');
  });
});

type Column = { type: string; name?: string; required?: boolean; [more: string]: unknown };
const file = (
  inputs: Column[],
  outputs: Column[] = [{ type: 'double' }],
  params: Column[] = [],
): ModelFileRead => ({
  file: {
    sha256: 's',
    size: 10_827,
    signature: parseSignature({
      inputs: JSON.stringify(inputs),
      outputs: JSON.stringify(outputs),
      params: params.length > 0 ? JSON.stringify(params) : null,
    }),
  },
});

describe('the signature', () => {
  const a = { type: 'double', name: 'a', required: true };
  const b = { type: 'long', name: 'b', required: false };
  const tensor = (...shape: number[]) => ({ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape } });
  const object = (properties: object) => ({ type: 'object', name: 'o', properties });
  const text = { type: 'string', required: true };

  const both = (champion: ModelFileRead | null, challenger: ModelFileRead | null) =>
    judged({ kind: 'signature' }, { modelFiles: { champion, challenger } });

  it.each<[string, Column[], Column[], string]>([
    ['the same', [a, b], [b, a], 'passed'],
    ['one more that is optional', [a], [a, b], 'passed'],
    ['one more that is required', [a], [a, { ...b, required: true }], 'failed: input-required'],
    ['one less', [a, b], [a], 'failed: input-missing'],
    ['one that was optional', [a, b], [a, { ...b, required: true }], 'failed: input-required'],
    ['one that was required is optional', [a], [{ ...a, required: false }], 'passed'],
    ['a wider type', [{ ...b, type: 'integer' }], [b], 'passed'],
    ['a narrower type', [b], [{ ...b, type: 'integer' }], 'failed: input-type'],
    ['another type', [a], [{ ...a, type: 'string' }], 'failed: input-type'],
    ['anything', [a], [{ ...a, type: 'any' }], 'passed'],
    ['a tensor of any length', [tensor(8, 4)], [tensor(-1, 4)], 'passed'],
    ['a tensor of one length', [tensor(-1, 4)], [tensor(8, 4)], 'failed: input-type'],
    ['a tensor of another width', [tensor(-1, 4)], [tensor(-1, 5)], 'failed: input-type'],
    ['a tensor for a column', [a], [tensor(-1)], 'failed: input-missing input-required'],
    ['lists of the same', [{ type: 'array', items: text }], [{ type: 'array', items: text }], 'passed'],
    [
      'lists of another type',
      [{ type: 'array', items: text }],
      [{ type: 'array', items: a }],
      'failed: input-type',
    ],
    [
      'an object with a new optional property',
      [object({ x: text })],
      [object({ x: text, y: { ...text, required: false } })],
      'passed',
    ],
    [
      'an object with a new required property',
      [object({ x: text })],
      [object({ x: text, y: text })],
      'failed: input-type',
    ],
    [
      'an object without a property',
      [object({ x: text, y: text })],
      [object({ x: text })],
      'failed: input-type',
    ],
  ])('takes %s', (_, champion, challenger, expected) => {
    expect(both(file(champion), file(challenger))).toBe(expected);
  });

  it('returns the same', () => {
    expect(both(file([a], [a]), file([a], [a, b]))).toBe('failed: output-added');
    expect(both(file([a], [a, b]), file([a], [a]))).toBe('failed: output-missing');
    expect(both(file([a], [a]), file([a], [{ ...a, type: 'float' }]))).toBe('failed: output-type');
  });

  it('keeps the parameters, and may have new ones', () => {
    const t = { name: 't', type: 'double', default: 0.5, shape: null };
    expect(both(file([a], [a], []), file([a], [a], [t]))).toBe('passed');
    expect(both(file([a], [a], [t]), file([a], [a]))).toBe('failed: param-missing');
    expect(both(file([a], [a], [t]), file([a], [a], [{ ...t, type: 'string' }]))).toBe('failed: param-type');
  });

  const none: ModelFileRead = { file: { sha256: 's', size: null, signature: null } };
  it.each<[string, ModelFileRead | null, ModelFileRead | null, string]>([
    ['of the challenger is missing', file([a]), none, 'failed: no-signature'],
    ['of the champion is missing', none, file([a]), 'not-judged: no-signature'],
    ['of both is missing', none, none, 'failed: no-signature no-signature'],
    ['has no file', file([a]), { problem: 'missing' }, 'failed: model-file'],
    ['was not read', file([a]), null, 'failed: model-file'],
    ['of the champion cannot be read', { problem: 'unreadable' }, file([a]), 'failed: model-file'],
    ['is too large', file([a]), { problem: 'too-large' }, 'failed: model-file'],
    [
      'is none that MLflow writes',
      file([a]),
      { file: { sha256: 's', size: 1, signature: 'unreadable' } },
      'failed: model-file',
    ],
  ])('%s', (_, champion, challenger, expected) => {
    expect(both(champion, challenger)).toBe(expected);
  });

  it('is not judged for a first model', () => {
    expect(judged({ kind: 'signature' }, { champion: null })).toBe('not-judged: no-champion');
  });

  it.each([
    ['a text', 'x'],
    ['a list', []],
    ['inputs that are no JSON', { inputs: '<html>' }],
    ['inputs that are no list', { inputs: '{}' }],
    ['a field without a type', { inputs: '[{"name": "a"}]' }],
    ['a tensor without a shape', { inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "x"}}]' }],
    [
      'types within types without end',
      { inputs: `[${'{"type":"array","items":'.repeat(60)}{"type":"long"}${'}'.repeat(60)}]` },
    ],
    ['brackets without end', { inputs: '['.repeat(100_000) }],
    ['too many fields', { inputs: JSON.stringify(Array.from({ length: 10_001 }, () => a)) }],
  ])('that is %s cannot be read', (_, value) => {
    expect(parseSignature(value)).toBe('unreadable');
  });

  it('is read or refused, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (one, other) => {
        const read = [one, other].map((inputs) => parseSignature({ inputs: `[${inputs}]`, outputs: inputs }));
        const [champion, challenger] = read.map(
          (signature) => ({ file: { sha256: 's', size: null, signature } }) as const,
        );
        judged(
          { kind: 'signature' },
          { modelFiles: { champion: champion ?? null, challenger: challenger ?? null } },
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('digests as they were recorded at training', () => {
  const of = (recorded: string | null, found: string | null) =>
    judged(
      { kind: 'digests' },
      { run: { tags: recorded === null ? {} : { 'promotion.fingerprint': recorded } }, fingerprint: found },
    );
  it.each([
    ['ab', 'ab', 'passed'],
    [' AB\n', 'ab', 'passed'],
    ['ab', 'cd', 'failed: digest-differs'],
    [null, 'ab', 'failed: not-recorded'],
    ['ab', null, 'failed: not-found'],
  ])('recorded %j, found %j: %s', (recorded, found, expected) => {
    expect(of(recorded, found)).toBe(expected);
  });

  it('are also those of the file MLmodel', () => {
    const gate = { kind: 'digests', of: ['model'] };
    const modelFiles = { champion: null, challenger: file([]) };
    const recorded = (sha: string) => ({ run: { tags: { 'promotion.mlmodel_sha256': sha } }, modelFiles });
    expect(judged(gate, recorded('s'))).toBe('passed');
    expect(judged(gate, recorded('t'))).toBe('failed: digest-differs');
  });
});

describe('the time in Staging', () => {
  const gate = { kind: 'min_age', hours: 24 };
  const hoursAgo = (hours: number) => NOW.getTime() - hours * 3_600_000;
  it.each<[string, World, string]>([
    ['long enough', { of: { createdAt: 1, updatedAt: hoursAgo(24) } }, 'passed'],
    [
      'too short, whenever it was registered',
      { of: { createdAt: 1, updatedAt: hoursAgo(23.9) } },
      'failed: too-young',
    ],
    ['since its registration', { of: { createdAt: hoursAgo(30) } }, 'passed'],
    ['in the future', { of: { updatedAt: hoursAgo(-5) } }, 'failed: too-young'],
    ['not known', {}, 'failed: age-unknown'],
    ['in another stage', { of: { stage: 'None', updatedAt: 1 } }, 'failed: not-in-staging'],
    ['without stages', { mode: 'aliases', of: { stage: 'None', updatedAt: 1 } }, 'passed'],
  ])('%s', (_, world, expected) => {
    expect(judged(gate, world)).toBe(expected);
  });
});

describe('a freeze', () => {
  const weekend = {
    kind: 'freeze',
    time_zone: 'Europe/Berlin',
    weekly: [{ from: 'Fri 16:00', to: 'Mon 08:00' }],
  };
  const days = {
    kind: 'freeze',
    time_zone: 'America/New_York',
    dates: [{ from: '2026-12-20', to: '2027-01-02' }],
  };
  const hours = {
    kind: 'freeze',
    time_zone: 'Asia/Kolkata',
    dates: [{ from: '2026-11-20T16:00', to: '2026-11-20T18:00' }],
  };
  const allWeek = { kind: 'freeze', time_zone: 'UTC', weekly: [{ from: 'Wed 00:00', to: 'Wed 00:00' }] };
  it.each([
    [weekend, '2026-11-20T14:59:00Z', false],
    [weekend, '2026-11-20T15:00:00Z', true], // 16:00 in winter
    [weekend, '2026-07-17T13:59:00Z', false],
    [weekend, '2026-07-17T14:00:00Z', true], // 16:00 in summer
    [weekend, '2026-11-22T12:00:00Z', true],
    [weekend, '2026-11-23T06:59:59Z', true],
    [weekend, '2026-11-23T07:00:00Z', false],
    [weekend, '2026-10-25T00:30:00Z', true], // the hour that comes twice
    [days, '2026-12-20T04:59:00Z', false],
    [days, '2026-12-20T05:00:00Z', true],
    [days, '2027-01-03T04:59:00Z', true],
    [days, '2027-01-03T05:00:00Z', false],
    [hours, '2026-11-20T10:29:00Z', false],
    [hours, '2026-11-20T10:30:00Z', true],
    [hours, '2026-11-20T12:30:00Z', false],
    [allWeek, '2026-11-20T10:00:00Z', true],
  ])('%j at %s holds: %s', (gate, at, frozen) => {
    expect(judged(gate, {}, new Date(at))).toBe(frozen ? 'failed: frozen' : 'passed');
  });

  it('says until when, and where', () => {
    const [found] = judgeGates(withGates(weekend), facts(), new Date('2026-11-21T12:00:00Z'));
    expect(found?.why).toEqual([{ code: 'frozen', until: 'Mon 08:00', time_zone: 'Europe/Berlin' }]);
  });
});

describe('hold and quarantine', () => {
  it('last as long as their tag has a value', () => {
    const said = 'Ada: waits for legal\nFORGED';
    expect(judged({ kind: 'hold' }, { model: { tags: { 'promotion.hold': said } } })).toBe('failed: on-hold');
    expect(judged({ kind: 'hold' }, { model: { tags: { 'promotion.hold': ' ' } } })).toBe('passed');
    expect(judged({ kind: 'hold' })).toBe('passed');
    expect(judged({ kind: 'quarantine' }, { of: { tags: { 'promotion.quarantine': said } } })).toBe(
      'failed: quarantined',
    );
    expect(judged({ kind: 'quarantine' }, { model: { tags: { 'promotion.quarantine': said } } })).toBe(
      'passed',
    );
  });
});

describe('what belongs to the evidence', () => {
  it('is every gate but those of the clock and of the tags that stop', () => {
    const timed = [
      { kind: 'hold' },
      { kind: 'quarantine' },
      { kind: 'min_age', hours: 1 },
      { kind: 'freeze', time_zone: 'UTC', weekly: [{ from: 'Mon 00:00', to: 'Tue 00:00' }] },
    ];
    expect(gateInputs(withGates(...timed), facts())).toBeUndefined();
    const policy = withGates(...timed, { kind: 'tags', tags: ['owner'] }, { kind: 'lineage' });
    const of = (owner: string) => JSON.stringify(gateInputs(policy, facts({ of: { tags: { owner } } })));
    expect(of('a')).toBe(of('a'));
    expect(of('a')).not.toBe(of('b'));
  });
});

describe('the gates of a policy file', () => {
  const mistakes = (gates: unknown, more: object = {}) =>
    policyMistakes({
      accepted_grades: ['E'],
      rules: [
        { name: 'a', metric: 'a', direction: 'higher' },
        { name: 'b', metric: 'b', direction: 'higher', limit: 1, against_champion: false },
      ],
      gates,
      ...more,
    }).map(({ path }) => path);

  it.each<[unknown, string[]]>([
    [
      [
        { name: 'x', kind: 'hold' },
        { name: 'x', kind: 'quarantine' },
      ],
      ['gates.1.name'],
    ],
    [[{ name: 'x', kind: 'nope' }], ['gates.0.kind']],
    [[{ name: 'x\ny', kind: 'hold', colour: 1 }], ['gates.0.name', 'gates.0']],
    [
      [
        {
          name: 'x',
          kind: 'freeze',
          time_zone: 'Middle/Earth',
          weekly: [{ from: 'Fri 16:00', to: 'Mon 8:00' }],
        },
      ],
      ['gates.0.time_zone', 'gates.0.weekly.0.to'],
    ],
    [[{ name: 'x', kind: 'freeze', time_zone: 'UTC' }], ['gates.0']],
    [
      [{ name: 'x', kind: 'freeze', time_zone: 'UTC', dates: [{ from: '2026-13-01', to: '2026-01-01' }] }],
      ['gates.0.dates.0.from', 'gates.0.dates.0.to'],
    ],
    [
      [{ name: 'x', kind: 'freeze', time_zone: 'UTC', dates: [{ from: '2026-02-01', to: '2026-01-01' }] }],
      ['gates.0.dates.0.to'],
    ],
    [[{ name: 'x', kind: 'tags', tags: [{ key: 'a', pattern: '(' }] }], ['gates.0.tags.0.pattern']],
    [[{ name: 'x', kind: 'min_age', hours: 0 }], ['gates.0.hours']],
    [Array.from({ length: 21 }, (_, index) => ({ name: `x${index}`, kind: 'hold' })), ['gates']],
    ['hold', ['gates']],
    [
      [null, 7, []],
      ['gates.0', 'gates.1', 'gates.2'],
    ],
  ])('%j', (gates, expected) => {
    expect(mistakes(gates).sort()).toEqual(expected.sort());
  });

  it('name a rule that compares, for slices', () => {
    expect(mistakes(undefined, { slices: { margin: 0.1, rule: 'a' } })).toEqual([]);
    expect(mistakes(undefined, { slices: { margin: 0.1, rule: 'b' } })).toEqual(['slices.rule']);
    expect(mistakes(undefined, { slices: { margin: 0.1, rule: 'c' } })).toEqual(['slices.rule']);
    expect(mistakes(undefined, { slices: { margin: -1 }, max_age_days: 0 })).toEqual([
      'slices.margin',
      'max_age_days',
    ]);
  });
});

describe('what changed since the champion', () => {
  const side = (more: Partial<Run>): Candidate => ({ version: version(2), run: run({}, more) });
  const commit = (sha: string) => ({ 'mlflow.source.git.commit': sha });
  const none = { champion: null, challenger: null };

  it('is listed, with what is not known', () => {
    const before = side({ params: { depth: '3', gone: '1', same: 'x' }, tags: commit('aaaaaaa') });
    const after = side({
      params: { depth: '4', new: '2', same: 'x' },
      tags: commit('bbbbbbb'),
      datasets: [{ name: 'd', digest: 'd2', context: 'evaluation' }],
    });
    expect(changesSince(before, after, none)).toEqual({
      listed: [
        { what: 'code', name: null, before: 'aaaaaaa', after: 'bbbbbbb' },
        { what: 'data', name: 'evaluation', before: 'd1', after: 'd2' },
        { what: 'parameter', name: 'depth', before: '3', after: '4' },
        { what: 'parameter', name: 'gone', before: '1', after: null },
        { what: 'parameter', name: 'new', before: null, after: '2' },
      ],
      left_out: 0,
      unknown: ['input', 'output', 'size'],
    });
  });

  it('has inputs, outputs and size of the files', () => {
    const a = { type: 'double', name: 'a' };
    const files = {
      champion: file([a]),
      challenger: file([
        { ...a, type: 'long' },
        { type: 'string', name: 'b', required: false },
      ]),
    };
    expect(changesSince(side({}), side({}), files)).toEqual({
      listed: [
        { what: 'input', name: 'a', before: 'double', after: 'long' },
        { what: 'input', name: 'b', before: null, after: 'string, optional' },
      ],
      left_out: 0,
      unknown: ['code'],
    });
  });

  it('is bounded', () => {
    const params = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, index) => [`p${index}`.repeat(60), 'x'.repeat(6_000)]),
    );
    const found = changesSince(side({}), side({ params }), none);
    expect(found).toMatchObject({ left_out: 4_970 });
    expect(JSON.stringify(found).length).toBeLessThan(10_000);
  });

  it('is nothing where nothing is known', () => {
    const unknown: Candidate = { version: version(1), run: null };
    expect(changesSince(unknown, unknown, none)).toEqual({
      listed: [],
      left_out: 0,
      unknown: ['code', 'data', 'input', 'output', 'size'],
    });
  });
});

import fc from 'fast-check';
import { expect } from 'vitest';
import { decide } from '../../lambdas/domain/comparison/decision.ts';
import { parsePolicy } from '../../lambdas/domain/comparison/policy.ts';
import { Comparison } from '../../lambdas/domain/payloads.ts';
import type { Metric, Run } from '../../lambdas/domain/registry.ts';
import { inWords } from '../../lambdas/words/recommendation.ts';
import { evidence, policy, run } from '../support/evidence.ts';
import { hostileJson, hostileText, mutated } from './support/hostile.ts';
import { read } from './support/read.ts';
import { fuzz } from './support/targets.ts';

const huge = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, -0, 1, 5e-324, 1e308, -1e308, Number.MAX_VALUE),
);
const amount = fc.oneof(fc.double({ min: 1e-3, max: 10, noNaN: true }), fc.constantFrom(5e-324, 1e308));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });

const anyRule = fc.record({
  metric: fc.constantFrom('a', 'b', '__proto__', 'constructor'),
  direction: fc.constantFrom('higher', 'lower'),
  limit: optional(huge),
  against_champion: optional(fc.boolean()),
  strict: optional(fc.boolean()),
  min_gain: optional(amount),
  min_relative_gain: optional(amount),
  margin: optional(amount),
  relative_margin: optional(amount),
  relative_scale: optional(amount),
  critical: optional(fc.boolean()),
  weight: optional(fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant(5e-324))),
  when_missing: optional(fc.constantFrom('investigate', 'fail', 'skip')),
  sample: optional(
    fc.oneof(
      fc.constant({ kind: 'proportion', size: 'n' }),
      fc.constant({ kind: 'mean', size: 'n', deviation: 'd' }),
    ),
  ),
});
const anyPolicy = fc
  .record({
    accepted_grades: fc.subarray(['A', 'B', 'C', 'D', 'E'], { minLength: 1 }),
    alpha: optional(fc.double({ min: 5e-324, max: 0.499, noNaN: true })),
    min_confidence: optional(fc.double({ min: 0, max: 1, noNaN: true })),
    rules: fc.array(anyRule, { minLength: 1, maxLength: 4 }),
  })
  .map((content) => ({
    ...content,
    rules: content.rules.map((rule, at) => ({ name: `rule ${at}`, ...rule })),
  }));
/** As a file holds it: what is not set is left out. */
const file = anyPolicy.map((content): unknown => JSON.parse(JSON.stringify(content)));

fuzz(
  'policies',
  'a policy is read, and read again as itself, or every mistake in it is listed',
  fc.oneof(file, mutated(file), hostileJson),
  (content) => {
    const found = read(content, (given) => parsePolicy('mine', given), ['InvalidPolicy']);
    if ('error' in found) return expect(found.error.message).toMatch(/has [1-9]\d* mistake/);
    const { name, ...rest } = found.value;
    expect(name).toBe('mine');
    return expect(parsePolicy('mine', JSON.parse(JSON.stringify(rest)))).toEqual(found.value);
  },
);

const number = fc.oneof(
  huge,
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const metric = fc.record({
  key: fc.constantFrom('a', 'b', 'n', 'd', '__proto__', 'constructor', 'toString'),
  value: fc.oneof(number, fc.integer({ min: 0, max: 500 })),
  step: fc.nat(),
  datasetDigest: fc.constantFrom(null, null, 'd1', 'd2'),
}) satisfies fc.Arbitrary<Metric>;
const anyRun: fc.Arbitrary<Run> = fc.record({
  runId: hostileText,
  status: fc.constantFrom('FINISHED', 'FINISHED', 'FINISHED', 'RUNNING', ''),
  metrics: fc.array(metric, { maxLength: 6 }),
  datasets: fc.array(
    fc.record({ name: hostileText, digest: fc.constantFrom('d1', 'd2'), context: fc.constant(null) }),
    {
      maxLength: 1,
    },
  ),
  params: fc.dictionary(fc.constantFrom('n', 'd', 'constructor'), fc.oneof(hostileText, fc.constant('100'))),
  tags: fc.constant({}),
});

fuzz(
  'decisions',
  'every policy decides whatever was measured, the same each time, and what it answers can be stored and told',
  fc.record({
    content: file,
    champion: fc.option(anyRun),
    challenger: anyRun,
    threshold: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  ({ content, champion, challenger, threshold }) => {
    const parsed = read(content, (given) => parsePolicy('mine', given), ['InvalidPolicy']);
    if ('error' in parsed) return;
    const decided = decide(evidence(champion, challenger), parsed.value, threshold);
    expect(['PROMOTE', 'KEEP', 'INVESTIGATE']).toContain(decided.decision);
    expect(decided.confidence).toBeGreaterThanOrEqual(0);
    expect(decided.confidence).toBeLessThanOrEqual(1);
    expect(decide(evidence(champion, challenger), parsed.value, threshold)).toEqual(decided);
    const answer = { ...inWords(decided), evidence_digest: 'a'.repeat(64) };
    expect(Comparison.parse(JSON.parse(JSON.stringify(answer)))).toEqual(JSON.parse(JSON.stringify(answer)));
    for (const text of [answer.recommendation, ...answer.rules.map(({ reason }) => reason)])
      expect(text).not.toMatch(/undefined|\[object|NaN%|Infinity%/);
    const numbers = [champion, challenger].flatMap((each) => each?.metrics ?? []);
    const used = parsed.value.rules.filter(({ when_missing }) => when_missing === 'investigate');
    const unusable = used.some(({ metric: key }) => {
      const value = challenger.metrics.find((each) => each.key === key)?.value ?? Number.NaN;
      return !Number.isFinite(value) || Math.abs(value) === Number.MAX_VALUE;
    });
    if (unusable && numbers.length > 0) expect(decided.decision).toBe('INVESTIGATE');
  },
);

const measured = fc.double({ min: 0, max: 1, noNaN: true });

fuzz(
  'a better challenger',
  'is not kept out where a worse one is promoted, by a single critical rule',
  fc.record({
    direction: fc.constantFrom('higher', 'lower'),
    ask: fc.constantFrom(
      {},
      { strict: true },
      { min_gain: 0.05 },
      { min_relative_gain: 0.1 },
      { margin: 0.02 },
      { relative_margin: 0.1, limit: 0.5 },
      { sample: { kind: 'proportion', size: 'n' } },
      { sample: { kind: 'mean', size: 'n', deviation: 'd' }, margin: 0.01 },
    ),
    alpha: fc.double({ min: 0.001, max: 0.3, noNaN: true }),
    n: fc.integer({ min: 30, max: 100_000 }),
    champion: measured,
    challengers: fc.tuple(measured, measured),
  }),
  ({ direction, ask, alpha, n, champion, challengers }) => {
    const rules = policy([{ metric: 'a', direction, critical: true, ...ask }], { alpha });
    const sorted = [...challengers].sort((one, other) =>
      direction === 'higher' ? one - other : other - one,
    );
    const [worse, better] = sorted.map((value) => {
      const runOf = (a: number) => run({ a, n, d: 0.3 });
      return decide(evidence(runOf(champion), runOf(value)), rules, 0.5).decision;
    });
    if (worse === 'PROMOTE') expect(better).toBe('PROMOTE');
    if (better === 'KEEP') expect(worse).toBe('KEEP');
  },
);

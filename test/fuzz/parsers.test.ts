import fc from 'fast-check';
import { expect } from 'vitest';
import * as z from 'zod';
import { documentStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import { boundedTags, tagLimits, versionTags } from '../../lambdas/adapters/mlflow/tags.ts';
import type { ErrorName } from '../../lambdas/domain/errors.ts';
import { metricsOf } from '../../lambdas/domain/outcome/metrics.ts';
import { outcomeOf } from '../../lambdas/domain/outcome/outcome.ts';
import { Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import { CompareInput, ExecutionInput, PrepareInput, PromoteInput } from '../../lambdas/domain/payloads.ts';
import {
  hasUnfinishedPromotion,
  intentTag,
  markOn,
  markTag,
  recordId,
  recordsOn,
  resultTag,
  versionOf,
} from '../../lambdas/domain/promotion/record.ts';
import { DECISION_TAGS, type ModelVersion } from '../../lambdas/domain/registry.ts';
import { CloseInput, RollbackInput } from '../../lambdas/domain/release/payloads.ts';
import { ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import { readStateDocument, StateDocument } from '../../lambdas/domain/state-document.ts';
import { BeginInput, begin } from '../../lambdas/use-cases/begin-promotion.ts';
import { CleanUpInput } from '../../lambdas/use-cases/clean-up.ts';
import { EndInput } from '../../lambdas/use-cases/end-promotion.ts';
import { alertFor } from '../../lambdas/words/alert/alert.ts';
import { inWords } from '../../lambdas/words/reasons.ts';
import { hostileJson, hostileKey, hostileText, mutated } from './support/hostile.ts';
import { counted, read } from './support/read.ts';
import { EXECUTION, input, modelItem, outcome, past, payloads, release } from './support/samples.ts';
import { fuzz } from './support/targets.ts';

const schemas: readonly [z.ZodType, object][] = [
  [ExecutionInput, input],
  [BeginInput, payloads['begin-promotion']],
  [CompareInput, payloads['compare-models']],
  [PrepareInput, payloads['prepare-promotion']],
  [ReplaceInput, payloads['replace-workload']],
  [PromoteInput, payloads['promote-model']],
  [CloseInput, payloads['close-promotion']],
  [RollbackInput, payloads['model-rollback']],
  [EndInput, payloads['end-promotion']],
  [CleanUpInput, payloads['sweep-promotions']],
];

/** As it comes over a wire: JSON has no minus zero. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');

fuzz(
  'payloads of the functions',
  'a payload that is valid reads as itself again, and an execution input that is not lists why',
  fc
    .nat({ max: schemas.length - 1 })
    .chain((at) => mutated(schemas[at]?.[1]).map((value) => ({ at, value: asJson(value) }))),
  ({ at, value }) => {
    const schema = schemas[at]?.[0] ?? z.never();
    const found = read(value, (given) => schema.safeParse(given).data ?? null, []);
    if ('value' in found && found.value !== null) {
      const again: unknown = JSON.parse(JSON.stringify(found.value));
      expect(schema.parse(again)).toEqual(found.value);
    }
    const begun = begin({ input: value, execution: EXECUTION, started_at: '2026-01-01T00:00:00.000Z' });
    expect(begun.valid).toBe(begun.problems.length === 0);
    if (at === 0 && 'value' in found && found.value === null) expect(begun.valid).toBe(false);
    for (const problem of begun.problems) expect(problem).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const document = JSON.parse(JSON.stringify(begun));
    expect(StateDocument.safeParse(document).error).toBeUndefined();
    expect(readStateDocument(document).model_name).toBe(begun.model_name);
  },
);

const state = mutated(payloads['end-promotion'].state);

fuzz(
  'state documents',
  'are read whatever they hold, the fields that are valid as they are; an outcome is made of them that can be stored',
  fc.oneof(state, fc.record({ Error: hostileText, Cause: fc.oneof(hostileText, hostileJson) }), hostileJson),
  (value) => {
    const found = read(value, readStateDocument, []);
    if (!('value' in found)) return;
    expect(readStateDocument(found.value)).toMatchObject({ valid: found.value.valid });
    const decided = outcomeOf(value, { execution: EXECUTION, ending: null }, new Date(0));
    const told = inWords(decided);
    expect(Outcome.parse(JSON.parse(JSON.stringify(told)))).toEqual(told);
  },
);

const UNSEEN_IN_LINES = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u;

fuzz(
  'outcomes and what is told of them',
  'an outcome that is valid can be told and counted, in lines that nothing of it has begun',
  mutated(outcome),
  (value) => {
    const found = read(value, (given) => Outcome.safeParse(given).data ?? null, []);
    if (!('value' in found) || found.value === null) return;
    const alert = alertFor(found.value, { prefix: 'TradAI', environment: 'test', registryName: 'models' });
    expect(alert.subject).toMatch(/^[\x21-\x7e][\x20-\x7e]{0,98}$/);
    expect(alert.text).not.toMatch(UNSEEN_IN_LINES);
    expect(JSON.stringify(alert).length).toBeLessThan(262_144);
    expect(JSON.stringify(alert.slack)).not.toMatch(/<[!@#]/);
    expect(() => metricsOf(found.value as Outcome, { startedAt: new Date(0), failure: null })).not.toThrow();
  },
);

/** A table whose every answer is this. */
const storeOf = (answer: unknown) =>
  documentStore({ send: async () => answer } as unknown as Parameters<typeof documentStore>[0], 'promotion');

const items = fc.oneof(
  mutated(modelItem).map((Item) => ({ Item, Attributes: Item })),
  mutated({
    pk: `outcome#${EXECUTION}`,
    outcome: JSON.stringify(outcome),
    alert: 'pending',
    recorded_at: 'x',
  }).map((Item) => ({ Item, Items: [Item] })),
  mutated({ pk: 'x', release: JSON.stringify({ ...release, runtime: { a: 1 } }) }).map((Item) => ({ Item })),
  mutated({ Items: [{ pk: 'lease#PascalStrategy' }], LastEvaluatedKey: { pk: 'lease#x' } }),
  hostileJson,
);
const now = new Date('2026-01-01T00:00:00.000Z');
const by = { model: 'PascalStrategy', owner: EXECUTION, fence: 7, now };

fuzz(
  'items of the table',
  'an item that is not ours is LeaseStoreUnavailable, and one that is read has dates that can be told',
  items,
  async (answer) => {
    const store = storeOf(answer);
    const calls = [
      () => store.readItem('PascalStrategy'),
      () => store.takeLease('PascalStrategy', EXECUTION, now, 60),
      () => store.getRelease('PascalStrategy', '2-0'),
      () => store.openChanges(null, 3),
      () => store.readCursor(),
      () => store.recordOutcome(outcome, 'pending', null),
      () => store.pendingOutcomes(3),
      () => store.pendingExecutions(1),
      () => store.turnBack(by, 'x'),
      () => store.countAttempt('PascalStrategy', 'x', 1, now),
    ];
    for (const call of calls) {
      const result: unknown = await call().catch((error: Error) => {
        expect(error.name).toBe('LeaseStoreUnavailable' satisfies ErrorName);
        return null;
      });
      for (const date of datesIn(result)) expect(() => date.toISOString()).not.toThrow();
    }
    for (const told of await store.pendingOutcomes(3).catch(() => []))
      expect(typeof told.outcome.execution).toBe('string');
  },
);

function datesIn(value: unknown): Date[] {
  if (value instanceof Date) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(datesIn) : [];
}

const intent = {
  kind: 'promote',
  id: 'run-1',
  to: '3',
  from: '2',
  confidence: 0.9,
  evidence_digest: null,
  reason: 'r',
  requested_by: 'w',
  execution: EXECUTION,
  fence: 7,
  serving: { workload_id: 'w1', artifact_id: 'a3', previous_artifact_id: 'a2' },
  at: '2026-01-01T00:00:00.000Z',
} as const;
const tagValue = fc.oneof(
  hostileText,
  mutated(intent).map((value) => JSON.stringify(value)),
  mutated({ id: 'run-1', result: 'promoted', alert: 'sent', by: null, at: intent.at }).map((value) =>
    JSON.stringify(value),
  ),
);
const tagKey = fc.oneof(
  hostileKey,
  fc.constantFrom(
    ...DECISION_TAGS,
    'promotion.',
    'promotion..result',
    'promotion.run-1',
    'promotion.run-1.result',
  ),
);
const tags = fc
  .array(fc.tuple(tagKey, tagValue), { maxLength: 120 })
  .map((pairs): Record<string, string> => Object.fromEntries(pairs));

fuzz(
  'tags: bounds and records',
  'tags are bounded in number and size, those that decisions read are kept, and records are read from any of them',
  fc.record({ tags, id: hostileText }),
  ({ tags: given, id }) => {
    const kept = boundedTags(given, now);
    const keys = Object.keys(kept);
    expect(keys.length).toBeLessThanOrEqual(2 * tagLimits.records + tagLimits.others + DECISION_TAGS.length);
    for (const key of DECISION_TAGS) expect(Object.hasOwn(kept, key)).toBe(Object.hasOwn(given, key));
    for (const [key, value] of Object.entries(kept)) expect(given[key]?.startsWith(value)).toBe(true);
    const version: ModelVersion = {
      version: '3',
      stage: 'Staging',
      status: 'READY',
      runId: null,
      tags: given,
    };
    read(version, (each) => recordsOn([each as ModelVersion]), []);
    read(version, (each) => markOn(each as ModelVersion), []);
    read(version, (each) => hasUnfinishedPromotion([each as ModelVersion]), []);
    expect(versionTags(now)(version).tags).toEqual(kept);
    const name = recordId(id);
    expect(name).toMatch(/^[A-Za-z0-9_-]{1,100}$/);
    const written = [
      intentTag({ ...intent, id: name, reason: id }),
      resultTag({ id: name, result: 'promoted', alert: 'sent', by: id, at: intent.at }),
      markTag({ id: name, to: id, reason: id, by: id, at: intent.at }),
    ];
    const after = { ...version, tags: Object.fromEntries(written.map(({ key, value }) => [key, value])) };
    expect(recordsOn([after])).toMatchObject([{ id: name, reason: id.slice(0, 1000), result: { by: id } }]);
    expect(markOn(after)).toMatchObject({ to: id, reason: id });
    expect(versionOf({ model: { name: 'm', tags: {}, aliases: {} }, versions: [after] }, 'a3')).toBe('3');
  },
);

const doubled = [1, 2].map((times) => ({
  state: { ...payloads['end-promotion'].state, problems: Array(200 * times).fill('p') },
  tags: Object.fromEntries(Array.from({ length: 200 * times }, (_, at) => [`promotion.${at}`, '{}'])),
  outcome: { ...outcome, problems: Array(200 * times).fill('p'), overwritten: Array(200 * times).fill('3') },
  item: { ...modelItem, history: Array(200 * times).fill(past) },
}));

fuzz(
  'work for twice the input',
  'is at most a little more than twice the work, counted in accesses to the input',
  fc.constantFrom('state', 'tags', 'outcome', 'item'),
  async (part) => {
    const costs: number[] = [];
    for (const all of doubled) {
      const { value, accesses } = counted(all[part]);
      if (part === 'state') readStateDocument(value);
      else if (part === 'tags') boundedTags(value as Record<string, string>, now);
      else if (part === 'outcome') Outcome.parse(value);
      else await storeOf({ Item: value }).readItem('PascalStrategy');
      costs.push(accesses());
    }
    const [once = 0, twice = 0] = costs;
    expect(twice).toBeGreaterThan(once);
    expect(twice).toBeLessThan(2.3 * once);
  },
);

import { invalid } from '../answers.ts';
import type { Input } from '../parameters.ts';
import {
  type Clause,
  checkComparator,
  compareBy,
  matches,
  type Order,
  type Page,
  pageOf,
  parseFilter,
  parseOrders,
} from '../search.ts';
import type { Model, Registry, Version } from './registry.ts';
import type { Behaviour } from './versions.ts';

const TEXT_COMPARATORS = ['=', '!=', 'LIKE', 'ILIKE'];
const NUMBER_COMPARATORS = ['=', '!=', '>', '>=', '<', '<='];
const VERSION_ATTRIBUTES = ['name', 'version_number', 'run_id', 'source_path'];
const PROMPT_TAG = 'mlflow.prompt.is_prompt';

/** Registered models by name and tag; prompts, which are kept as models too, are left out. */
export function searchModels(registry: Registry, { nameList }: Behaviour, input: Input): Page<Model> {
  const clauses = parseFilter(input.text('filter'), ['attribute', 'tag'], ['name']);
  for (const clause of clauses) {
    const lists = nameList && clause.kind === 'attribute' ? ['IN', 'NOT IN'] : [];
    checkComparator(clause, [...TEXT_COMPARATORS, ...lists]);
  }
  const orders = parseOrders(input.texts('order_by'), ['name', 'timestamp', 'last_updated_timestamp']);
  const found = [...registry.models.values()]
    .filter((model) => passes(model, clauses, () => model.name))
    .toSorted(
      compareBy([...orders, { key: 'name', descending: false }], (model, key) =>
        key === 'name' ? model.name : model.updated,
      ),
    );
  return pageOf(found, input.number('max_results', 100), input.text('page_token'));
}

/** Model versions by name, number, run, source and tag: not by stage, alias or status. */
export function searchVersions(registry: Registry, { nameList }: Behaviour, input: Input): Page<Version> {
  const size = input.number('max_results', 200_000);
  if (size < 1)
    throw invalid(`Invalid value for max_results. It must be a positive integer, but got ${size}`);
  const clauses = parseFilter(input.text('filter'), ['attribute', 'tag'], VERSION_ATTRIBUTES).map(
    (clause) => {
      if (clause.key === 'version_number' && clause.kind === 'attribute') {
        checkComparator(clause, NUMBER_COMPARATORS);
        if (!/^-?\d+$/.test(String(clause.value)))
          throw invalid(`Invalid value for numeric attribute 'version_number': ${clause.value}`);
        return { ...clause, value: Number(clause.value) };
      }
      const listed =
        clause.kind === 'attribute' && (clause.key === 'run_id' || (nameList && clause.key === 'name'));
      checkComparator(clause, listed ? [...TEXT_COMPARATORS, 'IN', 'NOT IN'] : TEXT_COMPARATORS);
      return clause;
    },
  );
  const given = parseOrders(input.texts('order_by'), VERSION_ORDERS);
  const orders = [...(given.length > 0 ? given : NEWEST_FIRST), ...LAST_ORDERS];
  const found = registry
    .versions()
    .filter((version) => passes(version, clauses, (key) => attribute(version, key)))
    .toSorted(compareBy(orders, attribute));
  return pageOf(found, size, input.text('page_token'));
}

/** Prompts are left out unless they are asked for; what has no such tag is no prompt. */
function passes(
  { tags }: { tags: ReadonlyMap<string, string> },
  clauses: readonly Clause[],
  attributeOf: (key: string) => string | number | null,
): boolean {
  const all = clauses.some(({ key }) => key === PROMPT_TAG) ? clauses : [...clauses, NO_PROMPT];
  return all.every((clause) => {
    if (clause.kind !== 'tag') return matches(attributeOf(clause.key), clause);
    return matches(tags.get(clause.key) ?? (clause.key === PROMPT_TAG ? 'false' : null), clause);
  });
}

const NO_PROMPT: Clause = { kind: 'tag', key: PROMPT_TAG, comparator: '!=', value: 'true' };

const VERSION_ORDERS = ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'];
const NEWEST_FIRST: Order[] = [{ key: 'last_updated_timestamp', descending: true }];
const LAST_ORDERS: Order[] = [
  { key: 'name', descending: false },
  { key: 'version_number', descending: true },
];

function attribute(version: Version, key: string): string | number | null {
  switch (key) {
    case 'name':
      return version.name;
    case 'version_number':
      return version.version;
    case 'creation_timestamp':
      return version.created;
    case 'last_updated_timestamp':
      return version.updated;
    case 'run_id':
      return version.runId;
    default:
      return version.source;
  }
}

import type { Input } from '../parameters.ts';
import {
  type Clause,
  checkComparator,
  compareBy,
  matches,
  type Page,
  pageOf,
  parseFilter,
  parseOrders,
} from '../search.ts';
import { latestMetrics, type Run, type Tracking } from './tracking.ts';

const RUN_ATTRIBUTES = ['run_id', 'run_name', 'status', 'start_time', 'end_time', 'artifact_uri', 'user_id'];

/** Runs of some experiments, by what they logged. */
export function searchRuns(tracking: Tracking, input: Input): Page<Run> {
  const kinds = ['attribute', 'tag', 'metric', 'parameter', 'dataset'] as const;
  const clauses = parseFilter(input.text('filter'), kinds, RUN_ATTRIBUTES);
  for (const clause of clauses) {
    const numeric = clause.kind === 'metric' || /_time$/.test(clause.key);
    checkComparator(
      clause,
      numeric ? ['=', '!=', '>', '>=', '<', '<='] : ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'],
    );
  }
  const orders = parseOrders(input.texts('order_by'), null);
  const byDefault = [
    { key: 'start_time', descending: true },
    { key: 'run_id', descending: false },
  ];
  const found = [...tracking.runs.values()]
    .filter((run) => input.texts('experiment_ids').includes(run.experimentId))
    .filter((run) => clauses.every((clause) => runMatches(run, clause)))
    .toSorted(compareBy([...orders, ...byDefault], orderValue));
  return pageOf(found, input.number('max_results', 1000), input.text('page_token'));
}

function runMatches(run: Run, clause: Clause): boolean {
  if (clause.kind === 'dataset') {
    return run.datasets.some(({ dataset, tags }) =>
      matches(
        { name: dataset.name, digest: dataset.digest, context: tags.get('mlflow.data.context') }[clause.key],
        clause,
      ),
    );
  }
  return matches(valueIn(run, clause.kind, clause.key), clause);
}

function orderValue(run: Run, key: string): string | number | null {
  const [, kind = 'attribute', name = ''] = /^(?:(\w+)\.)?[`"]?(.+?)[`"]?$/.exec(key) ?? [];
  return valueIn(run, kind.replace(/s$/, '').replace(/^param$/, 'parameter'), name) ?? null;
}

function valueIn(run: Run, kind: string, key: string): string | number | null | undefined {
  if (kind === 'metric') return latestMetrics(run).find((metric) => metric.key === key)?.value;
  if (kind === 'parameter') return run.params.get(key);
  if (kind === 'tag') return run.tags.get(key);
  const info: Record<string, string | number | null> = {
    run_id: run.id,
    run_name: run.name,
    status: run.status,
    start_time: run.startTime,
    end_time: run.endTime,
    artifact_uri: run.artifactUri,
    user_id: run.userId,
  };
  return info[key];
}

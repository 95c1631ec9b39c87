import { styleText } from 'node:util';
import { outageKinds } from '../../simulator/engine/faults.ts';
import { isInTime, type OutagePoint, worstPoints } from '../../simulator/outages.ts';

/** What `promotion simulate --outages` prints: the slowest request of each step, by what the system does. */

const HEAD = ['operation', 'away', 'found by', ...outageKinds.map((kind) => `${kind} (limit)`)];

/** The table, and how many points there are in it. */
export function outageLines(points: readonly OutagePoint[]): string[] {
  const rows = new Map<string, OutagePoint[]>();
  for (const point of worstPoints(points)) {
    const key = [point.operation, point.system, point.state].join(' ');
    rows.set(key, [...(rows.get(key) ?? []), point]);
  }
  const cells = [...rows.values()].map((row) => {
    const [{ operation, system, state } = FIRST] = row;
    return [operation, system, state, ...outageKinds.map((kind) => cellOf(row.find((p) => p.kind === kind)))];
  });
  const widths = HEAD.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const late = points.filter((point) => !isInTime(point));
  return [
    line(HEAD),
    line(widths.map((width) => '-'.repeat(width))),
    ...cells.map(line),
    '',
    `Virtual seconds until the first alert, at worst: for each step the slowest of its requests that find the system away (${points.length} plays, every pause before a retry as long as it can be). SNS: from its return on.`,
    late.length === 0
      ? 'Everybody is told in time.'
      : styleText('red', `${late.length} of them are late, or never told.`),
  ];
}

const FIRST = { operation: '', system: '', state: '' };

function cellOf(point: OutagePoint | undefined): string {
  if (point === undefined) return '';
  const { seconds, bound } = point;
  const text = `${seconds === null ? 'never' : Math.ceil(seconds)} (${bound})`;
  return isInTime(point) ? text : `${text} LATE`;
}

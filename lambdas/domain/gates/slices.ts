import { gainByRows } from '../comparison/by-rows.ts';
import type { Policy, Rule } from '../comparison/policy.ts';
import { grouped } from '../grouped.ts';
import type { JoinedRows, Measures } from '../rows/join.ts';
import type { Column } from '../rows/table.ts';
import type { GateReason } from './finding.ts';

/** The change on each part of the rows, such as a country, by the measure of one rule. */

/** The largest slices are judged; there may be as many as rows. */
const MAX_SLICES = 50;

/** The rule by whose metric slices are compared. */
export function sliceRule({ rules, claim, slices }: Policy): Rule | undefined {
  const named = slices?.rule ?? claim?.primary;
  const compared = rules.filter((rule) => rule.against_champion);
  return (
    compared.find(({ name }) => name === named) ?? compared.find(({ critical }) => critical) ?? compared[0]
  );
}

/** What was found; `failed` where a slice is shown to be worse than allowed. */
interface SlicesFound {
  readonly failed: boolean;
  readonly judged: number;
  readonly why: readonly GateReason[];
}

/**
 * Compares the versions on each slice. One fails where it is shown to be worse by more than the margin: as any one of them may
 * block, the risk is the policy's alpha divided by the slices that have enough rows. The worst comes first, also where none fails.
 */
export function compareSlices(policy: Policy, rows: JoinedRows): SlicesFound {
  const { slices, alpha } = policy;
  const rule = sliceRule(policy);
  const nothing = (code: 'no-slices' | 'no-measure'): SlicesFound => ({
    failed: true,
    judged: 0,
    why: [{ code }],
  });
  if (rows.slice === null) return nothing('no-slices');
  if (slices === undefined || rule === undefined) return nothing('no-measure');
  const { margin, min_rows: fewest } = slices;
  const bySlice = grouped(rows.slice.keys(), (row) => rows.slice?.[row] ?? '');
  const large = [...bySlice]
    .filter(([, of]) => of.length >= fewest)
    .sort(([, a], [, b]) => b.length - a.length);
  const compared = large.slice(0, MAX_SLICES);
  let small = bySlice.size - large.length;
  const found = compared.flatMap(([slice, of]) => {
    const by = gainByRows(rule, partOf(rows, of), { needed: -margin, alpha });
    if ('test' in by) return [{ slice, rows: of.length, test: by.test }];
    small += 1;
    return [];
  });
  found.sort((a, b) => a.test.estimate - b.test.estimate);
  const reason = (
    code: 'slice-worse' | 'slice-worst',
    { slice, rows: count, test }: (typeof found)[number],
  ): GateReason => ({
    code,
    slice,
    rows: count,
    estimate: test.estimate,
    upper: test.interval[1],
    margin,
  });
  const worse = found
    .filter(({ test }) => 1 - test.p < alpha / compared.length)
    .map((each) => reason('slice-worse', each));
  const worst = worse.length > 0 ? [] : found.slice(0, 1).map((each) => reason('slice-worst', each));
  const left = large.length - compared.length;
  return {
    failed: worse.length > 0,
    judged: found.length,
    why: [
      ...worse,
      ...worst,
      ...(small > 0 ? [{ code: 'slices-too-small', count: small } as const] : []),
      ...(left > 0 ? [{ code: 'slices-left-out', count: left } as const] : []),
    ],
  };
}

/** Some of the rows. */
function partOf(rows: JoinedRows, of: readonly number[]): JoinedRows {
  const texts = (all: readonly string[] | null) => all && of.map((row) => all[row] ?? '');
  const side = ({ prediction, probability, loss }: Measures): Measures => ({
    prediction: columnOf(prediction, of),
    probability: numbersOf(probability, of),
    loss: numbersOf(loss, of),
  });
  return {
    ...rows,
    n: of.length,
    label: columnOf(rows.label, of),
    champion: side(rows.champion),
    challenger: side(rows.challenger),
    cluster: texts(rows.cluster),
    slice: texts(rows.slice),
  };
}

function columnOf(column: Column | null, of: readonly number[]): Column | null {
  if (column === null) return null;
  if (column.kind === 'text') return { kind: 'text', values: of.map((row) => column.values[row] ?? '') };
  return { kind: 'number', values: Float64Array.from(of, (row) => column.values[row] ?? Number.NaN) };
}

const numbersOf = (values: Float64Array | null, of: readonly number[]) =>
  values && Float64Array.from(of, (row) => values[row] ?? Number.NaN);

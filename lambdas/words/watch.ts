import type { OutcomeCause } from '../domain/outcome/outcome-schema.ts';
import type { SeriesName } from '../domain/watch/block.ts';
import type { WatchEvidence } from '../domain/watch/evidence.ts';
import { percent, show, signed } from './numbers.ts';

/** What a watch of a release has found, for people. */

const SERIES: Readonly<Record<SeriesName, string>> = {
  rows: 'Outcomes of both versions',
  differences: 'Metric of both versions',
  errors: 'Server errors',
  slow: 'Slow requests',
};

/** What a series is about. */
export const seriesText = (series: SeriesName): string => SERIES[series];

/** What was found, in one sentence. */
export function watchFound({ found, series }: Extract<OutcomeCause, { code: 'watch' }>): string {
  const of = series === null ? '' : `: ${SERIES[series].toLowerCase()}`;
  switch (found) {
    case 'worse':
      return `The release is worse than the one before it${of}`;
    case 'guard_alarm':
      return `The release has become worse since its watch ended${of}`;
    case 'keep':
      return 'The release is not worse than the one before it by the margin of its policy';
    case 'unproven':
      return 'The watch has ended, and the release was shown neither to be worse nor not to be';
    case 'unverified':
      return 'The watch has ended, and nothing could be compared: no traffic, no outcomes, or nothing from before the release';
  }
}

type Standing = WatchEvidence['series'][number];

/** Estimate, interval and evidence of a series. */
export function standingText({
  series,
  estimate,
  interval,
  level,
  blocks,
  worse,
  decides,
}: Standing): string {
  const [unit, factor] = series === 'differences' ? ['', 1] : [' points', 100];
  const amount = (value: number) => signed(factor * value, 3);
  const parts = [
    estimate === null ? 'nothing to compare' : `${signed(factor * estimate, 3)}${unit} (above 0: worse)`,
    ...(interval === null
      ? []
      : [`${percent(level)} interval ${amount(interval[0])} to ${amount(interval[1])}`]),
    blocks === 1 ? '1 hour' : `${blocks} hours`,
    ...(worse === null
      ? []
      : [`evidence ${show(worse.ln, 3)} of the ${show(worse.needed, 3)} needed (logarithms)`]),
    ...(decides ? [] : ['tells only']),
  ];
  return parts.join(', ');
}

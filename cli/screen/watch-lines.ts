import { styleText } from 'node:util';
import type { WatchStatus } from '../../lambdas/domain/watch/item.ts';
import { seriesText, standingText } from '../../lambdas/words/watch.ts';
import type { WatchDocument } from '../commands/watch-document.ts';
import { printable } from '../printable.ts';
import { bold, dim } from './timeline-lines.ts';

/** What `promotion watch` prints. */

/** The status of a watch. */
export const WATCH_MARKS = {
  watching: styleText('yellow', 'watched'),
  rollback_due: styleText('red', 'worse: its rollback is due'),
  rollback_started: styleText('red', 'worse: its rollback was started'),
  kept: styleText('green', 'confirmed'),
  unproven: styleText('yellow', 'kept, unproven'),
  unverified: styleText('yellow', 'not verified'),
  closed: dim('not watched'),
} as const satisfies Record<WatchStatus, string>;

const row = (title: string, text: string) => `${title.padEnd(12)}${text}`;

type Standing = NonNullable<WatchDocument['evidence']>['series'][number];

/** Characters of a bar: a verdict needs all of them. */
const BAR = 24;

/** How far a test has come. */
function bar(title: string, progress: Standing['worse']): string[] {
  if (progress === null) return [];
  const share = Math.min(1, Math.max(0, progress.ln / progress.needed));
  const filled = Math.round(BAR * share);
  return [row('', `${title.padEnd(10)}${'█'.repeat(filled)}${dim('·'.repeat(BAR - filled))}`)];
}

const seriesLines = (standing: Standing): string[] => [
  row('', `${bold(seriesText(standing.series))}  ${standingText(standing)}`),
  row('', dim(`${standing.before} hours before the release`)),
  ...bar('worse', standing.worse),
  ...bar('not worse', standing.not_worse),
  ...bar('guard', standing.guard),
];

/** Where the watch of a model stands; null: nothing is recorded. */
export function watchLines(model: string, document: WatchDocument | null): string[] {
  if (document === null) return [`${bold(printable(model))}  no release has been looked at yet`];
  const { status, evidence, ends_at, attempt, due_at, hours_kept, promotion } = document;
  return [
    `${bold(printable(model))}  ${WATCH_MARKS[status]}`,
    row('Release', dim(`by ${printable(promotion)}`)),
    ...(evidence === null
      ? []
      : [
          row(
            'Versions',
            printable(`${evidence.new} in place of ${evidence.old}, since ${evidence.switched_at}`),
          ),
        ]),
    ...(ends_at === null || status !== 'watching' ? [] : [row('Ends', `at the latest at ${ends_at}`)]),
    ...(due_at === null ? [] : [row('Rollback', `number ${attempt}, due at ${printable(due_at)}`)]),
    ...(evidence === null ? [] : [row('Series', ''), ...evidence.series.flatMap(seriesLines)]),
    row('Kept', `${hours_kept} hours of the platform's counts, for the next release`),
  ];
}

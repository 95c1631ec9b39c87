import { html } from 'ghtml';
import type { ReportedModel, ReportedRelease, ReportedWatch } from '../../domain/report/models.ts';
import { signed } from '../numbers.ts';
import { standingChart } from './chart.ts';
import { figure, gain, NONE, table } from './markup.ts';

/** The parts of the report over models about what happened after releases. */

const STATUS: Partial<Record<string, string>> = {
  watching: 'watched',
  rollback_due: 'worse: its rollback is due',
  rollback_started: 'worse: its rollback was started',
  kept: 'confirmed; the guard goes on',
  unproven: 'kept, unproven; the guard goes on',
  unverified: 'not verified; the guard goes on',
};

const shareOf = (progress: ReportedWatch['series'][number]['worse']) =>
  progress === null ? null : progress.ln / progress.needed;

/** Where the watch of the live release stands, a chart for each series. */
export function watchPart({ status, since, series, ...pair }: ReportedWatch, id: string): string {
  const charts = series.map((each, index) => {
    const chart = standingChart(`${id}w${index}`, [each.title, each.standing], {
      estimate: each.estimate,
      interval: each.interval,
      verdicts: [
        { name: 'worse', share: shareOf(each.worse) },
        { name: 'not worse', share: shareOf(each.not_worse) },
      ],
    });
    return html`<figure><figcaption><b>${each.title}</b>: ${each.standing}</figcaption>!${chart}</figure>`;
  });
  return html`<p>Version ${pair.new} in place of version ${pair.old} since <time datetime="${since}">${since.replace(/T(\d\d:\d\d).*$/, ' $1')}</time>: ${STATUS[status] ?? status}. To the right is worse; a verdict is reached where a bar reaches its end.</p>
!${charts}`;
}

/** What was predicted of each release beside what was seen: how well the policies predict. */
export function releasesTable(releases: ReportedModel['releases']): string {
  const rows = releases.map((release) => [
    html`version ${release.version}`,
    html`<time datetime="${release.at}">${release.at.replace(/T(\d\d:\d\d).*$/, ' $1')}</time>`,
    release.policy === null ? NONE : html`${release.policy}`,
    predicted(release),
    release.observed.length === 0 ? NONE : release.observed.map(observed).join('; '),
    release.verdict === null ? NONE : html`${release.verdict.replaceAll('_', ' ')}`,
  ]);
  const columns = ['Release', 'At', 'Policy', 'Predicted gain', 'Seen: how much worse', 'The watch ended'];
  return table('Newest first', columns, rows);
}

const predicted = ({ predicted: of }: ReportedRelease) =>
  of === null ? NONE : html`!${gain(of.estimate)} (${signed(of.lower)} to ${signed(of.upper)}), ${of.rule}`;

function observed({ series, blocks, estimate, interval }: ReportedRelease['observed'][number]): string {
  const [unit, factor] = series === 'differences' ? ['', 1] : [' points', 100];
  const range =
    interval === null ? '' : ` (${signed(factor * interval[0], 3)} to ${signed(factor * interval[1], 3)})`;
  return html`${series}: !${gain(factor * estimate, 3)}${unit}${range}, !${figure(blocks, 12)} hours`;
}

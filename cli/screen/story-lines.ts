import type { Played } from '../../simulator/shrink.ts';

const MAX_TEXT_LENGTH = 220;

/** The whole trace of a story, one line for each thing that happened, and what it violated. */
export function storyLines({ told, finished, violations }: Played): string[] {
  const { story, play, around, models } = finished;
  const { mode, workload, versions } = story.beginning;
  const begin = play.trace?.[0]?.at ?? 0;
  return [
    `Story ${told.seed}${told.only === null ? '' : ` (only ${told.only.join(',')})`}`,
    `Mode ${mode}, ${workload === null ? 'no Workload' : `a Workload with ${workload} artifacts`}, ${versions} versions, ${story.table ? 'with' : 'without'} the table`,
    ...models.flatMap(({ world: { model, artifacts } }) =>
      [...artifacts].map(([version, artifact]) => `${model} ${version}: artifact ${artifact}`),
    ),
    ...story.outages.map(
      ({ id, system, kind, from, until }) =>
        `${id}: ${system} is away (${kind}) from ${seconds(from)} to ${seconds(until)}`,
    ),
    '',
    ...(play.trace ?? []).map(({ at, who, text }) => `${seconds(at - begin)}  ${who}: ${shortened(text)}`),
    '',
    ...around.published.map(
      ({ at, subject, execution }) => `${seconds(at - begin)}  told: ${subject} (${execution})`,
    ),
    '',
    ...(violations.length === 0 ? ['Nothing was violated.'] : []),
    ...violations.map(({ invariant, what }) => `VIOLATED ${invariant}: ${what}`),
  ];
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(3)} s`.padStart(13);

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length <= MAX_TEXT_LENGTH ? line : `${line.slice(0, MAX_TEXT_LENGTH)}…`;
}

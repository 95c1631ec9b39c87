import { randomUUID } from 'node:crypto';
import type { MlflowRest } from '../support/mlflow-rest.ts';
import { atTime, type Deployment, deploy, type Said } from './ours.ts';
import type { People } from './people.ts';
import {
  type Caller,
  CHAMPION,
  callersOf,
  hasPerson,
  momentOf,
  type Round,
  spreadOf,
  versionsOf,
} from './plan.ts';
import {
  championsOf,
  hasOneChampion,
  makeChampion,
  type Pointers,
  readPointers,
  registerModel,
} from './registry.ts';
import { whenSending } from './requests.ts';

/** The server of a round, and who uses it. */
export interface Server {
  url: string;
  api: MlflowRest;
  people: People;
}

/** How a round ended. */
export interface Ended {
  readonly round: Round;
  /** What the registry showed when everybody had an answer. */
  readonly pointers: Pointers;
  /** Something other than exactly one champion. */
  readonly wrong: boolean;
  /** Somebody was told: by an answer, or by an alert within one sweep. */
  readonly told: boolean;
  /** With the table and after the sweep: the live version of the table is champion, and no change is open. Else null. */
  readonly inStep: boolean | null;
  /** A version that a person made champion and that ours archived, though no answer names it; null if there is none. */
  readonly silenced: string | null;
  /** What every caller got, and the subjects of alerts. */
  readonly said: readonly string[];
}

/** Milliseconds until everybody acts, so that everybody has heard of it. */
const NOTICE_MS = 20;

/** Plays one round on a model of its own. */
export async function playRound(round: Round, server: Server): Promise<Ended> {
  const { mode, party, contest } = round;
  const model = `race-${round.number}-${randomUUID().slice(0, 8)}`;
  await registerModel(server.api, model, mode, {
    versions: versionsOf(round),
    runs: contest === 'executions',
  });
  if (party === 'client') {
    const began = performance.now();
    await makeChampion(server.api, model, mode, CHAMPION);
    return play(round, server, model, performance.now() - began, null);
  }
  const ours = await deploy({ url: server.url, mode, table: party === 'with-table' });
  try {
    const began = performance.now();
    const said = await ours.promote(model, String(CHAMPION));
    if (said.what !== 'done') throw new Error(`The promotion before the round failed: ${said.text}`);
    return await play(round, server, model, performance.now() - began, ours);
  } finally {
    await ours.close();
  }
}

async function play(
  round: Round,
  server: Server,
  model: string,
  callMs: number,
  ours: Deployment | null,
): Promise<Ended> {
  const { mode } = round;
  const spread = spreadOf(round, callMs);
  const callers = callersOf(round).map((caller) => ({ ...caller, delayMs: caller.delay * spread }));
  const isClient = ({ by }: Caller) => ours === null || by === 'person';
  const start = await server.people.look(
    model,
    mode,
    callers.filter(isClient).map(({ version, delayMs }) => ({ version: version ?? '', delayMs })),
  );
  const at = Date.now() + NOTICE_MS;
  const calls = Promise.all(
    callers
      .filter((caller) => !isClient(caller))
      .map((caller) => atTime(at + caller.delayMs, () => called(ours, round, model, caller))),
  );
  const isMet = ours !== null && hasPerson(round.contest);
  if (isMet) await whenSending(server.url, momentOf(round), calls);
  const [errors, said] = await Promise.all([start(isMet ? Date.now() : at), calls]);
  const answers = [...said, ...((await ours?.finish()) ?? [])];
  const pointers = await readPointers(server.api, model);
  const moved = callers.find(({ by }) => by === 'person')?.version ?? null;
  const ended = {
    round,
    pointers,
    wrong: !hasOneChampion(pointers, mode),
    silenced: errors.includes(null) && isSilenced(moved, mode, pointers, answers) ? moved : null,
    said: [
      ...errors.map((error) => `client: ${error ?? 'done'}`),
      ...answers.map(({ what, text }) => `${what}: ${text}`),
    ],
  };
  if (ours === null) return { ...ended, told: false, inStep: null };
  return afterSweep(ended, answers, server, model, ours);
}

/** An alias leaves no trace of what it named before: only a stage does. */
function isSilenced(
  moved: string | null,
  mode: Round['mode'],
  pointers: Pointers,
  answers: readonly Said[],
): boolean {
  if (moved === null || mode === 'aliases' || championsOf(pointers, mode).includes(moved)) return false;
  return answers.every(({ what, left }) => what === 'done' && !left.includes(moved));
}

/** An hour later: who has been told, and whether the table and the registry agree. */
async function afterSweep(
  ended: Omit<Ended, 'told' | 'inStep'>,
  answers: readonly Said[],
  server: Server,
  model: string,
  ours: Deployment,
): Promise<Ended> {
  const { round, wrong } = ended;
  const byAnswer = answers.some(({ what }) => what === 'out-of-step' || what === 'open');
  const withTable = round.party === 'with-table';
  if (!withTable) return { ...ended, told: byAnswer || ours.alarms().length > 0, inStep: null };
  const attempts = await ours.sweep();
  const recorded = await ours.recorded(model);
  const [champion, ...others] = championsOf(await readPointers(server.api, model), round.mode);
  const inStep =
    recorded !== null &&
    !recorded.open &&
    others.length === 0 &&
    champion === recorded.live &&
    champion !== undefined;
  const alarms = ours.alarms();
  // What has been told is told once: if the next sweep has something to tell, then it was not told yet.
  const told = byAnswer || alarms.length > 0;
  if (!inStep || wrong) await ours.sweep();
  const current = inStep || ours.alarms().length === alarms.length;
  const said = [
    ...ended.said,
    ...attempts.map(({ what, text }) => `attempt of the sweep, ${what}: ${text}`),
    ...alarms.map((subject) => `alert: ${subject}`),
    `table: ${recorded?.live ?? 'none'} live${recorded?.open ? ', a change is open' : ''}`,
  ];
  return { ...ended, said, told: told && current, inStep };
}

function called(ours: Deployment | null, round: Round, model: string, caller: Caller): Promise<Said> {
  if (ours === null || (hasPerson(round.contest) && caller.by === 'person'))
    throw new Error('not our caller');
  const { action, version } = caller;
  if (round.contest === 'executions') {
    const input = { operation: action, model_name: model, requested_by: 'race', wait_for_lease_minutes: 60 };
    return ours.execute(
      action === 'promote'
        ? { ...input, challenger_version: version }
        : { ...input, target_version: version },
    );
  }
  return action === 'promote' ? ours.promote(model, version ?? '') : ours.rollback(model, version);
}

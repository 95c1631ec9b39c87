import { expect } from 'vitest';
import { dynamodbStore } from '../../lambdas/adapters/aws/promotion-table.ts';
import type { Ending, Outcome } from '../../lambdas/domain/outcome/outcome-schema.ts';
import type { ModelItem, Release } from '../../lambdas/domain/release/release.ts';
import type { EmulatedHost } from '../../local/host.ts';
import { MODEL, WORKLOAD } from '../../local/scenarios/seed.ts';
import { dynamodbClient } from './clients.ts';

/** What is left of a model: its item, and what the emulators of both sides hold, which no client of ours has read. */
export interface EndState {
  readonly item: ModelItem;
  /** Who holds the lease; null if nobody does, or if it has run out. */
  readonly holder: string | null;
  /** Versions in Production, highest number first. */
  readonly champions: readonly string[];
  /** Null where no Workload serves the model. */
  readonly workload: {
    readonly artifactId: string;
    /** Artifacts of the active protons. */
    readonly active: readonly string[];
    /** Artifact of the replacement in progress; null if there is none. */
    readonly inFlight: string | null;
  } | null;
}

/** A replacement that has ended is shown for a minute. */
const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'errored']);

type Systems = Pick<EmulatedHost, 'mlflow' | 'workload' | 'table' | 'clock'>;

/** Reads what is left of the seeded model. */
export async function endStateOf({ mlflow, workload, table, clock }: Systems): Promise<EndState> {
  const client = dynamodbClient(table);
  const item = await dynamodbStore(client, table.name).readItem(MODEL);
  client.destroy();
  const versions = Object.entries(mlflow.snapshot()[MODEL]?.versions ?? {});
  const champions = versions.filter(([, { stage }]) => stage === 'Production').map(([version]) => version);
  const served = workload.direct.snapshot().workloads.find(({ name }) => name === WORKLOAD);
  const hasRunOut = item.expires_at !== null && item.expires_at < clock.now();
  return {
    item,
    holder: hasRunOut ? null : item.owner,
    champions: champions.sort((a, b) => Number(b) - Number(a)),
    workload:
      served === undefined
        ? null
        : {
            artifactId: served.artifactId,
            active: served.protons
              .filter(({ role }) => role === 'active')
              .map(({ artifactId }) => artifactId),
            inFlight:
              served.activeReplacement === null || ENDED.has(served.activeReplacement.status)
                ? null
                : served.activeReplacement.candidateArtifactId,
          },
  };
}

/** How a model is left. */
export type Ends =
  /** No change is open, and both sides show the live release. */
  | 'in-step'
  /** Nothing is recorded as live, and no change is open. */
  | 'unrecorded'
  /** The sides show something that no operation of ours put there, and that is what was said last. */
  | 'told';

/** What a sweep answers where nothing is left to be done, and everything has been told. */
export const nothingLeft = { sent: 0, pending: 0, cleaned_up: 0, attempted: 0, told: 0 };

/**
 * Expects that what was said last is what both sides show, and that the model is left as `ends` says. `outcomes` are
 * those of all executions so far.
 */
export function expectEnd(end: EndState, ends: Ends, outcomes: readonly Outcome[]): void {
  expectLastWord(end, outcomes);
  if (ends === 'in-step') {
    expectInStep(end);
    return;
  }
  const { item, holder } = end;
  const { live, change } = item;
  // Whoever comes next gets the lease.
  expect(holder).toBeNull();
  if (ends === 'unrecorded') {
    expect([live, change]).toEqual([null, null]);
    return;
  }
  const said = newest(outcomes);
  expect(['contested', 'failed']).toContain(said?.status);
  expect(said?.ending?.picture).toBe(item.told);
  expect(said?.ending).toMatchObject(change === null ? { in_step: false } : { known: false });
}

/** Expects that no change is open, that both sides show the live release, and that nobody holds the lease. */
function expectInStep({ item, holder, champions, workload }: EndState): void {
  const { live, change } = item;
  expect([holder, change]).toEqual([null, null]);
  expect(champions).toEqual([live?.version]);
  expect(workload === null).toBe(live?.artifact_id === null);
  if (workload === null) return;
  // A Workload that is stopped has no active proton.
  expect(new Set([workload.artifactId, ...workload.active])).toEqual(new Set([live?.artifact_id]));
  expect([live?.artifact_id, null]).toContain(workload.inFlight);
}

/** The last outcome that says anything about both sides says what they show. */
function expectLastWord({ item, champions, workload }: EndState, outcomes: readonly Outcome[]): void {
  // A function that is invoked directly knows the side that it changes, and what it has confirmed there.
  const isDirect = ({ execution }: Outcome) => execution.startsWith('direct:');
  const said = newest(outcomes.filter((one) => one.ending !== null || isDirect(one)));
  if (said?.status === 'promoted' || said?.status === 'rolled_back')
    expect([said.champion_after]).toEqual(champions);
  if (said === undefined || said.ending === null) return;
  const { live } = item;
  const { ending, champion_after } = said;
  const isRead = (part: Ending['unread'][number]) => !ending.unread.includes(part);
  // Of what could not be read nothing is said.
  expect(ending.champions).toEqual(isRead('registry') ? champions : null);
  expect(champion_after).toBe(isRead('registry') && champions.length === 1 ? champions[0] : null);
  expect(ending.live).toEqual(live === null || !isRead('table') ? null : halvesOf(live));
  expect(ending.change?.id ?? null).toBe(isRead('table') ? (item.change?.id ?? null) : null);
  const served = isRead('workload') ? workload : null;
  expect(ending.workload?.artifact_id).toBe(served?.artifactId);
  // A replacement that was in its last minutes may have ended since; none may have begun.
  if (served !== null && served.inFlight !== null) expect(ending.workload?.in_flight).toBe(served.inFlight);
}

const halvesOf = ({ version, artifact_id, change, result }: Release) => ({
  version,
  artifact_id,
  change,
  result,
});

const newest = (outcomes: readonly Outcome[]): Outcome | undefined =>
  [...outcomes].sort((a, b) => a.recorded_at.localeCompare(b.recorded_at)).at(-1);

import { describe, expect, it } from 'vitest';
import { WorkloadApiRefused } from '../../lambdas/domain/serving/errors.ts';
import type { Workloads } from '../../lambdas/domain/serving/workloads.ts';
import { emulatedPlatform } from '../support/clients.ts';
import { artifact, at, type Candidate, FakePlatform, proton, workload } from '../support/serving.ts';

/** One Workload on one artifact, and another artifact that is to replace it. */
interface Case {
  workloads: Workloads;
  id: string;
  old: string;
  fresh: string;
  /** Lets so many seconds pass. */
  pass(seconds: number): void;
}
interface Given {
  old?: 'draft' | 'locked';
  fresh?: 'draft' | 'locked';
  candidate?: Candidate;
}

const platform = emulatedPlatform();
const SCRIPTS = {
  healthy: 'healthy',
  'never-ready': 'never-ready',
  fails: 'crash-loop',
  dropped: 'silently-dropped',
} as const;

function onEmulator({ old = 'locked', fresh = 'locked', candidate = 'healthy' }: Given): Case {
  const { direct } = platform.emulator;
  const [first, second] = [old, fresh].map(
    (status) => direct.createArtifact({ locked: status === 'locked' }).id,
  );
  if (first === undefined || second === undefined) throw new Error('no artifacts');
  direct.script(second, SCRIPTS[candidate]);
  const { id } = direct.createWorkload({ artifactId: first });
  return { workloads: platform.workloads(), id, old: first, fresh: second, pass: platform.pass };
}

function onFake({ old = 'locked', fresh = 'locked', candidate = 'healthy' }: Given): Case {
  const fake = new FakePlatform();
  fake.candidate = candidate;
  fake.artifacts.set('old', artifact('old', old));
  fake.artifacts.set('new', artifact('new', fresh));
  fake.workload = workload();
  fake.protonList = [proton('p1', 'old')];
  const pass = (seconds: number) => {
    fake.now = at(seconds, fake.now);
  };
  return { workloads: fake, id: 'w1', old: 'old', fresh: 'new', pass };
}

const start = ({ workloads, id, fresh }: Case, artifactId = fresh) =>
  workloads.startReplacement(id, {
    artifactId,
    strategy: 'rolling',
    config: { warmupDurationMinutes: 0, keepOldVersionMinutes: 0 },
  });
const refused = (status: number) => expect.objectContaining({ name: WorkloadApiRefused.name, status });
const active = async ({ workloads, id }: Case) =>
  (await workloads.protons(id)).filter(({ role }) => role === 'active').map(({ artifactId }) => artifactId);

/** Looks every ten seconds, as a rollout does, until nothing is in progress; answers every status that was seen. */
async function settle({ workloads, id, pass }: Case): Promise<string[]> {
  const seen = new Set<string>();
  for (let look = 0; look < 200; look += 1) {
    pass(10);
    const record = await workloads.getReplacement(id);
    if (record === null) return [...seen];
    seen.add(record.status);
  }
  throw new Error(`never settled: ${[...seen]}`);
}

/** What unit tests believe of the platform is what the emulator does, asked through the functions' client. */
describe.each([
  ['the emulator', onEmulator],
  ['the fake platform of the unit tests', onFake],
])('%s', (_, on) => {
  it('switches to a healthy candidate, and then has no replacement in progress', async () => {
    const given = on({});
    expect(await start(given)).toMatchObject({ candidateArtifactId: given.fresh, switchedAt: null });
    expect((await settle(given)).at(-1)).toBe('finalizing');
    expect(await given.workloads.getWorkload(given.id)).toMatchObject({ artifactId: given.fresh });
    expect(await active(given)).toEqual([given.fresh]);
    expect(await given.workloads.history(given.id, 10)).toMatchObject([
      { candidateArtifactId: given.fresh, status: 'completed', switchedAt: expect.any(String) },
    ]);
  });

  it.each(['fails', 'dropped'] as const)(
    'stays on the old artifact when the candidate %s',
    async (candidate) => {
      const given = on({ candidate });
      await start(given);
      expect((await settle(given)).includes('errored')).toBe(candidate === 'fails');
      expect(await given.workloads.getWorkload(given.id)).toMatchObject({ artifactId: given.old });
      expect(await active(given)).toEqual([given.old]);
      const past = (await given.workloads.history(given.id, 10)).map(({ status }) => status);
      expect(past).toEqual(candidate === 'fails' ? ['errored'] : []);
    },
  );

  it('keeps a candidate that is never ready beside the old artifact', async () => {
    const given = on({ candidate: 'never-ready' });
    await start(given);
    given.pass(20 * 60);
    expect(await given.workloads.getReplacement(given.id)).toMatchObject({ switchedAt: null });
    expect(await given.workloads.getWorkload(given.id)).toMatchObject({ artifactId: given.old });
  });

  it('cancels before the switch, and keeps the old artifact', async () => {
    const given = on({});
    await start(given);
    given.pass(10);
    await given.workloads.cancelReplacement(given.id);
    expect(await given.workloads.getReplacement(given.id)).toMatchObject({ status: 'deleting' });
    await settle(given);
    expect(await given.workloads.getWorkload(given.id)).toMatchObject({ artifactId: given.old });
    expect(await active(given)).toEqual([given.old]);
  });

  it('does nothing on a cancellation when nothing is in progress, or after the switch', async () => {
    const given = on({});
    await given.workloads.cancelReplacement(given.id);
    await start(given);
    for (let look = 0; look < 30; look += 1) {
      given.pass(5);
      if ((await given.workloads.getReplacement(given.id))?.switchedAt) break;
    }
    await given.workloads.cancelReplacement(given.id);
    await settle(given);
    expect(await given.workloads.getWorkload(given.id)).toMatchObject({ artifactId: given.fresh });
  });

  it('refuses a second replacement while one is in progress', async () => {
    const given = on({});
    await start(given);
    given.pass(10);
    await expect(start(given)).rejects.toEqual(refused(422));
  });

  it.each([
    ['draft', 'locked'],
    ['locked', 'draft'],
  ] as const)('refuses to replace a %s artifact with a %s one', async (old, fresh) => {
    await expect(start(on({ old, fresh }))).rejects.toEqual(refused(400));
  });

  it('locks a draft once', async () => {
    const { workloads, fresh } = on({ fresh: 'draft' });
    await workloads.lockArtifact(fresh);
    expect(await workloads.getArtifact(fresh)).toMatchObject({ status: 'locked', version: 1 });
    await expect(workloads.lockArtifact(fresh)).rejects.toEqual(refused(403));
  });

  it('promotes the served draft in place, and not while a replacement is in progress', async () => {
    const given = on({ old: 'draft', fresh: 'draft' });
    await start(given);
    given.pass(10);
    await expect(given.workloads.promote(given.id)).rejects.toEqual(refused(422));
    await settle(given);
    await given.workloads.promote(given.id);
    expect(await given.workloads.getArtifact(given.fresh)).toMatchObject({ status: 'locked', version: 1 });
  });

  it('takes another importance, and has null for what is not there', async () => {
    const { workloads, id } = on({});
    await workloads.setImportance(id, 'high');
    expect(await workloads.getWorkload(id)).toMatchObject({ importance: 'high', status: 'running' });
    expect(await workloads.getReplacement(id)).toBeNull();
    expect(await workloads.getArtifact('6650f1a2b3c4d5e6f7a8b9c0')).toBeNull();
  });
});

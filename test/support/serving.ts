import type { DesiredState, ObservedState } from '../../lambdas/domain/rollout/step.ts';
import { WorkloadApiRefused, WorkloadApiUnavailable } from '../../lambdas/domain/serving/errors.ts';
import { Progress, type ReplaceAnswer, ReplaceInput } from '../../lambdas/domain/serving/payloads.ts';
import type {
  Artifact,
  Proton,
  Replacement,
  StartReplacement,
  StatusDetails,
  Workload,
  WorkloadEvent,
  Workloads,
} from '../../lambdas/domain/serving/workloads.ts';

/** Builders for what the Workload API shows, and a small platform that carries rollouts out. */

export const NOON = new Date('2026-11-20T12:00:00.000Z');
export const at = (seconds: number, from = NOON) => new Date(from.getTime() + seconds * 1000);
export const ENDPOINT = 'https://app.example.com/api/v2/endpoints/workloads/w1/';

export function workload(more: Partial<Workload> = {}): Workload {
  return {
    id: 'w1',
    name: 'prices',
    status: 'running',
    importance: 'low',
    type: 'service',
    artifactId: 'old',
    artifactStatus: 'locked',
    endpoint: ENDPOINT,
    runtime: null,
    ...more,
  };
}

export function artifact(id: string, status = 'locked', more: Partial<Artifact> = {}): Artifact {
  return {
    id,
    name: `artifact ${id}`,
    type: 'service',
    status,
    version: status === 'locked' ? 1 : null,
    groups: [{ name: 'default', containers: ['model'] }],
    containerGroups: [{ name: 'default', containers: [{ name: 'model', primary: true }] }],
    ...more,
  };
}

export function proton(
  id: string,
  artifactId: string,
  role: string | null = 'active',
  status = 'running',
): Proton {
  return { id, artifactId, role, status, logTail: [] };
}

export function replacement(candidateArtifactId: string, more: Partial<Replacement> = {}): Replacement {
  return {
    id: `r-${candidateArtifactId}`,
    candidateArtifactId,
    candidateProtonIds: ['p2'],
    previousProtonIds: ['p1'],
    status: 'initializing',
    message: null,
    switchedAt: null,
    createdAt: NOON.toISOString(),
    ...more,
  };
}

export const progress = (more: Partial<Progress> = {}): Progress => ({ ...Progress.parse({}), ...more });

/** A locked `old` in service and a locked `new` that is wanted; nothing in progress. */
export function seen(more: Partial<ObservedState> = {}): ObservedState {
  return {
    workload: workload(),
    artifact: artifact('new'),
    servedStatus: 'locked',
    replacement: null,
    protons: [proton('p1', 'old')],
    history: [],
    ...more,
  };
}

export function wanted(more: Partial<DesiredState> = {}): DesiredState {
  return {
    artifactId: 'new',
    rollout: null,
    importance: null,
    lockArtifact: false,
    deadline: at(3600),
    since: null,
    change: null,
    progress: progress(),
    ...more,
  };
}

export function replaceInput(more: Record<string, unknown> = {}): ReplaceInput {
  const deadline = at(3600).toISOString();
  return ReplaceInput.parse({ workload_id: 'w1', artifact_id: 'new', deadline, ...more });
}

/** How the candidate of the next replacement behaves. */
export type Candidate = 'healthy' | 'never-ready' | 'fails' | 'dropped';
/** What happens to a request: its answer is lost before or after it took effect, or the service is away. */
export type Trouble = 'lost-before' | 'lost-after' | 'away' | null;

/**
 * One Workload on a platform with a clock, in memory, for tests of many rollouts; it passes the same contract tests as the
 * emulator (`test/contract/workload-platforms.test.ts`). A replacement takes a minute until it switches and a minute more until its
 * record is gone; cancelling takes 20 s. `calls` lists every request that took effect.
 */
export class FakePlatform implements Workloads {
  now = NOON;
  candidate: Candidate = 'healthy';
  trouble: (call: string) => Trouble = () => null;
  readonly calls: string[] = [];
  readonly violations: string[] = [];
  /** What was asked for with each replacement. */
  readonly requests: StartReplacement[] = [];
  /** Artifacts whose rollouts may be cancelled. */
  ours: readonly string[] = ['new'];
  workload: Workload | null = workload();
  readonly artifacts = new Map([
    ['old', artifact('old')],
    ['new', artifact('new')],
  ]);
  protonList: Proton[] = [proton('p1', 'old')];
  record: Replacement | null = null;
  past: Replacement[] = [];
  eventList: WorkloadEvent[] = [];
  details: StatusDetails | null = null;
  logLines: string[] = [];
  #counter = 1;
  #cancelledAt: Date | null = null;

  #age = (at: string | null) => (this.now.getTime() - Date.parse(at ?? NOON.toISOString())) / 1000;

  /** Moves everything on to the present. */
  tick(): void {
    const record = this.record;
    if (record === null || this.workload === null) return;
    const age = this.#age(record.createdAt);
    if (this.#cancelledAt !== null) {
      if (this.now.getTime() - this.#cancelledAt.getTime() >= 20_000) this.#settle('deleting');
      return;
    }
    if (record.switchedAt !== null) {
      if (this.#age(record.switchedAt) >= 60) this.#settle('completed');
      return;
    }
    if (age < 60 || this.candidate === 'never-ready') return;
    if (this.candidate === 'fails') {
      this.record = { ...record, status: 'errored', message: 'Failed to launch candidate protons' };
      if (age >= 120) this.#settle('errored');
    } else if (this.candidate === 'dropped') {
      this.record = null;
      this.#dropCandidates();
    } else {
      this.record = { ...record, status: 'finalizing', switchedAt: this.now.toISOString() };
      this.workload = { ...this.workload, artifactId: record.candidateArtifactId };
      this.protonList = this.protonList.map((p) =>
        p.role === 'candidate'
          ? { ...p, role: 'active', status: 'running' }
          : { ...p, role: null, status: 'draining' },
      );
    }
  }

  #settle(status: string): void {
    if (this.record !== null) this.past.unshift({ ...this.record, status });
    this.record = null;
    this.#cancelledAt = null;
    if (status !== 'completed') this.#dropCandidates();
  }

  #dropCandidates(): void {
    this.protonList = this.protonList.filter((p) => p.role !== 'candidate');
  }

  /** Somebody else's replacement, or a settings change when the artifact is the one that is served. */
  begin(artifactId: string): Replacement {
    const id = `p${++this.#counter}`;
    this.record = replacement(artifactId, {
      id: `r${this.#counter}`,
      candidateProtonIds: [id],
      previousProtonIds: this.protonList.filter((p) => p.role === 'active').map((p) => p.id),
      createdAt: this.now.toISOString(),
    });
    this.protonList = [...this.protonList, proton(id, artifactId, 'candidate', 'launching')];
    return this.record;
  }

  async #ask<T>(call: string, effect: () => T): Promise<T> {
    const trouble = this.trouble(call);
    if (trouble === 'away') throw new WorkloadApiUnavailable(`${call}: away`, { outcomeUnknown: false });
    if (trouble === 'lost-before')
      throw new WorkloadApiUnavailable(`${call}: lost`, { outcomeUnknown: true });
    this.tick();
    const value = effect();
    if (!call.startsWith('get')) this.calls.push(call);
    if (trouble === 'lost-after') throw new WorkloadApiUnavailable(`${call}: lost`, { outcomeUnknown: true });
    return value;
  }

  getWorkload = () => this.#ask('getWorkload', () => this.workload);
  getArtifact = (id: string) => this.#ask('getArtifact', () => this.artifacts.get(id) ?? null);
  getReplacement = () => this.#ask('getReplacement', () => this.record);
  protons = () => this.#ask('getProtons', () => this.protonList);
  history = () => this.#ask('getHistory', () => this.past);
  events = () => this.#ask('getEvents', () => this.eventList);
  statusDetails = () => this.#ask('getStatusDetails', () => this.details);
  logs = () =>
    this.#ask('getLogs', () =>
      this.logLines.map((message) => ({ timestamp: '2026-11-20 12:00:00+00:00', level: 'error', message })),
    );

  setImportance = (_: string, importance: string) =>
    this.#ask('setImportance', () => {
      if (this.workload !== null) this.workload = { ...this.workload, importance };
    });

  lockArtifact = (id: string) =>
    this.#ask('lockArtifact', () => {
      this.#lock(id);
    });

  #lock(id: string): void {
    const found = this.artifacts.get(id);
    if (found?.status === 'locked') throw refused(403, 'Cannot update artifact: artifact is locked');
    if (found !== undefined) this.artifacts.set(id, { ...found, status: 'locked', version: 1 });
  }

  promote = () =>
    this.#ask('promote', () => {
      if (this.record !== null) throw refused(422, 'A replacement is in progress');
      this.#lock(this.workload?.artifactId ?? '');
    });

  startReplacement = (_: string, request: StartReplacement) =>
    this.#ask('startReplacement', () => {
      this.requests.push(request);
      if (this.record !== null && this.record.status !== 'errored') {
        this.violations.push(`started ${request.artifactId} beside ${this.record.candidateArtifactId}`);
        throw refused(422, 'A replacement is already in progress');
      }
      const from = this.artifacts.get(this.workload?.artifactId ?? '')?.status;
      const to = this.artifacts.get(request.artifactId)?.status;
      if (from !== to) throw refused(400, 'Artifact status mismatch');
      return this.begin(request.artifactId);
    });

  cancelReplacement = () =>
    this.#ask('cancelReplacement', () => {
      const record = this.record;
      if (record === null) return;
      if (!this.ours.includes(record.candidateArtifactId))
        this.violations.push(`cancelled ${record.candidateArtifactId}`);
      if (record.switchedAt !== null) return;
      this.record = { ...record, status: 'deleting' };
      this.#cancelledAt = this.now;
    });

  stats = unused;
  setContainerGroups = unused;
  cloneArtifact = unused;
  findArtifacts = unused;
}

export const refused = (status: number, detail: string) =>
  new WorkloadApiRefused(`HTTP ${status} ${detail}`, { status, detail });

async function unused(): Promise<never> {
  throw new Error('not asked for in a rollout');
}

/** The answers of a rollout from its first step to its last, as the state machine would ask for them. */
export async function rollOut(
  platform: FakePlatform,
  oneStep: (input: ReplaceInput) => Promise<ReplaceAnswer>,
  input: Record<string, unknown> = {},
  most = 400,
): Promise<ReplaceAnswer[]> {
  const answers: ReplaceAnswer[] = [];
  let previous: ReplaceAnswer | null = null;
  while (answers.length < most) {
    try {
      previous = await oneStep(replaceInput({ ...input, previous }));
    } catch (error) {
      if (!(error instanceof WorkloadApiUnavailable)) throw error;
      // As the machine does: it tries again later, with what it knew before.
      platform.now = at(10, platform.now);
      most--;
      continue;
    }
    // As it travels: through JSON.
    previous = JSON.parse(JSON.stringify(previous));
    if (previous === null) break;
    answers.push(previous);
    if (previous.status !== 'in_progress') break;
    platform.now = at(previous.retry_after_seconds ?? 0, platform.now);
  }
  return answers;
}

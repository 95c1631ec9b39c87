import type { Answer } from '../api/answers.ts';
import { newArtifact } from '../api/bodies.ts';
import type { RawRequest } from '../api/router.ts';
import { artifactDocument, eventDocument, replacementDocument, workloadDocument } from '../api/shapes.ts';
import { changeArtifact, createArtifact } from '../world/artifacts.ts';
import type { ArtifactStatus, ArtifactType, Importance, ProtonStatus } from '../world/entities.ts';
import { activeProton, activeProtons, launch, replan } from '../world/protons.ts';
import { replacementInProgress } from '../world/rollout.ts';
import { type Script, scripts } from '../world/settings.ts';
import { createWorkload } from '../world/workloads.ts';
import { ApiError, type World } from '../world/world.ts';
import { protonDocument } from './documents.ts';
import { addServed } from './traffic.ts';

export interface ArtifactSeed {
  name?: string;
  type?: ArtifactType;
  image?: string;
  /** Plain variables of the one container. */
  env?: Record<string, string>;
  locked?: boolean;
  artifactRepositoryId?: string;
}

export interface WorkloadSeed {
  artifactId: string;
  name?: string;
  importance?: Importance;
  /** Default: it has been up for a while. False starts it as a POST would. */
  running?: boolean;
}

/** Requests to an endpoint that are only counted. */
export interface Traffic {
  /** Default: the active proton. */
  protonId?: string;
  count: number;
  status?: number;
  milliseconds?: number;
}

/** What a Workload serves. */
export interface Serving {
  artifactId: string;
  status: ArtifactStatus;
  /** Artifacts of the active protons. */
  active: string[];
  /** The replacement that has not ended; `createdAt` in milliseconds since 1970. */
  candidate: { artifactId: string; createdAt: number; switched: boolean } | null;
}

/** Access for scenarios and tests beside the HTTP interface. Errors are thrown as `ApiError`. */
export class Direct {
  readonly #world: () => World;
  readonly #base: () => string;
  readonly #act: (raw: RawRequest) => Answer;
  #count = 0;

  constructor(world: () => World, base: () => string, act: (raw: RawRequest) => Answer) {
    this.#world = world;
    this.#base = base;
    this.#act = act;
  }

  /** The current state. */
  #settled(): World {
    const world = this.#world();
    world.settle();
    return world;
  }

  createArtifact(seed: ArtifactSeed = {}) {
    const world = this.#settled();
    this.#count += 1;
    const variables = Object.entries(seed.env ?? {}).map(([name, value]) => ({ name, value }));
    const container = {
      name: 'model',
      imageUri: seed.image ?? 'registry.invalid/model:healthy',
      primary: true,
      port: 8080,
      environmentVars: variables,
    };
    const input = newArtifact.parse({
      name: seed.name ?? `artifact-${this.#count}`,
      type: seed.type ?? 'service',
      artifactRepositoryId: seed.artifactRepositoryId,
      spec: { containerGroups: [{ name: 'default', containers: [container] }] },
    });
    const artifact = createArtifact(world, input);
    if (seed.locked === true) changeArtifact(world, artifact, { status: 'locked' });
    return artifactDocument(world, artifact);
  }

  createWorkload({ artifactId, name, importance, running = true }: WorkloadSeed) {
    const world = this.#settled();
    this.#count += 1;
    const workload = createWorkload(world, {
      name: name ?? `workload-${this.#count}`,
      artifactId,
      importance,
    });
    if (running) {
      for (const proton of workload.protons) {
        proton.plan = [{ at: world.now, status: 'running' }];
        proton.createdAt = world.now - world.timings.readyMs;
      }
    }
    return workloadDocument(world, this.#base(), workload);
  }

  /** `key` is an artifact's id or name, or the image of its primary container; counts for later launches. */
  script(key: string, script: Script): void {
    if (!scripts.includes(script)) throw new Error(`No script "${script}"; there are ${scripts.join(', ')}`);
    this.#world().scripts.set(key, script);
  }

  /** Executes the request as another client would; it is not recorded and no fault applies. Throws on an error. */
  perform(method: string, path: string, body?: unknown): unknown {
    const [plain = '', search = ''] = path.split('?');
    const answer = this.#act({
      method,
      path: plain,
      query: new URLSearchParams(search),
      contentType: 'application/json',
      body: body === undefined ? '' : JSON.stringify(body),
    });
    const parsed: unknown = answer.body === null || answer.body === '' ? null : JSON.parse(answer.body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return parsed;
  }

  workload(id: string) {
    const world = this.#settled();
    return workloadDocument(world, this.#base(), world.workload(id));
  }

  artifact(id: string) {
    const world = this.#settled();
    return artifactDocument(world, world.artifact(id));
  }

  /** Counts requests as if clients had sent them now. */
  addTraffic(workloadId: string, { protonId, count, status = 200, milliseconds = 20 }: Traffic): void {
    const world = this.#settled();
    const workload = world.workload(workloadId);
    const id = protonId ?? activeProton(workload, world.now)?.id;
    if (id === undefined) throw new Error(`Workload ${workloadId} has no active proton`);
    addServed(world, workload, { protonId: id, count, status, milliseconds, method: 'POST', path: '/' });
  }

  /** Adds an active proton, as in a highly available Workload; returns its id. */
  addActiveProton(workloadId: string): string {
    const world = this.#settled();
    const workload = world.workload(workloadId);
    const { runtime } = workload;
    const artifact = world.artifact(workload.artifactId);
    const proton = launch(world, { workload, artifact, role: 'active', runtime, warmupMs: 0 });
    proton.plan = [{ at: world.now, status: 'running' }];
    return proton.id;
  }

  /** Sets the status of a proton, such as `interrupted`, and removes its scheduled states. */
  setProtonStatus(protonId: string, status: ProtonStatus): void {
    const world = this.#settled();
    const proton = [...world.workloads.values()]
      .flatMap(({ protons }) => protons)
      .find(({ id }) => id === protonId);
    if (proton === undefined) throw new ApiError(404, 'Proton not found');
    replan(proton, world.now, { at: world.now, status });
  }

  /** What a Workload serves and what is in progress on it, without documents; null where there is none. */
  serving(workloadId: string): Serving | null {
    const world = this.#settled();
    const workload = world.workloads.get(workloadId);
    if (workload === undefined) return null;
    const replacement = replacementInProgress(workload);
    return {
      artifactId: workload.artifactId,
      status: world.artifact(workload.artifactId).status,
      active: activeProtons(workload, world.now).map(({ artifactId }) => artifactId),
      candidate:
        replacement === null
          ? null
          : {
              artifactId: replacement.candidateArtifactId,
              createdAt: replacement.createdAt,
              switched: replacement.switchedAt !== null,
            },
    };
  }

  /** All entities as API documents; by Workload, with its sub-resources. */
  snapshot() {
    const world = this.#settled();
    return {
      artifacts: [...world.artifacts.values()].map((each) => artifactDocument(world, each)),
      workloads: [...world.workloads.values()].map((each) => ({
        ...workloadDocument(world, this.#base(), each),
        protons: each.protons.map((proton) => protonDocument(world, this.#base(), proton)),
        activeReplacement: each.replacement === null ? null : replacementDocument(world, each.replacement),
        history: each.history.map((entry) => replacementDocument(world, entry)),
        events: each.events.map((event) => eventDocument(world, each.id, event)),
      })),
    };
  }
}

import type { Artifact, Repository, Workload } from './entities.ts';
import type { Limits, Script, Timings, Variants } from './settings.ts';

/** One entry of a validation error. */
export interface Invalid {
  path: string;
  message: string;
  code: string;
}

/** An error response of the API; `detail` has one of the API's three forms. */
export class ApiError extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly detail: string | string[] | Invalid[];

  constructor(status: number, detail: string | string[] | Invalid[]) {
    super(typeof detail === 'string' ? detail : JSON.stringify(detail));
    this.status = status;
    this.detail = detail;
  }
}

/** A validation error of one field. */
export const invalid = (path: string, message: string, code = 'value_error') =>
  new ApiError(422, [{ path, message, code }]);

export interface WorldSettings {
  readonly clock: { now(): Date };
  readonly variants: Variants;
  readonly timings: Timings;
  readonly limits: Limits;
  /** Prefixes of the images that may run; all where empty. */
  readonly allowedImages: readonly string[];
}

/**
 * All entities and scheduled transitions. There are no timers: `settle` executes the transitions that are due by the
 * injected clock, in order and at their own time, so that a jump of a week gives the same history as a week of polling.
 */
export class World {
  readonly artifacts = new Map<string, Artifact>();
  readonly repositories = new Map<string, Repository>();
  readonly workloads = new Map<string, Workload>();
  /** Scripts by an artifact's id, its name or its primary container's image. */
  readonly scripts = new Map<string, Script>();
  readonly settings: WorldSettings;
  readonly userId: string;
  readonly orgId = '5eed5eed5eed5eed5eed5eed';
  readonly tenantId = '5b0e3c1a-9f27-4d68-a1c4-7e2d90b6f853';
  #due: { at: number; run: () => void }[] = [];
  #now: number;
  #count = 0;

  constructor(settings: WorldSettings) {
    this.settings = settings;
    this.#now = settings.clock.now().getTime();
    this.userId = this.id();
  }

  get variants(): Variants {
    return this.settings.variants;
  }

  get timings(): Timings {
    return this.settings.timings;
  }

  /** The current time; within a transition the time at which it was due. */
  get now(): number {
    return this.#now;
  }

  /** An ObjectId: four bytes of seconds, five of a fixed process id, three of a counter. */
  id(): string {
    this.#count += 1;
    const seconds = Math.floor(this.#now / 1000);
    return `${hex(seconds, 8)}5eed5eed5e${hex(this.#count, 6)}`;
  }

  /** Schedules `run` at a time; a past time is due at the next `settle`. */
  at(time: number, run: () => void): void {
    const index = this.#due.findLastIndex((entry) => entry.at <= time);
    this.#due.splice(index + 1, 0, { at: time, run });
  }

  /** Executes everything that is due. A clock that goes back has no effect. */
  settle(): void {
    const until = Math.max(this.#now, this.settings.clock.now().getTime());
    for (let next = this.#due[0]; next !== undefined && next.at <= until; next = this.#due[0]) {
      this.#due.shift();
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }

  artifact(id: string): Artifact {
    const artifact = this.artifacts.get(id);
    if (artifact === undefined) throw new ApiError(404, 'Artifact not found');
    return artifact;
  }

  repository(id: string): Repository {
    const repository = this.repositories.get(id);
    if (repository === undefined) throw new ApiError(404, 'Artifact repository not found');
    return repository;
  }

  workload(id: string): Workload {
    const workload = this.workloads.get(id);
    if (workload === undefined) throw new ApiError(404, 'Workload not found');
    return workload;
  }
}

const hex = (value: number, digits: number) => (value % 16 ** digits).toString(16).padStart(digits, '0');

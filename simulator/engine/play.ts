import { Random } from '../random.ts';
import {
  type Aim,
  type CallFault,
  callFaults,
  callWeights,
  type FaultRecord,
  type InvocationFault,
  invocationFaults,
  invocationWeights,
  type OutageKind,
  type Site,
  type System,
} from './faults.ts';
import type { Systems } from './systems.ts';
import type { VirtualTime } from './time.ts';

/** A period in which a system is away. */
export interface Outage {
  system: System;
  kind: OutageKind;
  /** Milliseconds since 1970. */
  from: number;
  until: number;
}

/** What decides which faults happen in one play. */
export interface FaultPlan {
  seed: string;
  /** Share of the places with a fault; 0 to 1. */
  rate: number;
  /** No more faults than this, unless `only` is given. */
  budget: number;
  /** Faults happen at these places and nowhere else; null: wherever the rate says. */
  only: ReadonlySet<string> | null;
  aims: readonly Aim[];
  outages: readonly Outage[];
}

/** A request that changes a remote system, as it is sent. */
export interface Written {
  by: string;
  /** Its number among the requests of its process. */
  number: number;
  system: System;
  name: string;
  /** What it asks for, where that is of interest. */
  body: unknown;
  /** True where its sender cannot know from the answer whether it was executed. */
  unanswered: boolean;
}

/** A process, and when its function began. Milliseconds since 1970. */
export interface Sender {
  id: string;
  functionName: string;
  startedAt: number;
}

/** One line of the trace. */
export interface TraceLine {
  at: number;
  who: string;
  text: string;
}

/** Everything that one play shares: its time, its faults, what is noted about it. */
export class Play {
  readonly time: VirtualTime;
  readonly plan: FaultPlan;
  readonly faults: FaultRecord[] = [];
  /** How often each thing happened, by its name. */
  readonly counts = new Map<string, number>();
  /** Null: not kept. */
  readonly trace: TraceLine[] | null;
  /** Every request of an invocation to another system, with its moment. */
  readonly sent: { by: string; system: System; name: string; at: number }[] = [];
  /** Every pause before a retry is as long as it can be. */
  readonly longestPauses: boolean;
  /** Processes that run now. */
  processes = 0;
  /** Those of them whose function has begun. */
  working = 0;
  /** No faults from now on. */
  calm = false;
  /** Told of each request that changes a remote system, at the moment at which it is sent. */
  onWrite: (write: Written) => void = () => {};
  /** Whose request is being executed. */
  by: Sender = { id: '', functionName: '', startedAt: 0 };
  #systems: Systems | null = null;
  /** Places so far that each aim fits. */
  readonly #aimed = new Map<Aim, number>();

  constructor(
    time: VirtualTime,
    plan: FaultPlan,
    { traced, longestPauses = false }: { traced: boolean; longestPauses?: boolean },
  ) {
    this.time = time;
    this.plan = plan;
    this.trace = traced ? [] : null;
    this.longestPauses = longestPauses;
  }

  /** What the functions' requests reach; throws before it is set. */
  get systems(): Systems {
    if (this.#systems === null) throw new Error('This play has no systems yet');
    return this.#systems;
  }

  set systems(systems: Systems) {
    this.#systems = systems;
  }

  note(who: string, text: () => string): void {
    this.trace?.push({ at: this.time.now, who, text: text() });
  }

  count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** The stream of random numbers for one actor. */
  random(of: string): Random {
    return new Random(`${this.plan.seed}/${of}`);
  }

  outageOf(system: System): Outage | null {
    if (this.calm) return null;
    const { now } = this.time;
    return (
      this.plan.outages.find((each) => each.system === system && each.from <= now && now < each.until) ?? null
    );
  }

  /** `chance` is a stream of numbers that goes on the same with and without a fault. */
  callFault(site: Site, chance: Random, weight: number): CallFault | null {
    return this.#draw(
      site,
      chance.chance(this.plan.rate * weight),
      () => this.random(site.id).weighted(callWeights),
      callFaults,
    );
  }

  invocationFault(site: Site, chance: Random): InvocationFault | null {
    return this.#draw(
      site,
      chance.chance(this.plan.rate),
      () => this.random(site.id).weighted(invocationWeights),
      invocationFaults,
    );
  }

  #draw<Kind extends FaultRecord['kind']>(
    site: Site,
    drawn: boolean,
    kindOf: () => Kind,
    kinds: readonly Kind[],
  ): Kind | null {
    const { only, budget } = this.plan;
    const aimed = this.#aimedAt(site, kinds);
    if (this.calm || (only !== null && !only.has(site.id))) return null;
    if (aimed === null && (!drawn || (only === null && this.faults.length >= budget))) return null;
    const kind = aimed ?? kindOf();
    this.faults.push({ ...site, kind, again: 0 });
    this.count(`fault ${site.functionName} ${site.call}: ${kind}`);
    this.note(site.id, () => `FAULT ${kind} at ${site.call}`);
    return kind;
  }

  #aimedAt<Kind extends FaultRecord['kind']>(site: Site, kinds: readonly Kind[]): Kind | null {
    let found: Kind | null = null;
    for (const aim of this.plan.aims) {
      if (aim.functionName !== site.functionName) continue;
      if (aim.call !== (typeof aim.call === 'string' ? site.call : site.number)) continue;
      const number = (this.#aimed.get(aim) ?? 0) + 1;
      this.#aimed.set(aim, number);
      if (number > aim.after && number <= aim.after + aim.times)
        found ??= kinds.find((kind) => kind === aim.kind) ?? null;
    }
    return found;
  }
}

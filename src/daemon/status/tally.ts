import {Durations} from './durations.ts';

const OUTCOMES = ['served', 'passed', 'failed', 'stored', 'erased', 'malformed'] as const;

export type Outcome = (typeof OUTCOMES)[number];

export type GrantOutcome = 'granted' | 'unused' | 'read' | 'failed';

/** An organization as it is configured. A name alone is not unique: two servers may have a collection of one name. */
interface CountedOrganization {
  /** Empty if the request is for no configured host. */
  readonly host: string;
  /** In lower case; `*` for the fallback of the host, empty if the request is for none that is configured. */
  readonly organization: string;
}

/** Under what a request counts. */
export interface Counted extends CountedOrganization {
  readonly socket: string;
  /** The kind of identity, or empty. */
  readonly kind: string;
}

interface Entry extends Counted {
  readonly counts: Counts;
}

type Counts = Record<Outcome, number>;

/** Counts answers since the start. */
export class Tally {
  readonly #all: Counts = noCounts();
  readonly #byOrganization = new Map<string, Counts>();
  readonly #entries = new Map<string, Entry>();
  readonly #durations = new Map<Outcome, Durations>();
  readonly #grants = new Map<GrantOutcome, number>();
  readonly #recent: number[] = [];
  #next = 0;

  /** `duration` is in milliseconds. */
  count(counted: Counted, outcome: Outcome, duration: number): void {
    const {host, organization, socket, kind} = counted;
    // none of them has a line break
    const key = `${host}\n${organization}\n${socket}\n${kind}`;
    const entry = this.#entries.get(key) ?? {host, organization, socket, kind, counts: noCounts()};
    this.#entries.set(key, entry);
    entry.counts[outcome]++;
    const name = nameFor(counted);
    const counts = this.#byOrganization.get(name) ?? noCounts();
    this.#byOrganization.set(name, counts);
    counts[outcome]++;
    this.#all[outcome]++;
    this.#note(outcome, duration);
  }

  countGrant(outcome: GrantOutcome): void {
    this.#grants.set(outcome, (this.#grants.get(outcome) ?? 0) + 1);
  }

  /** How many connections over SSH were granted, and how those ended that have ended. */
  get grants(): ReadonlyMap<GrantOutcome, number> {
    return this.#grants;
  }

  of(outcome: Outcome, organization?: CountedOrganization): number {
    // status asks for each of thousands of organizations, so this must be a lookup
    if (organization === undefined) return this.#all[outcome];
    return this.#byOrganization.get(nameFor(organization))?.[outcome] ?? 0;
  }

  /** Returns each count that is not zero, with what it counts. */
  *entries(): Iterable<Counted & {readonly outcome: Outcome; readonly times: number}> {
    for (const {counts, ...counted} of this.#entries.values()) {
      for (const outcome of OUTCOMES) {
        const times = counts[outcome];
        if (times > 0) yield {...counted, outcome, times};
      }
    }
  }

  /** How long requests took, by outcome. */
  get durations(): ReadonlyMap<Outcome, Durations> {
    return this.#durations;
  }

  /** The median of the last thousand served requests, in milliseconds. */
  get medianMs(): number | undefined {
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  #note(outcome: Outcome, duration: number): void {
    const durations = this.#durations.get(outcome) ?? new Durations();
    this.#durations.set(outcome, durations);
    durations.note(duration);
    if (outcome !== 'served') return;
    this.#recent[this.#next] = duration;
    this.#next = (this.#next + 1) % RECENT;
  }
}

/** The organization under which a fallback counts. */
export const ANY_OTHER = '*';

function nameFor({host, organization}: CountedOrganization): string {
  return `${host} ${organization}`;
}

function noCounts(): Counts {
  return {served: 0, passed: 0, failed: 0, stored: 0, erased: 0, malformed: 0};
}

const RECENT = 1000;

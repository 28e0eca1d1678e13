import type {Clock} from '../../token/token.ts';
import type {AcquirerFailure, Service} from '../failure.ts';

/** The gate of each service that an errand asks. Errands that ask the same server share its gate. */
export type Gates = {readonly [service in Service]?: string};

export const METADATA_GATE = 'managed-identity';

/** A longer `Retry-After` is cut, in milliseconds: an hour. */
const LONGEST_REST = 60 * 60_000;

interface Gate {
  /** On the monotonic clock, in milliseconds. */
  readonly until: number;
  readonly failure: Extract<AcquirerFailure, {kind: 'rejected'}>;
}

/** Keeps acquirers away from a server that sent `Retry-After`, whatever identity asks. */
export class ClosedGates {
  readonly #clock: Pick<Clock, 'uptime'>;
  readonly #closed = new Map<string, Gate>();

  constructor(clock: Pick<Clock, 'uptime'>) {
    this.#clock = clock;
  }

  /** Closes the gate of the server that failed so, if it asked for a rest. */
  note(gates: Gates, failure: AcquirerFailure): void {
    if (failure.kind !== 'rejected' || failure.retryAfter === undefined) return;
    if (failure.status !== 429 && failure.status !== 503) return;
    const name = gates[failure.service];
    if (name === undefined) return;
    const until = this.#clock.uptime() + Math.min(failure.retryAfter, LONGEST_REST);
    this.#closed.set(name, {until, failure});
  }

  /** Returns the failure of a closed gate, with the rest that is left. */
  closed(gates: Gates): AcquirerFailure | undefined {
    const now = this.#clock.uptime();
    for (const name of Object.values(gates)) {
      const gate = this.#closed.get(name);
      if (gate === undefined) continue;
      if (gate.until > now) return {...gate.failure, retryAfter: gate.until - now};
      this.#closed.delete(name);
    }
    return undefined;
  }
}

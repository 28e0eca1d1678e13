import type {Acquisition, Wanted} from './acquire.ts';
import type {Token} from './token.ts';

/** An acquisition under way. */
export interface Flight {
  readonly ticket: Ticket;
  readonly landed: Promise<Acquisition>;
}

/** Decides what happens to the token: the cache may be cleared meanwhile, or the identity dropped. */
export interface Ticket {
  /** The identity's key. */
  readonly identity: string;
  fate: 'kept' | 'asked again' | 'dropped';
}

export interface Held {
  readonly token: Token;
  readonly wanted: Wanted;
  readonly jitter: number;
  /** On the monotonic clock, in milliseconds. */
  lastUse: number;
}

import {LRUCache} from 'lru-cache';
import type {Identity} from '../identity/identity.ts';
import type {Acquire, Acquisition, Failure, Wanted} from './acquire.ts';
import {NEVER_BELOW, freshnessOf, lifeLeft} from './freshness.ts';
import type {Secret} from '../secret/secret.ts';
import type {Clock, Token} from './token.ts';

/** What a request gets from the cache. */
export type Found =
  | {readonly kind: 'token'; readonly token: Token; readonly source: 'cache' | 'issuer'}
  | {readonly kind: 'failed'; readonly failure: Failure};

/** What `status` shows of one wanted token. */
export interface TokenStatus {
  readonly wanted: Wanted;
  readonly state: 'none' | 'ok' | 'refreshing' | 'failed';
  /** Milliseconds since epoch. */
  readonly expiresAt: number | undefined;
  readonly fingerprint: string | undefined;
  readonly failure: Failure | undefined;
  readonly acquisitions: number;
}

interface TokenCacheParts {
  readonly acquire: Acquire;
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** How many tokens are held at most. Default: 10,000. */
  readonly capacity?: number;
}

/** The cooldown after the first failure, in milliseconds; it doubles up to a minute. */
const FIRST_COOLDOWN = 1000;
const LAST_COOLDOWN = 60_000;

/** A `Retry-After` beyond this is cut, in milliseconds: a mistake there must not last until the next start. */
const LONGEST_REST = 60 * 60_000;

/** How many tokens are asked ahead for at once. */
const PREFETCHES = 3;

/** An identity that nobody used for this long is no longer refreshed ahead, in milliseconds. */
const IN_USE = 3 * 60 * 60_000;

/**
 * The tokens in memory. Whoever asks and however many at once, one request goes to the issuer; a token that lives
 * is served while it is renewed, and still served while the issuer is down.
 */
export class TokenCache {
  readonly #acquire: Acquire;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #held: LRUCache<string, Held>;
  readonly #flights = new Map<string, Flight>();
  readonly #records = new Map<string, Record>();
  /** Those whose token is on its way still, but not to here. */
  readonly #diverted = new Set<Ticket>();
  /** What is yet to be asked ahead for, the next at the end. */
  #ahead: Wanted[] = [];
  #prefetches = 0;

  constructor({acquire, clock, random, capacity = 10_000}: TokenCacheParts) {
    this.#acquire = acquire;
    this.#clock = clock;
    this.#random = random;
    this.#held = new LRUCache({
      max: capacity,
      // its own clock stands still while the machine sleeps
      perf: {now: () => clock.uptime()},
      ttlResolution: 0,
      dispose: ({token}) => token.secret.erase(),
    });
  }

  /** `rejected` tells the tokens that the asker must not get again: another one is acquired at once. */
  async get(wanted: Wanted, rejected: (fingerprint: string) => boolean = nothing): Promise<Found> {
    const key = keyOf(wanted);
    const held = this.#held.get(key);
    if (held) held.lastUse = this.#clock.uptime();
    if (held === undefined || rejected(held.token.fingerprint)) return this.#fresh(wanted, rejected);
    switch (freshnessOf(held.token, this.#clock, held.jitter)) {
      case 'fresh':
        return {kind: 'token', token: held.token, source: 'cache'};
      case 'should-refresh':
        this.#refreshBehind(wanted);
        return {kind: 'token', token: held.token, source: 'cache'};
      case 'must-refresh':
        if (this.#isCooling(key)) return {kind: 'token', token: held.token, source: 'cache'};
        return this.#freshOr(held.token, wanted, rejected);
      case 'expired':
        this.#held.delete(key);
        return this.#fresh(wanted, rejected);
    }
  }

  /** The token in memory, if one lives; nobody is asked. */
  peek(wanted: Wanted): Token | undefined {
    const token = this.#held.peek(keyOf(wanted))?.token;
    return token !== undefined && lifeLeft(token, this.#clock) >= NEVER_BELOW ? token : undefined;
  }

  /**
   * Asks ahead for what is not held, a few at once, so that there is room for a git that waits. What an earlier call has
   * not come to is left. Never rejects.
   */
  async prefetch(all: Iterable<Wanted>): Promise<void> {
    this.#ahead = [...all].toReversed();
    const room = PREFETCHES - this.#prefetches;
    await Promise.all(Array.from({length: room}, () => this.#askAhead()));
  }

  async #askAhead(): Promise<void> {
    this.#prefetches += 1;
    for (let wanted = this.#ahead.pop(); wanted !== undefined; wanted = this.#ahead.pop()) {
      const key = keyOf(wanted);
      if (this.#held.peek(key) === undefined && !this.#isCooling(key)) await this.#fly(wanted);
    }
    this.#prefetches -= 1;
  }

  /** Renews what is in use and due, and drops what is over. To be called every half minute or so. */
  refreshDue(): void {
    this.#held.purgeStale();
    const now = this.#clock.uptime();
    for (const {token, wanted, jitter, lastUse} of this.#held.values()) {
      const freshness = freshnessOf(token, this.#clock, jitter);
      if (freshness === 'expired') this.#held.delete(keyOf(wanted));
      else if (freshness !== 'fresh' && now - lastUse < IN_USE) this.#refreshBehind(wanted);
    }
  }

  /** Drops the tokens of all other identities, after a change of the configuration; those are overwritten. */
  keepOnly(identities: Iterable<Identity>): void {
    const kept = new Set(Array.from(identities, ({key}) => key));
    this.#ahead = this.#ahead.filter(({identity}) => kept.has(identity.key));
    this.#dropWhere((identity) => !kept.has(identity), 'dropped');
    // cleared before, and to be asked for again
    for (const ticket of this.#diverted) if (!kept.has(ticket.identity)) ticket.fate = 'dropped';
  }

  /** Drops what these identities have, for whichever resource, and forgets their failures: who is behind them has changed. */
  drop(identities: Iterable<Identity>): void {
    const dropped = new Set(Array.from(identities, ({key}) => key));
    this.#dropWhere((identity) => dropped.has(identity), 'asked again');
  }

  /** Drops everything, and forgets the failures. Gives how many tokens there were. */
  clear(): number {
    const {size} = this.#held;
    this.#held.clear();
    this.#records.clear();
    for (const key of this.#flights.keys()) this.#divert(key, 'asked again');
    return size;
  }

  /** The secrets in memory, for whoever keeps them out of logs. */
  *secrets(): Iterable<Secret> {
    for (const {token} of this.#held.values()) yield token.secret;
  }

  statusOf(wanted: Wanted): TokenStatus {
    const key = keyOf(wanted);
    const token = this.peek(wanted);
    const {failure, acquisitions} = this.#records.get(key) ?? noRecord;
    const settled = failure ? 'failed' : token ? 'ok' : 'none';
    return {
      wanted,
      state: this.#flights.has(key) ? 'refreshing' : settled,
      expiresAt: token?.expiresAt,
      fingerprint: token?.fingerprint,
      failure,
      acquisitions,
    };
  }

  async #fresh(wanted: Wanted, rejected: (fingerprint: string) => boolean): Promise<Found> {
    const key = keyOf(wanted);
    const held = this.#held.peek(key);
    if (this.#isCooling(key)) {
      const {failure, isSame} = this.#records.get(key) ?? noRecord;
      if (failure) return {kind: 'failed', failure};
      if (isSame && held && rejected(held.token.fingerprint)) return {kind: 'failed', failure: sameAgain};
    }
    const acquisition = await this.#fly(wanted);
    if (acquisition.kind === 'failed') return acquisition;
    if (rejected(acquisition.token.fingerprint)) return {kind: 'failed', failure: sameAgain};
    return {...acquisition, source: 'issuer'};
  }

  async #freshOr(old: Token, wanted: Wanted, rejected: (fingerprint: string) => boolean): Promise<Found> {
    const found = await this.#fresh(wanted, rejected);
    // the old one may be over by now, or dropped
    if (found.kind === 'token' || old.secret.erased || lifeLeft(old, this.#clock) < NEVER_BELOW) return found;
    return {kind: 'token', token: old, source: 'cache'};
  }

  #refreshBehind(wanted: Wanted): void {
    // a failure is kept in the record, where status shows it
    if (!this.#isCooling(keyOf(wanted))) void this.#fly(wanted);
  }

  /** One flight per key: whoever comes while it is under way shares it. Never rejects. */
  #fly(wanted: Wanted): Promise<Acquisition> {
    const key = keyOf(wanted);
    const underWay = this.#flights.get(key);
    if (underWay) return underWay.landed;
    const ticket: Ticket = {identity: wanted.identity.key, fate: 'kept'};
    const landed = this.#land(wanted, ticket);
    this.#flights.set(key, {ticket, landed});
    return landed;
  }

  async #land(wanted: Wanted, ticket: Ticket): Promise<Acquisition> {
    const key = keyOf(wanted);
    const acquisition = await this.#ask(wanted);
    if (ticket.fate !== 'kept') {
      this.#diverted.delete(ticket);
      if (acquisition.kind === 'token') acquisition.token.secret.erase();
      return ticket.fate === 'dropped' ? {kind: 'failed', failure: dropped} : this.#fly(wanted);
    }
    this.#flights.delete(key);
    return acquisition.kind === 'failed'
      ? this.#recordFailure(key, acquisition.failure)
      : this.#recordToken(key, wanted, acquisition.token);
  }

  /** What the issuer says; a token that is over before it is had counts as none. */
  async #ask(wanted: Wanted): Promise<Acquisition> {
    try {
      const acquisition = await this.#acquire(wanted);
      if (acquisition.kind === 'failed' || lifeLeft(acquisition.token, this.#clock) >= NEVER_BELOW)
        return acquisition;
      acquisition.token.secret.erase();
      return {kind: 'failed', failure: overAlready};
    } catch {
      return {kind: 'failed', failure: brokeOff};
    }
  }

  #recordFailure(key: string, failure: Failure): Acquisition {
    const {failures, acquisitions} = this.#records.get(key) ?? noRecord;
    this.#records.set(key, {
      failure,
      failures: failures + 1,
      coolUntil: this.#clock.uptime() + restAfter(failures, failure),
      acquisitions: acquisitions + 1,
      isSame: false,
    });
    return {kind: 'failed', failure};
  }

  #recordToken(key: string, wanted: Wanted, token: Token): Acquisition {
    const {failures, acquisitions} = this.#records.get(key) ?? noRecord;
    const held = this.#held.peek(key);
    const isSame = held?.token.fingerprint === token.fingerprint;
    const gained = held === undefined || (!isSame && this.#livesLonger(token, held.token));
    const now = this.#clock.uptime();
    this.#records.set(key, {
      failure: undefined,
      // an issuer that has nothing newer (IMDS keeps its tokens for hours) is asked more and more seldom
      failures: gained ? 0 : failures + 1,
      coolUntil: gained ? now : now + backOff(failures),
      acquisitions: acquisitions + 1,
      isSame,
    });
    return {kind: 'token', token: this.#hold(key, wanted, token)};
  }

  /** By what is left, not by the ends: the wall clock may have been set between the two. */
  #livesLonger(token: Token, than: Token): boolean {
    if (token.expiresAt === undefined) return true;
    return lifeLeft(token, this.#clock) > lifeLeft(than, this.#clock);
  }

  /** The very same token again is no new one: the buffer in memory stays. */
  #hold(key: string, wanted: Wanted, token: Token): Token {
    const held = this.#held.peek(key);
    if (held?.token.fingerprint === token.fingerprint) {
      if (held.token !== token) token.secret.erase();
      return held.token;
    }
    const ttl = Math.max(1, Math.floor(lifeLeft(token, this.#clock)));
    const options = Number.isFinite(ttl) ? {ttl} : {};
    this.#held.set(
      key,
      {token, wanted, jitter: this.#random(), lastUse: held?.lastUse ?? this.#clock.uptime()},
      options,
    );
    return token;
  }

  /** `isMeant` is asked with the keys of identities. */
  #dropWhere(isMeant: (identity: string) => boolean, fate: 'asked again' | 'dropped'): void {
    for (const key of [...this.#held.keys(), ...this.#records.keys(), ...this.#flights.keys()]) {
      if (!isMeant(identityIn(key))) continue;
      this.#held.delete(key);
      this.#records.delete(key);
      this.#divert(key, fate);
    }
  }

  /** What is under way lands, but not here. */
  #divert(key: string, fate: 'asked again' | 'dropped'): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.ticket.fate = fate;
    this.#diverted.add(flight.ticket);
    this.#flights.delete(key);
  }

  #isCooling(key: string): boolean {
    return this.#clock.uptime() < (this.#records.get(key)?.coolUntil ?? 0);
  }
}

/** Stands for a forced acquisition that brought nothing new. */
export const sameAgain: Failure = {
  code: 'ERR_SAME_TOKEN',
  message: 'the issuer gives the same token again',
  hint: undefined,
  retryAfter: undefined,
};

const dropped: Failure = {
  code: 'ERR_DROPPED',
  message: 'the configuration changed while its token was acquired, and has no place for it any more',
  hint: 'Try again.',
  retryAfter: undefined,
};

/** Whoever asks the issuer returns what goes wrong; this is for a mistake there. */
const brokeOff: Failure = {
  code: 'ERR_BROKE_OFF',
  message: 'asking for its token broke off: a mistake of orgkey',
  hint: 'Look into its log.',
  retryAfter: undefined,
};

const overAlready: Failure = {
  code: 'ERR_OVER_ALREADY',
  message: 'the issuer gave a token that has less than a minute to live',
  hint: 'Compare the clock of this machine with the time; if it is right, the issuer has a policy that tokens live so short.',
  retryAfter: undefined,
};

/** An acquisition under way. */
interface Flight {
  readonly ticket: Ticket;
  readonly landed: Promise<Acquisition>;
}

/** What becomes of its token: the cache may have been cleared meanwhile, or its identity dropped. */
interface Ticket {
  /** The key of it. */
  readonly identity: string;
  fate: 'kept' | 'asked again' | 'dropped';
}

interface Held {
  readonly token: Token;
  readonly wanted: Wanted;
  readonly jitter: number;
  /** On the clock that only goes on, in milliseconds. */
  lastUse: number;
}

interface Record {
  readonly failure: Failure | undefined;
  /** In a row. */
  readonly failures: number;
  /** On the clock that only goes on, in milliseconds. */
  readonly coolUntil: number;
  readonly acquisitions: number;
  /** The last one brought the token that was held already. */
  readonly isSame: boolean;
}

const noRecord: Record = {failure: undefined, failures: 0, coolUntil: 0, acquisitions: 0, isSame: false};

function restAfter(failures: number, {retryAfter = 0}: Failure): number {
  const own = backOff(failures);
  return retryAfter > own ? Math.min(LONGEST_REST, retryAfter) : own;
}

function backOff(failures: number): number {
  return Math.min(LAST_COOLDOWN, FIRST_COOLDOWN * 2 ** failures);
}

function keyOf({identity, scope}: Wanted): string {
  return `${identity.key} ${scope}`;
}

/** The key of the identity: there is no space in it. */
function identityIn(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

function nothing(): boolean {
  return false;
}

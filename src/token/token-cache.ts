import type {Identity} from '../identity/identity.ts';
import {recentMap, type RecentMap} from '../recent-map.ts';
import type {Acquire, Acquisition, Failure, Wanted} from './acquire.ts';
import {backOff, noAttempts, prefetchPause, restAfter, type Attempts} from './attempts.ts';
import {brokeOff, removed, expiresTooSoon, sameAgain} from './cache-failures.ts';
import type {Flight, Held, Ticket} from './flight.ts';
import {NEVER_BELOW, freshnessOf, lifeLeft} from './freshness.ts';
import type {Secret} from '../secret/secret.ts';
import type {Clock, Token} from './token.ts';

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
  /** The end of the certificate with which the token was acquired, in milliseconds since epoch. */
  readonly credentialExpiresAt: number | undefined;
  readonly acquisitions: number;
}

interface TokenCacheParts {
  readonly acquire: Acquire;
  readonly clock: Clock;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** How many tokens are held at most. Default: 10,000. */
  readonly capacity?: number;
  /** Called when a token that still lives can no longer be renewed, and without a failure when it is renewed again. */
  readonly onRenewal?: (wanted: Wanted, failure: Failure | undefined) => void;
}

/** How many tokens are acquired ahead at once. */
const PREFETCHES = 3;

/** An identity that was not used for this long is no longer refreshed ahead, in milliseconds. */
const IN_USE = 3 * 60 * 60_000;

/**
 * Holds the tokens in memory. However many requests want a token at once, one goes to the issuer. A valid token is
 * served while it is renewed, and while the issuer is down.
 */
export class TokenCache {
  readonly #acquire: Acquire;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #held: RecentMap<Held>;
  readonly #flights = new Map<string, Flight>();
  readonly #attempts = new Map<string, Attempts>();
  /** Acquisitions under way whose token will not be kept. */
  readonly #diverted = new Set<Ticket>();
  /** What is still to be acquired ahead, the next at the end. */
  #ahead: Wanted[] = [];
  /** What was to be acquired ahead. It is tried again until it is there. */
  #expected: readonly Wanted[] = [];
  readonly #onRenewal: (wanted: Wanted, failure: Failure | undefined) => void;
  #prefetches = 0;

  constructor({acquire, clock, random, capacity = 10_000, onRenewal = () => undefined}: TokenCacheParts) {
    this.#onRenewal = onRenewal;
    this.#acquire = acquire;
    this.#clock = clock;
    this.#random = random;
    this.#held = recentMap(capacity, ({token}) => token.secret.erase());
  }

  /** Returns the token in memory, if it is fresh and not `rejected`: the answer to almost every request. */
  ready(wanted: Wanted, rejected: (fingerprint: string) => boolean = nothing): Found | undefined {
    const held = this.#held.get(keyOf(wanted));
    if (held === undefined) return undefined;
    held.lastUse = this.#clock.uptime();
    if (rejected(held.token.fingerprint)) return undefined;
    return freshnessOf(held.token, this.#clock, held.jitter) === 'fresh' ? cached(held) : undefined;
  }

  /** Returns a token. One for which `rejected` is true is replaced at once. */
  async get(wanted: Wanted, rejected: (fingerprint: string) => boolean = nothing): Promise<Found> {
    const ready = this.ready(wanted, rejected);
    if (ready !== undefined) return ready;
    const held = this.#held.get(keyOf(wanted));
    if (held === undefined || rejected(held.token.fingerprint)) return this.#fresh(wanted, rejected);
    switch (freshnessOf(held.token, this.#clock, held.jitter)) {
      case 'fresh':
      case 'should-refresh':
        this.#refreshBehind(wanted);
        return cached(held);
      case 'must-refresh':
        if (this.#isCooling(keyOf(wanted))) return cached(held);
        if (this.#attempts.get(keyOf(wanted))?.failure === undefined)
          return this.#freshOr(held.token, wanted, rejected);
        // the next token may not come for a long time, and this client would wait for it in vain
        this.#refreshBehind(wanted);
        return cached(held);
      case 'expired':
        this.#held.delete(keyOf(wanted));
        return this.#fresh(wanted, rejected);
    }
  }

  /** Returns the token in memory if it is valid, without a request. */
  peek(wanted: Wanted): Token | undefined {
    const token = this.#held.peek(keyOf(wanted))?.token;
    return token !== undefined && lifeLeft(token, this.#clock) >= NEVER_BELOW ? token : undefined;
  }

  /**
   * Acquires what is not held, a few at once, so that there is room for a git that waits. The rest of an earlier call is
   * dropped. Never rejects.
   */
  async prefetch(all: Iterable<Wanted>): Promise<void> {
    this.#expected = [...all];
    await this.#acquireAhead(this.#expected);
  }

  async #acquireAhead(all: readonly Wanted[]): Promise<void> {
    this.#ahead = all.toReversed();
    const room = PREFETCHES - this.#prefetches;
    await Promise.all(Array.from({length: room}, () => this.#askAhead()));
  }

  async #askAhead(): Promise<void> {
    this.#prefetches += 1;
    for (let wanted = this.#ahead.pop(); wanted !== undefined; wanted = this.#ahead.pop()) {
      const key = keyOf(wanted);
      if (this.#living(key) === undefined && !this.#isCooling(key)) await this.#fly(wanted);
    }
    this.#prefetches -= 1;
  }

  /** Renews what is in use and due, retries failed prefetches, and drops what has expired. Call it about every half minute. */
  refreshDue(): void {
    const now = this.#clock.uptime();
    for (const {token, wanted, jitter, lastUse} of Array.from(this.#held.values())) {
      const freshness = freshnessOf(token, this.#clock, jitter);
      if (freshness === 'expired') this.#held.delete(keyOf(wanted));
      else if (freshness !== 'fresh' && now - lastUse < IN_USE) this.#refreshBehind(wanted);
    }
    const failed = this.#expected.filter((wanted) => this.#isRetried(wanted, now));
    if (failed.length > 0 && this.#ahead.length === 0) void this.#acquireAhead(failed);
  }

  /** Whether a prefetch failed long enough ago. Otherwise only a request of git would show that all is well again. */
  #isRetried(wanted: Wanted, now: number): boolean {
    const attempts = this.#attempts.get(keyOf(wanted)) ?? noAttempts;
    if (attempts.failure === undefined || this.peek(wanted) !== undefined) return false;
    return now - attempts.lastAt >= prefetchPause(attempts);
  }

  /** Drops and overwrites the tokens of all other identities, after a change of the configuration. */
  keepOnly(identities: Iterable<Identity>): void {
    const kept = new Set(Array.from(identities, ({key}) => key));
    this.#ahead = this.#ahead.filter(({identity}) => kept.has(identity.key));
    this.#expected = this.#expected.filter(({identity}) => kept.has(identity.key));
    this.#dropWhere((identity) => !kept.has(identity), 'dropped');
    // cleared before, and acquired again
    for (const ticket of this.#diverted) if (!kept.has(ticket.identity)) ticket.fate = 'dropped';
  }

  /** Drops the tokens and failures of these identities for every resource: another user may be behind them. */
  drop(identities: Iterable<Identity>): void {
    const dropped = new Set(Array.from(identities, ({key}) => key));
    this.#dropWhere((identity) => dropped.has(identity), 'asked again');
  }

  /** Drops all tokens and failures. Returns how many tokens there were. */
  clear(): number {
    const {size} = this.#held;
    this.#held.clear();
    this.#attempts.clear();
    for (const key of this.#flights.keys()) this.#divert(key, 'asked again');
    return size;
  }

  /** Returns the secrets in memory, which the log must not show. */
  *secrets(): Iterable<Secret> {
    for (const {token} of this.#held.values()) yield token.secret;
  }

  statusOf(wanted: Wanted): TokenStatus {
    const key = keyOf(wanted);
    const token = this.peek(wanted);
    const {failure, acquisitions} = this.#attempts.get(key) ?? noAttempts;
    const settled = failure ? 'failed' : token ? 'ok' : 'none';
    return {
      wanted,
      state: this.#flights.has(key) ? 'refreshing' : settled,
      expiresAt: token?.expiresAt,
      fingerprint: token?.fingerprint,
      failure,
      credentialExpiresAt: token?.credentialExpiresAt,
      acquisitions,
    };
  }

  #living(key: string): Held | undefined {
    const held = this.#held.peek(key);
    return held !== undefined && lifeLeft(held.token, this.#clock) > 0 ? held : undefined;
  }

  async #fresh(wanted: Wanted, rejected: (fingerprint: string) => boolean): Promise<Found> {
    const key = keyOf(wanted);
    const held = this.#living(key);
    if (this.#isCooling(key)) {
      const {failure, isSame} = this.#attempts.get(key) ?? noAttempts;
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
    // the old one may have expired or been dropped meanwhile
    if (found.kind === 'token' || old.secret.erased || lifeLeft(old, this.#clock) < NEVER_BELOW) return found;
    return {kind: 'token', token: old, source: 'cache'};
  }

  #refreshBehind(wanted: Wanted): void {
    // status shows a failure
    if (!this.#isCooling(keyOf(wanted))) void this.#fly(wanted);
  }

  /** One flight per key: requests that come while it is under way share it. Never rejects. */
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
      return ticket.fate === 'dropped' ? {kind: 'failed', failure: removed} : this.#fly(wanted);
    }
    this.#flights.delete(key);
    return acquisition.kind === 'failed'
      ? this.#recordFailure(key, wanted, acquisition.failure)
      : this.#recordToken(key, wanted, acquisition.token);
  }

  /** Asks the issuer. A token that has expired on arrival is a failure. */
  async #ask(wanted: Wanted): Promise<Acquisition> {
    try {
      const acquisition = await this.#acquire(wanted);
      if (acquisition.kind === 'failed' || lifeLeft(acquisition.token, this.#clock) >= NEVER_BELOW)
        return acquisition;
      acquisition.token.secret.erase();
      return {kind: 'failed', failure: expiresTooSoon};
    } catch {
      return {kind: 'failed', failure: brokeOff};
    }
  }

  #recordFailure(key: string, wanted: Wanted, failure: Failure): Acquisition {
    const {failures, acquisitions, isReported} = this.#attempts.get(key) ?? noAttempts;
    const isRenewal = this.peek(wanted) !== undefined;
    const now = this.#clock.uptime();
    if (isRenewal && !isReported) this.#onRenewal(wanted, failure);
    this.#attempts.set(key, {
      failure,
      failures: failures + 1,
      lastAt: now,
      coolUntil: now + restAfter(failures, failure),
      acquisitions: acquisitions + 1,
      isSame: false,
      isReported: isReported || isRenewal,
    });
    return {kind: 'failed', failure};
  }

  #recordToken(key: string, wanted: Wanted, token: Token): Acquisition {
    const {failures, acquisitions, isReported} = this.#attempts.get(key) ?? noAttempts;
    if (isReported) this.#onRenewal(wanted, undefined);
    const held = this.#living(key);
    const isSame = held?.token.fingerprint === token.fingerprint;
    const gained = held === undefined || (!isSame && this.#livesLonger(token, held.token));
    const now = this.#clock.uptime();
    this.#attempts.set(key, {
      failure: undefined,
      // an issuer without a newer token (IMDS caches tokens for hours) is asked less and less often
      failures: gained ? 0 : failures + 1,
      lastAt: now,
      coolUntil: gained ? now : now + backOff(failures),
      acquisitions: acquisitions + 1,
      isSame,
      isReported: false,
    });
    return {kind: 'token', token: this.#hold(key, wanted, token)};
  }

  /** Compares what is left and not the ends: the wall clock may have been set in between. */
  #livesLonger(token: Token, than: Token): boolean {
    if (token.expiresAt === undefined) return true;
    return lifeLeft(token, this.#clock) > lifeLeft(than, this.#clock);
  }

  /** If the issuer returned the same token, the buffer in memory stays. */
  #hold(key: string, wanted: Wanted, token: Token): Token {
    const held = this.#living(key);
    if (held?.token.fingerprint === token.fingerprint) {
      if (held.token !== token) token.secret.erase();
      return held.token;
    }
    const lastUse = held?.lastUse ?? this.#clock.uptime();
    // the next token is for another request
    const unnamed = {...wanted, id: undefined};
    this.#held.set(key, {token, wanted: unnamed, jitter: this.#random(), lastUse});
    return token;
  }

  /** `isMeant` takes the key of an identity. */
  #dropWhere(isMeant: (identity: string) => boolean, fate: 'asked again' | 'dropped'): void {
    for (const key of [...this.#held.keys(), ...this.#attempts.keys(), ...this.#flights.keys()]) {
      if (!isMeant(identityIn(key))) continue;
      this.#held.delete(key);
      this.#attempts.delete(key);
      this.#divert(key, fate);
    }
  }

  /** The token of an acquisition under way will not be kept. */
  #divert(key: string, fate: 'asked again' | 'dropped'): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.ticket.fate = fate;
    this.#diverted.add(flight.ticket);
    this.#flights.delete(key);
  }

  #isCooling(key: string): boolean {
    return this.#clock.uptime() < (this.#attempts.get(key)?.coolUntil ?? 0);
  }
}

function keyOf({identity, scope}: Wanted): string {
  return `${identity.key} ${scope}`;
}

/** The key of an identity has no space. */
function identityIn(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

const nothing = () => false;

const cached = ({token}: Held): Found => ({kind: 'token', token, source: 'cache'});

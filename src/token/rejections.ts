import type {Identity} from '../identity/identity.ts';
import type {Owner} from '../organization/owner.ts';
import {describeOwner, type SocketScope} from '../organization/socket-scope.ts';
import type {Clock} from './token.ts';

/** How long a refused organization is told why, instead of being given another token, in milliseconds. */
const EXPLAINED_FOR = 60_000;

/** Two refusals that are further apart have nothing to do with each other, in milliseconds. */
const IN_A_ROW = 10 * 60_000;

/**
 * So many refusals in a row are explained although the tokens worked in between: somebody may read the references of a
 * repository and be refused what comes after them, or all of git and be refused its large files.
 */
const RELAPSES = 4;

/** A scoped socket can force one acquisition in this time, in milliseconds. */
const FORCED_EVERY = 60_000;

/** One organization on one socket. A refusal there says nothing about the others of the same identity. */
export interface Asker {
  readonly socket: string;
  readonly scoped: boolean;
  readonly owner: string;
  /** The key of the identity that acts there: of another one, its tokens are refused, not its permission. */
  readonly identity: string;
}

export function askerOf(owner: Owner, scope: SocketScope, {key}: Identity): Asker {
  const scoped = scope.organizations !== undefined;
  return {socket: scope.name, scoped, owner: describeOwner(owner), identity: key};
}

/**
 * Which tokens Azure DevOps refused, and to whom. A refused token is replaced once; is the new one refused too, or
 * is there no new one, then it is a matter of permission that no further token mends, and is explained.
 */
export class Rejections {
  readonly #clock: Clock;
  readonly #refused = new Map<string, Refusal>();
  readonly #forced = new Map<string, Forced>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The server refused this token to the asker. */
  reject(asker: Asker, fingerprint: string): void {
    const now = this.#clock.uptime();
    const refusal = this.#current(asker) ?? {
      identity: asker.identity,
      fingerprints: new Set(),
      refusedAt: -Infinity,
      relapses: 0,
      isConfirmed: false,
      explainUntil: undefined,
      isTriedAnew: false,
    };
    // while it is explained nobody gets a token: what is refused now was given before, and changes nothing
    if (refusal.explainUntil !== undefined || refusal.fingerprints.has(fingerprint)) return;
    refusal.fingerprints.add(fingerprint);
    if (refusal.fingerprints.size > MAX_FINGERPRINTS) dropFirst(refusal.fingerprints);
    const isInARow = now - refusal.refusedAt < IN_A_ROW;
    refusal.relapses = isInARow ? refusal.relapses + 1 : 1;
    // the second token in a row: not the token's fault
    if (isInARow && (!refusal.isConfirmed || refusal.relapses >= RELAPSES)) explain(refusal, now);
    refusal.refusedAt = now;
    refusal.isConfirmed = false;
    refusal.isTriedAnew = false;
    this.#refused.set(keyOf(asker), refusal);
    if (this.#refused.size > MAX_REMEMBERED) dropFirst(this.#refused);
  }

  /** There is no other token than the refused one: explain from now on, if it is not explained already. */
  giveUp(asker: Asker): void {
    const refusal = this.#current(asker);
    if (refusal && refusal.explainUntil === undefined) explain(refusal, this.#clock.uptime());
  }

  /** The credential was replaced: what was refused stays so, but for the new one it is no matter of permission yet. */
  startAfresh(asker: Asker): void {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal) startAfresh(refusal, asker.identity);
  }

  /** Forgets what was refused to these identities: who is behind them has changed. */
  forget(identities: Iterable<Identity>): void {
    const forgotten = new Set(Array.from(identities, ({key}) => key));
    for (const [name, {identity}] of this.#refused) if (forgotten.has(identity)) this.#refused.delete(name);
  }

  /** Forgets what was refused; how much a scoped socket has forced is still counted. */
  clear(): void {
    this.#refused.clear();
  }

  /**
   * Lets the asker have the refused token once more, if it was explained for its time since: somebody may have mended
   * the permission meanwhile. `false` where it is too early for that.
   */
  forgive(asker: Asker): boolean {
    const refusal = this.#current(asker);
    if (!refusal?.isTriedAnew) return false;
    refusal.fingerprints.clear();
    refusal.isTriedAnew = false;
    return true;
  }

  /** A token worked: what was refused before is history, and only counted. */
  confirm(asker: Asker, fingerprint: string): void {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal === undefined || refusal.fingerprints.has(fingerprint)) return;
    refusal.fingerprints.clear();
    refusal.isConfirmed = true;
    refusal.explainUntil = undefined;
    refusal.isTriedAnew = false;
  }

  /** Nothing was refused to the asker lately. */
  isSettled(asker: Asker): boolean {
    return this.#current(asker) === undefined;
  }

  isRejected(asker: Asker, fingerprint: string): boolean {
    return this.#current(asker)?.fingerprints.has(fingerprint) ?? false;
  }

  isExplained(asker: Asker): boolean {
    return this.#current(asker)?.explainUntil !== undefined;
  }

  /**
   * Counts an acquisition that the refusal of a token forces; `false` where the socket has had its share. Those who
   * want the same token away at the same time share one acquisition. To be followed by `endForcing`.
   */
  startForcing({socket, scoped}: Asker, fingerprint: string): boolean {
    if (!scoped) return true;
    const now = this.#clock.uptime();
    const last = this.#forced.get(socket);
    if (last !== undefined && now - last.at < FORCED_EVERY)
      return last.isUnderWay && last.fingerprint === fingerprint;
    this.#forced.set(socket, {fingerprint, at: now, isUnderWay: true});
    return true;
  }

  endForcing({socket}: Asker, fingerprint: string): void {
    const last = this.#forced.get(socket);
    if (last?.fingerprint === fingerprint) last.isUnderWay = false;
  }

  /** After the explanation was given for its time, the asker may try anew, once: the next refusal explains again. */
  #current(asker: Asker): Refusal | undefined {
    const refusal = this.#refused.get(keyOf(asker));
    if (refusal === undefined) return undefined;
    const now = this.#clock.uptime();
    if (refusal.explainUntil !== undefined && now >= refusal.explainUntil) {
      refusal.explainUntil = undefined;
      refusal.isTriedAnew = true;
    }
    if (refusal.identity !== asker.identity) startAfresh(refusal, asker.identity);
    if (!refusal.isConfirmed || now - refusal.refusedAt < IN_A_ROW) return refusal;
    // a token works since then, and nothing that comes is in a row with it
    this.#refused.delete(keyOf(asker));
    return undefined;
  }
}

interface Refusal {
  /** The key of the one who acts there now. */
  identity: string;
  /** Of all who acted there: two identities can have the same token. */
  readonly fingerprints: Set<string>;
  /** On the clock that only goes on, in milliseconds; of the last one. */
  refusedAt: number;
  /** How many there were in a row. */
  relapses: number;
  /** A token worked since the last one. */
  isConfirmed: boolean;
  /** On the clock that only goes on, in milliseconds. */
  explainUntil: number | undefined;
  /** The explanation is over, and the refused token was not given again yet. */
  isTriedAnew: boolean;
}

/** A forced acquisition of a scoped socket. */
interface Forced {
  /** Of the token that was refused. */
  readonly fingerprint: string;
  /** On the clock that only goes on, in milliseconds. */
  readonly at: number;
  isUnderWay: boolean;
}

const MAX_REMEMBERED = 10_000;
const MAX_FINGERPRINTS = 8;

function explain(refusal: Refusal, now: number): void {
  refusal.explainUntil = now + EXPLAINED_FOR;
  refusal.isTriedAnew = false;
}

function startAfresh(refusal: Refusal, identity: string): void {
  refusal.identity = identity;
  refusal.refusedAt = -Infinity;
  refusal.relapses = 0;
  refusal.explainUntil = undefined;
}

/** Sets and maps keep the order in which their members came. */
function dropFirst(members: Set<string> | Map<string, unknown>): void {
  for (const key of members.keys()) {
    members.delete(key);
    return;
  }
}

function keyOf({socket, owner}: Asker): string {
  return `${socket} ${owner}`;
}

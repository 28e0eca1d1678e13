import type {Identity} from '../identity/identity.ts';
import {recentMap} from '../recent-map.ts';
import type {Asker} from './asker.ts';
import {HandOuts} from './hand-outs.ts';
import {OrganizationRejections, type Verdict} from './organization-rejections.ts';
import type {Clock} from './token.ts';

/** How long a repository gets an explanation instead of another token, in milliseconds. */
const EXPLAINED_FOR = 60_000;

/** Two rejections further apart than this are unrelated, in milliseconds. */
const IN_A_ROW = 10 * 60_000;

/**
 * So many rejections in a row are explained although tokens worked in between: a user may read a repository's references
 * but not its objects, or everything but its large files.
 */
const RELAPSES = 4;

/** In this time, in milliseconds, a scoped socket can force one acquisition, and an identity on the main socket a few. */
const FORCED_EVERY = 60_000;
const FORCED_BY_MAIN = 8;

const MAX_REMEMBERED = 10_000;
const MAX_FINGERPRINTS = 8;

export interface RepositoryLock extends Asker {
  /** Milliseconds since epoch. */
  readonly lockedUntil: number;
}

/**
 * Remembers which tokens were rejected, for which repository. A rejected token is replaced once. If the replacement is
 * rejected too, or missing, Azure DevOps itself is asked, and the failure is explained: for the repository, or, if it
 * rejects the token as such, for the organization.
 */
export class Rejections {
  /** What is known of whole organizations. */
  readonly organizations: OrganizationRejections;
  /** What tools were given. */
  readonly handOuts: HandOuts;
  readonly #clock: Clock;
  readonly #histories = recentMap<History>(MAX_REMEMBERED);
  /** Until when, on the monotonic clock, reports for a repository replace no token. */
  readonly #contradicted = recentMap<number>(MAX_REMEMBERED);
  readonly #forced = recentMap<Forced>(MAX_REMEMBERED);

  /** `recovered` is called with the name of an organization that accepts an identity which it rejected. */
  constructor(clock: Clock, recovered: (owner: string) => void = () => undefined) {
    this.#clock = clock;
    this.organizations = new OrganizationRejections(clock, recovered);
    this.handOuts = new HandOuts(clock);
  }

  /** The repositories that get an explanation instead of a token now. */
  get locks(): readonly RepositoryLock[] {
    const now = this.#clock.uptime();
    return Array.from(this.#histories.values()).flatMap(({asker, explainUntil = 0}) => {
      const left = explainUntil - now;
      return left > 0 ? {...asker, lockedUntil: this.#clock.wall() + left} : [];
    });
  }

  /** Notes that a client reports this token as rejected. */
  reject(asker: Asker, fingerprint: string): void {
    this.organizations.reported(asker, fingerprint);
    const now = this.#clock.uptime();
    const history: History = this.#current(asker) ?? {
      asker,
      identity: asker.identity,
      fingerprints: new Set(),
      rejectedAt: -Infinity,
      relapses: 0,
      isConfirmed: false,
      explainUntil: undefined,
      isForgivable: false,
    };
    // no token is handed out during the explanation: this one was handed out before, and changes nothing
    if (history.explainUntil !== undefined || history.fingerprints.has(fingerprint)) return;
    history.fingerprints.add(fingerprint);
    if (history.fingerprints.size > MAX_FINGERPRINTS) dropFirst(history.fingerprints);
    const isInARow = now - history.rejectedAt < IN_A_ROW;
    history.relapses = isInARow ? history.relapses + 1 : 1;
    // the second token in a row: the token is not the cause
    if (isInARow && (!history.isConfirmed || history.relapses >= RELAPSES)) explain(history, now);
    history.rejectedAt = now;
    history.isConfirmed = false;
    history.isForgivable = false;
    this.#histories.set(keyOf(asker), history);
  }

  /** Starts the explanation, if it has not started: no other token exists. */
  giveUp(asker: Asker): void {
    const history = this.#current(asker);
    if (history && history.explainUntil === undefined) explain(history, this.#clock.uptime());
  }

  /** The credential was replaced: the rejected tokens stay rejected, but the new one gets its chance. */
  startAfresh(asker: Asker): void {
    const history = this.#histories.get(keyOf(asker));
    if (history) startAfresh(history, asker.identity);
  }

  /** Forgets what was rejected to these identities: another user may be behind them. */
  forget(identities: Iterable<Identity>): void {
    const forgotten = new Set(Array.from(identities, ({key}) => key));
    for (const [name, {identity}] of Array.from(this.#histories.entries()))
      if (forgotten.has(identity)) this.#histories.delete(name);
    this.organizations.forget(forgotten);
  }

  /** Forgets all rejections. What scoped sockets have forced is still counted. */
  clear(): void {
    this.organizations.clear();
    this.handOuts.clear();
    this.#histories.clear();
  }

  /**
   * Allows the rejected token once more, if its explanation has ended: the permission may have been granted meanwhile.
   * Returns `false` if it is too early.
   */
  forgive(asker: Asker): boolean {
    const history = this.#current(asker);
    if (!history?.isForgivable) return false;
    history.fingerprints.clear();
    history.isForgivable = false;
    return true;
  }

  /** Notes that a token worked: earlier rejections only count towards relapses. */
  confirm(asker: Asker, fingerprint: string): void {
    this.organizations.accepted(asker);
    this.#confirmPath(asker, fingerprint);
  }

  /** Takes what Azure DevOps said about the token that the asker reported. */
  judge(asker: Asker, verdict: Verdict, fingerprint: string): void {
    this.organizations.judge(asker, verdict, fingerprint);
    if (verdict !== 'works') return;
    this.#histories.delete(keyOf(asker));
    this.#contradicted.set(keyOf(asker), this.#clock.uptime() + EXPLAINED_FOR);
  }

  #confirmPath(asker: Asker, fingerprint: string): void {
    const history = this.#histories.get(keyOf(asker));
    if (history === undefined || history.fingerprints.has(fingerprint)) return;
    history.fingerprints.clear();
    history.isConfirmed = true;
    history.explainUntil = undefined;
    history.isForgivable = false;
  }

  /** Whether Azure DevOps contradicted a report of the asker a moment ago: another token would not help either. */
  isContradicted(asker: Asker): boolean {
    return this.#contradicted.size > 0 && this.#clock.uptime() < (this.#contradicted.get(keyOf(asker)) ?? 0);
  }

  /** Whether nothing was rejected lately. */
  isSettled(asker: Asker): boolean {
    return this.#current(asker) === undefined && !this.organizations.has(asker);
  }

  isRejected(asker: Asker, fingerprint: string): boolean {
    if (this.organizations.isLocked(asker, fingerprint)) return true;
    return this.#current(asker)?.fingerprints.has(fingerprint) ?? false;
  }

  isExplained(asker: Asker): boolean {
    return this.#current(asker)?.explainUntil !== undefined;
  }

  /**
   * Counts an acquisition that a rejection forces. Returns `false` if the share is used: of the scoped socket, or of the
   * identity on the main socket. Requests that reject the same token at the same time share one acquisition. Call
   * `endForcing` afterwards.
   */
  startForcing(asker: Asker, fingerprint: string): boolean {
    const share = shareOf(asker);
    const now = this.#clock.uptime();
    const last = this.#forced.get(share);
    if (last !== undefined && now - last.at < FORCED_EVERY) {
      if (last.isUnderWay && last.fingerprint === fingerprint) return true;
      if (last.times >= (asker.scoped ? 1 : FORCED_BY_MAIN)) return false;
      this.#forced.set(share, {...last, fingerprint, times: last.times + 1, isUnderWay: true});
      return true;
    }
    this.#forced.set(share, {fingerprint, at: now, times: 1, isUnderWay: true});
    return true;
  }

  endForcing(asker: Asker, fingerprint: string): void {
    const last = this.#forced.get(shareOf(asker));
    if (last?.fingerprint === fingerprint) last.isUnderWay = false;
  }

  /** When the explanation has ended, the asker may try once more; the next rejection explains again. */
  #current(asker: Asker): History | undefined {
    // almost always, and then no key needs to be made
    if (this.#histories.size === 0) return undefined;
    const history = this.#histories.get(keyOf(asker));
    if (history === undefined) return undefined;
    const now = this.#clock.uptime();
    if (history.explainUntil !== undefined && now >= history.explainUntil) {
      history.explainUntil = undefined;
      history.isForgivable = true;
    }
    if (history.identity !== asker.identity) startAfresh(history, asker.identity);
    if (!history.isConfirmed || now - history.rejectedAt < IN_A_ROW) return history;
    // a token has worked since, and later rejections are unrelated
    this.#histories.delete(keyOf(asker));
    return undefined;
  }
}

interface History {
  readonly asker: Asker;
  /** The key of the identity that acts there now. */
  identity: string;
  /** Of all identities that acted there: two can have the same token. */
  readonly fingerprints: Set<string>;
  /** The last rejection, on the monotonic clock, in milliseconds. */
  rejectedAt: number;
  /** Rejections in a row. */
  relapses: number;
  /** Whether a token has worked since. */
  isConfirmed: boolean;
  /** On the monotonic clock, in milliseconds. */
  explainUntil: number | undefined;
  /** Whether the explanation has ended and the rejected token was not handed out again yet. */
  isForgivable: boolean;
}

interface Forced {
  /** Of the rejected token. */
  readonly fingerprint: string;
  /** On the monotonic clock, in milliseconds. */
  readonly at: number;
  /** How many there were since. */
  readonly times: number;
  isUnderWay: boolean;
}

function explain(history: History, now: number): void {
  history.explainUntil = now + EXPLAINED_FOR;
  history.isForgivable = false;
}

function startAfresh(history: History, identity: string): void {
  history.identity = identity;
  history.rejectedAt = -Infinity;
  history.relapses = 0;
  history.explainUntil = undefined;
}

/** A set keeps the order of insertion. */
function dropFirst(members: Set<string>): void {
  for (const key of members.keys()) {
    members.delete(key);
    return;
  }
}

function shareOf({socket, scoped, identity}: Asker): string {
  return scoped ? socket : `${socket} ${identity}`;
}

function keyOf({socket, owner, path}: Asker): string {
  return `${socket} ${owner} ${path}`;
}

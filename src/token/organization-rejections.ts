import {recentMap} from '../recent-map.ts';
import type {Asker} from './asker.ts';
import type {Clock} from './token.ts';

/** What Azure DevOps itself said about a token that a client reported as rejected. */
export type Verdict =
  /** It accepts the token for the very repository: the report was wrong. */
  | 'works'
  /** It accepts the token, but not for this repository. */
  | 'accepted'
  /** It rejects the token. */
  | 'rejected'
  /** It rejects the token because a policy of the tenant ended it. */
  | 'ended'
  /** It could not be asked. */
  | 'unknown';

/** How one organization treats one identity, as far as it is bad. */
export interface OrganizationRejection {
  readonly owner: string;
  /** The key of the identity. */
  readonly identity: string;
  /** What git asked for when a token was rejected last. */
  readonly path: string;
  /** Of the rejected token. */
  readonly fingerprint: string;
  /** The last rejection, in milliseconds since epoch. */
  readonly at: number;
  /** Until when no token is handed out to the organization, in milliseconds since epoch. */
  readonly lockedUntil: number | undefined;
}

interface Entry {
  rejection: OrganizationRejection;
  /** On the monotonic clock, in milliseconds. */
  lockedUntil: number | undefined;
  isEnded?: boolean;
}

/** How long an organization that rejects a token gets an explanation, in milliseconds. */
const LOCKED_FOR = 60_000;

/** In this time, in milliseconds, a path and an organization are verified at most so often. */
const VERIFIED_EVERY = 60_000;
const MOST_FOR_PATH = 4;
const MOST_FOR_ORGANIZATION = 8;

const MAX_REMEMBERED = 10_000;

/**
 * Remembers which organizations reject an identity, until they accept a token of it again. Only a verdict of Azure
 * DevOps withholds tokens from a whole organization; what a client reports is shown, and affects no other client.
 */
export class OrganizationRejections {
  readonly #clock: Clock;
  readonly #recovered: (owner: string) => void;
  readonly #entries = recentMap<Entry>(MAX_REMEMBERED);
  readonly #verified = recentMap<{since: number; times: number}>(MAX_REMEMBERED);
  readonly #totals = new Map<string, number>();

  /** `recovered` is called when an organization accepts an identity that it rejected. */
  constructor(clock: Clock, recovered: (owner: string) => void) {
    this.#clock = clock;
    this.#recovered = recovered;
  }

  /** Everything that is bad now. */
  get all(): readonly OrganizationRejection[] {
    return Array.from(this.#entries.values(), (entry) => this.#shown(entry));
  }

  /** How many tokens each organization rejected since the start. Clients can invent organizations: the last share one count. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  reported({owner, identity, path}: Asker, fingerprint: string): void {
    const key = keyOf({owner, identity});
    const known = this.#entries.get(key);
    const rejection = {owner, identity, path, fingerprint, at: this.#clock.wall(), lockedUntil: undefined};
    this.#entries.set(key, {...known, rejection, lockedUntil: known?.lockedUntil});
    const counted = this.#totals.has(owner) || this.#totals.size < MAX_REMEMBERED ? owner : '';
    this.#totals.set(counted, (this.#totals.get(counted) ?? 0) + 1);
  }

  accepted(asker: Asker): void {
    if (this.#entries.delete(keyOf(asker))) this.#recovered(asker.owner);
  }

  /** Takes the result of a user's test. A rejection is shown, and withholds nothing. */
  tested(asker: Asker, isAccepted: boolean): void {
    if (isAccepted) this.accepted(asker);
    else if (!this.has(asker)) this.reported(asker, '');
  }

  /** Takes a verdict about the token. */
  judge(asker: Asker, verdict: Verdict, fingerprint: string): void {
    const {owner, identity, path} = asker;
    const key = keyOf(asker);
    if (verdict === 'works' || verdict === 'accepted') this.accepted(asker);
    if (verdict !== 'rejected' && verdict !== 'ended') return;
    const rejection = {owner, identity, path, fingerprint, at: this.#clock.wall(), lockedUntil: undefined};
    const isEnded = verdict === 'ended';
    this.#entries.set(key, {rejection, lockedUntil: this.#clock.uptime() + LOCKED_FOR, isEnded});
  }

  /** Whether a policy of the tenant is the reason that the organization is locked. */
  isEnded(asker: Asker): boolean {
    return this.isLocked(asker) && this.#entries.get(keyOf(asker))?.isEnded === true;
  }

  /** Whether a rejection is not followed by an acceptance yet. */
  has(asker: Asker): boolean {
    return this.#entries.size > 0 && this.#entries.has(keyOf(asker));
  }

  /** Whether the organization itself rejected this token, or any token of the identity, a moment ago. */
  isLocked(asker: Asker, fingerprint?: string): boolean {
    if (this.#entries.size === 0) return false;
    const entry = this.#entries.get(keyOf(asker));
    if (entry?.lockedUntil === undefined || this.#clock.uptime() >= entry.lockedUntil) return false;
    return fingerprint === undefined || entry.rejection.fingerprint === fingerprint;
  }

  /** Whether Azure DevOps may be asked about this report: clients must not make us flood it. Counts the question. */
  mayVerify({owner, identity, path}: Asker): boolean {
    return (
      this.#isFree(`${owner} ${identity} ${path}`, MOST_FOR_PATH) &&
      this.#isFree(`${owner} ${identity}`, MOST_FOR_ORGANIZATION)
    );
  }

  /** Nothing is known of these identities any more: another user may be behind them. */
  forget(identities: ReadonlySet<string>): void {
    for (const [key, {rejection}] of Array.from(this.#entries.entries()))
      if (identities.has(rejection.identity)) this.#entries.delete(key);
    this.#verified.clear();
  }

  clear(): void {
    this.#entries.clear();
    this.#verified.clear();
  }

  #isFree(key: string, most: number): boolean {
    const now = this.#clock.uptime();
    const last = this.#verified.get(key);
    if (last === undefined || now - last.since >= VERIFIED_EVERY) {
      this.#verified.set(key, {since: now, times: 1});
      return true;
    }
    last.times += 1;
    return last.times <= most;
  }

  #shown({rejection, lockedUntil}: Entry): OrganizationRejection {
    const left = lockedUntil === undefined ? 0 : lockedUntil - this.#clock.uptime();
    return left > 0 ? {...rejection, lockedUntil: this.#clock.wall() + left} : rejection;
  }
}

function keyOf({owner, identity}: Pick<Asker, 'owner' | 'identity'>): string {
  return `${owner} ${identity}`;
}

import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import type {Login} from '../protocol/request.ts';
import {decodeLogin, encodeLogin, type LoginRecord} from './login-record.ts';
import type {Logins} from './logins.ts';
import {recentMap, type RecentMap} from '../recent-map.ts';
import {Secret} from '../secret/secret.ts';
import type {Clock} from '../token/token.ts';

/** Keeps logins beyond the life of the daemon. Calls for one name are done in order. */
interface LoginArchive {
  names(): Promise<readonly string[]>;
  /** The caller erases the secret. */
  read(name: string): Promise<Secret | undefined>;
  /** The caller keeps the secret. */
  write(name: string, secret: Secret): Promise<void>;
  remove(name: string): Promise<void>;
}

type ArchiveUse = 'read' | 'written' | 'removed';

interface StoredLoginsParts {
  readonly clock: Clock;
  /** `undefined`: logins are kept in memory only. */
  readonly archive: LoginArchive | undefined;
  /** Called for failures of the archive. No request fails because of them. */
  readonly failed: (what: ArchiveUse, error: unknown) => void;
  /** Limits how long git waits for a change of the archive. Default: until it is done. */
  readonly waitFor?: (change: Promise<unknown>) => Promise<unknown>;
  /** How many logins are kept at most. Beyond that, the one that was stored first is dropped. Default: 10,000. */
  readonly capacity?: number;
}

/**
 * Keeps what users typed at git's prompt as git's own cache does: by protocol, host, path and user name. A part that a
 * request omits matches everything. Of several matches, the one that was stored first is served. A login lives for the
 * time that the caller allows. A persisted one lives until it is erased.
 * @see https://git-scm.com/docs/git-credential-cache
 * @see https://git-scm.com/docs/gitcredentials#_custom_helpers
 */
export class StoredLogins implements Logins {
  readonly #clock: Clock;
  readonly #archive: LoginArchive | undefined;
  readonly #failed: StoredLoginsParts['failed'];
  readonly #waitFor: NonNullable<StoredLoginsParts['waitFor']>;
  /** By name. */
  readonly #all: RecentMap<Kept>;
  /** The same logins by protocol and host. */
  readonly #byHost = new Map<string, Set<Kept>>();
  readonly #underWay = new Set<Promise<void>>();
  /** What was dropped while the archive is being read. The archive must not bring it back. */
  #droppedMeanwhile: Wanted[] | undefined;

  constructor({clock, archive, failed, waitFor = (change) => change, capacity = 10_000}: StoredLoginsParts) {
    this.#clock = clock;
    this.#archive = archive;
    this.#failed = failed;
    this.#waitFor = waitFor;
    this.#all = recentMap(capacity, (kept, why) => {
      this.#release(kept);
      if (why === 'evicted') void this.#removeArchived(kept);
    });
  }

  get size(): number {
    return this.#all.size;
  }

  find(place: Remote): StoredLogin | undefined {
    return this.#matching({place})[0]?.login;
  }

  async store(place: Remote, login: Login, {persist}: {readonly persist: boolean}): Promise<string> {
    if (login.ephemeral) return 'not kept: it is ephemeral';
    if (!isWhole(login)) return 'not kept: it has neither a password with its user name nor a header';
    // git's client sends -1 without a timeout
    if (login.timeout < 0) return 'not kept: it has no timeout';
    const archived = persist && this.#archive !== undefined;
    const name = nameOf(place);
    const next = {place, login: copyOf(login)};
    // git stores what it received after each use: the disk has it already
    const isThere = (kept: Kept) =>
      kept.name === name && kept.archived === 'written' && isSame(kept.login, next.login);
    const isWritten = archived && this.#matching({place}).some(isThere);
    const removals: Promise<void>[] = [];
    for (const kept of this.#drop({place})) {
      // a login that is replaced is not removed first: a kill in between would lose both
      if (!(archived && kept.name === name)) removals.push(this.#removeArchived(kept));
    }
    if (archived) {
      const kept = this.#keep(next, Infinity, isWritten ? 'written' : 'not yet');
      await this.#waitFor(Promise.all([isWritten || this.#write(kept), ...removals]));
      return kept.archived === 'written' ? 'kept, and persisted' : 'kept, but not persisted yet';
    }
    if (login.timeout === 0) {
      eraseSecrets(next);
      await this.#waitFor(Promise.all(removals));
      return 'not kept: it has expired';
    }
    this.#keep(next, this.#clock.uptime() + login.timeout);
    await this.#waitFor(Promise.all(removals));
    return 'kept';
  }

  async erase(place: Remote, {password, credential}: Login): Promise<string> {
    const dropped = this.#drop({place, password, credential});
    await this.#waitFor(Promise.all(dropped.map((kept) => this.#removeArchived(kept))));
    return dropped.length === 0 ? 'nothing matches' : `dropped ${dropped.length}`;
  }

  /**
   * Reads the persisted logins. Returns how many there are. Call it once; requests may come meanwhile. Entries that
   * cannot be read are reported.
   */
  async load(): Promise<number> {
    const archive = this.#archive;
    if (archive === undefined) return 0;
    this.#droppedMeanwhile = [];
    const records = await this.#readAll(archive);
    const dropped = this.#droppedMeanwhile;
    this.#droppedMeanwhile = undefined;
    let loaded = 0;
    for (const record of records) {
      const kept = {
        ...record,
        name: nameOf(record.place),
        until: Infinity,
        archived: 'written',
      } satisfies Kept;
      const isDropped = dropped.some((wanted) => matches(kept, wanted));
      if (isDropped || this.#all.has(kept.name)) {
        eraseSecrets(kept);
        // unless a newer one of the same name is about to replace it
        if ((this.#all.peek(kept.name)?.archived ?? 'never') === 'never') void this.#removeArchived(kept);
        continue;
      }
      this.#keep(record, Infinity, 'written');
      loaded++;
    }
    for (const {password, credential} of dropped) overwrite(password, credential);
    return loaded;
  }

  /** Overwrites expired logins. Call it every half minute. */
  dropExpired(): void {
    const now = this.#clock.uptime();
    const expired = Array.from(this.#all.values()).filter(({until}) => until <= now);
    for (const kept of expired) this.#remove(kept);
  }

  /** Waits until the archive has everything, then overwrites what is in memory. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#all.clear();
  }

  /** Returns the secrets in memory, so that the log can hide them. */
  *secrets(): Iterable<Secret> {
    for (const {login} of this.#all.values()) {
      for (const secret of secretsOf(login)) if (secret) yield secret;
    }
  }

  #matching(wanted: Wanted): Kept[] {
    const now = this.#clock.uptime();
    const matching: Kept[] = [];
    for (const kept of this.#byHost.get(hostOf(wanted.place)) ?? []) {
      if (kept.until <= now) this.#remove(kept);
      else if (matches(kept, wanted)) matching.push(kept);
    }
    return matching;
  }

  /** Drops logins from memory only. */
  #drop(wanted: Wanted): Kept[] {
    this.#droppedMeanwhile?.push({
      place: wanted.place,
      password: wanted.password && new Uint8Array(wanted.password),
      credential: wanted.credential && new Uint8Array(wanted.credential),
    });
    const matching = this.#matching(wanted);
    for (const {name} of matching) this.#all.delete(name);
    return matching;
  }

  #keep({place, login}: LoginRecord, until: number, archived: Kept['archived'] = 'never'): Kept {
    const kept: Kept = {name: nameOf({...place, username: login.username}), place, login, until, archived};
    const host = hostOf(place);
    const others = this.#byHost.get(host);
    if (others) others.add(kept);
    else this.#byHost.set(host, new Set([kept]));
    this.#all.set(kept.name, kept);
    return kept;
  }

  #remove(kept: Kept): void {
    this.#all.delete(kept.name);
    void this.#removeArchived(kept);
  }

  /** Forgets a login that is no longer in `#all`. */
  #release(kept: Kept): void {
    const host = hostOf(kept.place);
    const others = this.#byHost.get(host);
    others?.delete(kept);
    if (others?.size === 0) this.#byHost.delete(host);
    eraseSecrets(kept);
  }

  async #removeArchived({name, archived}: Kept): Promise<void> {
    if (archived !== 'never') await this.#followed('removed', this.#archive?.remove(name));
  }

  async #write(kept: Kept): Promise<void> {
    const record = encodeLogin(kept);
    const written = this.#archive?.write(kept.name, record).then(() => {
      kept.archived = 'written';
    });
    await this.#followed('written', written);
    record.erase();
  }

  /** Notes a use of the archive, so that `close` waits for it. */
  #followed(what: ArchiveUse, use: Promise<void> | undefined): Promise<void> {
    const ending = Promise.resolve(use)
      .catch((error: unknown) => this.#failed(what, error))
      .finally(() => this.#underWay.delete(ending));
    this.#underWay.add(ending);
    return ending;
  }

  async #readAll(archive: LoginArchive): Promise<LoginRecord[]> {
    const records: LoginRecord[] = [];
    try {
      for (const name of await archive.names()) {
        const record = await this.#readOne(archive, name);
        if (record !== undefined) records.push(record);
      }
    } catch (error) {
      this.#failed('read', error);
    }
    return records;
  }

  async #readOne(archive: LoginArchive, name: string): Promise<LoginRecord | undefined> {
    try {
      const secret = await archive.read(name);
      if (secret === undefined) return undefined;
      const record = decodeLogin(secret);
      secret.erase();
      if (record === undefined || nameOf(record.place) !== name)
        throw new Error('a persisted entry is not a login');
      return record;
    } catch (error) {
      this.#failed('read', error);
      return undefined;
    }
  }
}

interface Kept extends LoginRecord {
  readonly name: string;
  /** When it expires, in milliseconds since boot. */
  readonly until: number;
  archived: 'never' | 'not yet' | 'written';
}

/** What a request names. `undefined` matches everything. */
interface Wanted {
  readonly place: Remote;
  readonly password?: Uint8Array | undefined;
  readonly credential?: Uint8Array | undefined;
}

function matches({place, login}: Kept, {place: wanted, password, credential}: Wanted): boolean {
  if (place.protocol !== wanted.protocol || place.host !== wanted.host) return false;
  if (wanted.path !== undefined && place.path !== wanted.path) return false;
  if (wanted.username !== undefined && login.username !== wanted.username) return false;
  if (password !== undefined && !login.password?.equals(password)) return false;
  return credential === undefined || login.credential?.equals(credential) === true;
}

function isSame(one: StoredLogin, other: StoredLogin): boolean {
  return (
    one.username === other.username &&
    one.authtype === other.authtype &&
    one.expiresAt === other.expiresAt &&
    secretsOf(one).every((secret, at) => {
      const another = secretsOf(other)[at];
      return secret && another ? secret.equals(another) : secret === another;
    })
  );
}

function isWhole({username, password, authtype, credential}: Login): boolean {
  return (
    (username !== undefined && password !== undefined) || (authtype !== undefined && credential !== undefined)
  );
}

/** Copies the secrets, because the request's bytes are overwritten after the answer. */
function copyOf({username, password, authtype, credential, expiresAt, refreshToken}: Login): StoredLogin {
  const header = authtype !== undefined && credential !== undefined;
  return {
    username,
    password: password && new Secret(new Uint8Array(password)),
    authtype: header ? authtype : undefined,
    credential: header ? new Secret(new Uint8Array(credential)) : undefined,
    // git sends 0 if it does not know
    expiresAt: expiresAt !== undefined && expiresAt > 0 ? expiresAt : undefined,
    refreshToken: refreshToken && new Secret(new Uint8Array(refreshToken)),
  };
}

function secretsOf({password, credential, refreshToken}: StoredLogin): readonly (Secret | undefined)[] {
  return [password, credential, refreshToken];
}

function eraseSecrets({login}: LoginRecord): void {
  for (const secret of secretsOf(login)) secret?.erase();
}

function overwrite(...secrets: readonly (Uint8Array | undefined)[]): void {
  for (const secret of secrets) secret?.fill(0);
}

function hostOf({protocol, host}: Remote): string {
  return `${protocol} ${host}`;
}

function nameOf({protocol, host, path, username}: Remote): string {
  return JSON.stringify([protocol, host, path ?? null, username ?? null]);
}

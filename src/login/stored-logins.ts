import type {Remote} from '../organization/remote.ts';
import type {StoredLogin} from '../protocol/answer.ts';
import type {Login} from '../protocol/request.ts';
import {decodeLogin, encodeLogin, type LoginRecord} from './login-record.ts';
import type {Logins} from './logins.ts';
import {Secret} from '../secret/secret.ts';
import type {Clock} from '../token/token.ts';

/** Where logins outlive the daemon. What is asked for one name is done in the order in which it was asked. */
export interface LoginArchive {
  names(): Promise<readonly string[]>;
  /** Who calls it owns the secret. */
  read(name: string): Promise<Secret | undefined>;
  /** The secret stays the caller's. */
  write(name: string, secret: Secret): Promise<void>;
  remove(name: string): Promise<void>;
}

export type ArchiveUse = 'read' | 'written' | 'removed';

export interface StoredLoginsParts {
  readonly clock: Clock;
  /** `undefined`: all are kept in memory only. */
  readonly archive: LoginArchive | undefined;
  /** What could not be done with the archive: no request fails for it. */
  readonly failed: (what: ArchiveUse, error: unknown) => void;
  /** How long git waits for a change of the archive. Default: until it is done. */
  readonly waitFor?: (change: Promise<unknown>) => Promise<unknown>;
  /** How many logins are held at most; the oldest goes. Default: 10,000. */
  readonly capacity?: number;
}

/**
 * What people typed at git's prompt, as git's own cache keeps it: by protocol, host, path and user name. What a
 * request leaves out fits all, what it names must be the same. Of several that fit, the one that was stored first is
 * served. A login lives for the time that the caller allowed; one that is to be persisted, until it is erased.
 * @see https://git-scm.com/docs/git-credential-cache
 * @see https://git-scm.com/docs/gitcredentials#_custom_helpers
 */
export class StoredLogins implements Logins {
  readonly #clock: Clock;
  readonly #archive: LoginArchive | undefined;
  readonly #failed: StoredLoginsParts['failed'];
  readonly #waitFor: NonNullable<StoredLoginsParts['waitFor']>;
  readonly #capacity: number;
  /** By name, oldest first. */
  readonly #all = new Map<string, Kept>();
  /** The same by protocol and host. */
  readonly #byHost = new Map<string, Set<Kept>>();
  readonly #underWay = new Set<Promise<void>>();
  /** What was dropped while the archive is being read: it must not come back from there. */
  #droppedMeanwhile: Wanted[] | undefined;

  constructor({clock, archive, failed, waitFor = (change) => change, capacity = 10_000}: StoredLoginsParts) {
    this.#clock = clock;
    this.#archive = archive;
    this.#failed = failed;
    this.#waitFor = waitFor;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#all.size;
  }

  find(place: Remote): StoredLogin | undefined {
    return this.#fitting({place})[0]?.login;
  }

  async store(place: Remote, login: Login, {persist}: {readonly persist: boolean}): Promise<string> {
    if (login.ephemeral) return 'not kept: it is ephemeral';
    if (!isWhole(login)) return 'not kept: no user name with a password, nor a header';
    // git's client sends -1 where no timeout is meant
    if (login.timeout < 0) return 'not kept: its timeout is none';
    const archived = persist && this.#archive !== undefined;
    const name = nameOf(place);
    const next = {place, login: copyOf(login)};
    // git stores what it was given after each use: the disk need not hear of it again
    const isThere = (kept: Kept) =>
      kept.name === name && kept.archived === 'written' && isSame(kept.login, next.login);
    const isWritten = archived && this.#fitting({place}).some(isThere);
    const removals: Promise<void>[] = [];
    for (const kept of this.#drop({place})) {
      // what is about to be replaced is not removed first: after a kill in between there would be neither
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
      return 'not kept: its time is over';
    }
    this.#keep(next, this.#clock.uptime() + login.timeout);
    await this.#waitFor(Promise.all(removals));
    return 'kept';
  }

  async erase(place: Remote, {password, credential}: Login): Promise<string> {
    const dropped = this.#drop({place, password, credential});
    await this.#waitFor(Promise.all(dropped.map((kept) => this.#removeArchived(kept))));
    return dropped.length === 0 ? 'nothing fits' : `dropped ${dropped.length}`;
  }

  /**
   * Takes up what was persisted; requests may come meanwhile. To be called once, at the start. Gives how many there
   * were; what can't be read is reported.
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
      const isDropped = dropped.some((wanted) => fits(kept, wanted));
      if (isDropped || this.#all.has(kept.name)) {
        eraseSecrets(kept);
        // a newer one of the same name is on its way to the archive
        if ((this.#all.get(kept.name)?.archived ?? 'never') === 'never') void this.#removeArchived(kept);
        continue;
      }
      this.#keep(record, Infinity, 'written');
      loaded++;
    }
    for (const {password, credential} of dropped) overwrite(password, credential);
    return loaded;
  }

  /** Overwrites what is over. To be called every half minute or so. */
  dropExpired(): void {
    const now = this.#clock.uptime();
    for (const kept of this.#all.values()) if (kept.until <= now) this.#remove(kept);
  }

  /** Waits until the archive has everything, then overwrites what is in memory. For the end. */
  async close(): Promise<void> {
    await Promise.all(this.#underWay);
    for (const kept of this.#all.values()) this.#release(kept);
  }

  /** The secrets in memory, for whoever keeps them out of logs. */
  *secrets(): Iterable<Secret> {
    for (const {login} of this.#all.values()) {
      for (const secret of secretsOf(login)) if (secret) yield secret;
    }
  }

  #fitting(wanted: Wanted): Kept[] {
    const now = this.#clock.uptime();
    const fitting: Kept[] = [];
    for (const kept of this.#byHost.get(hostOf(wanted.place)) ?? []) {
      if (kept.until <= now) this.#remove(kept);
      else if (fits(kept, wanted)) fitting.push(kept);
    }
    return fitting;
  }

  /** From memory only. */
  #drop(wanted: Wanted): Kept[] {
    this.#droppedMeanwhile?.push({
      place: wanted.place,
      password: wanted.password && new Uint8Array(wanted.password),
      credential: wanted.credential && new Uint8Array(wanted.credential),
    });
    const fitting = this.#fitting(wanted);
    for (const kept of fitting) this.#release(kept);
    return fitting;
  }

  #keep({place, login}: LoginRecord, until: number, archived: Kept['archived'] = 'never'): Kept {
    const kept: Kept = {name: nameOf({...place, username: login.username}), place, login, until, archived};
    this.#all.set(kept.name, kept);
    const host = hostOf(place);
    const others = this.#byHost.get(host);
    if (others) others.add(kept);
    else this.#byHost.set(host, new Set([kept]));
    if (this.#all.size > this.#capacity) {
      const [oldest] = this.#all.values();
      if (oldest) this.#remove(oldest);
    }
    return kept;
  }

  #remove(kept: Kept): void {
    this.#release(kept);
    void this.#removeArchived(kept);
  }

  #release(kept: Kept): void {
    this.#all.delete(kept.name);
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

  /** Also where no request waits for it, the end does. */
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
        throw new Error('a persisted login is no login');
      return record;
    } catch (error) {
      this.#failed('read', error);
      return undefined;
    }
  }
}

interface Kept extends LoginRecord {
  readonly name: string;
  /** On the clock that only goes on, in milliseconds. */
  readonly until: number;
  /** Whether the archive has it. */
  archived: 'never' | 'not yet' | 'written';
}

/** What a request names; `undefined` fits all. */
interface Wanted {
  readonly place: Remote;
  readonly password?: Uint8Array | undefined;
  readonly credential?: Uint8Array | undefined;
}

function fits({place, login}: Kept, {place: wanted, password, credential}: Wanted): boolean {
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

/** The request's bytes are overwritten once it is answered. `slice` would not copy: they are a Buffer's. */
function copyOf({username, password, authtype, credential, expiresAt, refreshToken}: Login): StoredLogin {
  const header = authtype !== undefined && credential !== undefined;
  return {
    username,
    password: password && new Secret(new Uint8Array(password)),
    authtype: header ? authtype : undefined,
    credential: header ? new Secret(new Uint8Array(credential)) : undefined,
    // git says 0 where it does not know
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

/** Tells logins apart: no two have the same, and the order of the parts is fixed. */
function nameOf({protocol, host, path, username}: Remote): string {
  return JSON.stringify([protocol, host, path ?? null, username ?? null]);
}

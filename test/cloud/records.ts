import {createHash} from 'node:crypto';

/** What an HTTP request was for. */
export type Endpoint =
  | 'discovery'
  | 'openid'
  | 'keys'
  | 'token'
  | 'authorize'
  | 'device-code'
  | 'sign-in'
  | 'imds'
  | 'app-service'
  | 'arc'
  | 'machine-learning'
  | 'cloud-shell'
  | 'service-fabric'
  | 'github-oidc'
  | 'pipelines-oidc'
  | 'key-vault'
  | 'git'
  | 'connection-data'
  | 'lfs'
  | 'feed'
  | 'blob'
  | 'azure-devops'
  | 'other-host'
  | 'unknown';

export interface Authorization {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Of Basic only. */
  readonly username?: string;
  /** The token or password as it came: this is a test, nothing needs hiding. */
  readonly secret: string;
  readonly fingerprint: string;
}

/** One HTTP request. It is recorded when it arrives; `status` and `duration` come with its answer. */
export interface RequestRecord {
  readonly number: number;
  /** Milliseconds since epoch, by the real clock. */
  readonly at: number;
  readonly endpoint: Endpoint;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly authorization: Authorization | undefined;
  /** The fields of a form. */
  readonly form: Readonly<Record<string, string>>;
  /** Of Entra's endpoints: the tenant as the path names it. */
  readonly tenant?: string | undefined;
  /** The client id that a token request or a managed identity's request names. */
  readonly client?: string | undefined;
  /** `grant_type` of a token request. */
  readonly grant?: string | undefined;
  readonly organization?: string | undefined;
  /** `project/repository`, decoded. */
  readonly repository?: string | undefined;
  /** `git-upload-pack`, `git-receive-pack`. */
  readonly service?: string | undefined;
  /** Whom the request's credential belongs to, once that was decided: the display name. */
  principal?: string;
  /** Why a credential was refused. */
  refusal?: string;
  /** The status that was sent; undefined while in flight, or when the connection was cut before. */
  status?: number;
  /** Milliseconds until the answer was sent or the connection lost. */
  duration?: number;
  /** True where a fault took the place of the answer or changed it. */
  faulty?: boolean;
}

/** One CONNECT, or one plain request that came to the proxy. */
export interface ProxyRecord {
  readonly number: number;
  readonly at: number;
  readonly method: string;
  readonly host: string;
  readonly port: number;
  /** Of plain requests only. */
  readonly path?: string | undefined;
  readonly userAgent: string;
  /** 200 for a tunnel. */
  status?: number;
}

export interface SshRecord {
  readonly number: number;
  readonly at: number;
  /** `connection`, `authentication`, `exec`, `shell`, `subsystem`, `pty`, `forward`, `agent`, `x11`, `env`. */
  readonly kind: string;
  /** Counts the connections; records of one connection share it. */
  readonly connection: number;
  /** Which host the client connected to, as it told the proxy; `127.0.0.1` without proxy. */
  readonly host: string;
  readonly user?: string;
  /** `SHA256:…` of the client's key. */
  readonly key?: string;
  /** Of the signature, such as `rsa-sha2-512`. */
  readonly algorithm?: string;
  readonly command?: string;
  /** Of `env`: NAME=VALUE. */
  readonly variable?: string;
  allowed?: boolean;
  /** Exit status of a command. */
  status?: number;
}

/** A match by fields: each that is given must be equal; `path` and `host` may hold `*`. Or a predicate. */
export type Match<Kind> = Partial<Kind> | ((record: Kind) => boolean);

interface Numbered {
  readonly number: number;
}

/** What happened so far, oldest first. */
export class Records<Kind extends Numbered> implements Iterable<Kind> {
  readonly #records: Kind[] = [];
  #count = 0;
  #waiting: (() => void)[] = [];

  /** @returns the record, which may still be completed: call `changed` then. */
  add(given: Omit<Kind, 'number'>): Kind {
    const record = {...given, number: (this.#count += 1)} as unknown as Kind;
    this.#records.push(record);
    this.changed();
    return record;
  }

  /** Tells those who wait that a record was added or completed. */
  changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  [Symbol.iterator](): Iterator<Kind> {
    return this.#records[Symbol.iterator]();
  }

  get length(): number {
    return this.#records.length;
  }

  get all(): readonly Kind[] {
    return [...this.#records];
  }

  get last(): Kind | undefined {
    return this.#records.at(-1);
  }

  filter(match: Match<Kind>): Kind[] {
    return this.#records.filter((record) => matches(record, match));
  }

  count(match: Match<Kind>): number {
    return this.filter(match).length;
  }

  /** How many records there are for each value of a field. */
  countBy(field: keyof Kind & string, match: Match<Kind> = {}): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const record of this.filter(match)) {
      const key = String(record[field] ?? '');
      counts[key] = (counts[key] ?? 0) + 1;
    }
    return counts;
  }

  /** Resolves to the matching records as soon as there are `count` of them. */
  async waitFor(match: Match<Kind>, count = 1): Promise<Kind[]> {
    for (;;) {
      const found = this.filter(match);
      if (found.length >= count) return found;
      // oxlint-disable-next-line no-await-in-loop
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Forgets everything; numbers go on. */
  clear(): void {
    this.#records.length = 0;
  }
}

function matches<Kind extends object>(record: Kind, match: Match<Kind>): boolean {
  if (typeof match === 'function') return match(record);
  return Object.entries(match).every(([field, wanted]) =>
    same((record as Record<string, unknown>)[field], wanted),
  );
}

function same(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'string' && typeof value === 'string') return glob(wanted).test(value);
  return value === wanted;
}

/** `*` stands for any characters, letters in either case. */
export function glob(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 'is');
}

/** Names a secret in records and messages: 16 hexadecimal digits. */
export function fingerprintOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

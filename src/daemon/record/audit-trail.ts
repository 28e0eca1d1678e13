import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import type {AuditSettings} from '../../config/configuration.ts';
import type {Notice} from '../../control/control-protocol.ts';
import {shareOf, type SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import {isoTime} from '../../text/iso-time.ts';
import {messageOf} from '../../text/orgkey-error.ts';
import type {Failure} from '../../token/acquire.ts';
import type {AuditEntry} from './audit-entry.ts';
import {Audit} from './audit.ts';
import type {JournalCopy} from './journal-copy.ts';
import type {Log} from './log.ts';
import {RepeatedEntries} from './repeated-entries.ts';

interface AuditTrailParts {
  /** The state directory. */
  readonly state: string;
  readonly settings: () => AuditSettings;
  readonly log: Log;
  readonly after: StartTimer;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** Makes what copies lines to the journal, when the first one is wanted. */
  readonly openJournal?: () => Promise<JournalCopy>;
}

/** Returns the audit files among the names in the state directory: those that are being written, with a number for older ones. */
export function auditFilesAmong(names: readonly string[]): string[] {
  return names.filter((name) => /^audit(?:\.[a-z0-9-]+)?\.jsonl(?:\.\d{1,4})?$/.test(name));
}

/**
 * Records who received what, and what changed in the daemon. Each scoped socket has a file of its own, and each user of a
 * socket a share, so that clients cannot push out the entries of others.
 */
export class AuditTrail {
  readonly #parts: AuditTrailParts;
  readonly #files = new Map<string, Audit>();
  readonly #shares = new Map<string, Share>();
  readonly #boot = randomBytes(8).toString('hex');
  #opening: Promise<JournalCopy | undefined> | undefined;
  #journal: JournalCopy | undefined;
  /** The first line precedes the configuration, which says whether it is copied. */
  #start: readonly [AuditEntry, string] | undefined;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** How many lines were lost, to a full disk or because there were too many at once. */
  get lost(): number {
    return this.#all.reduce((sum, {lost}) => sum + lost, 0);
  }

  /** How many lines the journal did not take. */
  get lostInJournal(): number {
    return this.#journal?.lost ?? 0;
  }

  /** Whether lines cannot be written now. */
  get isFailing(): boolean {
    return this.#all.some(({error}) => error !== undefined);
  }

  get notices(): Notice[] {
    const error = this.#all.find((file) => file.error !== undefined)?.error;
    const cutAt = this.#all.flatMap((file) => file.cutAt ?? []);
    const {days = 0, required} = this.#parts.settings();
    return [
      ...(error === undefined
        ? []
        : [
            {
              level: 'error',
              about: 'audit',
              message: `audit lines cannot be written: ${messageOf(error)}; lost so far: ${this.lost}${required ? ', and no credential is handed out' : ''}`,
              hint: 'make room on the disk of the state directory',
            } as const,
          ]),
      ...(this.#journal?.error === undefined
        ? []
        : [
            {
              level: 'warning',
              about: 'audit',
              message: `audit lines cannot be copied to the journal: ${this.#journal.error}; lost there so far: ${this.lostInJournal}`,
              hint: 'start systemd-journald, or remove audit.journal: orgkey config edit',
            } as const,
          ]),
      ...(cutAt.length === 0
        ? []
        : [
            {
              level: 'warning',
              about: 'audit',
              message: `the audit files are full with lines since ${isoTime(Math.max(...cutAt))}, so that less than ${days} days are kept`,
              hint: 'raise audit.maxSize or audit.files: orgkey config edit',
            } as const,
          ]),
    ];
  }

  /** `scope`: the socket that received the request. `undefined`: the control channel. */
  write(entry: AuditEntry, scope?: SocketScope): void {
    const share = this.#shareOf(scope);
    const line = {...entry, ...scope?.client};
    if (NOTHING_LEFT.has(entry.outcome)) share.rejections.count(line);
    else share.handOuts.write(line);
  }

  /** Writes an entry of the daemon itself. */
  note(entry: Pick<AuditEntry, 'event' | 'outcome'> & Partial<AuditEntry>): void {
    this.#fileOf(undefined).write({time: isoTime(this.#parts.now()), socket: 'daemon', ...entry});
  }

  /**
   * Writes an entry before its credential is handed out. Returns `undefined` if that need not be waited for, or a promise
   * of why it cannot be recorded.
   */
  record(entry: AuditEntry | undefined, scope?: SocketScope): Promise<Failure | undefined> | undefined {
    if (!this.#parts.settings().required || (entry !== undefined && NOTHING_LEFT.has(entry.outcome))) {
      if (entry) this.write(entry, scope);
      return undefined;
    }
    // in full, however many there are
    const file = this.#fileOf(scope);
    const recorded = entry === undefined ? file.settle() : file.record({...entry, ...scope?.client});
    return recorded.then((isRecorded) => (isRecorded ? undefined : notRecorded));
  }

  /** Returns why nothing may be handed out: a record is required, and cannot be written. */
  async problem(): Promise<Failure | undefined> {
    if (!this.#parts.settings().required || !this.isFailing) return undefined;
    // it may work again
    return (await this.settle()) ? undefined : notRecorded;
  }

  /** Removes what is older than the retention. Call it now and then. */
  async applyRetention(): Promise<void> {
    await Promise.all(this.#all.map((file) => file.applyRetention()));
  }

  /** Resolves to whether every line so far is in its file. */
  async settle(): Promise<boolean> {
    const written = await Promise.all(this.#all.map((file) => file.settle()));
    return written.every(Boolean);
  }

  /** Resolves when every waiting line is written or lost. */
  async flush(): Promise<void> {
    for (const {handOuts, rejections} of this.#shares.values()) {
      handOuts.flush();
      rejections.flush();
    }
    await Promise.all(this.#all.map((file) => file.flush()));
    await (await this.#opening)?.close();
  }

  #copy(entry: AuditEntry, line: string): void {
    const {settings, openJournal = importJournal, log} = this.#parts;
    if (!settings().journal) {
      if (entry.event === 'start') this.#start = [entry, line];
      return;
    }
    const start = this.#start;
    this.#start = undefined;
    // an update may have removed it
    this.#opening ??= openJournal().catch((error: unknown) => {
      log('error', `audit: lines are not copied to the journal: ${messageOf(error)}`);
      return undefined;
    });
    void this.#opening.then((journal) => {
      this.#journal = journal;
      if (start !== undefined) journal?.write(...start);
      journal?.write(entry, line);
    });
  }

  get #all(): Audit[] {
    return [...this.#files.values()];
  }

  /** The control channel has a share of its own. */
  #shareOf(scope: SocketScope | undefined): Share {
    const name = scope === undefined ? 'control' : shareOf(scope);
    const known = this.#shares.get(name);
    if (known) return known;
    const file = this.#fileOf(scope);
    const repeated = () => new RepeatedEntries((entry) => file.write(entry), this.#parts.after);
    const share = {handOuts: repeated(), rejections: repeated()};
    this.#shares.set(name, share);
    return share;
  }

  #fileOf(scope: SocketScope | undefined): Audit {
    const name = scope?.organizations === undefined ? 'audit.jsonl' : `audit.${scope.name}.jsonl`;
    const known = this.#files.get(name);
    if (known) return known;
    const {state, settings, log, after, now} = this.#parts;
    const file = new Audit(join(state, name), {
      settings,
      boot: this.#boot,
      after,
      now,
      copy: (entry, line) => this.#copy(entry, line),
      failed: (error) => log('error', `audit: ${messageOf(error)}`, {file: name}),
      recovered: (lost) => log('warn', `audit: lines are written again; lost: ${lost}`, {file: name, lost}),
    });
    this.#files.set(name, file);
    return file;
  }
}

async function importJournal(): Promise<JournalCopy> {
  const {JournalCopy} = await import('./journal-copy.ts');
  return new JournalCopy();
}

/** What one user of one socket, or the control channel, adds. */
interface Share {
  readonly handOuts: RepeatedEntries;
  readonly rejections: RepeatedEntries;
}

/** The outcomes for which the client received nothing. */
const NOTHING_LEFT: ReadonlySet<string> = new Set(['pass', 'deny', 'failure']);

const notRecorded: Failure = {
  code: 'ERR_NOT_RECORDED',
  message: 'the audit trail cannot be written, and `audit.required` allows no credential without a record',
  hint: 'Make room on the disk of the state directory, or run: orgkey status',
  retryAfter: undefined,
};

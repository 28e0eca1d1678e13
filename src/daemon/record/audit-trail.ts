import {join} from 'node:path';
import type {AuditSettings} from '../../config/configuration.ts';
import {shareOf, type SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import {Audit, type AuditEntry} from './audit.ts';
import {RepeatedEntries} from './repeated-entries.ts';

interface AuditTrailParts {
  /** The state directory. */
  readonly state: string;
  readonly settings: () => AuditSettings;
  readonly failed: (error: unknown) => void;
  readonly after: StartTimer;
}

/** Returns the audit files that are being written, among the names in the state directory. */
export function auditFilesAmong(names: readonly string[]): string[] {
  return names.filter((name) => /^audit(?:\.[a-z0-9-]+)?\.jsonl$/.test(name));
}

/**
 * Records who received what. Each scoped socket has a file of its own, and each user of a socket a share, so that clients
 * cannot push out the entries of others.
 */
export class AuditTrail {
  readonly #parts: AuditTrailParts;
  readonly #files = new Map<string, Audit>();
  readonly #shares = new Map<string, Share>();

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** How many lines were lost, to a full disk or because there were too many at once. */
  get dropped(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + file.dropped, 0);
  }

  /** `scope`: the socket that received the request. `undefined`: the control channel. */
  write(entry: AuditEntry, scope: SocketScope | undefined): void {
    const share = this.#shareOf(scope);
    const line = {...entry, ...scope?.client};
    if (NOTHING_LEFT.has(entry.outcome)) share.rejections.count(line);
    else share.handOuts.write(line);
  }

  /** Resolves when every waiting line is written or counted as dropped. */
  async flush(): Promise<void> {
    for (const {handOuts, rejections} of this.#shares.values()) {
      handOuts.flush();
      rejections.flush();
    }
    await Promise.all(Array.from(this.#files.values(), (file) => file.flush()));
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
    const {state, settings, failed} = this.#parts;
    const file = this.#files.get(name) ?? new Audit(join(state, name), {settings, failed});
    this.#files.set(name, file);
    return file;
  }
}

/** What one user of one socket, or the control channel, adds. */
interface Share {
  readonly handOuts: RepeatedEntries;
  readonly rejections: RepeatedEntries;
}

/** The outcomes for which the client received nothing. */
const NOTHING_LEFT: ReadonlySet<string> = new Set(['pass', 'deny', 'failure']);

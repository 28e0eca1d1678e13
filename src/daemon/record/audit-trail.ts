import {join} from 'node:path';
import type {AuditSettings} from '../../config/configuration.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import {Audit, type AuditEntry} from './audit.ts';
import {RepeatedRejections} from './repeated-rejections.ts';

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
 * Records who received what. Each scoped socket has a file of its own, so that its clients cannot push out the entries
 * of others.
 */
export class AuditTrail {
  readonly #parts: AuditTrailParts;
  readonly #shares = new Map<string, Share>();

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** How many lines were lost, to a full disk or because there were too many at once. */
  get dropped(): number {
    return [...this.#shares.values()].reduce((sum, {file}) => sum + file.dropped, 0);
  }

  /** `scope`: the socket that received the request. `undefined`: the control channel. */
  write(entry: AuditEntry, scope: SocketScope | undefined): void {
    const {file, rejections} = this.#shareOf(scope);
    if (NOTHING_LEFT.has(entry.outcome)) rejections.note(entry);
    else file.write(entry);
  }

  /** Resolves when every waiting line is written or counted as dropped. */
  async flush(): Promise<void> {
    const shares = [...this.#shares.values()];
    for (const {rejections} of shares) rejections.flush();
    await Promise.all(shares.map(({file}) => file.flush()));
  }

  #shareOf(scope: SocketScope | undefined): Share {
    const name = scope?.organizations === undefined ? 'audit.jsonl' : `audit.${scope.name}.jsonl`;
    const known = this.#shares.get(name);
    if (known) return known;
    const {state, after, ...parts} = this.#parts;
    const file = new Audit(join(state, name), parts);
    const share = {file, rejections: new RepeatedRejections((entry) => file.write(entry), after)};
    this.#shares.set(name, share);
    return share;
  }
}

interface Share {
  readonly file: Audit;
  readonly rejections: RepeatedRejections;
}

/** The outcomes for which the client received nothing. */
const NOTHING_LEFT: ReadonlySet<string> = new Set(['pass', 'deny', 'failure']);

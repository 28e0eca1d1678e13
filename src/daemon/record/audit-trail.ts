import {join} from 'node:path';
import type {AuditSettings} from '../../config/configuration.ts';
import type {SocketScope} from '../../organization/socket-scope.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import {Audit, type AuditEntry} from './audit.ts';
import {Refusals} from './refusals.ts';

export interface AuditTrailParts {
  /** The state directory. */
  readonly state: string;
  readonly settings: () => AuditSettings;
  readonly failed: (error: unknown) => void;
  readonly after: StartTimer;
}

/** The files of the audit among the names of the state directory, those that are full left out. */
export function auditFilesAmong(names: readonly string[]): string[] {
  return names.filter((name) => /^audit(?:\.[a-z0-9-]+)?\.jsonl$/.test(name));
}

/**
 * Who was handed what. Each scoped socket has a file of its own: whatever its clients ask for, it pushes out nothing
 * of what others were handed.
 */
export class AuditTrail {
  readonly #parts: AuditTrailParts;
  readonly #shares = new Map<string, {readonly file: Audit; readonly refusals: Refusals}>();

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** Lines that a full disk, or too many at once, cost. */
  get dropped(): number {
    return [...this.#shares.values()].reduce((sum, {file}) => sum + file.dropped, 0);
  }

  /** `scope`: of the socket that it was asked for on; `undefined` for the control channel. */
  write(entry: AuditEntry, scope: SocketScope | undefined): void {
    const {file, refusals} = this.#shareOf(scope);
    if (REFUSALS.has(entry.outcome)) refusals.note(entry);
    else file.write(entry);
  }

  /** Resolves when everything that waits is written or counted as dropped. */
  async flush(): Promise<void> {
    const shares = [...this.#shares.values()];
    for (const {refusals} of shares) refusals.flush();
    await Promise.all(shares.map(({file}) => file.flush()));
  }

  #shareOf(scope: SocketScope | undefined) {
    const name = scope?.organizations === undefined ? 'audit.jsonl' : `audit.${scope.name}.jsonl`;
    const known = this.#shares.get(name);
    if (known) return known;
    const {state, after, ...parts} = this.#parts;
    const file = new Audit(join(state, name), parts);
    const share = {file, refusals: new Refusals((entry) => file.write(entry), after)};
    this.#shares.set(name, share);
    return share;
  }
}

/** Outcomes by which nothing left. */
const REFUSALS: ReadonlySet<string> = new Set(['pass', 'deny', 'failure']);

import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {AuditEntry} from './audit.ts';

/** How long entries are counted, in milliseconds. */
const PERIOD = 60_000;

/** How many kinds are counted separately. Clients can invent organizations. */
const MOST_KINDS = 32;

/** The kind of entries beyond that. */
const OTHERS = '';

/**
 * Writes requests that got nothing to the audit: the first of each kind in full, and after a minute how many more there
 * were. Otherwise a client could fill the audit with requests for what it may not have.
 */
export class RepeatedRejections {
  readonly #write: (entry: AuditEntry) => void;
  readonly #after: StartTimer;
  readonly #counts = new Map<string, {readonly last: AuditEntry; readonly times: number}>();
  #cancel: (() => void) | undefined;

  constructor(write: (entry: AuditEntry) => void, after: StartTimer) {
    this.#write = write;
    this.#after = after;
  }

  note(entry: AuditEntry): void {
    this.#cancel ??= this.#after(PERIOD, () => this.flush());
    const kind = JSON.stringify([entry.event, entry.outcome, entry.organization, entry.reason]);
    const key = this.#counts.has(kind) || this.#counts.size < MOST_KINDS ? kind : OTHERS;
    const before = this.#counts.get(key)?.times;
    if (before === undefined && key !== OTHERS) this.#write(entry);
    this.#counts.set(key, {last: entry, times: before === undefined ? Number(key === OTHERS) : before + 1});
  }

  /** Writes the counts, and starts over. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const [key, {last, times}] of this.#counts) {
      const {time, event, outcome, socket} = last;
      if (times > 0) this.#write({...(key === OTHERS ? {time, event, outcome, socket} : last), times});
    }
    this.#counts.clear();
  }
}

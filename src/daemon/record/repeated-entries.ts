import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {AuditEntry} from './audit-entry.ts';

/** How long entries are counted, in milliseconds. */
const PERIOD = 60_000;

/** How many kinds are counted separately. Clients can invent organizations. */
const MOST_KINDS = 32;

/** The kind of entries beyond that. */
const OTHERS = '';

/** How many entries are written in full in this time. */
const MOST_IN_FULL = 1000;

/**
 * Bounds what one client adds to the audit. Of the entries beyond the bound, and of all requests that got nothing, it
 * writes the first of each kind in full, and after a minute how many more there were. Otherwise a client could push out
 * what others received.
 */
export class RepeatedEntries {
  readonly #write: (entry: AuditEntry) => void;
  readonly #after: StartTimer;
  readonly #counts = new Map<string, {readonly last: AuditEntry; readonly times: number}>();
  #cancel: (() => void) | undefined;
  #inFull = 0;

  constructor(write: (entry: AuditEntry) => void, after: StartTimer) {
    this.#write = write;
    this.#after = after;
  }

  /** Writes an entry, or counts it if there were too many. */
  write(entry: AuditEntry): void {
    this.#cancel ??= this.#after(PERIOD, () => this.flush());
    if (++this.#inFull > MOST_IN_FULL) this.count(entry);
    else this.#write(entry);
  }

  /** Counts an entry with others of its kind. */
  count(entry: AuditEntry): void {
    this.#cancel ??= this.#after(PERIOD, () => this.flush());
    const {event, outcome, organization, identity, reason} = entry;
    const kind = JSON.stringify([event, outcome, organization, identity, reason]);
    const key = this.#counts.has(kind) || this.#counts.size < MOST_KINDS ? kind : OTHERS;
    const before = this.#counts.get(key)?.times;
    if (before === undefined && key !== OTHERS) this.#write(entry);
    this.#counts.set(key, {last: entry, times: before === undefined ? Number(key === OTHERS) : before + 1});
  }

  /** Writes the counts, and starts over. */
  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#inFull = 0;
    for (const [key, {last, times}] of this.#counts) {
      const {time, event, outcome, socket} = last;
      if (times > 0) this.#write({...(key === OTHERS ? {time, event, outcome, socket} : last), times});
    }
    this.#counts.clear();
  }
}

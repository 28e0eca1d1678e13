import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import type {AuditEntry} from './audit.ts';

/** In milliseconds. */
const COUNTED_FOR = 60_000;

/** Kinds that are told apart in this time; whoever asks makes up organizations. */
const MOST_KINDS = 32;

/** What is one too many to be told apart. */
const OTHERS = '';

/**
 * Refusals, as the audit has them: the first of each kind in full, and after a minute how many more there were. So
 * nobody fills it by asking for what he does not get.
 */
export class Refusals {
  readonly #write: (entry: AuditEntry) => void;
  readonly #after: StartTimer;
  readonly #counts = new Map<string, {readonly last: AuditEntry; readonly times: number}>();
  #cancel: (() => void) | undefined;

  constructor(write: (entry: AuditEntry) => void, after: StartTimer) {
    this.#write = write;
    this.#after = after;
  }

  note(entry: AuditEntry): void {
    this.#cancel ??= this.#after(COUNTED_FOR, () => this.flush());
    const kind = JSON.stringify([entry.event, entry.outcome, entry.organization, entry.reason]);
    const key = this.#counts.has(kind) || this.#counts.size < MOST_KINDS ? kind : OTHERS;
    const before = this.#counts.get(key)?.times;
    // the first is written as it is, where it is told apart
    if (before === undefined && key !== OTHERS) this.#write(entry);
    this.#counts.set(key, {last: entry, times: before === undefined ? Number(key === OTHERS) : before + 1});
  }

  /** Writes the counts down, and begins anew. */
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

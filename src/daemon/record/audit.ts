import type {AuditSettings} from '../../config/configuration.ts';
import type {StartTimer} from '../../ssh/grant/single-use-socket.ts';
import {Turns} from '../../turns.ts';
import {AUDIT_VERSION, type AuditEntry} from './audit-entry.ts';
import {AuditFile} from './audit-file.ts';

/** How long lines are collected for one write, in milliseconds. */
const EVERY = 200;

/** How many lines can wait. More are lost. */
const MOST = 20_000;

/** How long after a failed write the next is tried if no line comes, in milliseconds. */
const RETRY = 5000;

interface AuditParts {
  readonly settings: () => AuditSettings;
  /** Names this run of the daemon: lines are numbered from 1 in each. */
  readonly boot: string;
  readonly after: StartTimer;
  /** Milliseconds since epoch. */
  readonly now: () => number;
  /** Gets each line as it is written. */
  readonly copy: (entry: AuditEntry, line: string) => void;
  /** Called when writing begins to fail. */
  readonly failed: (error: unknown) => void;
  /** Called when it works again, with the number of lines that were lost meanwhile. */
  readonly recovered: (lost: number) => void;
}

/** Writes JSON lines to a file, in batches in the background. The number of a lost line is missing. */
export class Audit {
  readonly #parts: AuditParts;
  readonly #file: AuditFile;
  readonly #turns = new Turns();
  #waiting: string[] = [];
  #timer: (() => void) | undefined;
  #retry: (() => void) | undefined;
  #seq = 0;
  #lost = 0;
  /** The lines that were lost since the last one that says so, and the number that is reserved for the next. */
  #gap: {lost: number; readonly seq: number} | undefined;
  #error: unknown;
  #cutAt: number | undefined;

  constructor(path: string, parts: AuditParts) {
    this.#parts = parts;
    this.#file = new AuditFile(path, parts.settings);
  }

  /** How many lines were lost, to a full disk or because there were too many at once. */
  get lost(): number {
    return this.#lost;
  }

  /** Why lines cannot be written now. `undefined`: they can. */
  get error(): unknown {
    return this.#error;
  }

  /** The oldest line, in milliseconds since epoch, if its successors will push it out before the retention has ended. */
  get cutAt(): number | undefined {
    return this.#cutAt;
  }

  write(entry: AuditEntry): void {
    const line = this.#lineOf(entry, ++this.#seq);
    this.#parts.copy(entry, line);
    if (this.#waiting.length >= MOST) this.#lose(1);
    else this.#waiting.push(line);
    this.#timer ??= this.#parts.after(EVERY, () => void this.#writeBatch());
  }

  /** Writes a line at once. Resolves to whether it is in the file. */
  async record(entry: AuditEntry): Promise<boolean> {
    const lost = this.#lost;
    this.write(entry);
    await this.settle();
    return this.#lost === lost;
  }

  /** Resolves to whether every line so far is in the file. */
  async settle(): Promise<boolean> {
    await this.#turns.take(() => this.#writeWaiting());
    return this.#error === undefined;
  }

  /** Resolves when every waiting line is written or lost. Closes the file until the next line. */
  flush(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    this.#retry?.();
    this.#retry = undefined;
    return this.#turns.take(async () => {
      await this.#writeWaiting();
      await this.#file.close();
    });
  }

  /** Removes what is older than the retention. Call it now and then. */
  async applyRetention(): Promise<void> {
    await this.#turns.take(async () => {
      this.#cutAt = await this.#file.applyRetention().catch(() => undefined);
    });
  }

  /** A batch that takes long is followed by the next after a pause: a slow disk gets fewer, larger ones. */
  async #writeBatch(): Promise<void> {
    await this.settle();
    this.#timer =
      this.#waiting.length > 0 ? this.#parts.after(EVERY, () => void this.#writeBatch()) : undefined;
  }

  async #writeWaiting(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    const gap = this.#gap;
    if (lines.length === 0 && gap === undefined) return;
    const times = gap?.lost;
    const all = gap === undefined ? lines : [this.#lineOf(this.#lossOf(gap.lost), gap.seq), ...lines];
    try {
      await this.#file.append(Buffer.from(all.join('')));
    } catch (error) {
      this.#lose(lines.length);
      this.#fail(error);
      return;
    }
    if (times === undefined || gap === undefined) return;
    // more may have been lost during the write
    this.#gap = gap.lost === times ? undefined : {lost: gap.lost - times, seq: ++this.#seq};
    this.#error = undefined;
    this.#parts.recovered(times);
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#gap ??= {lost: 0, seq: ++this.#seq};
    this.#gap.lost += lines;
  }

  #fail(error: unknown): void {
    // reported once, not for every batch until the disk is repaired
    if (this.#error === undefined) this.#parts.failed(error);
    this.#error = error;
    this.#retry ??= this.#parts.after(RETRY, () => {
      this.#retry = undefined;
      void this.settle();
    });
  }

  #lossOf(times: number): AuditEntry {
    const time = new Date(this.#parts.now()).toISOString();
    return {time, event: 'lost', outcome: 'lost', socket: 'daemon', times};
  }

  #lineOf(entry: AuditEntry, seq: number): string {
    const {boot} = this.#parts;
    return `${JSON.stringify({schemaVersion: AUDIT_VERSION, boot, seq, ...entry})}\n`;
  }
}

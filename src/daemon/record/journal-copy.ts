import {spawn} from 'node:child_process';
import {connect, type Socket} from 'node:net';
import {messageOf} from '../../text/orgkey-error.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {DAEMON_EVENTS, type AuditEntry} from './audit-entry.ts';

/** The socket of journald for lines, as `systemd-cat` uses it. */
const STREAM = '/run/systemd/journal/stdout';

/** How journald names the source. */
const IDENTIFIER = 'orgkey-audit';

/** How many bytes wait for a slow journal. Lines beyond are lost. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Of all entries that are changes, not requests. */
const MESSAGE_ID = '5c0f1b2a7d7f4f0c9a2e6d3b8e41c7a9';

interface JournalCopyParts {
  /** A Unix socket. */
  readonly stream?: string;
  /** The program that makes entries with fields. */
  readonly logger?: string;
}

/**
 * Copies audit lines to journald. Requests of clients are lines of JSON on a stream: Node cannot send the datagrams that
 * carry fields. Changes are rare, and a process of `logger` for each gives them fields of their own.
 */
export class JournalCopy {
  readonly #stream: string;
  readonly #logger: string;
  readonly #entering = new Set<Promise<void>>();
  #socket: Socket | undefined;
  #lost = 0;
  #error: unknown;

  constructor({stream = STREAM, logger = 'logger'}: JournalCopyParts = {}) {
    this.#stream = stream;
    this.#logger = logger;
  }

  /** How many lines the journal did not take. */
  get lost(): number {
    return this.#lost;
  }

  /** Why it takes no lines now. `undefined`: it does. */
  get error(): string | undefined {
    return this.#error === undefined ? undefined : messageOf(this.#error);
  }

  /** `line`: the entry as it is in the file. */
  write(entry: AuditEntry, line: string): void {
    if (!isChange(entry)) {
      this.#append(line);
      return;
    }
    const entered = this.#enter(entry, line).finally(() => this.#entering.delete(entered));
    this.#entering.add(entered);
  }

  /** Resolves when all is with the journal, or lost. */
  async close(): Promise<void> {
    await Promise.all(this.#entering);
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.end(() => socket.destroy());
    });
  }

  #append(line: string): void {
    this.#socket ??= this.#connect();
    if (this.#socket.writableLength > MOST_BYTES) {
      this.#lost++;
      return;
    }
    this.#socket.write(line, (error) => {
      if (error) this.#lost++;
      else this.#error = undefined;
    });
  }

  #connect(): Socket {
    const socket = connect(this.#stream);
    // the identifier, the unit, the priority `notice`; without prefixes, for the journal alone
    socket.write(`${IDENTIFIER}\n\n5\n0\n0\n0\n0\n`, () => undefined);
    socket.unref();
    socket.on('error', (error) => (this.#error = error));
    // journald was restarted, or does not run: the next line tries again
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
    });
    return socket;
  }

  /** An entry that cannot be made with fields is a line of JSON. */
  async #enter(entry: AuditEntry, line: string): Promise<void> {
    if (!(await makeEntry(this.#logger, fieldsOf(entry, line)))) this.#append(line);
  }
}

function isChange({event}: AuditEntry): boolean {
  return DAEMON_EVENTS.some((known) => known === event);
}

/** Returns the entry in journald's names. */
function fieldsOf(entry: AuditEntry, line: string): string {
  const own = Object.entries(entry).flatMap(([name, value]) =>
    value === undefined ? [] : [`ORGKEY_${name.toUpperCase()}=${String(value)}`],
  );
  const fields = [
    `MESSAGE=${line.trim()}`,
    `MESSAGE_ID=${MESSAGE_ID}`,
    'PRIORITY=5',
    `SYSLOG_IDENTIFIER=${IDENTIFIER}`,
    ...own,
  ];
  return fields.map((field) => `${field.replaceAll('\n', ' ')}\n`).join('');
}

function makeEntry(program: string, fields: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, ['--journald'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TIME_BUDGET.journalEntry,
    });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
    child.stdin.once('error', () => undefined);
    child.stdin.end(fields);
  });
}

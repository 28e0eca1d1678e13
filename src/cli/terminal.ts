import {createInterface} from 'node:readline/promises';
import type {ReadStream, WriteStream} from 'node:tty';
import {stripVTControlCharacters, styleText} from 'node:util';
import {printable} from '../text/printable.ts';
import {Secret} from '../secret/secret.ts';
import {EXIT} from './exit-code.ts';

/*
 * The rules of the house, kept here because only this file writes.
 *   Data goes to stdout, everything said to a person to stderr.
 *   An error is `orgkey: error: …`, lower case, no full stop; its repair follows as `orgkey: hint: …`.
 *   Color only on a terminal, never under NO_COLOR or TERM=dumb; it never carries the meaning alone.
 *   At most 80 columns.
 *   What came from elsewhere is passed through `printable` by whoever builds the text.
 */

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

interface Streams {
  readonly stdin: ReadStream | NodeJS.ReadStream;
  readonly stdout: WriteStream | NodeJS.WriteStream;
  readonly stderr: WriteStream | NodeJS.WriteStream;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

export class Terminal {
  readonly #streams: Streams;
  readonly #mayColor: boolean;
  #isHeard = true;

  constructor(streams: Streams, environment: Readonly<Record<string, string | undefined>>) {
    this.#streams = streams;
    this.#mayColor = !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
    streams.stdout.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
    // what is said to nobody must not keep a command from its work
    streams.stderr.on('error', () => (this.#isHeard = false));
  }

  /** Whether all that was written could be: a command that goes on ends where nobody reads any more. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Columns to fill, 40 to 80. */
  get columns(): number {
    return Math.max(40, Math.min(80, this.#streams.stdout.columns ?? 80));
  }

  /** A person can be asked. */
  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY && this.#streams.stderr.isTTY;
  }

  /** Whether stdout is a terminal. */
  get isScreen(): boolean {
    return this.#streams.stdout.isTTY;
  }

  /** Data: a line, or several. */
  print(text: string): void {
    this.#streams.stdout.write(`${this.#shown(text, this.#streams.stdout)}\n`);
  }

  /** Data, byte for byte, nothing added. */
  write(text: string): void {
    this.#streams.stdout.write(text);
  }

  printJson(value: object): void {
    this.#streams.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** For people: a line, or several. */
  say(text: string): void {
    this.#streams.stderr.write(`${this.#shown(text, this.#streams.stderr)}\n`);
  }

  error(message: string, hint?: string): void {
    this.say(`orgkey: ${style('red', 'error:')} ${message}`);
    if (hint !== undefined) this.hint(hint);
  }

  warn(message: string, hint?: string): void {
    this.say(`orgkey: ${style('yellow', 'warning:')} ${message}`);
    if (hint !== undefined) this.hint(hint);
  }

  hint(hint: string): void {
    this.say(`orgkey: hint: ${hint}`);
  }

  /** In place of what was shown before: the whole screen. */
  redraw(text: string): void {
    this.#streams.stdout.write(`\u001b[H\u001b[2J${this.#shown(text, this.#streams.stdout)}\n`);
  }

  /** An empty answer is the fallback. */
  async ask(question: string, fallback = ''): Promise<string> {
    const {stdin, stderr} = this.#streams;
    const reader = createInterface({input: stdin, output: stderr});
    try {
      const shown = fallback === '' ? question : `${question} [${printable(fallback)}]`;
      const answer = (await reader.question(`${shown}: `)).trim();
      return answer === '' ? fallback : answer;
    } finally {
      reader.close();
    }
  }

  /** What is typed is not shown: one line. `undefined`: it was broken off. */
  askSecret(question: string): Promise<Secret | undefined> {
    return this.#typeSecret(`${question} (not shown): `, (typed) => typed.at(-1) === LINE_FEED);
  }

  /** Pasted lines are not shown, up to one that begins with `-----END`, or Ctrl-D. */
  askSecretLines(question: string): Promise<Secret | undefined> {
    return this.#typeSecret(`${question} (not shown): `, (typed) => {
      if (typed.at(-1) !== LINE_FEED) return false;
      const start = typed.lastIndexOf(LINE_FEED, -2) + 1;
      return String.fromCharCode(...typed.slice(start, start + END.length)) === END;
    });
  }

  #typeSecret(prompt: string, isWhole: (typed: readonly number[]) => boolean): Promise<Secret | undefined> {
    const {stdin, stderr} = this.#streams;
    const typed: number[] = [];
    // before the question: who answers at once must not see his answer
    stdin.setRawMode(true);
    stderr.write(prompt);
    return new Promise((resolve) => {
      const settle = (secret: Secret | undefined) => {
        stdin.off('data', hear).off('end', breakOff).pause();
        stdin.setRawMode(false);
        typed.fill(0);
        stderr.write('\n');
        resolve(secret);
      };
      const breakOff = () => settle(undefined);
      const hear = (chunk: Buffer | string) => {
        for (const byte of Buffer.from(chunk)) {
          if (byte === CTRL_C) return breakOff();
          if (byte === CTRL_D) return settle(typed.length === 0 ? undefined : secretOf(typed));
          if (byte === DELETE || byte === BACKSPACE) typed.pop();
          else typed.push(byte === CARRIAGE_RETURN ? LINE_FEED : byte);
          if (isWhole(typed)) return settle(secretOf(typed));
        }
      };
      stdin.on('data', hear).once('end', breakOff).resume();
    });
  }

  /** All of stdin. @throws {RangeError} above the limit, in bytes. */
  async readInput(limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#streams.stdin) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > limit) throw new RangeError(`more than ${limit} bytes on stdin`);
      chunks.push(bytes);
    }
    return Buffer.concat(chunks);
  }

  /** `orgkey status | head` is no mishap; data that could not be written is. */
  #fail({code, message}: NodeJS.ErrnoException): void {
    this.#isHeard = false;
    if (code === 'EPIPE') return;
    this.error(`the output cannot be written: ${printable(message)}`);
    this.#streams.exit(EXIT.unhealthy);
  }

  #shown(text: string, stream: {readonly isTTY?: boolean}): string {
    return this.#mayColor && stream.isTTY ? text : stripVTControlCharacters(text);
  }
}

/** Where the text ends up without color, the terminal takes it out again. */
export function style(name: Style, text: string): string {
  return styleText(name, text, {validateStream: false});
}

/** In columns; escapes take none. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Without the line break at the end. */
function secretOf(typed: readonly number[]): Secret {
  return new Secret(Uint8Array.from(typed.at(-1) === LINE_FEED ? typed.slice(0, -1) : typed));
}

const END = '-----END';
const CTRL_C = 3;
const CTRL_D = 4;
const BACKSPACE = 8;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const DELETE = 127;

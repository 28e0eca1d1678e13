import {createInterface} from 'node:readline/promises';
import type {ReadStream, WriteStream} from 'node:tty';
import {stripVTControlCharacters, styleText} from 'node:util';
import {printable} from '../text/printable.ts';
import {Secret} from '../secret/secret.ts';
import {EXIT} from './exit-code.ts';
import type {Environment} from '../text/environment.ts';

/*
 * The rules of output. They are here because only this file writes to the terminal.
 *   Data goes to stdout, messages to stderr.
 *   An error is `orgkey: error: …`, lower case, no full stop; a hint follows as `orgkey: hint: …`.
 *   Color is used only on a terminal, never with NO_COLOR or TERM=dumb, and never carries the meaning alone.
 *   Lines fill the width of a terminal; elsewhere nothing is cut or wrapped. Help has at most 80 columns.
 *   The caller passes text from elsewhere through `printable`.
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
  #hasReader = true;
  #hasProgress = false;

  constructor(streams: Streams, environment: Environment) {
    this.#streams = streams;
    this.#mayColor = !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
    streams.stdout.on('error', (error: NodeJS.ErrnoException) => this.#fail(error));
    // a closed stderr must not stop a command
    streams.stderr.on('error', () => (this.#hasReader = false));
  }

  /** Whether everything could be written. A command that runs until it is stopped ends if no reader is left. */
  hasReader(): boolean {
    return this.#hasReader;
  }

  /** The width to fill, in columns. Without a terminal nothing is cut or wrapped. */
  get columns(): number {
    const {stdout} = this.#streams;
    if (!stdout.isTTY) return Infinity;
    // some terminals do not know their width, and say 0
    return Math.max(20, stdout.columns || 80);
  }

  /** Whether a user can be asked. */
  get isInteractive(): boolean {
    return this.#streams.stdin.isTTY && this.#streams.stderr.isTTY;
  }

  /** Whether stdout is a terminal. */
  get isScreen(): boolean {
    return this.#streams.stdout.isTTY;
  }

  /** Prints data: one line or several. */
  print(text: string): void {
    this.#streams.stdout.write(`${this.#shown(text, this.#streams.stdout)}\n`);
  }

  /** Writes data as it is, without a line break. */
  write(text: string): void {
    this.#streams.stdout.write(text);
  }

  printJson(value: object): void {
    this.#streams.stdout.write(`${escapedJson(JSON.stringify(value, undefined, 2))}\n`);
  }

  /** Prints a message: one line or several. */
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

  /** Shows one line on a terminal until the next call, or removes it. */
  showProgress(text: string | undefined): void {
    const {stderr} = this.#streams;
    if (!stderr.isTTY || (text === undefined && !this.#hasProgress)) return;
    this.#hasProgress = text !== undefined;
    stderr.write(`\r\u001b[K${text ?? ''}`);
  }

  /** Replaces the whole screen. */
  redraw(text: string): void {
    this.#streams.stdout.write(`\u001b[H\u001b[2J${this.#shown(text, this.#streams.stdout)}\n`);
  }

  /** Asks for a line. An empty answer counts as the fallback. */
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

  /** Asks for a line that is not shown. `undefined`: the user cancelled. */
  askSecret(question: string): Promise<Secret | undefined> {
    return this.#typeSecret(`${question} (not shown): `, (typed) => typed.at(-1) === LINE_FEED);
  }

  /** Asks for lines that are not shown, up to one that begins with `-----END`, or Ctrl-D. */
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
    // before the question, so that a quick answer is not shown either
    stdin.setRawMode(true);
    stderr.write(prompt);
    return new Promise((resolve) => {
      const settle = (secret: Secret | undefined) => {
        stdin.off('data', read).off('end', cancel).pause();
        stdin.setRawMode(false);
        typed.fill(0);
        stderr.write('\n');
        resolve(secret);
      };
      const cancel = () => settle(undefined);
      const read = (chunk: Buffer | string) => {
        for (const byte of Buffer.from(chunk)) {
          if (byte === CTRL_C) return cancel();
          if (byte === CTRL_D) return settle(typed.length === 0 ? undefined : secretOf(typed));
          if (byte === DELETE || byte === BACKSPACE) typed.pop();
          else typed.push(byte === CARRIAGE_RETURN ? LINE_FEED : byte);
          if (isWhole(typed)) return settle(secretOf(typed));
        }
      };
      stdin.on('data', read).once('end', cancel).resume();
    });
  }

  /** Returns all of stdin. @throws {RangeError} if it is longer than `limit` bytes. */
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

  /** A reader that hangs up (`orgkey status | head`) is not an error; other failures to write data are. */
  #fail({code, message}: NodeJS.ErrnoException): void {
    this.#hasReader = false;
    if (code === 'EPIPE') return;
    this.error(`cannot write the output: ${printable(message)}`);
    this.#streams.exit(EXIT.unhealthy);
  }

  #shown(text: string, stream: {readonly isTTY?: boolean}): string {
    return withoutControl(this.#mayColor && stream.isTTY ? text : stripVTControlCharacters(text));
  }
}

/** Escapes what could move the cursor, should a text from elsewhere have passed unnoticed. Our colors stay. */
function withoutControl(text: string): string {
  return text.replace(CONTROL, (found, color: string | undefined) => color ?? printable(found));
}

/** Escapes in JSON what its own rules leave as it is: the control characters of eight bits. */
export function escapedJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Colors, or control characters but for tabs and line feeds, with those that change the writing direction. */
// oxlint-disable-next-line no-control-regex
const CONTROL = /(\u001b\[\d*m)|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Adds a style, which the terminal removes again if it shows no color. */
export function style(name: Style, text: string): string {
  return styleText(name, text, {validateStream: false});
}

/** Returns the width in columns, without escape sequences. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Drops the line break at the end. */
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

import {execFileSync, spawn, type ChildProcess} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Readable, Writable} from 'node:stream';
import {tether} from './tether.ts';

/** What `scripts/test-packages chromium` brought, and the names under which the browser is installed. */
const programs = [
  join(import.meta.dirname, '../../.cache/chromium/bin/chromium'),
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
];

/** Returns the path of Chromium, or `undefined` without one. */
export function findChromium(): string | undefined {
  const named = process.env['ORGKEY_TEST_CHROMIUM'];
  if (named) return named;
  return programs.find((program) => {
    try {
      execFileSync(program, ['--version'], {stdio: 'ignore'});
      return true;
    } catch {
      return false;
    }
  });
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {readonly message: string};
  readonly sessionId?: string;
}

/**
 * A real browser without a window, in a profile of its own, driven over a pipe. It reaches the test cloud through the
 * cloud's proxy and takes its certificates as they are.
 *
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #input: Writable;
  readonly #waiting = new Map<number, {resolve: (reply: Reply) => void; reject: (error: Error) => void}>();
  readonly #listeners = new Set<(reply: Reply) => void>();
  readonly #ended: Promise<void>;
  #count = 0;
  #rest = '';

  private constructor(program: string, proxy: string) {
    this.#profile = mkdtempSync(join(tmpdir(), 'orgkey-chromium-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--ignore-certificate-errors',
      '--remote-debugging-pipe',
      '--window-size=900,600',
      `--user-data-dir=${this.#profile}`,
      `--proxy-server=${proxy}`,
    ];
    this.#process = spawn(program, flags, {
      // Its own group, so that all its processes end with it
      detached: true,
      env: {PATH: process.env['PATH'] ?? '', HOME: this.#profile},
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    tether(this.#process);
    const [, , , input, output] = this.#process.stdio;
    if (!isWritable(input) || !isReadable(output)) throw new Error('the browser has no pipes');
    this.#input = input;
    input.on('error', () => undefined);
    output.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    const end = () => this.#kill();
    process.once('exit', end);
    this.#ended = new Promise((resolve) =>
      this.#process.once('close', () => {
        process.off('exit', end);
        for (const {reject} of this.#waiting.values()) reject(new Error('the browser ended'));
        resolve();
      }),
    );
  }

  /** @throws if Chromium is not installed. */
  static start({proxy}: {readonly proxy: string}): Chromium {
    const program = findChromium();
    if (program === undefined)
      throw new Error('Chromium is missing: scripts/test-packages chromium brings it');
    return new Chromium(program, proxy);
  }

  /** Opens a tab with this address, and resolves once it has loaded. */
  async open(url: string): Promise<Page> {
    const {targetId} = await this.send('Target.createTarget', {url: 'about:blank'});
    const {sessionId} = await this.send('Target.attachToTarget', {targetId, flatten: true});
    const page = new Page(this, String(sessionId));
    await page.send('Page.enable', {});
    const loaded = page.loaded();
    await page.send('Page.navigate', {url});
    await loaded;
    return page;
  }

  async send(method: string, params: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>> {
    this.#count += 1;
    const id = this.#count;
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(id, {resolve, reject});
      this.#input.write(`${JSON.stringify({id, method, params, sessionId})}\0`);
    });
    if (reply.error) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }

  /** Resolves with the next event of this name. */
  next(method: string, sessionId: string): Promise<Readonly<Record<string, unknown>>> {
    return new Promise((resolve) => {
      const listen = (reply: Reply) => {
        if (reply.method !== method || reply.sessionId !== sessionId) return;
        this.#listeners.delete(listen);
        resolve(reply.params ?? {});
      };
      this.#listeners.add(listen);
    });
  }

  async close(): Promise<void> {
    this.#kill();
    await this.#ended;
    rmSync(this.#profile, {recursive: true, force: true, maxRetries: 5});
  }

  #take(text: string): void {
    const messages = `${this.#rest}${text}`.split('\0');
    this.#rest = messages.pop() ?? '';
    for (const message of messages) {
      const reply: Reply = JSON.parse(message);
      if (reply.id === undefined) for (const listen of this.#listeners) listen(reply);
      else {
        this.#waiting.get(reply.id)?.resolve(reply);
        this.#waiting.delete(reply.id);
      }
    }
  }

  #kill(): void {
    const {pid} = this.#process;
    if (pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It ended meanwhile
    }
  }
}

/** One tab. */
export class Page {
  readonly #browser: Chromium;
  readonly #session: string;

  constructor(browser: Chromium, session: string) {
    this.#browser = browser;
    this.#session = session;
  }

  send(method: string, params: object): Promise<Readonly<Record<string, unknown>>> {
    return this.#browser.send(method, params, this.#session);
  }

  async loaded(): Promise<void> {
    await this.#browser.next('Page.loadEventFired', this.#session);
  }

  /** Returns the visible text. */
  text(): Promise<string> {
    return this.evaluate('document.body.innerText');
  }

  address(): Promise<string> {
    return this.evaluate('location.href');
  }

  async evaluate(expression: string): Promise<string> {
    const {result} = await this.send('Runtime.evaluate', {expression});
    return typeof result === 'object' && result !== null && 'value' in result ? String(result.value) : '';
  }

  /** Presses a button by its label. */
  async press(label: string): Promise<void> {
    await this.evaluate(
      `[...document.querySelectorAll('button')].find((button) => button.textContent === ${JSON.stringify(label)}).click()`,
    );
  }

  /** Waits until the text is visible, over any number of pages. */
  async shows(text: string): Promise<void> {
    for (;;) {
      const loaded = this.loaded();
      // Between two pages no document exists
      if ((await this.text().catch(() => '')).includes(text)) return;
      await loaded;
    }
  }

  /** A PNG. */
  async screenshot(): Promise<Buffer> {
    const {data} = await this.send('Page.captureScreenshot', {format: 'png'});
    return Buffer.from(String(data), 'base64');
  }
}

function isWritable(stream: unknown): stream is Writable {
  return typeof stream === 'object' && stream !== null && 'write' in stream;
}

function isReadable(stream: unknown): stream is Readable {
  return typeof stream === 'object' && stream !== null && 'setEncoding' in stream;
}

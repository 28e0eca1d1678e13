import {spawn} from 'node:child_process';
import {entriesOf, KEYRING_SERVICE, type OpenEntry} from './keyring-package.ts';
import {Secret} from '../secret/secret.ts';

/** The operating system's keyring: secrets by name, opened by signing in to the machine. */
export interface Keyring {
  /**
   * `undefined`: there is nothing under the name. The caller erases what it gets.
   * @throws {KeyringError} where the keyring can't be asked, which says nothing about what is in it.
   */
  read(name: string): Promise<Secret | undefined>;
  /**
   * Text only. The secret stays the caller's.
   * @throws {KeyringError}
   */
  write(name: string, secret: Secret): Promise<void>;
}

export class KeyringError extends Error {
  override readonly name = 'KeyringError';
}

export interface KeyringParts {
  /** `process.platform`. */
  readonly platform: string;
  /** `PATH`, and where the session's bus is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For the optional package; it rejects where it is not installed. */
  readonly importPackage?: (name: string) => Promise<unknown>;
  /** How long a program may take, in milliseconds: a locked keyring asks on a screen that nobody may see. Default: 5,000. */
  readonly limit?: number;
}

/** `undefined` where the machine has neither the program `secret-tool` nor the package `@napi-rs/keyring`. */
export async function openKeyring(parts: KeyringParts): Promise<Keyring | undefined> {
  const {platform, environment, importPackage = (name) => import(name), limit = 5000} = parts;
  const run: Run = (args, input) => runSecretTool(args, input, environment, limit);
  if (platform !== 'darwin' && (await run([], undefined)).kind === 'ended') return new SecretTool(run);
  const open = await importPackage('@napi-rs/keyring').then(entriesOf, () => undefined);
  return open && new PackageKeyring(open);
}

/** The keyring of the desktop, by the program of libsecret, which talks to the Secret Service and to nothing else. */
class SecretTool implements Keyring {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async read(name: string): Promise<Secret | undefined> {
    const result = await this.#run(['lookup', 'service', KEYRING_SERVICE, 'username', name], undefined);
    if (result.kind === 'ended' && result.code === 0) return new Secret(withoutLineEnd(result.output));
    // it says nothing where there is nothing, and something where it could not look
    if (result.kind === 'ended' && result.code === 1 && !result.complained) return undefined;
    throw new KeyringError('secret-tool could not look into the keyring');
  }

  async write(name: string, secret: Secret): Promise<void> {
    const input = Buffer.alloc(secret.length);
    secret.copyTo(input, 0);
    const args = ['store', `--label=orgkey: ${name}`, 'service', KEYRING_SERVICE, 'username', name];
    const result = await this.#run(args, input);
    input.fill(0);
    if (result.kind === 'ended' && result.code === 0) return;
    throw new KeyringError('secret-tool could not write to the keyring');
  }
}

type Run = (args: readonly string[], input: Buffer | undefined) => Promise<Ran>;

type Ran =
  | {readonly kind: 'ended'; readonly code: number; readonly output: Buffer; readonly complained: boolean}
  /** Not there, or ended by a signal or our limit. */
  | {readonly kind: 'none'};

async function runSecretTool(
  args: readonly string[],
  input: Buffer | undefined,
  environment: KeyringParts['environment'],
  limit: number,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn('secret-tool', args, {
      env: {...environment},
      stdio: 'pipe',
      timeout: limit,
      killSignal: 'SIGKILL',
    });
    const output: Buffer[] = [];
    let complained = false;
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', () => (complained = true));
    // it may end without reading; its exit code tells
    child.stdin.on('error', () => undefined);
    child.on('error', () => resolve({kind: 'none'}));
    child.on('close', (code) => {
      const whole = Buffer.concat(output);
      for (const chunk of output) chunk.fill(0);
      resolve(code === null ? {kind: 'none'} : {kind: 'ended', code, output: whole, complained});
    });
    child.stdin.end(input);
  });
}

function withoutLineEnd(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes);
}

const LF = 0x0a;

/** The keyring by a package that whoever wants it installs: on macOS the Keychain. */
class PackageKeyring implements Keyring {
  readonly #open: OpenEntry;

  constructor(open: OpenEntry) {
    this.#open = open;
  }

  async read(name: string): Promise<Secret | undefined> {
    const text = await this.#call(name, 'getPassword', []);
    if (typeof text === 'string') return Secret.fromText(text);
    if (text === null || text === undefined) return undefined;
    throw new KeyringError('@napi-rs/keyring gave something that is no text');
  }

  async write(name: string, secret: Secret): Promise<void> {
    await this.#call(name, 'setPassword', [secret.revealText()]);
  }

  async #call(name: string, method: string, args: readonly string[]): Promise<unknown> {
    try {
      const entry = this.#open(name);
      const called: unknown =
        typeof entry === 'object' && entry !== null ? Reflect.get(entry, method) : undefined;
      if (typeof called !== 'function') throw new KeyringError(`@napi-rs/keyring has no ${method}`);
      return await Reflect.apply(called, entry, args);
    } catch (error) {
      if (error instanceof KeyringError) throw error;
      throw new KeyringError('@napi-rs/keyring could not use the keyring', {cause: error});
    }
  }
}

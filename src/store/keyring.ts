import {spawn} from 'node:child_process';
import {entriesOf, KEYRING_SERVICE, type OpenEntry} from './keyring-package.ts';
import {Secret} from '../secret/secret.ts';
import {OrgkeyError} from '../text/orgkey-error.ts';
import type {Environment} from '../text/environment.ts';

/** The keyring of the operating system, which unlocks when the user logs in. */
export interface Keyring {
  /**
   * Returns a secret, which the caller erases. `undefined`: nothing has this name.
   * @throws {OrgkeyError} `ERR_KEYRING` if the keyring cannot be asked, whatever is in it.
   */
  read(name: string): Promise<Secret | undefined>;
  /**
   * Writes a secret, which must be text. The caller keeps it.
   * @throws {OrgkeyError} `ERR_KEYRING`
   */
  write(name: string, secret: Secret): Promise<void>;
}

export interface KeyringParts {
  /** `process.platform`. */
  readonly platform: string;
  /** Has `PATH` and the address of the session bus. */
  readonly environment: Environment;
  /** Imports the optional package. Rejects if it is not installed. */
  readonly importPackage?: (name: string) => Promise<unknown>;
  /** How long a program may take, in milliseconds: a locked keyring shows a prompt. Default: 5,000. */
  readonly limit?: number;
}

/** Opens the keyring. `undefined`: the machine has neither `secret-tool` nor the package `@napi-rs/keyring`. */
export async function openKeyring(parts: KeyringParts): Promise<Keyring | undefined> {
  const {platform, environment, importPackage = (name) => import(name), limit = 5000} = parts;
  const run: Run = (args, input) => runSecretTool(args, input, environment, limit);
  if (platform !== 'darwin' && (await run([], undefined)).kind === 'ended') return new SecretTool(run);
  const open = await importPackage('@napi-rs/keyring').then(entriesOf, () => undefined);
  return open && new PackageKeyring(open);
}

/** Uses the desktop's keyring through libsecret's program, which talks to the Secret Service only. */
class SecretTool implements Keyring {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  async read(name: string): Promise<Secret | undefined> {
    const result = await this.#run(['lookup', 'service', KEYRING_SERVICE, 'username', name], undefined);
    if (result.kind === 'ended' && result.code === 0) return new Secret(withoutLineEnd(result.output));
    // it prints nothing if it does not find the secret, and a message if it cannot look
    if (result.kind === 'ended' && result.code === 1 && !result.complained) return undefined;
    throw new OrgkeyError('ERR_KEYRING', 'secret-tool could not read the keyring');
  }

  async write(name: string, secret: Secret): Promise<void> {
    const args = ['store', `--label=orgkey: ${name}`, 'service', KEYRING_SERVICE, 'username', name];
    const result = await secret.use((input) => this.#run(args, input));
    if (result.kind === 'ended' && result.code === 0) return;
    throw new OrgkeyError('ERR_KEYRING', 'secret-tool could not write to the keyring');
  }
}

type Run = (args: readonly string[], input: Buffer | undefined) => Promise<Ran>;

type Ran =
  | {readonly kind: 'ended'; readonly code: number; readonly output: Buffer; readonly complained: boolean}
  /** The program is missing, or was ended by a signal or by our limit. */
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
    // it may end without reading; its exit code says whether it failed
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

/** Uses the keyring through the optional package `@napi-rs/keyring`, on macOS the Keychain. */
class PackageKeyring implements Keyring {
  readonly #open: OpenEntry;

  constructor(open: OpenEntry) {
    this.#open = open;
  }

  async read(name: string): Promise<Secret | undefined> {
    const text = await this.#call(name, 'getPassword', []);
    if (typeof text === 'string') return Secret.fromText(text);
    if (text === null || text === undefined) return undefined;
    throw new OrgkeyError('ERR_KEYRING', '@napi-rs/keyring returned something other than text');
  }

  async write(name: string, secret: Secret): Promise<void> {
    await this.#call(name, 'setPassword', [secret.revealText()]);
  }

  async #call(name: string, method: string, args: readonly string[]): Promise<unknown> {
    try {
      const entry = this.#open(name);
      const called: unknown =
        typeof entry === 'object' && entry !== null ? Reflect.get(entry, method) : undefined;
      if (typeof called !== 'function')
        throw new OrgkeyError('ERR_KEYRING', `@napi-rs/keyring has no ${method}`);
      return await Reflect.apply(called, entry, args);
    } catch (error) {
      if (error instanceof OrgkeyError) throw error;
      throw new OrgkeyError('ERR_KEYRING', '@napi-rs/keyring could not use the keyring', {cause: error});
    }
  }
}

import {spawn} from 'node:child_process';
import {LARGEST_SECRET, readProtectedFile, whyUnsafe} from '../../files/read-protected-file.ts';
import type {SecretSource} from '../../identity/identity.ts';
import {Secret} from '../../secret/secret.ts';
import {entriesOf, KEYRING_SERVICE} from '../../store/keyring-package.ts';
import {codeOf, OrgkeyError} from '../../text/orgkey-error.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {showablePath} from '../../text/showable.ts';
import {TIME_BUDGET} from '../../time-budget.ts';
import {trimmedBytes} from './secret-bytes.ts';
import type {Environment} from '../../text/environment.ts';

/** A secret that could not be read. The message contains nothing that a program printed. */
export class SecretError extends OrgkeyError {
  override readonly name = 'SecretError';
}

interface ReadSecretParts {
  /** Passed to programs unchanged: it has PATH, HOME and the session's bus. */
  readonly environment: Environment;
  /** Asks Azure; rejects with a reason without secrets. */
  readonly readVault: (vault: string, secret: string) => Promise<Secret>;
  /** Files must belong to this user or to root. Default: our own uid. */
  readonly uid?: number;
  /** How long a program or the keyring may take, in milliseconds. Default: that of the time budget. */
  readonly timeLimit?: number;
  /** Loads the module `@napi-rs/keyring`, if it is installed. */
  readonly loadKeyring?: () => Promise<unknown>;
}

/** The largest secret that a program may print, in bytes. */
const LARGEST_OUTPUT = 64 * 1024;

/**
 * Reads a secret, trimmed and not empty. The caller owns it, and must erase it.
 * @throws {SecretError} if the source does not give a secret; whatever `readVault` throws.
 */
export async function readSecret(source: SecretSource, parts: ReadSecretParts): Promise<Secret> {
  switch (source.from) {
    case 'held':
      return source.secret.copy();
    case 'file':
      return fromFile(source.path, parts.uid ?? process.getuid?.() ?? 0);
    case 'command':
      return fromCommand(source.argv, parts);
    case 'keyring':
      return fromKeyring(source.name, parts);
    case 'key-vault':
      return parts.readVault(source.vault, source.secret);
  }
}

/** Checks the file as when the configuration was loaded, because it may have been replaced since. */
async function fromFile(path: string, uid: number): Promise<Secret> {
  const read = await readProtectedFile(path, LARGEST_SECRET);
  const name = `the file ${showablePath(path)}`;
  if (read.kind === 'failed')
    throw new SecretError('ERR_SECRET_FILE', `${name} ${read.message}`, {hint: read.hint});
  const unsafe = whyUnsafe({path, ...read}, {uid, holdsSecret: true});
  if (unsafe?.severity !== 'error') return secretFrom(read.bytes, `${name} is empty`);
  read.bytes.fill(0);
  throw new SecretError('ERR_SECRET_FILE', `${name} ${unsafe.message}`, {
    hint: unsafe.hint && `${unsafe.hint} ${shellWord(showablePath(path))}`,
  });
}

async function fromCommand(argv: readonly string[], parts: ReadSecretParts): Promise<Secret> {
  const ran = await run(argv, parts);
  switch (ran.kind) {
    case 'printed':
      return secretFrom(ran.output, 'the program of $command printed nothing');
    case 'absent':
      throw new SecretError('ERR_SECRET_COMMAND', `the program of $command cannot be started (${ran.code})`, {
        hint: 'Write its absolute path: the service has another PATH than your shell.',
      });
    case 'failed':
      throw new SecretError('ERR_SECRET_COMMAND', `the program of $command failed: ${ran.reason}`, {
        hint: 'Run it by hand as the user of the service to see what it says.',
      });
  }
}

/** Waits for the module, which cannot be cancelled. What it returns after the limit is dropped. @throws {SecretError} */
async function beforeLimit<Given>(
  asked: Promise<Given>,
  {timeLimit = TIME_BUDGET.secretSource}: ReadSecretParts,
): Promise<Given> {
  const {promise, reject} = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `the keyring did not answer within ${timeLimit / 1000} s`;
    const hint = 'Unlock it: it may be asking for its password on a screen that you do not see.';
    reject(new SecretError('ERR_SECRET_KEYRING', message, {hint}));
  }, timeLimit);
  try {
    return await Promise.race([asked, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function fromKeyring(name: string, parts: ReadSecretParts): Promise<Secret> {
  const bytes = await beforeLimit(askModule(name, parts.loadKeyring ?? installedKeyring), parts);
  if (bytes !== undefined) return secretFrom(bytes, 'the entry of the keyring is empty');
  const ran = await run(['secret-tool', 'lookup', 'service', KEYRING_SERVICE, 'username', name], parts);
  switch (ran.kind) {
    case 'printed':
      return secretFrom(ran.output, 'the keyring has no such entry');
    case 'absent':
      throw new SecretError('ERR_SECRET_KEYRING', 'the keyring has no such entry, or cannot be read', {
        hint: 'Install secret-tool (libsecret-tools), or keep the secret in a file of mode 0600 and write $file.',
      });
    case 'failed':
      throw new SecretError('ERR_SECRET_KEYRING', 'the keyring is locked, or has no such entry', {
        hint: `Create it: secret-tool store --label=orgkey service ${KEYRING_SERVICE} username NAME`,
      });
  }
}

async function installedKeyring(): Promise<unknown> {
  // not a literal: bundlers and compilers must not look for an optional package
  const name: string = '@napi-rs/keyring';
  return import(name);
}

/** Returns `undefined` if the module is not installed, or has no such entry: it may use another keyring. */
async function askModule(name: string, load: () => Promise<unknown>): Promise<Uint8Array | undefined> {
  try {
    const entry = entriesOf(await load())?.(name);
    const getPassword = propertyOf(entry, 'getPassword');
    if (typeof getPassword !== 'function') return undefined;
    const password: unknown = await Reflect.apply(getPassword, entry, []);
    return typeof password === 'string' ? Buffer.from(password) : undefined;
  } catch {
    return undefined;
  }
}

function propertyOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

/** Makes a secret of the bytes, and overwrites them. */
function secretFrom(bytes: Uint8Array, whenEmpty: string): Secret {
  const secret = trimmedBytes(bytes);
  bytes.fill(0);
  if (secret.length === 0) throw new SecretError('ERR_SECRET_EMPTY', whenEmpty);
  return new Secret(secret);
}

type Ran =
  | {readonly kind: 'printed'; readonly output: Uint8Array}
  /** It does not exist, or is not executable. */
  | {readonly kind: 'absent'; readonly code: string}
  | {readonly kind: 'failed'; readonly reason: string};

/** Runs a program without a shell and without input. Its stderr may contain the secret, so it is not kept. */
async function run(
  [program = '', ...args]: readonly string[],
  {environment, timeLimit = TIME_BUDGET.secretSource}: ReadSecretParts,
): Promise<Ran> {
  const {promise, resolve} = Promise.withResolvers<Ran>();
  // in its own process group, so that its children end with it
  const child = spawn(program, args, {
    env: {...environment},
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const chunks: Buffer[] = [];
  let length = 0;
  const deadline = AbortSignal.timeout(timeLimit);
  const end = (ran: Ran) => {
    deadline.removeEventListener('abort', tooLate);
    if (ran.kind !== 'printed') child.stdout.destroy();
    resolve(ran);
  };
  const stop = (reason: string) => {
    endGroup(child.pid);
    end({kind: 'failed', reason});
  };
  const tooLate = () => stop(`it took longer than ${timeLimit / 1000} s`);
  deadline.addEventListener('abort', tooLate);
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length > LARGEST_OUTPUT) stop('it printed more than a secret');
  });
  child.on('error', (error) => end({kind: 'absent', code: codeOf(error) ?? 'unknown'}));
  child.on('close', (code, signal) => {
    if (code === 0) end({kind: 'printed', output: Buffer.concat(chunks)});
    else end({kind: 'failed', reason: code === null ? `ended by ${signal}` : `exit code ${code}`});
  });
  const ran = await promise;
  for (const chunk of chunks) chunk.fill(0);
  return ran;
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

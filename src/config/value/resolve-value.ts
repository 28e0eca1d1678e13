import {resolve} from 'node:path';
import type {SecretSource} from '../../identity/identity.ts';
import type {AgentKeySource} from '../configuration.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {Secret} from '../../secret/secret.ts';
import {absolutePath} from '../../places/paths.ts';
import type {Problems} from '../text/problems.ts';
import {objectionTo, type FileRead} from '../../files/read-protected-file.ts';
import {showablePath, showableVariable} from '../../text/showable.ts';
import {hasOwnText, hasPlaceholder, substitute} from './substitute.ts';
import {sourceOf, valueAt, type Written, type WrittenMap} from '../text/written.ts';

/** What values may be read from. */
export interface Surroundings {
  /** Of the configuration file: relative paths begin there. */
  readonly directory: string;
  /** Paths that begin with `~/` begin there. */
  readonly home: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  /** What was read beforehand, by absolute path. */
  readonly files: ReadonlyMap<string, FileRead>;
  /** What a variable is that is not set, or a credential that systemd did not pass. */
  readonly absent: 'error' | 'warning';
}

/** What tells which files are named. */
export type NamingSurroundings = Pick<Surroundings, 'directory' | 'home' | 'environment'>;

/** A secret on one line, or a text that has lines, as PEM. */
type SecretForm = 'line' | 'lines';

/** Turns what is written into what is meant; says what is wrong, never what it found. */
export class Resolver {
  readonly #surroundings: Surroundings;
  readonly #problems: Problems;
  readonly #literals: number[] = [];
  readonly #variables = new Set<string>();

  constructor(surroundings: Surroundings, problems: Problems) {
    this.#surroundings = surroundings;
    this.#problems = problems;
  }

  /** Where secrets, or parts of them, stand in the configuration itself. */
  get literals(): readonly number[] {
    return this.#literals;
  }

  /** The variables that were looked at. */
  get variables(): ReadonlySet<string> {
    return this.#variables;
  }

  /** A text that is no secret, trimmed. `undefined` where there is none; why, is among the problems. */
  text(written: Written | undefined): string | undefined {
    if (written === undefined) return undefined;
    if (written.kind === 'text') return this.#substituted(written.text, written.at);
    if (written.kind !== 'map' || sourceOf(written) === undefined) return undefined;
    const source = this.#source(written);
    if (source === undefined) return undefined;
    if (source.from === 'variable') return source.text;
    if (source.from === 'absent') {
      this.#problems.leaveOpen(written.at, source.message);
      return source.shown;
    }
    if (source.from === 'file') {
      const text = this.#file(source.path, source.at, false)?.toString('utf8').trim();
      if (text === '') this.#problems.refuse(source.at, 'the file is empty');
      return text || undefined;
    }
    this.#problems.refuse(written.at, 'this source is for secrets only: use text, $env or $file');
    return undefined;
  }

  /** The texts of a list. What is no text is left out; why, is among the problems. */
  texts(
    written: Written | undefined,
  ): {readonly text: string; readonly at: number; readonly literal: boolean}[] {
    if (written?.kind !== 'list') return [];
    return written.items.flatMap((item) => {
      const text = this.text(item);
      return text === undefined ? [] : [{text, at: item.at, literal: isLiteral(item)}];
    });
  }

  /** `true` and `false`, as such or as text of a variable. */
  flag(written: Written | undefined, otherwise: boolean): boolean {
    if (written?.kind === 'flag') return written.value;
    const text = this.text(written);
    if (text === 'true' || text === 'false') return text === 'true';
    if (written !== undefined && text !== undefined)
      this.#problems.refuse(written.at, 'must be true or false');
    return otherwise;
  }

  secret(written: Written | undefined, form: SecretForm): SecretSource | undefined {
    if (written === undefined) return undefined;
    const source = this.#secretSource(written);
    if (source?.from !== 'held') return source;
    const fault = secretFault(source.secret, form);
    if (fault === undefined) return source;
    this.#problems.refuse(written.at, fault);
    return undefined;
  }

  /** A key in an ssh-agent: `{$agent: SSH_AUTH_SOCK, publicKey: …}`. `undefined`: not this source, or it is invalid. */
  agentKey(written: Written | undefined): AgentKeySource | undefined {
    const agent = valueAt(written, '$agent');
    if (written?.kind !== 'map' || agent === undefined) return undefined;
    const publicKey = this.text(valueAt(written, 'publicKey'));
    if (written.entries.size !== 2 || publicKey === undefined)
      return this.#expected('$agent', 'followed by publicKey, and by no other key', written.at);
    const socket = this.#agentSocket(agent, written.at);
    return socket === undefined ? undefined : {from: 'ssh-agent', socket, publicKey};
  }

  /** `SSH_AUTH_SOCK` names the variable, as in OpenSSH's `IdentityAgent`. */
  #agentSocket(written: Written, parentAt: number): string | undefined {
    const name = this.text(written);
    const source = name === 'SSH_AUTH_SOCK' ? this.#variable(name, written.at) : this.#path(name, written.at);
    if (source?.from === 'variable') return source.text;
    if (source?.from === 'file') return source.path;
    if (source?.from !== 'absent') return undefined;
    this.#problems.leaveOpen(parentAt, source.message);
    return source.shown;
  }

  /** The absolute path of the file that a value is read from; `undefined`: it comes from elsewhere. */
  fileOf(written: Written | undefined): string | undefined {
    return written?.kind === 'map' ? fileNamedIn(written, this.#surroundings) : undefined;
  }

  #secretSource(written: Written): SecretSource | undefined {
    const {at} = written;
    if (written.kind === 'text') {
      if (written.cut && !isOnePlaceholder(written.text)) {
        this.#problems.refuse(
          at,
          'YAML takes the # and what follows it for a comment: put quotes around the text',
        );
        return undefined;
      }
      if (hasOwnText(written.text)) this.#literals.push(at);
      const text = this.#substituted(written.text, at);
      return text === undefined ? undefined : {from: 'held', secret: Secret.fromText(text)};
    }
    if (written.kind !== 'map') return undefined;
    if (sourceOf(written) === undefined) {
      this.#problems.refuse(
        at,
        'must be text or one of $env, $file, $command, $credential, $keyring, $keyVault',
      );
      return undefined;
    }
    const source = this.#source(written);
    if (source?.from === 'absent') {
      this.#problems.leaveOpen(at, source.message);
      return {from: 'held', secret: Secret.fromText(source.shown)};
    }
    if (source?.from === 'variable') return {from: 'held', secret: Secret.fromText(source.text)};
    if (source?.from !== 'file') return source;
    const bytes = this.#file(source.path, source.at, true);
    return bytes && {from: 'held', secret: new Secret(trimmedBytes(bytes))};
  }

  /** A map with a key that begins with `$`. */
  #source(written: WrittenMap): Source | undefined {
    const name = sourceOf(written);
    if (written.entries.size !== 1) {
      this.#problems.refuse(written.at, 'a key that begins with $ must stand alone');
      return undefined;
    }
    const value = valueAt(written, name ?? '');
    const at = value?.at ?? written.at;
    switch (name) {
      case '$env':
        return this.#variable(this.text(value), at);
      case '$file':
        return this.#path(this.text(value), at);
      case '$credential':
        return this.#credential(this.text(value), at);
      case '$command':
        return this.#command(value, at);
      case '$keyring':
        return this.#keyring(this.text(value), at);
      case '$keyVault':
        return this.#keyVault(value, at);
      case '$include':
        // told with all others of the file
        return undefined;
      default:
        this.#problems.refuse(
          written.at,
          'no such source',
          'there are $env, $file, $command, $credential, $keyring and $keyVault',
        );
        return undefined;
    }
  }

  #variable(name: string | undefined, at: number): Source | undefined {
    if (name === undefined) return this.#expected('$env', 'the name of a variable', at);
    const text = this.#named(name)?.trim();
    if (text !== undefined) return {from: 'variable', text};
    if (this.#surroundings.absent === 'warning') return absentVariable(name);
    this.#problems.refuse(at, `${showableVariable(name)} is not set`, SET_WHERE);
    return undefined;
  }

  #path(path: string | undefined, at: number): Source | undefined {
    if (path === undefined || path === '') return this.#expected('$file', 'a path', at);
    if (this.#problems.isOpen(at)) return {from: 'absent', shown: path};
    return {from: 'file', path: absolutePath(path, this.#surroundings), at};
  }

  #credential(name: string | undefined, at: number): Source | undefined {
    if (name === undefined || !isFileName(name))
      return this.#expected('$credential', 'the name of a systemd credential', at);
    const directory = this.#named('CREDENTIALS_DIRECTORY');
    if (directory !== undefined) return {from: 'file', path: resolve(directory, name), at};
    if (this.#surroundings.absent === 'warning')
      return {
        from: 'absent',
        message: 'systemd passes its credentials to the service alone: only a daemon can tell this one',
        shown: '$credential',
      };
    this.#problems.refuse(
      at,
      'systemd passed no credentials: CREDENTIALS_DIRECTORY is not set',
      'add LoadCredential= or LoadCredentialEncrypted= to the service',
    );
    return undefined;
  }

  #command(value: Written | undefined, at: number): Source | undefined {
    const argv = this.texts(value).map(({text}) => text);
    const [program] = argv;
    if (value?.kind !== 'list' || program === undefined || argv.length !== value.items.length)
      return this.#expected('$command', 'a list: the program and its arguments', at);
    // what is found on the PATH depends on who started us
    if (/^(?:~|\.\.?)\//.test(program))
      return {from: 'command', argv: [absolutePath(program, this.#surroundings), ...argv.slice(1)]};
    return {from: 'command', argv};
  }

  #keyring(name: string | undefined, at: number): Source | undefined {
    if (name === undefined || name === '') return this.#expected('$keyring', 'the name of an entry', at);
    return {from: 'keyring', name};
  }

  #keyVault(value: Written | undefined, at: number): Source | undefined {
    const vault = this.text(valueAt(value, 'vault'));
    const secret = this.text(valueAt(value, 'secret'));
    if (value?.kind !== 'map' || value.entries.size !== 2 || vault === undefined || secret === undefined)
      return this.#expected('$keyVault', 'a mapping of vault and secret', at);
    if (!VAULT.test(vault) || !/^[0-9A-Za-z-]{1,127}$/.test(secret))
      return this.#expected('$keyVault', 'the name of a vault, or its host, and the name of a secret', at);
    return {from: 'key-vault', vault, secret};
  }

  #expected(source: string, expected: string, at: number): undefined {
    this.#problems.refuse(at, `${source} must be ${expected}`);
  }

  #substituted(text: string, at: number): string | undefined {
    const substituted = substitute(text, (name) => this.#named(name));
    if (substituted.kind === 'text') return substituted.text.trim();
    if (this.#surroundings.absent === 'warning') {
      this.#problems.leaveOpen(at, absentVariable(substituted.variable).message);
      return text.trim();
    }
    this.#problems.refuse(at, `${showableVariable(substituted.variable)} is not set`, SET_WHERE);
    return undefined;
  }

  #named(name: string): string | undefined {
    this.#variables.add(name);
    return Object.hasOwn(this.#surroundings.environment, name)
      ? this.#surroundings.environment[name]
      : undefined;
  }

  #file(path: string, at: number, holdsSecret: boolean): Buffer | undefined {
    const read = this.#surroundings.files.get(path);
    const name = `the file ${showablePath(path)}`;
    if (read === undefined || read.kind === 'failed') {
      this.#problems.refuse(at, `${name} ${read?.message ?? 'was not read'}`, read?.hint);
      return undefined;
    }
    const objection = objectionTo({path, ...read}, {uid: this.#surroundings.uid, holdsSecret});
    if (objection === undefined) return read.bytes;
    if (objection.severity === 'warning') {
      this.#problems.warn(at, `${name} ${objection.message}`, objection.hint);
      return read.bytes;
    }
    const hint =
      objection.hint === undefined ? undefined : `${objection.hint} ${shellWord(showablePath(path))}`;
    this.#problems.refuse(at, `${name} ${objection.message}`, hint);
    return undefined;
  }
}

/** Where a value comes from, once it is known. */
type Source =
  | {readonly from: 'variable'; readonly text: string}
  | {readonly from: 'file'; readonly path: string; readonly at: number}
  /** It may be known elsewhere; `shown` stands for it here. No message: that was told. */
  | {readonly from: 'absent'; readonly message?: string; readonly shown: string}
  | Exclude<SecretSource, {from: 'held' | 'file'}>;

/** The absolute paths of the files that values come from: to be read before anything is resolved. */
export function filesNamedIn(written: Written | undefined, surroundings: NamingSurroundings): string[] {
  switch (written?.kind) {
    case 'list':
      return written.items.flatMap((item) => filesNamedIn(item, surroundings));
    case 'map': {
      const path = fileNamedIn(written, surroundings);
      if (path !== undefined) return [path];
      return [...written.entries.values()].flatMap(({value}) => filesNamedIn(value, surroundings));
    }
    case 'text':
    case 'number':
    case 'flag':
    case 'nothing':
    case undefined:
      return [];
  }
}

function fileNamedIn(
  map: WrittenMap,
  {directory, home, environment}: NamingSurroundings,
): string | undefined {
  const file = valueAt(map, '$file') ?? valueAt(map, '$credential');
  if (file?.kind !== 'text') return undefined;
  const named = substitute(file.text, (name) => environment[name]);
  if (named.kind === 'missing' || named.text === '') return undefined;
  if (map.entries.has('$file')) return absolutePath(named.text.trim(), {directory, home});
  const credentials = environment['CREDENTIALS_DIRECTORY'];
  return credentials === undefined ? undefined : resolve(credentials, named.text.trim());
}

const SET_WHERE =
  'a service does not see the variables of your shell: put NAME=value into ~/.config/orgkey/env, or /etc/orgkey/env for the whole machine (on macOS: launchctl setenv NAME value)';

function absentVariable(name: string): Extract<Source, {from: 'absent'}> {
  const variable = showableVariable(name);
  return {
    from: 'absent',
    message: `${variable} is not set here: only a daemon that has it can tell`,
    shown: variable.endsWith(name) ? `\${${name}}` : '${…}',
  };
}

/** The name alone, or the whole host: `https://` and a slash at the end do no harm. */
const VAULT = /^(?:https:\/\/)?[0-9A-Za-z][0-9A-Za-z-]{1,126}(?:\.[0-9a-z.-]{1,100})?\/?$/;

function isLiteral(written: Written): boolean {
  return written.kind === 'text' && !hasPlaceholder(written.text);
}

function isOnePlaceholder(text: string): boolean {
  return /^\$\{[^{}]*\}$/.test(text);
}

function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/**
 * A copy without what is blank at either end, and without the mark that some editors begin UTF-8 with: the bytes that
 * were read are overwritten later.
 */
export function trimmedBytes(bytes: Uint8Array): Uint8Array {
  let start = BYTE_ORDER_MARK.every((byte, at) => bytes[at] === byte) ? BYTE_ORDER_MARK.length : 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start += 1;
  while (end > start && isBlank(bytes[end - 1])) end -= 1;
  return Uint8Array.from(bytes.subarray(start, end));
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

/** What git's protocol and HTTP headers cannot carry, a secret cannot hold. */
export function secretFault(secret: Secret, form: SecretForm): string | undefined {
  if (secret.length === 0) return 'the secret is empty';
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  const bad = bytes.some((byte) => (byte < 0x20 || byte === 0x7f) && (form === 'line' || !isBlank(byte)));
  bytes.fill(0);
  if (!bad) return undefined;
  return form === 'line'
    ? 'the secret has a line break or a control character in it'
    : 'the text has a control character in it';
}

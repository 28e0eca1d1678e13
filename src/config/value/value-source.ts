import {resolve} from 'node:path';
import type {SecretSource} from '../../identity/identity.ts';
import type {FileRead} from '../../files/read-protected-file.ts';
import {absolutePath, machineDirectory} from '../../places/paths.ts';
import {nearestWord} from '../../text/nearest-word.ts';
import {showableKey, showableVariable} from '../../text/showable.ts';
import type {Problems} from '../text/problems.ts';
import {sourceOf, valueAt, type Written, type WrittenMap} from '../text/written.ts';
import type {NamingSurroundings} from './named-files.ts';
import {substitute} from './substitute.ts';

/** What values may be read from. */
export interface Surroundings extends NamingSurroundings {
  readonly uid: number;
  /** The files that were read beforehand, by absolute path. */
  readonly files: ReadonlyMap<string, FileRead>;
  /** How to report a variable that is not set, or a credential that systemd did not pass. */
  readonly absent: 'error' | 'warning';
}

export type Source =
  | {readonly from: 'variable'; readonly text: string}
  | {readonly from: 'file'; readonly path: string; readonly at: number}
  /** It may be known elsewhere; `shown` replaces it here. No message: it was reported already. */
  | {readonly from: 'absent'; readonly message?: string; readonly shown: string}
  | Exclude<SecretSource, {from: 'held' | 'file'}>;

/** A private key that an ssh-agent holds. */
export interface AgentKeySource {
  readonly from: 'ssh-agent';
  /** The absolute path of the agent's socket. */
  readonly socket: string;
  /** As in a `.pub` file: `ssh-rsa AAAA… comment`. */
  readonly publicKey: string;
}

/** Replaces a secret in the copy of a configuration. */
export const WITHHELD = '$withheld';

/** Finds where the values of a configuration come from, and replaces variables. Problems never quote a value. */
export class Sources {
  readonly #surroundings: Surroundings;
  readonly #problems: Problems;
  readonly #variables = new Set<string>();

  constructor(surroundings: Surroundings, problems: Problems) {
    this.#surroundings = surroundings;
    this.#problems = problems;
  }

  get variables(): ReadonlySet<string> {
    return this.#variables;
  }

  /** Returns the text with its variables replaced. `undefined`: one is not set, and that was reported. */
  substituted(text: string, at: number): string | undefined {
    const substituted = substitute(text, (name) => this.#named(name));
    if (substituted.kind === 'text') return substituted.text.trim();
    if (this.#surroundings.absent === 'warning') {
      this.#problems.leaveOpen(at, absentVariable(substituted.variable).message);
      return text.trim();
    }
    return this.#problems.refuse(
      at,
      `${showableVariable(substituted.variable)} is not set`,
      this.#whereToSet(substituted.variable, at),
    );
  }

  /** Returns the source that a mapping with a key such as `$env` names. `text` reads the values below that key. */
  find(written: WrittenMap, text: (written: Written | undefined) => string | undefined): Source | undefined {
    if (written.entries.size !== 1)
      return this.#problems.refuse(written.at, 'a key that begins with $ must be the only one');
    const name = sourceOf(written);
    const value = valueAt(written, name ?? '');
    const at = value?.at ?? written.at;
    switch (name) {
      case '$env':
        return this.#variable(text(value), at);
      case '$file':
        return this.#path(text(value), at);
      case '$credential':
        return this.#credential(text(value), at);
      case '$command':
        return this.#command(value, at, text);
      case '$keyring':
        return this.#keyring(text(value), at);
      case '$keyVault':
        return this.#keyVault(value, at, text);
      case WITHHELD:
        return this.#problems.refuse(
          written.at,
          'the secret was written in the configuration itself, and the copy in force does not have it',
          'correct the configuration, or keep the secret in a file: {$file: …}',
        );
      default:
        return this.#unknownSource(name ?? '', written.at);
    }
  }

  #unknownSource(name: string, at: number): undefined {
    const shown = showableKey(name);
    const meant = nearestWord(name, SOURCES);
    this.#problems.refuse(
      at,
      shown === undefined ? 'unknown source' : `unknown source: ${shown}`,
      meant === undefined ? `possible sources: ${SOURCES.join(', ')}` : `did you mean ${meant}?`,
    );
  }

  /** Returns the key of `{$agent: SSH_AUTH_SOCK, publicKey: …}`. `undefined`: it is wrong, and that was reported. */
  agentKey(
    written: WrittenMap,
    text: (written: Written | undefined) => string | undefined,
  ): AgentKeySource | undefined {
    const agent = valueAt(written, '$agent');
    const publicKey = text(valueAt(written, 'publicKey'));
    if (agent === undefined || written.entries.size !== 2 || publicKey === undefined)
      return this.#expected('$agent', 'followed by publicKey, and by no other key', written.at);
    // SSH_AUTH_SOCK names the variable, as in OpenSSH's IdentityAgent
    const name = text(agent);
    const source = name === 'SSH_AUTH_SOCK' ? this.#variable(name, agent.at) : this.#path(name, agent.at);
    if (source?.from === 'variable') return {from: 'ssh-agent', socket: source.text, publicKey};
    if (source?.from === 'file') return {from: 'ssh-agent', socket: source.path, publicKey};
    if (source?.from !== 'absent') return undefined;
    this.#problems.leaveOpen(written.at, source.message);
    return {from: 'ssh-agent', socket: source.shown, publicKey};
  }

  #variable(name: string | undefined, at: number): Source | undefined {
    if (name === undefined) return this.#expected('$env', 'the name of a variable', at);
    const text = this.#named(name)?.trim();
    if (text !== undefined) return {from: 'variable', text};
    if (this.#surroundings.absent === 'warning') return absentVariable(name);
    return this.#problems.refuse(at, `${showableVariable(name)} is not set`, this.#whereToSet(name, at));
  }

  #path(path: string | undefined, at: number): Source | undefined {
    if (path === undefined || path === '') return this.#expected('$file', 'a path', at);
    if (this.#problems.isOpen(at)) return {from: 'absent', shown: path};
    return {from: 'file', path: absolutePath(path, this.#at(at)), at};
  }

  #credential(name: string | undefined, at: number): Source | undefined {
    if (name === undefined || !isFileName(name))
      return this.#expected('$credential', 'the name of a systemd credential', at);
    const directory = this.#named('CREDENTIALS_DIRECTORY');
    if (directory !== undefined) return {from: 'file', path: resolve(directory, name), at};
    if (this.#surroundings.absent === 'warning')
      return {
        from: 'absent',
        message: 'systemd passes its credentials to the service only: only a daemon can read this one',
        shown: '$credential',
      };
    return this.#problems.refuse(
      at,
      'systemd passed no credentials: CREDENTIALS_DIRECTORY is not set',
      'add LoadCredential= or LoadCredentialEncrypted= to the service',
    );
  }

  #command(
    value: Written | undefined,
    at: number,
    text: (written: Written) => string | undefined,
  ): Source | undefined {
    const items = value?.kind === 'list' ? value.items : [];
    const argv = items.map(text).filter((part) => part !== undefined);
    const [program] = argv;
    if (program === undefined || argv.length !== items.length)
      return this.#expected('$command', 'a list: the program and its arguments', at);
    // other names are found on the PATH
    if (/^(?:~|\.\.?)\//.test(program))
      return {from: 'command', argv: [absolutePath(program, this.#at(at)), ...argv.slice(1)]};
    return {from: 'command', argv};
  }

  #keyring(name: string | undefined, at: number): Source | undefined {
    if (name === undefined || name === '') return this.#expected('$keyring', 'the name of an entry', at);
    return {from: 'keyring', name};
  }

  #keyVault(
    value: Written | undefined,
    at: number,
    text: (written: Written | undefined) => string | undefined,
  ): Source | undefined {
    const vault = text(valueAt(value, 'vault'));
    const secret = text(valueAt(value, 'secret'));
    if (value?.kind !== 'map' || value.entries.size !== 2 || vault === undefined || secret === undefined)
      return this.#expected('$keyVault', 'a mapping of vault and secret', at);
    if (!VAULT.test(vault) || !/^[0-9A-Za-z-]{1,127}$/.test(secret))
      return this.#expected('$keyVault', 'the name of a vault, or its host, and the name of a secret', at);
    return {from: 'key-vault', vault, secret};
  }

  /** The daemon may be a service: then it does not have the variables of a shell. */
  #whereToSet(name: string, at: number): string {
    const shown = showableVariable(name).endsWith(name) ? name : 'NAME';
    if (this.#surroundings.directoryOf(at) === machineDirectory)
      return `put ${shown}=value into ${machineDirectory}/env, then run: orgkey service restart --system`;
    return process.platform === 'darwin'
      ? `run: launchctl setenv ${shown} value, then: orgkey service restart`
      : `put ${shown}=value into ~/.config/orgkey/env, then run: orgkey service restart`;
  }

  /** The directories in which paths at an offset begin. */
  #at(at: number): {readonly directory: string; readonly home: string | undefined} {
    const {directoryOf, home} = this.#surroundings;
    return {directory: directoryOf(at), home};
  }

  #expected(source: string, expected: string, at: number): undefined {
    this.#problems.refuse(at, `${source} must be ${expected}`);
  }

  #named(name: string): string | undefined {
    this.#variables.add(name);
    const {environment} = this.#surroundings;
    return Object.hasOwn(environment, name) ? environment[name] : undefined;
  }
}

const SOURCES = ['$env', '$file', '$include', '$command', '$credential', '$keyring', '$keyVault'] as const;

function absentVariable(name: string): Extract<Source, {from: 'absent'}> {
  const variable = showableVariable(name);
  return {
    from: 'absent',
    message: `${variable} is not set here: only a daemon that has it can read it`,
    shown: variable.endsWith(name) ? `\${${name}}` : '${…}',
  };
}

/** The name alone, or the whole host, also with `https://` and a slash at the end. */
const VAULT = /^(?:https:\/\/)?[0-9A-Za-z][0-9A-Za-z-]{1,126}(?:\.[0-9a-z.-]{1,100})?\/?$/;

function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

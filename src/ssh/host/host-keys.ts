import {createHmac} from 'node:crypto';

import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {lowerAscii} from '../../organization/organization.ts';
import {SERVICES_KNOWN_HOSTS} from './known-hosts-data.ts';
import {fingerprintOf} from '../key/public-half.ts';
import {WireReader} from '../relay/wire.ts';

/** The pinned key of a host. Other keys are rejected. */
export interface HostKey {
  /** `ssh-rsa`, `ssh-ed25519`, `ecdsa-sha2-nistp256` … */
  readonly type: string;
  readonly blob: Buffer;
  /** The private half was disclosed: a host that shows this key is rejected. */
  readonly revoked: boolean;
}

type ShownKey = Pick<HostKey, 'type' | 'blob'>;

/** A line that cannot be used; `line` counts from 1. */
export interface KnownHostsProblem {
  readonly line: number;
  /** Half a sentence, lower case, no full stop. */
  readonly message: string;
}

/** Pinned keys of hosts, in OpenSSH's known_hosts format. */
export class KnownHosts {
  readonly problems: readonly KnownHostsProblem[];
  readonly #lines: readonly Line[];

  /** `text`: names and patterns, with `[…]:port` or without, and hashed names. Certificate authorities are problems. */
  constructor(text: string) {
    const read = text.split(/\r?\n/).map((line, at) => readLine(line, at + 1));
    this.problems = read.flatMap((line) => (line.kind === 'problem' ? [line.problem] : []));
    this.#lines = read.flatMap((line) => (line.kind === 'key' ? [line] : []));
  }

  /** Returns the keys of a host. A key that is pinned without a port counts for every port, as in OpenSSH. */
  keysOf(host: string, port: number): HostKey[] {
    const exact = this.#find(nameOf(host, port));
    return exact.length > 0 || port === SSH_PORT ? exact : this.#find(host);
  }

  /** Returns whether a host may have a key here, at any port: hashed names could be its own. */
  mayKnow(host: string): boolean {
    const wanted = lowerAscii(host);
    return this.#lines.some(
      ({names, key}) =>
        !key.revoked &&
        names.some((name) => isName(name.replace(/^\[(.*)\]:.*$/, '$1'), wanted) || HASHED.test(name)),
    );
  }

  #find(name: string): HostKey[] {
    const wanted = lowerAscii(name);
    return this.#lines.filter(({names}) => isAmong(names, wanted)).map(({key}) => key);
  }
}

/** Returns the keys that a rule pins: its own, else those built in for Azure DevOps Services, or trusted for servers. */
export function knownHostsFor(host: string, own: string | undefined, trusted: string): KnownHosts {
  return new KnownHosts(own ?? (isServicesSshHost(lowerAscii(host)) ? SERVICES_KNOWN_HOSTS : trusted));
}

/** Returns how to pin another key for a host once it is confirmed: a command, or a sentence. */
export function howToPin(host: string, port: number, own: string | undefined): string {
  if (own !== undefined || isServicesSshHost(host))
    return `put its line (${nameOf(host, port)} TYPE KEY) into knownHosts of the rule in orgkey.submodules`;
  return `orgkey ssh-key trust ${port === SSH_PORT ? host : `${host}:${port}`}`;
}

export function knownHostsLine(host: string, port: number, {type, blob}: ShownKey): string {
  return `${nameOf(host, port)} ${type} ${blob.toString('base64')}`;
}

/** Returns the lines with the keys of a host replaced. Revoked keys stay. */
export function replaceHostKeys(
  text: string,
  {host, port}: {readonly host: string; readonly port: number},
  keys: readonly ShownKey[],
): string {
  const name = lowerAscii(nameOf(host, port));
  const kept = text.split(/\r?\n/).filter((line) => line !== '');
  return [
    ...kept.flatMap((line) => withoutName(line, name)),
    ...keys.map((key) => knownHostsLine(host, port, key)),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function withoutName(line: string, name: string): string[] {
  const read = readLine(line, 1);
  if (read.kind !== 'key' || read.key.revoked) return [line];
  const {names, key} = read;
  const others = names.filter((known) => isPattern(known) || !isName(known, name));
  if (others.length === names.length) return [line];
  return others.length === 0 ? [] : [`${others.join(',')} ${key.type} ${key.blob.toString('base64')}`];
}

/** Returns `RSA SHA256:…`, as OpenSSH shows host keys. */
export function describeHostKey({type, blob}: ShownKey): string {
  const name = /^(?:ssh-)?([a-z]+[0-9]*)/.exec(type)?.[1] ?? type;
  return `${name.toUpperCase()} ${fingerprintOf(blob)}`;
}

/** Returns the type that a key in SSH's encoding names. `undefined`: it is not a key. */
export function typeOfBlob(blob: Uint8Array): string | undefined {
  try {
    const type = new WireReader(blob).text();
    return KEY_TYPES.includes(type) ? type : undefined;
  } catch {
    return undefined;
  }
}

type Line = {readonly kind: 'key'; readonly names: readonly string[]; readonly key: HostKey};
type Reading =
  | Line
  | {readonly kind: 'problem'; readonly problem: KnownHostsProblem}
  | {readonly kind: 'empty'};

function readLine(text: string, line: number): Reading {
  const fields = text.trim().split(/[ \t]+/);
  if (text.trim() === '' || text.trimStart().startsWith('#')) return {kind: 'empty'};
  const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
  const [hosts = '', type = '', base64 = ''] = fields;
  const names = hosts.split(',');
  const blob = Buffer.from(base64, 'base64');
  const message = problemWith({marker, names, type, base64, blob});
  if (message !== undefined) return {kind: 'problem', problem: {line, message}};
  return {kind: 'key', names: names.map(asCompared), key: {type, blob, revoked: marker !== undefined}};
}

function problemWith({
  marker,
  names,
  type,
  base64,
  blob,
}: {
  readonly marker: string | undefined;
  readonly names: readonly string[];
  readonly type: string;
  readonly base64: string;
  readonly blob: Buffer;
}): string | undefined {
  if (marker !== undefined && marker !== '@revoked') return 'certificate authorities are not supported';
  if (base64 === '') return 'the line must be: host type key';
  if (!names.every((name) => NAME.test(name) || HASHED.test(name))) return 'the host name is not valid';
  if (!KEY_TYPES.includes(type)) return 'the type of the key is not supported';
  if (blob.toString('base64') !== base64 || typeOfBlob(blob) !== type)
    return 'the key is damaged, or not of its type';
  return undefined;
}

/** Returns whether a line is for a host: a name or pattern fits, and none that begins with `!`. */
function isAmong(names: readonly string[], wanted: string): boolean {
  return (
    names.some((known) => isName(known, wanted)) &&
    !names.some((known) => known.startsWith('!') && isName(known.slice(1), wanted))
  );
}

function isPattern(name: string): boolean {
  return /[*?!]/.test(name);
}

function nameOf(host: string, port: number): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}

function isName(known: string, wanted: string): boolean {
  const [, salt, hash] = HASHED.exec(known) ?? [];
  if (salt === undefined || hash === undefined)
    return known === wanted || (isPattern(known) && patternOf(known).test(wanted));
  // the format has SHA-1; it hides names and does not protect keys
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(wanted).digest('base64') === hash;
}

function patternOf(name: string): RegExp {
  const escaped = name.replaceAll(/[[\].]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\*+/g, '.*').replaceAll('?', '.')}$`);
}

/** In lower case, and without the usual port. */
function asCompared(name: string): string {
  return HASHED.test(name) ? name : lowerAscii(name).replace(/^(!?)\[(.*)\]:22$/, '$1$2');
}

const SSH_PORT = 22;
const NAME = /^!?(?:[A-Za-z0-9._:*?-]+|\[[A-Za-z0-9._:*?-]+\]:[0-9*?]{1,5})$/;
const HASHED = /^\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)$/;
const KEY_TYPES: readonly string[] = [
  'ssh-rsa',
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
];

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign as signNow,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import {promisify} from 'node:util';

import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {Secret} from '../../secret/secret.ts';
import type {SigningKey} from './signing-key.ts';
import {mpint, string} from '../relay/wire.ts';

/** The algorithms that keys of ours have, by SSH's names. */
export type KeyType = 'ssh-rsa' | 'ssh-ed25519' | `ecdsa-sha2-nistp${'256' | '384' | '521'}`;

/** By SSH's names; SHA-1 has none here. */
export type SignatureAlgorithm = 'rsa-sha2-512' | 'rsa-sha2-256' | Exclude<KeyType, 'ssh-rsa'>;

/** A key pair whose private half stays in the crypto library: it can sign, and that is all that can be done with it. */
export class PrivateKey implements SigningKey {
  readonly type: KeyType;
  /** In bits. */
  readonly size: number;
  /** As SSH sends it. */
  readonly publicBlob: Buffer;
  readonly #key: KeyObject;

  constructor(key: KeyObject, half: PublicHalf) {
    this.#key = key;
    this.type = half.type;
    this.size = half.size;
    this.publicBlob = half.blob;
  }

  /** `SHA256:…`, as OpenSSH and Azure DevOps' page show it. */
  get fingerprint(): string {
    return fingerprintOf(this.publicBlob);
  }

  get usable(): boolean {
    return true;
  }

  /** The algorithms to offer, best first; never SHA-1. */
  get algorithms(): readonly SignatureAlgorithm[] {
    return algorithmsOf(this.type);
  }

  /** The line to paste at the host. `comment` says where the key lives. */
  publicLine(comment: string): string {
    return `${this.type} ${this.publicBlob.toString('base64')} ${comment}`;
  }

  /** ECDSA signatures come in DER. */
  async sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer> {
    return signWith(hashOf(algorithm), data, this.#key);
  }
}

/** The algorithms to offer for a type, best first; never SHA-1. */
export function algorithmsOf(type: KeyType): readonly SignatureAlgorithm[] {
  return type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
}

export type KeyReading = {readonly kind: 'key'; readonly key: PrivateKey} | KeyRefusal;

export interface KeyRefusal {
  readonly kind: 'refused';
  /** Half a sentence, lower case, no full stop. Never quotes the text. */
  readonly reason: string;
  /** What repairs it. */
  readonly hint: string;
}

/** Below this many bits RSA is no longer sound. */
const MIN_RSA = 2048;
const NEW_RSA = 4096;

/**
 * Reads a private key in one of the three forms that are in use: PKCS#1 (`RSA PRIVATE KEY`), PKCS#8
 * (`PRIVATE KEY`) and OpenSSH's own. `host`, in lower case, is where it will be used.
 */
export async function readPrivateKey(secret: Secret, host: string): Promise<KeyReading> {
  const text = secret.revealText().trim();
  const unfit = refuseText(text);
  if (unfit !== undefined) return unfit;
  const key = await parse(text);
  if (key === undefined) return NOT_WHOLE;
  const half = publicHalfOf(key);
  if (half === undefined) return UNUSED_KIND;
  return refuseHalf(half, host) ?? {kind: 'key', key: new PrivateKey(key, half)};
}

/** What speaks against a key at a host. */
export function refuseHalf(half: PublicHalf, host: string): KeyRefusal | undefined {
  if (half.type === 'ssh-rsa' && half.size < MIN_RSA)
    return refused(
      `an RSA key of ${half.size} bits is too short, ${MIN_RSA} are needed`,
      `make a new one: ${MAKE_NEW}`,
    );
  if (half.type !== 'ssh-rsa' && isServicesSshHost(host))
    return refused(
      `Azure DevOps takes RSA keys only, this one is ${half.type}`,
      `make a new one: ${MAKE_NEW}`,
    );
  return undefined;
}

/** An RSA pair of 4096 bits, as Azure DevOps takes it; the private half in PKCS#8, to be stored. */
export async function makePrivateKey(): Promise<{readonly secret: Secret; readonly key: PrivateKey}> {
  const {privateKey} = await generatePair('rsa', {modulusLength: NEW_RSA});
  const half = publicHalfOf(privateKey);
  if (half === undefined) throw new Error('the new key has no public half');
  const pem = privateKey.export({type: 'pkcs8', format: 'pem'});
  return {
    secret: typeof pem === 'string' ? Secret.fromText(pem) : new Secret(pem),
    key: new PrivateKey(privateKey, half),
  };
}

/** Where the public half is pasted. */
export function keyPageOf(organization: string, host: string): string {
  return isServicesSshHost(host)
    ? `https://dev.azure.com/${organization}/_usersSettings/keys`
    : `the user settings of ${host}, SSH public keys`;
}

/** Keys of Azure DevOps end after a year, in milliseconds. */
export const KEY_LIFE = 365 * 24 * 60 * 60 * 1000;

/** `SHA256:…` of a public key as SSH sends it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

const MAKE_NEW = 'orgkey ssh-key new ORGANIZATION';
const generatePair = promisify(generateKeyPair);
const signWith = promisify(signNow);

export const NOT_WHOLE: KeyRefusal = {
  kind: 'refused',
  reason: 'the text is not a private key, or not a whole one',
  hint: 'copy the key file again, with its first and last line',
};

export const UNUSED_KIND: KeyRefusal = {
  kind: 'refused',
  reason: 'keys of this kind are not used over ssh',
  hint: `make a new one: ${MAKE_NEW}`,
};

/** What can be told from the text alone, its first two lines even, in the order in which people go wrong. */
export function refuseText(text: string): KeyRefusal | undefined {
  if (text === '') return refused('there is no key', 'give the text of a private key file');
  if (text.startsWith('PuTTY-User-Key-File-'))
    return refused(
      'the key is in the format of PuTTY',
      'convert it: puttygen KEY.ppk -O private-openssh -o KEY',
    );
  if (
    /^(?:ssh-|ecdsa-|sk-)\S+ AAAA/.test(text) ||
    /^-----BEGIN (?:RSA )?PUBLIC KEY-----|^---- BEGIN SSH2 PUBLIC/.test(text)
  )
    return refused('this is the public half', 'give the other file, the one without .pub');
  if (text.startsWith('-----BEGIN CERTIFICATE-----'))
    return refused('this is a certificate, not a key', 'give the text of a private key file');
  const begin = /^-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----\r?\n/.exec(text);
  if (begin === null) return refused('the text is no key', 'give the text of a private key file');
  if (begin[1] === 'ENCRYPTED ' || /^Proc-Type: *4,ENCRYPTED/m.test(text) || isEncryptedOpenSsh(text))
    return refused(
      'the key has a passphrase, and nobody is there to type it',
      "remove it from a copy that is made for this: ssh-keygen -p -N '' -f KEY",
    );
  return undefined;
}

/** OpenSSH's format names the cipher in the clear, right after its magic. */
function isEncryptedOpenSsh(text: string): boolean {
  const body = /^-----BEGIN OPENSSH PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)/.exec(text)?.[1];
  if (body === undefined) return false;
  const bytes = Buffer.from(body, 'base64');
  const head = Buffer.concat([Buffer.from('openssh-key-v1\0'), string('none')]);
  const encrypted =
    bytes.subarray(0, 15).equals(head.subarray(0, 15)) && !bytes.subarray(0, head.length).equals(head);
  bytes.fill(0);
  return encrypted;
}

async function parse(text: string): Promise<KeyObject | undefined> {
  const pem = text.startsWith('-----BEGIN OPENSSH ') ? await pemOfOpenSsh(text) : `${text}\n`;
  if (pem === undefined) return undefined;
  try {
    const key = createPrivateKey(pem);
    return isWhole(key) ? key : undefined;
  } catch {
    // whatever the library says of it could quote the text
    return undefined;
  }
}

/** A damaged key may still be read: its halves do not fit then. */
function isWhole(key: KeyObject): boolean {
  const probe = Buffer.from('orgkey');
  const hash = key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256';
  return verify(hash, probe, createPublicKey(key), signNow(hash, probe, key));
}

/** Node's library does not read OpenSSH's own format, ssh2 does. */
async function pemOfOpenSsh(text: string): Promise<string | undefined> {
  const {default: ssh2} = await import('ssh2');
  const parsed: unknown = ssh2.utils.parseKey(text);
  // it gives a list for this format, whatever its types say
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (typeof first !== 'object' || first === null || !('getPrivatePEM' in first)) return undefined;
  const pem: unknown = typeof first.getPrivatePEM === 'function' ? first.getPrivatePEM() : undefined;
  return typeof pem === 'string' ? pem : undefined;
}

export interface PublicHalf {
  readonly type: KeyType;
  /** In bits. */
  readonly size: number;
  /** As SSH sends it. */
  readonly blob: Buffer;
}

export function publicHalfOf(key: KeyObject): PublicHalf | undefined {
  // others have no form that could be exported
  if (!['rsa', 'ed25519', 'ec'].includes(key.asymmetricKeyType ?? '')) return undefined;
  const half: JsonWebKey = createPublicKey(key).export({format: 'jwk'});
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return {
        type: 'ssh-rsa',
        size: key.asymmetricKeyDetails?.modulusLength ?? 0,
        blob: Buffer.concat([string('ssh-rsa'), mpint(bytesOf(half.e)), mpint(bytesOf(half.n))]),
      };
    case 'ed25519':
      return {
        type: 'ssh-ed25519',
        size: 256,
        blob: Buffer.concat([string('ssh-ed25519'), string(bytesOf(half.x))]),
      };
    case 'ec':
      return ecdsaHalfOf(half);
    default:
      return undefined;
  }
}

function ecdsaHalfOf(half: JsonWebKey): PublicHalf | undefined {
  const size = /^P-(256|384|521)$/.exec(half.crv ?? '')?.[1];
  if (size !== '256' && size !== '384' && size !== '521') return undefined;
  const type = `ecdsa-sha2-nistp${size}` as const;
  const point = Buffer.concat([Buffer.of(4), bytesOf(half.x), bytesOf(half.y)]);
  return {
    type,
    size: Number(size),
    blob: Buffer.concat([string(type), string(`nistp${size}`), string(point)]),
  };
}

function bytesOf(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? '', 'base64url');
}

/** `undefined`: the algorithm has its own. */
export function hashOf(algorithm: SignatureAlgorithm): string | undefined {
  switch (algorithm) {
    case 'rsa-sha2-512':
    case 'ecdsa-sha2-nistp521':
      return 'sha512';
    case 'rsa-sha2-256':
    case 'ecdsa-sha2-nistp256':
      return 'sha256';
    case 'ecdsa-sha2-nistp384':
      return 'sha384';
    case 'ssh-ed25519':
      return undefined;
  }
}

function refused(reason: string, hint: string): KeyRefusal {
  return {kind: 'refused', reason, hint};
}

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign as signNow,
  verify,
  type KeyObject,
} from 'node:crypto';
import {promisify} from 'node:util';

import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {Secret} from '../../secret/secret.ts';
import {hashOf, type SignatureAlgorithm} from './algorithms.ts';
import {publicHalfOf, type PublicHalf} from './public-half.ts';
import {SigningKey} from './signing-key.ts';
import {string} from '../relay/wire.ts';

/** A key pair whose private half stays in the crypto library: it can sign, but cannot be read. */
class PrivateKey extends SigningKey {
  readonly #key: KeyObject;

  constructor(key: KeyObject, half: PublicHalf) {
    super(half);
    this.#key = key;
  }

  async sign(data: Uint8Array, algorithm: SignatureAlgorithm): Promise<Buffer> {
    return signWith(hashOf(algorithm), data, this.#key);
  }
}

type KeyReading = {readonly kind: 'key'; readonly key: PrivateKey} | KeyFailure;

export interface KeyFailure {
  readonly kind: 'failed';
  /** Half a sentence, lower case, no full stop. Never quotes the text. */
  readonly reason: string;
  readonly hint: string;
  /** The text of the key could not be read, so that it may still be valid. */
  readonly isUnread?: true;
}

/** In bits; shorter RSA keys are not safe. */
const MIN_RSA = 2048;
const NEW_RSA = 4096;

/**
 * Reads a private key in one of the three forms in use: PKCS#1 (`RSA PRIVATE KEY`), PKCS#8 (`PRIVATE KEY`) and
 * OpenSSH's own. `host`, in lower case, is where it will be used.
 */
export async function readPrivateKey(secret: Secret, host: string): Promise<KeyReading> {
  const text = secret.revealText().trim();
  const failure = checkText(text);
  if (failure !== undefined) return failure;
  const key = await parse(text);
  if (key === undefined) return NOT_COMPLETE;
  const half = publicHalfOf(key);
  if (half === undefined) return UNUSED_KIND;
  return checkHalf(half, host) ?? {kind: 'key', key: new PrivateKey(key, half)};
}

/** Returns why a host would not accept a key, if it would not. `host` is in lower case. */
export function checkHalf(half: PublicHalf, host: string): KeyFailure | undefined {
  if (half.type === 'ssh-rsa' && half.size < MIN_RSA)
    return failed(
      `the RSA key is too short: ${half.size} bits instead of at least ${MIN_RSA}`,
      `make a new one: ${MAKE_NEW}`,
    );
  if (half.type !== 'ssh-rsa' && isServicesSshHost(host))
    return failed(`Azure DevOps accepts only RSA keys, not ${half.type}`, `make a new one: ${MAKE_NEW}`);
  return undefined;
}

/** Makes an RSA pair of 4096 bits, as Azure DevOps accepts it. `secret` is the private half in PKCS#8, to be stored. */
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

/** Returns where the user pastes the public half. */
export function keyPageOf(organization: string, host: string): string {
  return isServicesSshHost(host)
    ? `https://dev.azure.com/${organization}/_usersSettings/keys`
    : `the user settings of ${host}, SSH public keys`;
}

/** In milliseconds; Azure DevOps lets keys expire after a year. */
export const KEY_LIFE = 365 * 24 * 60 * 60 * 1000;

const MAKE_NEW = 'orgkey ssh-key new ORGANIZATION';
const generatePair = promisify(generateKeyPair);
const signWith = promisify(signNow);

const NOT_COMPLETE = failed(
  'the text is not a complete private key',
  'copy the key file again, with its first and last line',
);

const UNUSED_KIND = failed('ssh does not use keys of this kind', `make a new one: ${MAKE_NEW}`);

/** Finds what the text alone shows, most frequent mistake first. */
function checkText(text: string): KeyFailure | undefined {
  if (text === '') return failed('the key is empty', 'give the text of a private key file');
  if (text.startsWith('PuTTY-User-Key-File-'))
    return failed('the key is in PuTTY’s format', 'convert it: puttygen KEY.ppk -O private-openssh -o KEY');
  if (isPublicText(text))
    return failed('this is the public half', 'give the other file, the one without .pub');
  if (text.startsWith('-----BEGIN CERTIFICATE-----'))
    return failed('this is a certificate, not a key', 'give the text of a private key file');
  if (isBase64OfKey(text))
    return failed('this is base64 of a key file', 'decode it: base64 -d FILE > KEY, then chmod 600 KEY');
  if (/^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----(?!\r?\n)/.test(text))
    return failed(
      /^-----BEGIN [A-Z0-9 ]+-----(?:\\r)?\\n/.test(text)
        ? String.raw`the line breaks of the key are missing, \n is written in their place`
        : 'the line breaks of the key are missing',
      'copy the key file again as it is; in YAML, write the text as a block: |',
    );
  const begin = /^-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----\r?\n/.exec(text);
  if (begin === null) return failed('the text is not a private key', 'give the text of a private key file');
  if (begin[1] === 'ENCRYPTED ' || /^Proc-Type: *4,ENCRYPTED/m.test(text) || isEncryptedOpenSsh(text))
    return failed(
      'the key has a passphrase, which the daemon cannot ask for',
      "remove it from a copy made for orgkey: ssh-keygen -p -N '' -f KEY",
    );
  return undefined;
}

function isBase64OfKey(text: string): boolean {
  if (!/^[A-Za-z0-9+/=\s]+$/.test(text)) return false;
  const bytes = Buffer.from(text, 'base64');
  const found = bytes.subarray(0, 11).equals(Buffer.from('-----BEGIN '));
  bytes.fill(0);
  return found;
}

function isPublicText(text: string): boolean {
  return (
    /^(?:ssh-|ecdsa-|sk-)\S+ AAAA/.test(text) ||
    /^-----BEGIN (?:RSA )?PUBLIC KEY-----|^---- BEGIN SSH2 PUBLIC/.test(text)
  );
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
    // the library's message could quote the key
    return undefined;
  }
}

/** The library also reads a damaged key: its halves do not match then. */
function isWhole(key: KeyObject): boolean {
  const probe = Buffer.from('orgkey');
  const hash = key.asymmetricKeyType === 'ed25519' ? undefined : 'sha256';
  return verify(hash, probe, createPublicKey(key), signNow(hash, probe, key));
}

/** Node does not read OpenSSH's own format, ssh2 does. */
async function pemOfOpenSsh(text: string): Promise<string | undefined> {
  const {default: ssh2} = await import('ssh2');
  const parsed: unknown = ssh2.utils.parseKey(text);
  // for this format it returns a list, although its types say otherwise
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (typeof first !== 'object' || first === null || !('getPrivatePEM' in first)) return undefined;
  const pem: unknown = typeof first.getPrivatePEM === 'function' ? first.getPrivatePEM() : undefined;
  return typeof pem === 'string' ? pem : undefined;
}

export function failed(reason: string, hint: string): KeyFailure {
  return {kind: 'failed', reason, hint};
}

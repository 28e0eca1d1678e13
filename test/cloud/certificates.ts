import {
  createHash,
  createPublicKey,
  generateKeyPair,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import {isIP} from 'node:net';
import {promisify} from 'node:util';
import * as der from './der.ts';

export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface CertificateAuthority {
  /** PEM, for `NODE_EXTRA_CA_CERTS` and `GIT_SSL_CAINFO`. */
  readonly certificate: string;
  /** Issues a server certificate for the names, the first as its subject. Default validity: from yesterday for a year. */
  issue(names: readonly string[], validity?: Validity): Certificate;
}

const day = 86_400_000;

/**
 * An authority with P-256 keys: made in a millisecond, and its handshakes cost a tenth of RSA's.
 * All its server certificates share one key.
 */
export function createCertificateAuthority(name: string): CertificateAuthority {
  const authority = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  const server = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  const certificate = createCertificate({
    subject: name,
    issuer: name,
    publicKey: authority.publicKey,
    signingKey: authority.privateKey,
    validity: around(Date.now()),
    extensions: [
      extension('2.5.29.19', der.sequence(der.boolean(true)), true),
      // keyCertSign and cRLSign
      extension('2.5.29.15', der.bits(Buffer.from([0b0000_0110]), 1), true),
      subjectKey(authority.publicKey),
    ],
  });
  const privateKey = server.privateKey.export({type: 'pkcs8', format: 'pem'}).toString();
  return {
    certificate,
    issue(names, validity = around(Date.now())) {
      const leaf = createCertificate({
        subject: names[0] ?? 'unnamed',
        issuer: name,
        publicKey: server.publicKey,
        signingKey: authority.privateKey,
        validity,
        extensions: [
          extension('2.5.29.19', der.sequence(), true),
          // digitalSignature
          extension('2.5.29.15', der.bits(Buffer.from([0b1000_0000]), 7), true),
          // serverAuth
          extension('2.5.29.37', der.sequence(der.objectIdentifier('1.3.6.1.5.5.7.3.1'))),
          extension('2.5.29.17', der.sequence(...names.map(alternativeName))),
          subjectKey(server.publicKey),
          extension('2.5.29.35', der.sequence(der.implicit(0, keyIdentifier(authority.publicKey)))),
        ],
      });
      return {certificate: leaf + certificate, privateKey};
    },
  };
}

/** A self-signed RSA certificate as an application registers it with Entra. `pem` holds both parts, key first. */
export async function createClientCertificate(
  name = 'client',
  validity: Validity = around(Date.now()),
): Promise<Certificate & {readonly pem: string}> {
  const {publicKey, privateKey} = await promisify(generateKeyPair)('rsa', {modulusLength: 2048});
  const certificate = createCertificate({
    subject: name,
    issuer: name,
    publicKey,
    signingKey: privateKey,
    validity,
    extensions: [],
  });
  const key = privateKey.export({type: 'pkcs8', format: 'pem'}).toString();
  return {certificate, privateKey: key, pem: key + certificate};
}

function around(now: number): Validity {
  return {notBefore: new Date(now - day), notAfter: new Date(now + 365 * day)};
}

export function expiredYesterday(now: number): Validity {
  return {notBefore: new Date(now - 30 * day), notAfter: new Date(now - day)};
}

function createCertificate({
  subject,
  issuer,
  publicKey,
  signingKey,
  validity,
  extensions,
}: {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signingKey: KeyObject;
  validity: Validity;
  extensions: readonly Buffer[];
}): string {
  const algorithm =
    signingKey.asymmetricKeyType === 'rsa'
      ? der.sequence(der.objectIdentifier('1.2.840.113549.1.1.11'), Buffer.from([5, 0]))
      : der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2'));
  const serial = randomBytes(16);
  // Without a leading zero byte, which strict readers reject
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  const body = der.sequence(
    der.explicit(0, der.integer(Buffer.from([2]))),
    der.integer(serial),
    algorithm,
    commonName(issuer),
    der.sequence(der.time(validity.notBefore), der.time(validity.notAfter)),
    commonName(subject),
    publicKey.export({type: 'spki', format: 'der'}),
    ...(extensions.length > 0 ? [der.explicit(3, der.sequence(...extensions))] : []),
  );
  const whole = der.sequence(body, algorithm, der.bits(sign('sha256', body, signingKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function commonName(name: string): Buffer {
  // X.520 allows 64 characters
  return der.sequence(der.set(der.sequence(der.objectIdentifier('2.5.4.3'), der.text(name.slice(0, 64)))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return der.sequence(der.objectIdentifier(id), ...(critical ? [der.boolean(true)] : []), der.octets(value));
}

function alternativeName(name: string): Buffer {
  return isIP(name) === 4
    ? der.implicit(7, Buffer.from(name.split('.').map(Number)))
    : der.implicit(2, Buffer.from(name));
}

function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({type: 'spki', format: 'der'}))
    .digest();
}

function subjectKey(key: KeyObject): Buffer {
  return extension('2.5.29.14', der.octets(keyIdentifier(key)));
}

/** Thumbprints as Entra's `x5t` and `x5t#S256` give them: base64url of the hash of the DER form. */
export function thumbprintsOf(certificate: string): {readonly sha1: string; readonly sha256: string} {
  const block = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(certificate)?.[1] ?? '';
  const bytes = Buffer.from(block, 'base64');
  return {
    sha1: createHash('sha1').update(bytes).digest('base64url'),
    sha256: createHash('sha256').update(bytes).digest('base64url'),
  };
}

export function publicKeyOf(certificate: string): KeyObject {
  return createPublicKey(certificate);
}

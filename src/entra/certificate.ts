import {createPrivateKey, X509Certificate, type KeyObject} from 'node:crypto';
import {secretOf, type Job} from './job.ts';
import {localFailure} from './failure.ts';

/**
 * Returns the job's certificate and key as the SDK needs them: PEM, the key not encrypted, RSA only.
 * @throws {AcquirerError} with the command that repairs it, if the SDK could not use them.
 */
export function readCertificate(job: Job): string {
  const {certificate, key} = usableCertificate(job);
  return `${certificate.toString()}${key.export({type: 'pkcs8', format: 'pem'}).toString()}`;
}

/** Returns when the job's certificate ends, in milliseconds since epoch. @throws {AcquirerError} as `readCertificate`. */
export function certificateEnd(job: Job): number {
  return Date.parse(usableCertificate(job).certificate.validTo);
}

function usableCertificate(job: Job): {readonly certificate: X509Certificate; readonly key: KeyObject} {
  const bytes = job.secrets['clientCertificate'] ?? new Uint8Array();
  if (isPfx(bytes))
    throw localFailure(
      'ERR_CERTIFICATE_FORMAT',
      'the client certificate is a PFX (PKCS#12) file, and PEM is needed',
      'Convert it: openssl pkcs12 -in app.pfx -nodes -out app.pem',
    );
  const pem = secretOf(job, 'clientCertificate');
  const key = readKey(pem, job);
  const certificate = readCertificates(pem).find((candidate) => candidate.checkPrivateKey(key));
  if (certificate === undefined)
    throw localFailure(
      'ERR_CERTIFICATE_KEY',
      'the private key does not belong to the client certificate',
      'Put the certificate and its own key into one PEM file: cat app.crt app.key > app.pem',
    );
  if (Date.parse(certificate.validTo) < Date.now())
    throw localFailure(
      'ERR_CERTIFICATE_EXPIRED',
      `the client certificate expired on ${dayOf(certificate.validTo)}`,
      'Make a new one, upload its public half to the app registration, and replace the file.',
    );
  return {certificate, key};
}

function readKey(pem: string, job: Job): KeyObject {
  const block = /-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----[\s\S]+?-----END \1-----/.exec(pem)?.[0];
  if (block === undefined)
    throw localFailure(
      'ERR_CERTIFICATE_FORMAT',
      'the file of the client certificate has no private key',
      'Put the certificate and its key into one PEM file: cat app.crt app.key > app.pem',
    );
  const isEncrypted = /ENCRYPTED/.test(block);
  const password = job.secrets['clientCertificatePassword'];
  if (isEncrypted && (password === undefined || password.length === 0))
    throw localFailure(
      'ERR_CERTIFICATE_PASSWORD',
      'the private key of the client certificate is encrypted, and its password is missing',
      'Set clientCertificatePassword, or remove the encryption: openssl pkey -in app.pem -out app.key',
    );
  const key = parseKey(block, isEncrypted ? new TextDecoder().decode(password) : undefined);
  if (key.asymmetricKeyType !== 'rsa')
    throw localFailure(
      'ERR_CERTIFICATE_KEY_TYPE',
      `the key of the client certificate is ${describeKeyType(key)}, and Entra's client library signs with RSA only`,
      'Make an RSA certificate: openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=orgkey -keyout app.key -out app.crt',
    );
  return key;
}

function parseKey(block: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? block : {key: block, passphrase});
  } catch {
    // OpenSSL does not name a more precise reason
    throw passphrase === undefined
      ? localFailure(
          'ERR_CERTIFICATE_FORMAT',
          'the private key of the client certificate cannot be read',
          'Check the file: openssl pkey -in app.pem -noout -check',
        )
      : localFailure(
          'ERR_CERTIFICATE_PASSWORD',
          'the password does not open the private key of the client certificate',
          'Check clientCertificatePassword.',
        );
  }
}

function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0)
    throw localFailure(
      'ERR_CERTIFICATE_FORMAT',
      'the file has a private key but no certificate',
      'Put the certificate and its key into one PEM file: cat app.crt app.key > app.pem',
    );
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw localFailure(
      'ERR_CERTIFICATE_FORMAT',
      'the client certificate cannot be read',
      'Check the file: openssl x509 -in app.pem -noout -text',
    );
  }
}

/** Whether the bytes are a DER sequence, bare or in base64. */
function isPfx(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0x30 || /^MI[A-Za-z0-9+/\s]+={0,2}\s*$/.test(Buffer.from(bytes).toString('latin1').trim())
  );
}

function describeKeyType({asymmetricKeyType}: KeyObject): string {
  return asymmetricKeyType === 'ec'
    ? 'an elliptic curve key'
    : `a key of type ${asymmetricKeyType ?? 'unknown'}`;
}

function dayOf(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}

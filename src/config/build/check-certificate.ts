import type {Secret} from '../../secret/secret.ts';

/** Returns why a secret cannot be a client certificate, as far as that shows without the password. */
export function whyNoCertificate(
  certificate: Secret,
): {readonly message: string; readonly hint: string | undefined} | undefined {
  const text = certificate.revealText();
  if (!text.includes('-----BEGIN '))
    return {
      message: 'the client certificate must be PEM with the certificate and its key',
      hint: 'convert a PFX file: openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes',
    };
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    return {message: 'the client certificate’s PEM has no certificate', hint: 'put both into one file'};
  if (!/-----BEGIN (?:RSA |EC |ENCRYPTED )?PRIVATE KEY-----/.test(text))
    return {message: 'the client certificate’s PEM has no private key', hint: 'put both into one file'};
  if (text.includes('-----BEGIN EC PRIVATE KEY-----'))
    return {
      message: 'the client certificate’s key is an EC key',
      hint: 'use an RSA key: Entra accepts no other for certificates',
    };
  return undefined;
}

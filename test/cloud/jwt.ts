import {constants, createPublicKey, sign, verify, type KeyObject} from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

export interface DecodedJwt {
  readonly header: Claims;
  readonly claims: Claims;
  readonly signed: string;
  readonly signature: Buffer;
}

/** An RSA key that signs tokens and is published as a JSON web key. */
export interface SigningKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** As the `keys` document of an issuer lists it. */
  readonly jwk: object;
}

export function createSigningKey(id: string, privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const jwk = {...publicKey.export({format: 'jwk'}), kid: id, use: 'sig', alg: 'RS256', x5t: id};
  return {id, privateKey, publicKey, jwk};
}

/** @returns a JSON web token signed with RS256. */
export function signJwt(claims: Claims, key: SigningKey): string {
  const header = {typ: 'JWT', alg: 'RS256', x5t: key.id, kid: key.id};
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key.privateKey).toString('base64url')}`;
}

export function decodeJwt(token: string): DecodedJwt | undefined {
  const [header, claims, signature, ...more] = token.split('.');
  if (!header || !claims || !signature || more.length > 0) return undefined;
  try {
    return {
      header: parseObject(header),
      claims: parseObject(claims),
      signed: `${header}.${claims}`,
      signature: Buffer.from(signature, 'base64url'),
    };
  } catch {
    return undefined;
  }
}

export function isSignedBy(jwt: DecodedJwt, key: KeyObject): boolean {
  const data = Buffer.from(jwt.signed);
  switch (jwt.header['alg']) {
    case 'RS256':
      return verify('sha256', data, key, jwt.signature);
    case 'PS256':
      return verify(
        'sha256',
        data,
        {key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32},
        jwt.signature,
      );
    default:
      return false;
  }
}

/** A claim as text, empty if it is missing or anything else. */
export function textClaim(claims: Claims, name: string): string {
  const value = claims[name];
  return typeof value === 'string' ? value : '';
}

/** A claim in seconds as milliseconds since epoch; 0 if it is missing. */
export function timeClaim(claims: Claims, name: string): number {
  const value = claims[name];
  return typeof value === 'number' ? value * 1000 : 0;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function parseObject(part: string): Claims {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
  if (typeof value !== 'object' || value === null) throw new Error('not an object');
  return value as Claims;
}

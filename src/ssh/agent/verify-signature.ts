import {createPublicKey, verify, type JsonWebKey} from 'node:crypto';

import {hashOf, type PublicHalf, type SignatureAlgorithm} from '../key/private-key.ts';
import {WireReader} from '../relay/wire.ts';

/** Whether a signature, as SSH sends it, is that of a key. */
export function isSignedBy(
  half: PublicHalf,
  data: Uint8Array,
  signature: Uint8Array,
  algorithm: SignatureAlgorithm,
): boolean {
  try {
    const key = createPublicKey({key: jwkOf(half), format: 'jwk'});
    const isPair = half.type.startsWith('ecdsa-');
    return verify(
      hashOf(algorithm),
      data,
      isPair ? {key, dsaEncoding: 'ieee-p1363'} : key,
      isPair ? pairOf(signature, Math.ceil(half.size / 8)) : signature,
    );
  } catch {
    // numbers that are no key, bytes that are no signature
    return false;
  }
}

function jwkOf({type, blob}: PublicHalf): JsonWebKey {
  const reader = new WireReader(blob);
  reader.string();
  const first = reader.string();
  switch (type) {
    case 'ssh-rsa':
      return {kty: 'RSA', e: first.toString('base64url'), n: unsigned(reader.string()).toString('base64url')};
    case 'ssh-ed25519':
      return {kty: 'OKP', crv: 'Ed25519', x: first.toString('base64url')};
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      // 4 says that both coordinates follow
      const point = reader.string().subarray(1);
      const half = point.length / 2;
      return {
        kty: 'EC',
        crv: `P-${type.slice(-3)}`,
        x: point.toString('base64url', 0, half),
        y: point.toString('base64url', half),
      };
    }
  }
}

/** Two numbers of SSH, as the two halves that they are elsewhere. */
function pairOf(signature: Uint8Array, length: number): Buffer {
  const reader = new WireReader(signature);
  const pair = Buffer.alloc(2 * length);
  for (const end of [length, 2 * length]) {
    const number = unsigned(reader.string());
    number.copy(pair, end - number.length);
  }
  return pair;
}

function unsigned(number: Buffer): Buffer {
  const start = number.findIndex((digit) => digit !== 0);
  return start === -1 ? number.subarray(number.length) : number.subarray(start);
}

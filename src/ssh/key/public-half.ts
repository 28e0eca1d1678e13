import {createHash, createPublicKey, type JsonWebKey, type KeyObject} from 'node:crypto';

import type {KeyType} from './algorithms.ts';
import {mpint, string} from '../relay/wire.ts';

export interface PublicHalf {
  readonly type: KeyType;
  /** In bits. */
  readonly size: number;
  /** In SSH's encoding. */
  readonly blob: Buffer;
}

/** Returns the public half of a public or private key. `undefined` if SSH has no such kind of key. */
export function publicHalfOf(key: KeyObject): PublicHalf | undefined {
  // other kinds cannot be exported as JWK
  if (!['rsa', 'ed25519', 'ec'].includes(key.asymmetricKeyType ?? '')) return undefined;
  const half: JsonWebKey = (key.type === 'public' ? key : createPublicKey(key)).export({format: 'jwk'});
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

/** Returns `SHA256:…`, as OpenSSH and the page of Azure DevOps show it. `blob` is in SSH's encoding. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
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

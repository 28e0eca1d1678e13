import {createHmac, type Hmac} from 'node:crypto';
import type {Identity, SecretSource} from '../identity/identity.ts';
import type {Secret} from '../token/secret.ts';
import type {EntraSettings} from './configuration.ts';

/** What decides what an identity gets, in an order that stays. */
export type Deciding = readonly (string | readonly string[] | SecretSource | undefined)[];

/** Names what an identity gets: equal keys share their tokens. */
export type MakeKey = (kind: Identity['kind'], deciding: Deciding) => string;

/** Secrets go in as a hash keyed with `key`, which is random for each process: nothing can be had from the names. */
export function keyMaker(key: Uint8Array, entra: EntraSettings): MakeKey {
  const authority = [entra.authorityHost, entra.disableInstanceDiscovery];
  return (kind, deciding) => {
    const described = deciding.map((part) => (isHeld(part) ? {held: part.secret.length} : (part ?? null)));
    const hash = createHmac('sha256', key).update(JSON.stringify([kind, authority, described]));
    for (const part of deciding) if (isHeld(part)) updateWith(hash, part.secret);
    return `${kind}:${hash.digest('base64url')}`;
  };
}

function updateWith(hash: Hmac, secret: Secret): void {
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  hash.update(bytes);
  bytes.fill(0);
}

function isHeld(part: Deciding[number]): part is Extract<SecretSource, {from: 'held'}> {
  return typeof part === 'object' && 'from' in part && part.from === 'held';
}

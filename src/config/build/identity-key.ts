import {hash} from 'node:crypto';
import type {Identity, SecretSource} from '../../identity/identity.ts';
import type {EntraSettings} from '../configuration.ts';

/** What decides what an identity gets, in an order that stays. */
type Deciding = readonly (string | readonly string[] | SecretSource | undefined)[];

/** Names what an identity gets: equal keys share their tokens. */
export type MakeKey = (kind: Identity['kind'], deciding: Deciding) => string;

/** Secrets go in as a hash keyed with `key`, which is random for each process: nothing can be had from the names. */
export function keyMaker(key: Uint8Array, entra: EntraSettings): MakeKey {
  const authority = [entra.authorityHost, entra.disableInstanceDiscovery];
  return (kind, deciding) => {
    const held = deciding.filter(isHeld);
    // with the lengths of the secrets in it, what follows can be cut in one way only
    const described = deciding.map((part) => (isHeld(part) ? {held: part.secret.length} : (part ?? null)));
    const text = Buffer.from(JSON.stringify([kind, authority, described]));
    const bytes = Buffer.alloc(held.reduce((sum, {secret}) => sum + secret.length, key.length + text.length));
    bytes.set(key);
    bytes.set(text, key.length);
    let at = key.length + text.length;
    for (const {secret} of held) {
      secret.copyTo(bytes, at);
      at += secret.length;
    }
    // one call each: ten thousand Hmac objects take a tenth of a second
    const inner = hash('sha256', bytes, 'buffer');
    bytes.fill(0);
    return `${kind}:${hash('sha256', Buffer.concat([key, inner]), 'base64url')}`;
  };
}

function isHeld(part: Deciding[number]): part is Extract<SecretSource, {from: 'held'}> {
  return typeof part === 'object' && 'from' in part && part.from === 'held';
}

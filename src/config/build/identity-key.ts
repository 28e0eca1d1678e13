import {hash} from 'node:crypto';
import type {Identity, SecretSource} from '../../identity/identity.ts';
import type {EntraSettings} from '../configuration.ts';

/** The values that decide which tokens an identity gets, always in the same order. */
type Deciding = readonly (string | readonly string[] | SecretSource | undefined)[];

/** Makes the key of an identity: identities with equal keys share their tokens. */
export type MakeKey = (kind: Identity['kind'], deciding: Deciding) => string;

/** Makes keys that reveal nothing: secrets are hashed with `key`, which is random for each process. */
export function keyMaker(key: Uint8Array, entra: EntraSettings): MakeKey {
  const authority = [entra.authorityHost, entra.disableInstanceDiscovery];
  return (kind, deciding) => {
    const held = deciding.filter(isHeld);
    // has the lengths of the secrets, so that the bytes which follow can be split in one way only
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
    // no Hmac objects: ten thousand take a tenth of a second
    const inner = hash('sha256', bytes, 'buffer');
    bytes.fill(0);
    return `${kind}:${hash('sha256', Buffer.concat([key, inner]), 'base64url')}`;
  };
}

function isHeld(part: Deciding[number]): part is Extract<SecretSource, {from: 'held'}> {
  return typeof part === 'object' && 'from' in part && part.from === 'held';
}
